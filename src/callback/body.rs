//! The JSON that a partner receives: an envelope with a type, a time and the data.
//!
//! Knows field names and limits, and nothing about where the values come from.
//!
//! The surprise: ids are texts. Ours have up to 63 bits, and a JavaScript number keeps 53; a
//! partner that read one as a number would acknowledge and look up the wrong message.
//!
//! A body stays under 20 kB, as Standard Webhooks asks. Only a long MO text may need more, and
//! a text is never cut: for `message.received` the limit is 64 KiB instead. What does not even
//! fit there is refused as [`BadBody::TooLong`]; the caller sets the message aside for a person
//! (P21), because sending half a text or retrying a body that cannot fit are both worse.
//!
//! Fields are only ever added, never renamed or removed, and every field is always present:
//! what does not apply is `null`.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// Limit of every type but one, in octets.
pub const BODY_MAX: usize = 20_000;
/// Limit of `message.received`, in octets.
pub const LONG_BODY_MAX: usize = 64 * 1024;

/// One event as it goes to a partner. It does not change between attempts except for the
/// redelivery count in its data.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Event<'a> {
    #[serde(rename = "type")]
    kind: EventType,
    #[serde(serialize_with = "rfc3339")]
    timestamp: Timestamp,
    data: Data<'a>,
}

/// What happened, in dot-separated words. Standard Webhooks wants routing by this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum EventType {
    /// An MO arrived.
    #[serde(rename = "message.received")]
    Received,
    /// An intermediate receipt: the MT is on its way.
    #[serde(rename = "message.sent")]
    Sent,
    #[serde(rename = "message.delivered")]
    Delivered,
    /// Undeliverable, expired, deleted or rejected; `data.state` says which.
    #[serde(rename = "message.failed")]
    Failed,
    /// Nobody can say. Apart from `failed` on purpose: who sends again on a failure must not
    /// send again here (P8).
    #[serde(rename = "message.unknown")]
    Unknown,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Mo(Mo<'a>),
    Receipt(Receipt<'a>),
}

/// An MO, already joined from its parts.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Mo<'a> {
    pub id: &'a str,
    /// MSISDN of the subscriber.
    pub from: &'a str,
    /// Short code.
    pub to: &'a str,
    /// None for a service that takes every text on its number.
    pub keyword: Option<&'a str>,
    #[serde(flatten)]
    pub content: Content<'a>,
    pub parts: u8,
    #[serde(serialize_with = "rfc3339")]
    pub received_at: Timestamp,
    pub service: &'a str,
    /// The subscriber's network, if known.
    pub operator: Option<&'a str>,
    /// How many earlier tries may have reached the partner: 0 on the first.
    pub redelivery: u32,
    /// What the subscriber pays for this MO, gross; none if sending it was free.
    pub price: Option<Price<'a>>,
    /// `free`, `mo` or `mt`.
    pub billing: &'a str,
}

/// Text, or octets that are no text. Both fields are always there and one is `null`.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    Text { text: &'a str, alphabet: &'a str },
    Binary { octets: &'a [u8] },
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        #[derive(Serialize)]
        struct Fields<'a> {
            text: Option<&'a str>,
            alphabet: &'a str,
            octets_base64: Option<String>,
        }
        match *self {
            Self::Text { text, alphabet } => {
                Fields { text: Some(text), alphabet, octets_base64: None }
            }
            Self::Binary { octets } => Fields {
                text: None,
                alphabet: "binary",
                octets_base64: Some(STANDARD.encode(octets)),
            },
        }
        .serialize(serializer)
    }
}

/// What became of an MT.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Receipt<'a> {
    /// The id that the partner got when it submitted the message (P17).
    pub id: &'a str,
    /// The partner's own word for the message, as it gave it.
    pub reference: Option<&'a str>,
    /// MSISDN of the subscriber.
    pub to: &'a str,
    pub state: State,
    pub error: Option<NetworkError>,
    /// When the message reached its final state; none while it is on its way.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub final_at: Option<Timestamp>,
    /// What the subscriber was charged, gross; none if nothing was.
    pub charged: Option<Price<'a>>,
    pub redelivery: u32,
}

/// The states of a receipt, in SMPP's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Enroute,
    Accepted,
    Delivered,
    Expired,
    Deleted,
    Undeliverable,
    Rejected,
    Unknown,
}

/// The network's cause; kind 3 is GSM. [34 s5.3.2.31]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NetworkError {
    pub kind: u8,
    pub code: u16,
}

/// An amount in minor units (grosze) and an ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Price<'a> {
    pub amount_minor: i64,
    pub currency: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    #[error("body of a `{}` event has more than {limit} octets", .kind.as_str())]
    TooLong { kind: EventType, limit: usize },
}

impl State {
    fn event(self) -> EventType {
        match self {
            Self::Enroute | Self::Accepted => EventType::Sent,
            Self::Delivered => EventType::Delivered,
            Self::Expired | Self::Deleted | Self::Undeliverable | Self::Rejected => {
                EventType::Failed
            }
            Self::Unknown => EventType::Unknown,
        }
    }
}

impl EventType {
    pub const ALL: [Self; 5] =
        [Self::Received, Self::Sent, Self::Delivered, Self::Failed, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "message.received",
            Self::Sent => "message.sent",
            Self::Delivered => "message.delivered",
            Self::Failed => "message.failed",
            Self::Unknown => "message.unknown",
        }
    }

    fn octets_max(self) -> usize {
        if self == Self::Received { LONG_BODY_MAX } else { BODY_MAX }
    }
}

impl<'a> Event<'a> {
    /// An MO; its time is when it was received.
    pub fn mo(mo: Mo<'a>) -> Self {
        Self { kind: EventType::Received, timestamp: mo.received_at, data: Data::Mo(mo) }
    }

    /// A receipt that was settled at `at`. The type follows from the state.
    pub fn receipt(receipt: Receipt<'a>, at: Timestamp) -> Self {
        Self { kind: receipt.state.event(), timestamp: at, data: Data::Receipt(receipt) }
    }

    pub fn kind(&self) -> EventType {
        self.kind
    }

    /// The octets to sign and send. Stops at the limit instead of building what is refused.
    pub fn encode(&self) -> Result<Bytes, BadBody> {
        let limit = self.kind.octets_max();
        let mut writer = Limited { octets: Vec::with_capacity(512), limit };
        // The only error a writer to memory can give is our own limit; the maps have text keys
        // and the numbers are whole.
        match serde_json::to_writer(&mut writer, self) {
            Ok(()) => Ok(writer.octets.into()),
            Err(_) => Err(BadBody::TooLong { kind: self.kind, limit }),
        }
    }
}

struct Limited {
    octets: Vec<u8>,
    limit: usize,
}

impl std::io::Write for Limited {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        if more.len() > self.limit - self.octets.len() {
            return Err(std::io::Error::other("body is too long"));
        }
        self.octets.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Always with milliseconds: partners in typed languages parse one shape, not two.
fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn rfc3339_or_null<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn mo(content: Content<'_>) -> Mo<'_> {
        Mo {
            id: "9223372036854775807",
            from: "48601123456",
            to: "7123",
            keyword: Some("WIN"),
            content,
            parts: 2,
            received_at: at("2026-11-21T10:00:00.123456Z"),
            service: "win",
            operator: None,
            redelivery: 0,
            price: Some(Price { amount_minor: 123, currency: "PLN" }),
            billing: "mo",
        }
    }

    fn receipt(state: State) -> Receipt<'static> {
        Receipt {
            id: "17",
            reference: Some("order-9"),
            to: "48601123456",
            state,
            error: Some(NetworkError { kind: 3, code: 27 }),
            final_at: Some(at("2026-11-21T10:00:05Z")),
            charged: None,
            redelivery: 3,
        }
    }

    fn text(event: &Event<'_>) -> String {
        String::from_utf8(event.encode().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn an_mo_reads_as_documented() {
        let content = Content::Text { text: "WIN \"please\"\nzażółć", alphabet: "ucs2" };
        let expected = concat!(
            r#"{"type":"message.received","timestamp":"2026-11-21T10:00:00.123Z","data":{"#,
            r#""id":"9223372036854775807","from":"48601123456","to":"7123","keyword":"WIN","#,
            r#""text":"WIN \"please\"\nzażółć","alphabet":"ucs2","octets_base64":null,"#,
            r#""parts":2,"received_at":"2026-11-21T10:00:00.123Z","service":"win","#,
            r#""operator":null,"redelivery":0,"price":{"amount_minor":123,"currency":"PLN"},"#,
            r#""billing":"mo"}}"#
        );
        assert_eq!(text(&Event::mo(mo(content))), expected);
    }

    #[test]
    fn a_binary_mo_carries_its_octets_and_no_text() {
        let octets = [0x06, 0x05, 0x04, 0xff];
        let text = text(&Event::mo(mo(Content::Binary { octets: &octets })));
        let fields = r#""text":null,"alphabet":"binary","octets_base64":"BgUE/w==""#;
        assert!(text.contains(fields), "{text}");
    }

    #[test]
    fn a_receipt_reads_as_documented() {
        let event = Event::receipt(receipt(State::Undeliverable), at("2026-11-21T10:00:06Z"));
        let expected = concat!(
            r#"{"type":"message.failed","timestamp":"2026-11-21T10:00:06.000Z","data":{"#,
            r#""id":"17","reference":"order-9","to":"48601123456","state":"undeliverable","#,
            r#""error":{"kind":3,"code":27},"final_at":"2026-11-21T10:00:05.000Z","#,
            r#""charged":null,"redelivery":3}}"#
        );
        assert_eq!(text(&event), expected);
    }

    #[test]
    fn the_type_of_a_receipt_follows_its_state_and_unknown_is_no_failure() {
        for (state, expected) in [
            (State::Enroute, "message.sent"),
            (State::Accepted, "message.sent"),
            (State::Delivered, "message.delivered"),
            (State::Expired, "message.failed"),
            (State::Deleted, "message.failed"),
            (State::Undeliverable, "message.failed"),
            (State::Rejected, "message.failed"),
            (State::Unknown, "message.unknown"),
        ] {
            let event = Event::receipt(receipt(state), at("2026-11-21T10:00:06Z"));
            assert_eq!(event.kind().as_str(), expected);
            assert!(text(&event).starts_with(&format!(r#"{{"type":"{expected}","#)));
        }
        let waiting = Receipt { final_at: None, ..receipt(State::Enroute) };
        let event = Event::receipt(waiting, at("2026-11-21T10:00:06Z"));
        assert!(text(&event).contains(r#""final_at":null"#));
    }

    #[test]
    fn the_longest_ordinary_text_is_sent_whole() {
        // 255 parts of 67 UCS-2 characters, three octets each in UTF-8.
        let long = "ก".repeat(255 * 67);
        let body = text(&Event::mo(mo(Content::Text { text: &long, alphabet: "ucs2" })));
        assert!(body.len() > BODY_MAX && body.contains(&long));
    }

    #[test]
    fn a_body_over_its_limit_is_refused_and_not_cut() {
        let of = |count: usize| {
            let text = "x".repeat(count);
            Event::mo(mo(Content::Text { text: &text, alphabet: "gsm7" })).encode()
        };
        let rest = of(0).unwrap().len();
        assert_eq!(of(LONG_BODY_MAX - rest).unwrap().len(), LONG_BODY_MAX);
        let refused = BadBody::TooLong { kind: EventType::Received, limit: LONG_BODY_MAX };
        assert_eq!(of(LONG_BODY_MAX - rest + 1), Err(refused.clone()));
        let message = "body of a `message.received` event has more than 65536 octets";
        assert_eq!(refused.to_string(), message);

        let reference = "r".repeat(BODY_MAX);
        let receipt = Receipt { reference: Some(&reference), ..receipt(State::Delivered) };
        let refused = BadBody::TooLong { kind: EventType::Delivered, limit: BODY_MAX };
        let event = Event::receipt(receipt, at("2026-11-21T10:00:06Z"));
        assert_eq!(event.encode(), Err(refused));
    }
}
