//! A message row, and how it becomes a message again. A value that cannot be read is reported
//! with table, column and id; it is never guessed.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Error, change::unpack_tlvs};
use crate::domain::{
    Body, ChargeAt, Currency, Keyword, MessageId, MessageState, MoMessage, Money, Msisdn,
    MtMessage, OnUnknown, PartnerId, Price, ReceiptWish, Sender, ServiceId, ShortCode, TariffId,
};

/// Every column of `message`, in the order of the schema.
pub(super) const COLUMNS: &str = "m.id, m.direction, m.partner_id, m.service_id, \
    m.service_version, m.caller, m.link_group, m.sender, m.sender_kind, m.recipient, \
    m.data_coding, m.has_udh, m.body, m.parts, m.tariff_id, m.tariff_code, m.gross_minor, \
    m.net_minor, m.currency, m.charge_at, m.on_unknown, m.accepted_at, m.deliver_after, \
    m.valid_until, m.receipts, m.reference, m.partner_reference, m.short_id, m.service_type, \
    m.priority, m.protocol_id, m.keyword, m.tlvs, m.state, m.state_at, m.error";

#[derive(Debug, sqlx::FromRow)]
pub(super) struct MessageRow {
    pub(super) id: i64,
    pub(super) direction: String,
    pub(super) partner_id: Option<i64>,
    pub(super) service_id: Option<i64>,
    pub(super) service_version: Option<i64>,
    pub(super) caller: String,
    pub(super) link_group: String,
    pub(super) sender: String,
    pub(super) sender_kind: String,
    pub(super) recipient: String,
    pub(super) data_coding: i64,
    pub(super) has_udh: i64,
    pub(super) body: Vec<u8>,
    pub(super) parts: i64,
    pub(super) tariff_id: Option<i64>,
    pub(super) tariff_code: Option<String>,
    pub(super) gross_minor: Option<i64>,
    pub(super) net_minor: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) charge_at: Option<String>,
    pub(super) on_unknown: String,
    pub(super) accepted_at: i64,
    pub(super) deliver_after: i64,
    pub(super) valid_until: i64,
    pub(super) receipts: i64,
    pub(super) reference: Option<i64>,
    pub(super) partner_reference: Option<String>,
    pub(super) short_id: Option<String>,
    pub(super) service_type: String,
    pub(super) priority: i64,
    pub(super) protocol_id: i64,
    pub(super) keyword: Option<String>,
    pub(super) tlvs: Option<Vec<u8>>,
    pub(super) state: String,
    pub(super) state_at: i64,
    pub(super) error: Option<String>,
}

impl MessageRow {
    pub(super) fn state(&self) -> Result<MessageState, Error> {
        MessageState::parse(&self.state).ok_or_else(|| self.corrupt("state", &self.state))
    }

    pub(super) fn into_mt(self) -> Result<Arc<MtMessage>, Error> {
        let sender = match self.sender_kind.as_str() {
            "name" => Sender::name(&self.sender),
            _ => Sender::parse(&self.sender),
        }
        .map_err(|error| self.corrupt("sender", &error.to_string()))?;
        let charge = match (self.price()?, self.charge_at.as_deref()) {
            (Some(price), Some("submitted")) => Some((price, ChargeAt::Submitted)),
            (Some(price), _) => Some((price, ChargeAt::Delivered)),
            (None, _) => None,
        };
        Ok(Arc::new(MtMessage {
            id: MessageId(self.id),
            partner: PartnerId(self.partner_id.ok_or_else(|| self.corrupt("partner_id", "null"))?),
            service: ServiceId(self.service_id.ok_or_else(|| self.corrupt("service_id", "null"))?),
            service_version: self.service_version.unwrap_or_default(),
            recipient: self.msisdn("recipient", &self.recipient)?,
            sender,
            charge,
            body: self.message_body()?,
            parts: self.octet("parts", self.parts)?,
            on_unknown: match self.on_unknown.as_str() {
                "park" => OnUnknown::Park,
                _ => OnUnknown::Resend,
            },
            accepted_at: self.accepted_at,
            deliver_after: self.deliver_after,
            valid_until: self.valid_until,
            receipts: ReceiptWish::from_bits(self.receipts as i16 & 7),
            reference: match self.reference {
                Some(reference) => Some(
                    u16::try_from(reference).map_err(|_| self.corrupt("reference", "too large"))?,
                ),
                None => None,
            },
            priority: self.octet("priority", self.priority)?,
            protocol_id: self.octet("protocol_id", self.protocol_id)?,
            tlvs: self.vendor_tlvs()?,
            caller: self.caller.into(),
            link_group: self.link_group.into(),
            partner_reference: self.partner_reference.map(SmolStr::from),
            short_id: self.short_id.map(SmolStr::from),
            service_type: self.service_type.into(),
        }))
    }

    pub(super) fn into_mo(self) -> Result<Arc<MoMessage>, Error> {
        let service = match (self.partner_id, self.service_id) {
            (Some(partner), Some(service)) => Some((
                PartnerId(partner),
                ServiceId(service),
                self.service_version.unwrap_or_default(),
            )),
            _ => None,
        };
        let keyword = match &self.keyword {
            Some(word) => Some(
                Keyword::parse(word)
                    .map_err(|error| self.corrupt("keyword", &error.to_string()))?,
            ),
            None => None,
        };
        Ok(Arc::new(MoMessage {
            id: MessageId(self.id),
            service,
            sender: self.msisdn("sender", &self.sender)?,
            recipient: ShortCode::parse(&self.recipient)
                .map_err(|error| self.corrupt("recipient", &error.to_string()))?,
            keyword,
            body: self.message_body()?,
            parts: self.octet("parts", self.parts)?,
            charge: self.price()?,
            accepted_at: self.accepted_at,
            valid_until: self.valid_until,
            tlvs: self.vendor_tlvs()?,
            link: self.caller.into(),
            link_group: self.link_group.into(),
        }))
    }

    fn price(&self) -> Result<Option<Price>, Error> {
        let (Some(tariff), Some(code), Some(gross), Some(net), Some(currency)) =
            (self.tariff_id, &self.tariff_code, self.gross_minor, self.net_minor, &self.currency)
        else {
            return Ok(None);
        };
        let currency =
            Currency::parse(currency).ok_or_else(|| self.corrupt("currency", currency))?;
        Ok(Some(Price {
            tariff: TariffId(tariff),
            code: code.into(),
            gross: Money { amount_minor: gross, currency },
            net: Money { amount_minor: net, currency },
        }))
    }

    fn message_body(&self) -> Result<Body, Error> {
        Ok(Body {
            data_coding: self.octet("data_coding", self.data_coding)?,
            has_udh: self.has_udh != 0,
            octets: self.body.clone().into(),
        })
    }

    fn vendor_tlvs(&self) -> Result<Vec<(u16, bytes::Bytes)>, Error> {
        unpack_tlvs(self.tlvs.clone()).ok_or_else(|| self.corrupt("tlvs", "cut short"))
    }

    fn msisdn(&self, column: &'static str, text: &str) -> Result<Msisdn, Error> {
        Msisdn::parse(text).map_err(|error| self.corrupt(column, &error.to_string()))
    }

    fn octet(&self, column: &'static str, value: i64) -> Result<u8, Error> {
        u8::try_from(value).map_err(|_| self.corrupt(column, "not an octet"))
    }

    pub(super) fn corrupt(&self, column: &'static str, why: &str) -> Error {
        Error::Corrupt { table: "message", column, id: self.id.to_string(), why: why.to_owned() }
    }
}
