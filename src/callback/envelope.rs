//! What an item of a lane becomes: a webhook id and the octets of an event.
//!
//! Pure. It reads the text out of the octets as they travelled and looks up nothing; whether a
//! receipt's message was charged is told by the ledger and comes in as an argument.
//!
//! The surprise: the id is made of the message's number alone, never of the attempt, so that a
//! repeat is recognised whatever happened in between. Two receipts of one message in the same
//! state have the same id: to a partner they say the same.

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    body::{self, BadBody, Event},
    signature::WebhookId,
};
use crate::{
    domain::{Body, MessageId, MoMessage, MtMessage, Price, Receipt, ReceiptState, Service},
    payload::{
        alphabet::{Alphabet, decode_lenient},
        udh,
    },
};

#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) webhook_id: WebhookId,
    pub(super) body: Bytes,
}

/// An MO for the partner. `tries` is how many earlier ones may have reached it.
pub(super) fn mo(message: &MoMessage, service: &Service, tries: u32) -> Result<Envelope, BadBody> {
    let keyword = message.keyword.as_ref().filter(|keyword| !keyword.is_catch_all());
    let (id, readable) = (message.id.to_string(), Readable::of(&message.body));
    let event = Event::mo(body::Mo {
        id: &id,
        from: message.sender.as_str(),
        to: message.recipient.as_str(),
        keyword: keyword.map(crate::domain::Keyword::as_str),
        content: readable.content(),
        parts: message.parts,
        received_at: moment(message.accepted_at),
        service: &service.name,
        // Which network a subscriber is in nobody tells us: numbers are ported.
        operator: None,
        redelivery: tries,
        price: message.charge.as_ref().map(price),
        billing: service.billing.as_str(),
    });
    Ok(Envelope { webhook_id: webhook_id(message.id, None), body: event.encode()? })
}

/// A receipt for the partner of an MT that came over the API.
pub(super) fn receipt(
    message: &MtMessage,
    receipt: &Receipt,
    is_charged: bool,
    tries: u32,
) -> Result<Envelope, BadBody> {
    let (id, (state, word)) = (message.visible_id(), state(receipt.state));
    let done_at = moment(receipt.done_at);
    let charged = message.charge.as_ref().filter(|_| is_charged);
    let event = Event::receipt(
        body::Receipt {
            id: &id,
            reference: message.partner_reference.as_deref(),
            to: message.recipient.as_str(),
            state,
            error: receipt
                .network_error
                .map(|error| body::NetworkError { kind: error.kind, code: error.code }),
            final_at: receipt.state.event().is_some().then_some(done_at),
            charged: charged.map(|(paid, _)| price(paid)),
            redelivery: tries,
        },
        done_at,
    );
    Ok(Envelope { webhook_id: webhook_id(message.id, Some(word)), body: event.encode()? })
}

fn webhook_id(message: MessageId, suffix: Option<&str>) -> WebhookId {
    let text = match suffix {
        None => message.to_string(),
        Some(word) => format!("{message}-{word}"),
    };
    WebhookId::parse(&text).expect("a number and a word of letters make an id")
}

fn state(state: ReceiptState) -> (body::State, &'static str) {
    match state {
        ReceiptState::Enroute => (body::State::Enroute, "enroute"),
        ReceiptState::Accepted => (body::State::Accepted, "accepted"),
        ReceiptState::Delivered => (body::State::Delivered, "delivered"),
        ReceiptState::Expired => (body::State::Expired, "expired"),
        ReceiptState::Deleted => (body::State::Deleted, "deleted"),
        ReceiptState::Undeliverable => (body::State::Undeliverable, "undeliverable"),
        ReceiptState::Rejected => (body::State::Rejected, "rejected"),
        ReceiptState::Unknown => (body::State::Unknown, "unknown"),
    }
}

fn price(price: &Price) -> body::Price<'_> {
    body::Price { amount_minor: price.gross.amount_minor, currency: price.gross.currency.as_str() }
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A body as far as it can be read.
#[derive(Debug, PartialEq, Eq)]
enum Readable<'a> {
    Text(String, &'static str),
    Octets(&'a [u8]),
}

impl<'a> Readable<'a> {
    /// Links bring everything in GSM's own alphabet under coding 0, so that is what it means.
    fn of(body: &'a Body) -> Self {
        let octets: &[u8] = &body.octets;
        let octets = match body.has_udh.then(|| udh::split(octets)) {
            None => octets,
            Some(Ok((_, text))) => text,
            // What announces a header and has none is handed on as it came.
            Some(Err(_)) => return Self::Octets(octets),
        };
        let Ok(alphabet) = Alphabet::of(body.data_coding, Alphabet::Gsm7) else {
            return Self::Octets(octets);
        };
        let word = match alphabet {
            Alphabet::Gsm7 => "gsm7",
            Alphabet::Latin1 => "latin1",
            Alphabet::Ucs2 => "ucs2",
            Alphabet::Utf8 => "utf8",
            Alphabet::Binary => return Self::Octets(octets),
        };
        Self::Text(decode_lenient(octets, alphabet), word)
    }

    fn content(&self) -> body::Content<'_> {
        match self {
            Self::Text(text, alphabet) => body::Content::Text { text, alphabet },
            Self::Octets(octets) => body::Content::Binary { octets },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_in_its_own_alphabet_without_its_header() {
        let text = |text: &str, alphabet| Readable::Text(text.to_owned(), alphabet);
        for (data_coding, has_udh, octets, expected) in [
            // GSM: 00 is `@`, 1B 65 the euro sign.
            (0x00, false, &b"\x00WIN \x1b\x65"[..], text("@WIN €", "gsm7")),
            (0x03, false, b"\xf3", text("ó", "latin1")),
            (0x08, false, b"\x01\x42\x00\xf3", text("łó", "ucs2")),
            // Header of six octets: ports 2948 and 9200.
            (0x00, true, b"\x06\x05\x04\x0b\x84\x23\xf0WIN", text("WIN", "gsm7")),
            (0x04, true, b"\x02\x70\x00\x01\xff", Readable::Octets(b"\x01\xff")),
            (0x04, false, b"\x01\xff", Readable::Octets(b"\x01\xff")),
            // A header longer than what is there; a coding that no table has.
            (0x00, true, b"\x09WIN", Readable::Octets(b"\x09WIN")),
            (0x80, false, b"WIN", Readable::Octets(b"WIN")),
        ] {
            let octets = Bytes::from_static(octets);
            let body = Body { data_coding, has_udh, octets };
            assert_eq!(Readable::of(&body), expected, "{body:?}");
        }
    }

    #[test]
    fn every_state_has_an_id_of_its_own_and_they_never_change() {
        let ids = ReceiptState::ALL.map(|s| webhook_id(MessageId(17), Some(state(s).1)));
        assert_eq!(ids[1].as_str(), "17-delivered");
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        assert_eq!(webhook_id(MessageId(i64::MAX), None).as_str(), "9223372036854775807");
    }
}
