//! From what waits for a partner to the PDU that carries it.

use bytes::{BufMut, Bytes, BytesMut};
use smol_str::format_smolstr;

use crate::{
    config::VendorTlv,
    domain::{
        Content, Item, MoMessage, MtMessage, Receipt, Sender,
        message::{Body, ReceiptState},
        partner::{DefaultAlphabet, Habits},
    },
    payload::{
        alphabet::{self, Alphabet},
        parts,
    },
    smpp::{
        Address, Pdu, ShortMessage, Tlvs, Version,
        receipt::ReceiptText,
        tag,
        values::{esm_class, npi, ton},
    },
};

/// Octets that fit into `short_message`. [34 s5.2.21]
const SHORT_MESSAGE_MAX: usize = 254;

/// How deliveries look to one session.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    pub(crate) version: Version,
    habits: Habits,
    tlv: VendorTlv,
    /// The zone of the dates in receipts, looked up once; none if nobody knows its name.
    zone: Option<jiff::tz::TimeZone>,
}

impl Writing {
    pub(crate) fn new(version: Version, habits: Habits, tlv: VendorTlv) -> Self {
        let zone = jiff::tz::TimeZone::get(&habits.receipt_zone).ok();
        Self { version, habits, tlv, zone }
    }

    /// Unknown TLVs must be ignored [34 s3.3], and yet widespread clients of 3.4 fall over them; a
    /// partner of 5.0, or one that asked for them, knows what it gets.
    pub(crate) fn has_own_tlvs(&self) -> bool {
        self.version >= Version::V50 || self.habits.vendor_tlvs
    }

    /// The PDUs of one delivery: one, but for a long MO to a 3.3 peer (S165).
    pub(crate) fn delivery(&self, item: &Item, visible_id: &str) -> Vec<Pdu> {
        let messages = match &item.content {
            Content::Mo(message) => self.mo(message, item.attempt),
            Content::Receipt(message, receipt) => {
                vec![self.receipt(message, receipt, visible_id, item.attempt)]
            }
            Content::Mt(_) => Vec::new(),
        };
        messages.into_iter().map(|message| self.carried(message)).collect()
    }

    /// A partner may like `data_sm` better; 3.3 has none.
    fn carried(&self, message: ShortMessage) -> Pdu {
        if !self.habits.takes_data_sm || self.version < Version::V34 {
            return Pdu::DeliverSm(Box::new(message));
        }
        Pdu::DataSm(Box::new(message.into()))
    }

    /// S150, S151: addresses as they came, everything else empty.
    fn mo(&self, message: &MoMessage, attempt: u32) -> Vec<ShortMessage> {
        let mut tlvs = Tlvs::new();
        if self.has_own_tlvs() {
            tlvs = tlvs
                .with_text(self.tlv.message_id.0, &message.id.to_string())
                .with_text(self.tlv.operator.0, &message.link_group);
            self.mark_redelivery(&mut tlvs, attempt);
            for (tag, value) in &message.tlvs {
                tlvs.push(*tag, value.clone());
            }
        }
        let whole = ShortMessage {
            source: subscriber(message.sender.as_str()),
            destination: number(message.recipient.as_str()),
            data_coding: message.body.data_coding,
            ..ShortMessage::default()
        };
        let body = self.in_peer_alphabet(&message.body);
        if self.version < Version::V34 {
            return segments(&body, message.id.0)
                .into_iter()
                .map(|part| with_text(whole.clone(), &part, Tlvs::new()))
                .collect();
        }
        vec![with_text(whole, &body, tlvs)]
    }

    /// Data coding 0 means what this partner's software means by it.
    fn in_peer_alphabet(&self, body: &Body) -> Body {
        if body.data_coding != 0
            || body.has_udh
            || self.habits.default_alphabet == DefaultAlphabet::Gsm7
        {
            return body.clone();
        }
        let letters = alphabet::decode_lenient(&body.octets, Alphabet::Gsm7);
        let octets = letters
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
            .collect::<Vec<u8>>();
        Body { octets: octets.into(), ..body.clone() }
    }

    /// S152, S153, S158: the same id in text and TLV, addresses swapped.
    fn receipt(
        &self,
        message: &MtMessage,
        receipt: &Receipt,
        visible_id: &str,
        attempt: u32,
    ) -> ShortMessage {
        let text = ReceiptText {
            id: visible_id.into(),
            sub: Some(1),
            dlvrd: Some(u16::from(receipt.state == ReceiptState::Delivered)),
            submit_date: self.civil(message.accepted_at),
            done_date: self.civil(receipt.done_at),
            stat: receipt.state.stat().into(),
            err: format_smolstr!("{:03}", receipt.network_error.map_or(0, |error| error.code)),
            text: preview(&message.body),
        };
        let digits = if self.habits.receipt_seconds { 12 } else { 10 };
        let is_final = receipt.state.event().is_some();
        let mut tlvs = Tlvs::new()
            .with_text(tag::RECEIPTED_MESSAGE_ID, visible_id)
            .with_u8(tag::MESSAGE_STATE, receipt.state.code());
        if let Some(error) = receipt.network_error {
            let mut value = BytesMut::with_capacity(3);
            value.put_u8(error.kind);
            value.put_u16(error.code);
            tlvs.push(tag::NETWORK_ERROR_CODE, value.freeze());
        }
        if let Some(reference) = message.reference {
            tlvs = tlvs.with_u16(tag::USER_MESSAGE_REFERENCE, reference);
        }
        if message.is_charged() && self.has_own_tlvs() {
            let is_paid = receipt.state == ReceiptState::Delivered;
            tlvs = tlvs.with_u8(self.tlv.charge_result.0, u8::from(is_paid));
        }
        self.mark_redelivery(&mut tlvs, attempt);
        ShortMessage {
            source: subscriber(message.recipient.as_str()),
            destination: sender(&message.sender),
            esm_class: if is_final { esm_class::RECEIPT } else { esm_class::INTERMEDIATE },
            short_message: text.write_dated(digits).into(),
            tlvs: if self.version < Version::V34 { Tlvs::new() } else { tlvs },
            ..ShortMessage::default()
        }
    }

    /// A moment on the clock that the partner reads receipts by.
    fn civil(&self, at: i64) -> Option<jiff::civil::DateTime> {
        let at = jiff::Timestamp::from_microsecond(at).ok()?;
        Some(self.zone.as_ref()?.to_datetime(at))
    }

    /// Says how often this was delivered before (S164).
    fn mark_redelivery(&self, tlvs: &mut Tlvs, attempt: u32) {
        if attempt > 0 && self.has_own_tlvs() {
            let count = u8::try_from(attempt).unwrap_or(u8::MAX);
            tlvs.push(self.tlv.redelivery.0, vec![count]);
        }
    }
}

/// Puts the user data where it fits (S165).
fn with_text(mut message: ShortMessage, body: &Body, tlvs: Tlvs) -> ShortMessage {
    message.tlvs = tlvs;
    if body.has_udh {
        message.esm_class |= esm_class::UDHI;
    }
    if body.octets.len() <= SHORT_MESSAGE_MAX {
        message.short_message = body.octets.clone();
    } else {
        message.tlvs.push(tag::MESSAGE_PAYLOAD, body.octets.clone());
    }
    message
}

/// A long text in parts with user data headers, for peers that know nothing else.
fn segments(body: &Body, id: i64) -> Vec<Body> {
    if body.octets.len() <= SHORT_MESSAGE_MAX {
        return vec![body.clone()];
    }
    let alphabet = Alphabet::of(body.data_coding, Alphabet::Gsm7).unwrap_or(Alphabet::Binary);
    let reference = u8::try_from(id & 0xff).expect("masked to 8 bits");
    match parts::split(&body.octets, alphabet, parts::Reference::Bits8(reference), u8::MAX) {
        Ok(pieces) => pieces
            .into_iter()
            .map(|octets| Body {
                data_coding: body.data_coding,
                has_udh: true,
                octets: octets.into(),
            })
            .collect(),
        Err(_) => vec![Body { octets: body.octets.slice(..SHORT_MESSAGE_MAX), ..body.clone() }],
    }
}

fn subscriber(digits: &str) -> Address {
    Address::new(ton::INTERNATIONAL, npi::ISDN, Bytes::copy_from_slice(digits.as_bytes()))
}

fn number(digits: &str) -> Address {
    Address::new(ton::UNKNOWN, npi::UNKNOWN, Bytes::copy_from_slice(digits.as_bytes()))
}

fn sender(sender: &Sender) -> Address {
    let kind = match sender {
        Sender::Name(_) => ton::ALPHANUMERIC,
        _ => ton::UNKNOWN,
    };
    Address::new(kind, npi::UNKNOWN, Bytes::copy_from_slice(sender.as_str().as_bytes()))
}

/// The first 20 characters that a receipt shows; nothing of a binary message. [34 app. B]
fn preview(body: &Body) -> Vec<u8> {
    if body.has_udh || body.data_coding != 0 {
        return Vec::new();
    }
    let plain = |octet: &u8| octet.is_ascii_graphic() || *octet == b' ';
    body.octets.iter().take(20).map(|octet| if plain(octet) { *octet } else { b'.' }).collect()
}

/// The handset of a subscriber is back (S121, S139).
pub(crate) fn alert(subscriber_number: &str, system_id: &str) -> Pdu {
    Pdu::AlertNotification(Box::new(crate::smpp::pdu::AlertNotification {
        source: subscriber(subscriber_number),
        esme: number(system_id),
        tlvs: Tlvs::new().with_u8(tag::MS_AVAILABILITY_STATUS, 0),
    }))
}
