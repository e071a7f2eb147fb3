//! From a PDU to the message that the verbs take, and every way a PDU can be wrong.
//!
//! Inside, a long message has one shape: octets that begin with a user data header. SAR and port
//! TLVs become such a header here, so nothing behind this file knows of three ways to say one
//! thing.

use bytes::{BufMut, Bytes, BytesMut};
use smol_str::SmolStr;

use crate::{
    config::VendorTlv,
    domain::{Body, Msisdn, Refusal, Sender, message::ReceiptWish, partner::DefaultAlphabet},
    gateway::mt::NewMt,
    payload::{alphabet::Alphabet, parts},
    smpp::{
        Address, CommandStatus, ShortMessage, Tlvs, Version,
        pdu::DataSm,
        tag, time,
        values::{esm_class, npi, ton},
    },
};

/// Why a request is answered with an error before any verb sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) status: CommandStatus,
    /// The refusal's code, or `bad_field`: a metric label and the name of a page.
    pub(crate) code: &'static str,
    pub(crate) reason: String,
    /// Nobody knows whether it was stored: an answer either way could be a lie (P4).
    pub(crate) is_uncertain: bool,
}

impl Wrong {
    pub(crate) fn new(status: CommandStatus, reason: impl Into<String>) -> Self {
        Self { status, code: "bad_field", reason: reason.into(), is_uncertain: false }
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: super::status::of_refusal(&refusal),
            code: refusal.code(),
            reason: refusal.to_string(),
            is_uncertain: false,
        }
    }
}

/// What reading depends on, of the account and of the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) version: Version,
    pub(crate) alphabet: DefaultAlphabet,
    pub(crate) strips_trailing_nul: bool,
    pub(crate) splits_long: bool,
    pub(crate) parts_max: u8,
    pub(crate) country_prefix: SmolStr,
    pub(crate) tlv: VendorTlv,
}

impl Reading {
    /// `submit_sm` (S050 to S099).
    pub(crate) fn submit_sm(&self, pdu: &ShortMessage, now: i64) -> Result<NewMt, Wrong> {
        let recipient = self.recipient(&pdu.destination)?;
        self.short_message(pdu, recipient, now)
    }

    /// Everything of a `submit_sm` but its destination; `submit_multi` has many of those.
    pub(crate) fn short_message(
        &self,
        pdu: &ShortMessage,
        recipient: Msisdn,
        now: i64,
    ) -> Result<NewMt, Wrong> {
        if pdu.priority > 3 {
            return Err(Wrong::new(CommandStatus::RINVPRTFLG, "priority_flag must be 0 to 3"));
        }
        if pdu.replace_if_present > 1 {
            return Err(Wrong::new(
                CommandStatus::RINVREPFLAG,
                "replace_if_present_flag must be 0 or 1",
            ));
        }
        if pdu.default_message_id != 0 {
            return Err(Refusal::UnknownStoredText(pdu.default_message_id).into());
        }
        if pdu.esm_class & esm_class::MODE == esm_class::MODE_TRANSACTION {
            return Err(Wrong::new(
                CommandStatus::RINVESMCLASS,
                "transaction mode is for data_sm; use store and forward",
            ));
        }
        let mut new = self.common(pdu, recipient, now)?;
        new.deliver_after = moment(&pdu.schedule_delivery_time, now).map_err(|reason| Wrong {
            code: "bad_schedule",
            ..Wrong::new(CommandStatus::RINVSCHED, reason)
        })?;
        let validity = moment(&pdu.validity_period, now).map_err(|reason| Wrong {
            code: "bad_validity",
            ..Wrong::new(CommandStatus::RINVEXPIRY, reason)
        })?;
        // S088: qos_time_to_live of 5.0 counts more than validity_period.
        new.valid_until = new.valid_until.or(validity);
        new.priority = pdu.priority;
        new.protocol_id = pdu.protocol_id;
        new.replaces = pdu.replace_if_present == 1;
        Ok(new)
    }

    /// `data_sm` (S117 to S121).
    pub(crate) fn data_sm(&self, pdu: DataSm, now: i64) -> Result<NewMt, Wrong> {
        let recipient = self.recipient(&pdu.destination)?;
        if pdu.tlvs.get(tag::MESSAGE_PAYLOAD).is_none() {
            return Err(Wrong::new(
                CommandStatus::RMISSINGTLV,
                "data_sm carries its text in message_payload (0x0424), which is missing",
            ));
        }
        if pdu.esm_class & esm_class::MODE == esm_class::MODE_TRANSACTION {
            // S120: its answer would have to wait for the handset, and nothing here does.
            return Err(Wrong::new(
                CommandStatus::RDELIVERYFAILURE,
                "transaction mode is not offered; use store and forward",
            ));
        }
        self.common(&pdu.into(), recipient, now)
    }

    /// What `submit_sm`, `submit_multi` and `data_sm` have in common.
    fn common(&self, pdu: &ShortMessage, recipient: Msisdn, now: i64) -> Result<NewMt, Wrong> {
        let sender = Self::sender(&pdu.source)?;
        check_type(pdu.esm_class)?;
        let receipts = self.receipts(pdu.registered_delivery)?;
        let body = self.body(pdu)?;
        let parts = self.parts(&body)?;
        let tlv = |at: crate::config::Tag| pdu.tlvs.get(at.0);
        let is_5_0 = self.version >= Version::V50;
        let ttl = pdu.tlvs.u32(tag::QOS_TIME_TO_LIVE).filter(|_| is_5_0);
        Ok(NewMt {
            sender,
            recipient,
            body,
            parts,
            service: text_tlv(tlv(self.tlv.service_ref), "service_ref", 64)?,
            tariff: text_tlv(tlv(self.tlv.tariff), "tariff", 32)?,
            service_type: ascii(&pdu.service_type, CommandStatus::RINVSERTYP, "service_type")?,
            priority: 0,
            protocol_id: 0,
            deliver_after: None,
            valid_until: ttl.map(|seconds| now + i64::from(seconds) * 1_000_000),
            receipts,
            reference: pdu.tlvs.u16(tag::USER_MESSAGE_REFERENCE),
            partner_reference: None,
            idempotency: text_tlv(tlv(self.tlv.idempotency), "idempotency", 64)
                .map_err(|_| Refusal::BadIdempotencyId("idempotency"))?,
            answers: text_tlv(tlv(self.tlv.charge_session), "charge_session", 64)?,
            replaces: false,
            tlvs: self.relayed(&pdu.tlvs),
            wants_short_id: self.version < Version::V34,
            known_as: None,
        })
    }

    /// A subscriber's number (S052 to S056).
    pub(crate) fn recipient(&self, address: &Address) -> Result<Msisdn, Wrong> {
        if address.ton > ton::ABBREVIATED {
            return Err(Wrong::new(
                CommandStatus::RINVDSTTON,
                format!("dest_addr_ton {} is reserved; use 1 for international", address.ton),
            ));
        }
        if !npi::is_known(address.npi) {
            return Err(Wrong::new(
                CommandStatus::RINVDSTNPI,
                format!("dest_addr_npi {} is reserved; use 1 for E.164", address.npi),
            ));
        }
        let digits = ascii(&address.digits, CommandStatus::RINVDSTADR, "destination_addr")?;
        Msisdn::normalise(&digits, address.ton == ton::NATIONAL, &self.country_prefix)
            .map_err(|bad| Refusal::BadRecipient(bad.to_string()).into())
    }

    /// The sender; none lets the account's default stand in (S057 to S061).
    fn sender(address: &Address) -> Result<Option<Sender>, Wrong> {
        if address.ton > ton::ABBREVIATED {
            return Err(Wrong::new(
                CommandStatus::RINVSRCTON,
                format!("source_addr_ton {} is reserved; use 0, 1, 3 or 5", address.ton),
            ));
        }
        if !npi::is_known(address.npi) {
            return Err(Wrong::new(
                CommandStatus::RINVSRCNPI,
                format!("source_addr_npi {} is reserved; use 0 or 1", address.npi),
            ));
        }
        if address.digits.is_empty() {
            return Ok(None);
        }
        let text = ascii(&address.digits, CommandStatus::RINVSRCADR, "source_addr")?;
        let read = if address.ton == ton::ALPHANUMERIC {
            Sender::name(&text)
        } else {
            Sender::parse(&text)
        };
        read.map(Some).map_err(|bad| Refusal::BadSender(bad.to_string()).into())
    }

    /// S065: 0x03 means "on success" in 5.0 and is reserved before.
    fn receipts(&self, registered_delivery: u8) -> Result<ReceiptWish, Wrong> {
        let wrong = |reason: &str| Wrong::new(CommandStatus::RINVREGDLVFLG, reason);
        if registered_delivery > 0x1f {
            return Err(wrong("registered_delivery must be 0 to 31"));
        }
        let intermediate = registered_delivery & 0x10 != 0;
        Ok(match registered_delivery & 0x03 {
            0 => ReceiptWish { intermediate, ..ReceiptWish::NONE },
            1 => ReceiptWish { intermediate, ..ReceiptWish::FINAL },
            2 => ReceiptWish { on_failure: true, intermediate, ..ReceiptWish::NONE },
            _ if self.version >= Version::V50 => {
                ReceiptWish { on_success: true, intermediate, ..ReceiptWish::NONE }
            }
            _ => return Err(wrong("registered_delivery 3 needs a 5.0 session")),
        })
    }

    /// The user data in its one inner shape (S077 to S087).
    fn body(&self, pdu: &ShortMessage) -> Result<Body, Wrong> {
        let has_udh = pdu.esm_class & esm_class::UDHI != 0;
        let text = self.one_text(pdu)?;
        let (data_coding, mut octets) = self.in_our_alphabet(pdu.data_coding, text, has_udh);
        let header = header_of(&pdu.tlvs, has_udh)?;
        let has_header = has_udh || header.is_some();
        if let Some(header) = header {
            let mut joined = BytesMut::with_capacity(header.len() + octets.len());
            joined.put_slice(&header);
            joined.put_slice(&octets);
            octets = joined.freeze();
        }
        if has_header {
            let length = octets.first().map_or(0, |length| usize::from(*length) + 1);
            if length == 0 || length > octets.len() {
                return Err(Refusal::BadUserData(
                    "UDHI is set, and the user data header is longer than the user data".to_owned(),
                )
                .into());
            }
        }
        let body = Body { data_coding, has_udh: has_header, octets };
        if alphabet(&body)? == Alphabet::Ucs2
            && !(body.octets.len() - header_octets(&body)).is_multiple_of(2)
        {
            return Err(
                Refusal::BadLength("UCS-2 text has an odd number of octets".to_owned()).into()
            );
        }
        Ok(body)
    }

    /// `short_message` or `message_payload`, not both.
    fn one_text(&self, pdu: &ShortMessage) -> Result<Bytes, Wrong> {
        match pdu.tlvs.get(tag::MESSAGE_PAYLOAD) {
            None => Ok(pdu.short_message.clone()),
            // S077: in 5.0 the payload wins.
            Some(payload) if pdu.short_message.is_empty() || self.version >= Version::V50 => {
                Ok(payload.clone())
            }
            Some(_) => Err(Refusal::BadLength(
                "short_message and message_payload are both given; send one".to_owned(),
            )
            .into()),
        }
    }

    /// Texts in an alphabet that only this account uses are written anew in GSM 7-bit, or in
    /// Latin-1 where that has no such letter.
    fn in_our_alphabet(&self, data_coding: u8, text: Bytes, has_udh: bool) -> (u8, Bytes) {
        let mut text = text;
        let is_default = data_coding == 0;
        if self.strips_trailing_nul && is_default && text.last() == Some(&0) {
            text.truncate(text.len() - 1);
        }
        let is_latin = data_coding == 1 || (is_default && self.alphabet != DefaultAlphabet::Gsm7);
        if !is_latin || has_udh {
            return (data_coding, text);
        }
        let letters: String = text.iter().copied().map(char::from).collect();
        match crate::payload::alphabet::encode_gsm7(&letters) {
            Ok(octets) => (0, octets.into()),
            Err(_) => (3, text),
        }
    }

    fn parts(&self, body: &Body) -> Result<u8, Wrong> {
        let alphabet = alphabet(body)?;
        let too_long = |most: usize, unit: &str| {
            Wrong::from(Refusal::BadLength(format!(
                "the text is too long: {most} {unit} are the most in one message"
            )))
        };
        if body.has_udh {
            // Its sender made the parts; each must fit on the air.
            let most = if alphabet == Alphabet::Gsm7 {
                let header = header_octets(body);
                header + (140 - header.min(140)) * 8 / 7
            } else {
                140
            };
            return if body.octets.len() <= most { Ok(1) } else { Err(too_long(most, "octets")) };
        }
        let count = parts::count(&body.octets, alphabet, parts::Reference::Bits8(0));
        if count > 1 && !self.splits_long {
            let (most, unit) = match alphabet {
                Alphabet::Gsm7 => (160, "septets"),
                Alphabet::Ucs2 => (70, "units"),
                _ => (140, "octets"),
            };
            return Err(too_long(most, unit));
        }
        u8::try_from(count)
            .ok()
            .filter(|count| *count <= self.parts_max)
            .ok_or_else(|| too_long(usize::from(self.parts_max), "parts"))
    }

    /// TLVs that go on to the operator where a link's map lets them (K018).
    fn relayed(&self, tlvs: &Tlvs) -> Vec<(u16, Bytes)> {
        let ours = self.tlv.all();
        tlvs.iter()
            .filter(|tlv| {
                crate::smpp::tlv::is_vendor(tlv.tag)
                    && !ours.iter().any(|(_, own)| own.0 == tlv.tag)
            })
            .map(|tlv| (tlv.tag, tlv.value.clone()))
            .collect()
    }
}

/// Octets of the user data header, its length octet included.
pub(crate) fn header_octets(body: &Body) -> usize {
    if body.has_udh { body.octets.first().map_or(0, |length| usize::from(*length) + 1) } else { 0 }
}

fn alphabet(body: &Body) -> Result<Alphabet, Wrong> {
    Alphabet::of(body.data_coding, Alphabet::Gsm7)
        .map_err(|_| Refusal::BadDataCoding(body.data_coding).into())
}

/// S085: an ESME may acknowledge, and nothing else of the message centre's kinds.
fn check_type(esm: u8) -> Result<(), Wrong> {
    match esm & esm_class::TYPE {
        0 | esm_class::DELIVERY_ACK | esm_class::USER_ACK => Ok(()),
        kind => Err(Wrong::new(
            CommandStatus::RINVESMCLASS,
            format!("esm_class type 0x{kind:02X} is for message centres"),
        )),
    }
}

/// A user data header for what SAR and port TLVs say; none if they say nothing.
fn header_of(tlvs: &Tlvs, has_udh: bool) -> Result<Option<Vec<u8>>, Wrong> {
    const SAR: [u16; 3] = [tag::SAR_MSG_REF_NUM, tag::SAR_TOTAL_SEGMENTS, tag::SAR_SEGMENT_SEQNUM];
    const PORTS: [u16; 2] = [tag::SOURCE_PORT, tag::DESTINATION_PORT];
    if has_udh {
        // S081. [34 s5.3.2.22] "cannot be used"
        return match SAR.iter().chain(&PORTS).find(|tag| tlvs.get(**tag).is_some()) {
            None => Ok(None),
            Some(_) => Err(Wrong::new(
                CommandStatus::RTLVNOTALLWD,
                "SAR and port TLVs cannot be used with a user data header",
            )),
        };
    }
    let mut elements = Vec::new();
    if let Some(port) = tlvs.u16(tag::DESTINATION_PORT) {
        elements.extend([0x05, 0x04]);
        elements.extend(port.to_be_bytes());
        elements.extend(tlvs.u16(tag::SOURCE_PORT).unwrap_or(0).to_be_bytes());
    }
    // S082: one or two of the three say nothing.
    let sar = (
        tlvs.u16(tag::SAR_MSG_REF_NUM),
        tlvs.u8(tag::SAR_TOTAL_SEGMENTS),
        tlvs.u8(tag::SAR_SEGMENT_SEQNUM),
    );
    if let (Some(reference), Some(total), Some(number)) = sar {
        if number == 0 || number > total {
            return Err(Wrong::new(
                CommandStatus::RINVTLVVAL,
                "sar_segment_seqnum must be 1 to sar_total_segments",
            ));
        }
        // A client that cuts at 153 septets has the shorter header in mind.
        if let Ok(short) = u8::try_from(reference) {
            elements.extend([0x00, 0x03, short]);
        } else {
            elements.extend([0x08, 0x04]);
            elements.extend(reference.to_be_bytes());
        }
        elements.extend([total, number]);
    }
    if elements.is_empty() {
        return Ok(None);
    }
    let mut header = vec![u8::try_from(elements.len()).expect("two short elements")];
    header.append(&mut elements);
    Ok(Some(header))
}

/// A time field as a moment in microseconds UTC; none if it is empty.
pub(crate) fn moment(field: &[u8], now: i64) -> Result<Option<i64>, String> {
    time::parse(field, time::PIVOT)
        .and_then(|time| time.resolve(now))
        .map_err(|bad| bad.to_string())
}

fn ascii(octets: &Bytes, status: CommandStatus, field: &str) -> Result<SmolStr, Wrong> {
    std::str::from_utf8(octets)
        .ok()
        .filter(|text| text.is_ascii())
        .map(SmolStr::from)
        .ok_or_else(|| Wrong::new(status, format!("{field} must be ASCII")))
}

/// A short text of one of our own TLVs; a NUL at its end is taken off.
fn text_tlv(value: Option<&Bytes>, name: &str, most: usize) -> Result<Option<SmolStr>, Wrong> {
    let Some(value) = value else { return Ok(None) };
    let text = value.strip_suffix(&[0]).unwrap_or(value);
    let is_plain = (1..=most).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
    if !is_plain {
        return Err(Refusal::BadField(format!(
            "{name} must be 1 to {most} printable ASCII characters"
        ))
        .into());
    }
    Ok(std::str::from_utf8(text).ok().map(SmolStr::from))
}
