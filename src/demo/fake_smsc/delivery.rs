//! What the fake operator has for the gateway: receipts and MOs, in the order of their time.

use std::{cmp::Ordering, collections::BinaryHeap, sync::Arc};

use bytes::Bytes;
use tokio::time::Instant;

use super::script::{ReceiptForm, Script};
use crate::{
    demo::journal,
    smpp::{Address, ShortMessage, Tlvs, tag, values::esm_class},
};

/// One `deliver_sm` that is sent, with the same content, until it is acknowledged.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) number: u64,
    /// Whose binds may get it; none: anybody's.
    pub(super) account: Option<Bytes>,
    pub(super) message: ShortMessage,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Mo,
    Receipt { id: String },
}

impl Delivery {
    pub(super) fn tag(&self) -> Option<String> {
        journal::tag_of(&journal::text_of(&self.message)).map(str::to_owned)
    }
}

/// Deliveries that wait, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    heap: BinaryHeap<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    due: Instant,
    delivery: Arc<Delivery>,
}

impl Outbox {
    pub(super) fn put(&mut self, due: Instant, delivery: Arc<Delivery>) {
        self.heap.push(Waiting { due, delivery });
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.heap.peek().map(|waiting| waiting.due)
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Option<Arc<Delivery>> {
        let waiting = self.heap.peek()?;
        if waiting.due > now {
            return None;
        }
        self.heap.pop().map(|waiting| waiting.delivery)
    }
}

impl Ord for Waiting {
    /// The heap gives the greatest first, so the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due).then(other.delivery.number.cmp(&self.delivery.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

/// The `stat:` of a `message_state`. [34 s5.2.28, app. B]
fn stat(state: u8) -> &'static str {
    match state {
        0 => "SCHEDLD",
        1 => "ENROUTE",
        2 => "DELIVRD",
        3 => "EXPIRED",
        4 => "DELETED",
        5 => "UNDELIV",
        6 => "ACCEPTD",
        8 => "REJECTD",
        9 => "SKIPPED",
        _ => "UNKNOWN",
    }
}

/// The text of a receipt as the specification's example has it. [34 app. B]
fn receipt_text(id: &str, at: jiff::Timestamp, stat: &str, err: u16, body: &[u8]) -> Vec<u8> {
    let date = at.strftime("%y%m%d%H%M");
    let delivered = u8::from(stat == "DELIVRD");
    let mut text = format!(
        "id:{id} sub:001 dlvrd:{delivered:03} submit date:{date} done date:{date} stat:{stat} \
         err:{err:03} Text:"
    )
    .into_bytes();
    text.extend_from_slice(&body[..body.len().min(20)]);
    text
}

/// The receipt for one accepted message. Its source is the message's destination.
pub(super) fn receipt(
    submit: &ShortMessage,
    id: &str,
    state: u8,
    script: &Script,
    at: jiff::Timestamp,
) -> ShortMessage {
    let plan = &script.receipts;
    let stat = plan.text_state.unwrap_or_else(|| stat(state));
    let mut receipt = ShortMessage {
        source: submit.destination.clone(),
        destination: submit.source.clone(),
        esm_class: if state == 1 { esm_class::INTERMEDIATE } else { esm_class::RECEIPT },
        ..ShortMessage::default()
    };
    if plan.form != ReceiptForm::TlvsOnly {
        let err = plan.network_error.map_or(0, |[_, high, low]| u16::from_be_bytes([high, low]));
        receipt.short_message = receipt_text(id, at, stat, err, submit.content()).into();
    }
    if plan.form != ReceiptForm::TextOnly {
        receipt.tlvs =
            Tlvs::new().with_text(tag::RECEIPTED_MESSAGE_ID, id).with_u8(tag::MESSAGE_STATE, state);
        if let Some(error) = plan.network_error {
            receipt.tlvs.push(tag::NETWORK_ERROR_CODE, error.to_vec());
        }
        if let Some(reference) = submit.tlvs.get(tag::USER_MESSAGE_REFERENCE) {
            receipt.tlvs.push(tag::USER_MESSAGE_REFERENCE, reference.clone());
        }
    }
    receipt
}

/// An MO in its simplest form.
pub(super) fn mo(from: &str, to: &str, text: &str) -> ShortMessage {
    let address = |ton, npi, digits: &str| Address::new(ton, npi, digits.as_bytes().to_vec());
    let mut message = ShortMessage {
        source: address(1, 1, from),
        destination: address(3, 1, to),
        ..ShortMessage::default()
    };
    let octets = if text.is_ascii() {
        text.as_bytes().to_vec()
    } else {
        message.data_coding = 8;
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    };
    // An sm_length is one octet; a longer text comes as message_payload. [34 s4.6.1]
    if octets.len() > 254 {
        message.tlvs.push(tag::MESSAGE_PAYLOAD, octets);
    } else {
        message.short_message = octets.into();
    }
    message
}
