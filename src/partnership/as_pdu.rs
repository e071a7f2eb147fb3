//! A message as the fields of its PDU, for somebody who holds it against a log of their own: no
//! text, no whole number of a subscriber, of a TLV its tag and length alone (S-37, S-44).
//!
//! What surprises: it is made of what is stored and not of octets that travelled. How a link or a
//! session of a partner writes it down (times, alphabets, the cut of a long text) is theirs.

use std::fmt::{self, Display};

use crate::{
    domain::{Body, MoMessage, MtMessage, ReceiptWish},
    store::Stored,
};

/// Fields by their names in [34 s4.4.1], in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsPdu {
    pub command: &'static str,
    pub fields: Vec<(&'static str, String)>,
    /// Tag and octets.
    pub tlvs: Vec<(u16, usize)>,
}

/// The text has a header of its own. [34 s5.2.12]
const UDHI: u8 = 0x40;

impl From<&Stored> for AsPdu {
    fn from(stored: &Stored) -> Self {
        match stored {
            Stored::Mt(message, _) => Self::of_mt(message),
            Stored::Mo(message, _) => Self::of_mo(message),
        }
    }
}

impl AsPdu {
    pub fn of_mt(message: &MtMessage) -> Self {
        let mut pdu = Self::new("submit_sm", &message.tlvs);
        pdu.field("service_type", &message.service_type);
        pdu.field("source_addr", message.sender.as_str());
        pdu.field("destination_addr", message.recipient.masked());
        pdu.field("esm_class", octet(if message.body.has_udh { UDHI } else { 0 }));
        pdu.field("protocol_id", octet(message.protocol_id));
        pdu.field("priority_flag", message.priority);
        pdu.field("schedule_delivery_time", moment(message.deliver_after));
        pdu.field("validity_period", moment(message.valid_until));
        pdu.field("registered_delivery", octet(registered(message.receipts)));
        pdu.body(&message.body);
        if let Some(reference) = message.reference {
            pdu.field("user_message_reference", reference);
        }
        pdu
    }

    pub fn of_mo(message: &MoMessage) -> Self {
        let mut pdu = Self::new("deliver_sm", &message.tlvs);
        pdu.field("source_addr", message.sender.masked());
        pdu.field("destination_addr", message.recipient.as_str());
        pdu.field("esm_class", octet(if message.body.has_udh { UDHI } else { 0 }));
        pdu.body(&message.body);
        pdu
    }

    fn new(command: &'static str, tlvs: &[(u16, bytes::Bytes)]) -> Self {
        let tlvs = tlvs.iter().map(|(tag, value)| (*tag, value.len())).collect();
        Self { command, fields: Vec::new(), tlvs }
    }

    fn field(&mut self, name: &'static str, value: impl Display) {
        self.fields.push((name, value.to_string()));
    }

    fn body(&mut self, body: &Body) {
        self.field("data_coding", octet(body.data_coding));
        self.field("sm_length", body.octets.len());
    }
}

/// One line, as `bramka trace` has them.
impl Display for AsPdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command)?;
        for (name, value) in &self.fields {
            write!(f, " {name}={value}")?;
        }
        for (tag, octets) in &self.tlvs {
            write!(f, " 0x{tag:04x}={octets}o")?;
        }
        Ok(())
    }
}

fn octet(value: u8) -> String {
    format!("0x{value:02x}")
}

/// UTC; nothing for "at once".
fn moment(micros: i64) -> String {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(at) if micros > 0 => at.to_string(),
        _ => String::new(),
    }
}

/// [34 s5.2.17]; success alone is SMPP 5.0's (S065).
fn registered(wish: ReceiptWish) -> u8 {
    let last = match (wish.on_success, wish.on_failure) {
        (false, false) => 0,
        (true, true) => 1,
        (false, true) => 2,
        (true, false) => 3,
    };
    last | if wish.intermediate { 0x10 } else { 0 }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::domain::{MessageId, Msisdn, OnUnknown, PartnerId, Sender, ServiceId, ShortCode};

    fn mt() -> MtMessage {
        MtMessage {
            id: MessageId(7),
            partner: PartnerId(1),
            service: ServiceId(1),
            service_version: 3,
            caller: "smpp:acme#1".into(),
            link_group: "main".into(),
            sender: Sender::ShortCode(ShortCode::parse("7455").unwrap()),
            recipient: Msisdn::parse("48600100200").unwrap(),
            body: Body { data_coding: 8, has_udh: true, octets: Bytes::from_static(b"secret") },
            parts: 1,
            charge: None,
            on_unknown: OnUnknown::Park,
            accepted_at: 0,
            deliver_after: 0,
            valid_until: 1_795_262_400_000_000,
            receipts: ReceiptWish { intermediate: true, ..ReceiptWish::FINAL },
            reference: Some(7),
            partner_reference: None,
            short_id: None,
            service_type: "CMT".into(),
            priority: 1,
            protocol_id: 0x41,
            tlvs: vec![(0x1401, Bytes::from_static(b"abc"))],
        }
    }

    #[test]
    fn it_has_every_field_but_nothing_that_nobody_should_read() {
        let line = AsPdu::of_mt(&mt()).to_string();
        assert_eq!(
            line,
            "submit_sm service_type=CMT source_addr=7455 destination_addr=48600***200 \
             esm_class=0x40 protocol_id=0x41 priority_flag=1 schedule_delivery_time= \
             validity_period=2026-11-21T12:00:00Z registered_delivery=0x11 data_coding=0x08 \
             sm_length=6 user_message_reference=7 0x1401=3o"
        );
        let mo = MoMessage {
            id: MessageId(8),
            service: None,
            link: "main".into(),
            link_group: "main".into(),
            sender: Msisdn::parse("48600100200").unwrap(),
            recipient: ShortCode::parse("7455").unwrap(),
            keyword: None,
            body: Body { data_coding: 0, has_udh: false, octets: Bytes::from_static(b"WIN me") },
            parts: 1,
            charge: None,
            accepted_at: 0,
            valid_until: 0,
            tlvs: Vec::new(),
        };
        assert_eq!(
            AsPdu::of_mo(&mo).to_string(),
            "deliver_sm source_addr=48600***200 destination_addr=7455 esm_class=0x00 \
             data_coding=0x00 sm_length=6"
        );
    }

    #[test]
    fn a_wish_for_receipts_is_the_octet_that_asks_for_them() {
        let wish = |on_success, on_failure, intermediate| ReceiptWish {
            on_success,
            on_failure,
            intermediate,
        };
        assert_eq!(registered(ReceiptWish::NONE), 0);
        assert_eq!(registered(ReceiptWish::FINAL), 1);
        assert_eq!(registered(wish(false, true, false)), 2);
        assert_eq!(registered(wish(true, false, true)), 0x13);
    }
}
