//! What one verb wants written, as rows.
//!
//! A verb of the gateway builds one `Change`; the writer puts the rows of many changes into one
//! transaction. Whatever is in one change is committed together or not at all, which is how a
//! charge can never be without its message, nor a receipt without its state.

use std::sync::Arc;

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::traffic::ServiceCounts;
use crate::domain::{
    Exercise, GroupId, Item, ItemKey, Lane, LaneId, MessageId, MessageState, MoMessage, MtMessage,
    PartnerId, ServiceId, TrafficStep,
    message::{NetworkError, ReceiptState},
    service::Brakes,
};

/// Rows that belong together.
#[derive(Debug, Default)]
pub struct Change {
    pub gates: Option<Box<Gates>>,
    pub mt: Option<NewMt>,
    pub mo: Option<NewMo>,
    pub events: SmallVec<[EventRow; 2]>,
    pub states: SmallVec<[StateRow; 1]>,
    pub items_in: SmallVec<[Item; 1]>,
    pub items_out: SmallVec<[ItemKey; 1]>,
    pub receipt_keys: SmallVec<[ReceiptKey; 1]>,
    pub charge: Option<Box<ChargeRow>>,
    pub claim: Option<Box<Claim>>,
    pub rare: Vec<Rare>,
}

/// The intent to send, for items of one link, fenced by the epoch (P6). All of them or none.
#[derive(Debug, Clone)]
pub struct Claim {
    pub items: Vec<ItemKey>,
    pub link: SmolStr,
    pub epoch: i64,
}

/// Conditions that the store decides inside the transaction. If one says no, nothing of the
/// change is written.
#[derive(Debug, Default)]
pub struct Gates {
    pub idempotency: Option<Idempotency>,
    pub brakes: Option<BrakeCheck>,
    /// Whether the subscriber ended the service with STOP.
    pub stop: Option<StopCheck>,
}

#[derive(Debug, Clone)]
pub struct Idempotency {
    pub partner: PartnerId,
    pub key: SmolStr,
    pub body_hash: [u8; 32],
    pub message: MessageId,
    pub at: i64,
    /// Older uses of the key do not count.
    pub not_before: i64,
}

#[derive(Debug, Clone)]
pub struct BrakeCheck {
    pub service: ServiceId,
    pub msisdn: SmolStr,
    pub minute: SmolStr,
    pub day: SmolStr,
    pub amount_minor: i64,
    pub brakes: Brakes,
}

#[derive(Debug, Clone)]
pub struct StopCheck {
    pub service: ServiceId,
    pub msisdn: SmolStr,
}

#[derive(Debug, Clone)]
pub struct NewMt {
    pub message: Arc<MtMessage>,
    pub likeness: [u8; 32],
}

#[derive(Debug, Clone)]
pub struct NewMo {
    pub message: Arc<MoMessage>,
    pub likeness: [u8; 32],
    pub state: MessageState,
    pub why: Option<&'static str>,
}

/// One step of one message: who, when, what, over which link, in which attempt.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub message: MessageId,
    pub seq: i64,
    pub at: i64,
    pub kind: &'static str,
    pub who: SmolStr,
    pub link: Option<SmolStr>,
    pub attempt: u32,
    pub detail: Option<String>,
}

#[derive(Debug, Clone)]
pub struct StateRow {
    pub message: MessageId,
    pub state: MessageState,
    pub at: i64,
    pub error: Option<SmolStr>,
}

/// The SMSC's name for one part of a message.
#[derive(Debug, Clone)]
pub struct ReceiptKey {
    pub link_group: SmolStr,
    pub smsc_message_id: SmolStr,
    pub message: MessageId,
    pub part: u8,
}

#[derive(Debug, Clone)]
pub struct ChargeRow {
    pub id: i64,
    pub message: MessageId,
    /// 0 for the charge itself, 1 for what takes it back. Each can be written once.
    pub line: i64,
    pub partner: PartnerId,
    pub service: ServiceId,
    pub service_version: i64,
    pub direction: &'static str,
    pub price: crate::domain::Price,
    pub msisdn: SmolStr,
    pub at: i64,
    pub reason: &'static str,
}

/// What is too seldom to be written by the dozen.
#[derive(Debug, Clone)]
pub enum Rare {
    /// The intent withdrawn: these were never sent, or may go again.
    Unclaim {
        items: Vec<ItemKey>,
    },
    /// A session ended while these were in flight; the count stays with them (P21, P22).
    CountDeath {
        items: Vec<ItemKey>,
    },
    /// Tried once more without a new plan.
    CountTry {
        items: Vec<ItemKey>,
    },
    KeepPart(Box<MoPart>),
    DropParts(Vec<i64>),
    KeepOrphan(Box<Orphan>),
    DropOrphan(i64),
    /// Forgets a name under which receipts were awaited.
    DropReceiptKey {
        link_group: SmolStr,
        smsc_message_id: SmolStr,
    },
    PartState {
        link_group: SmolStr,
        smsc_message_id: SmolStr,
        state: ReceiptState,
    },
    /// `due_at` is the new time of the item's row.
    Replace {
        message: MessageId,
        item: ItemKey,
        due_at: i64,
        body: Vec<u8>,
        valid_until: Option<i64>,
        deliver_after: Option<i64>,
    },
    Quarantine {
        message: MessageId,
        at: i64,
        reason: String,
        pdu: Vec<u8>,
    },
    /// A person decided about it.
    LeaveQuarantine(MessageId),
    CallbackAttempt {
        message: MessageId,
        service: ServiceId,
        at: i64,
        attempt: u32,
        outcome: String,
        took_ms: i64,
    },
    /// A partner's software did in its sandbox what it has to be able to do. Said twice it is once.
    Exercise {
        partner: PartnerId,
        exercise: Exercise,
        at: i64,
        evidence: String,
    },
    /// How far numbers may have been given out.
    ReserveIds {
        to: i64,
    },
    /// A subscriber ended a service. Said twice it is one end.
    Stop {
        service: ServiceId,
        msisdn: SmolStr,
        message: MessageId,
        at: i64,
    },
    /// A subscriber wants a service again.
    Start {
        service: ServiceId,
        msisdn: SmolStr,
    },
    /// Figures of one minute; no service stands there twice.
    AddTraffic(Vec<ServiceCounts>),
    /// Figures of each step that began before a moment.
    ForgetTraffic([(TrafficStep, i64); 3]),
}

#[derive(Debug, Clone)]
pub struct MoPart {
    pub id: i64,
    pub link: SmolStr,
    pub link_group: SmolStr,
    pub sender: SmolStr,
    pub recipient: SmolStr,
    pub reference: u16,
    pub total: u8,
    pub number: u8,
    pub data_coding: u8,
    pub body: bytes::Bytes,
    pub tlvs: Vec<(u16, bytes::Bytes)>,
    pub received_at: i64,
}

#[derive(Debug, Clone)]
pub struct Orphan {
    pub id: i64,
    pub link: SmolStr,
    pub link_group: SmolStr,
    pub smsc_message_id: SmolStr,
    pub sender: SmolStr,
    pub recipient: SmolStr,
    pub state: ReceiptState,
    pub network_error: Option<NetworkError>,
    pub done_at: i64,
    pub received_at: i64,
}

/// What the writer says after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    Done,
    /// The idempotency id was used before with the same content: this is the earlier answer.
    Replayed(MessageId),
    /// The same id, another content.
    IdempotencyConflict,
    /// Over a limit of the service; the word says which.
    OverBrake(&'static str),
    /// The subscriber ended the service.
    Stopped,
    /// The epoch is no longer ours: nothing may be sent under this claim.
    Fenced,
    /// All was done but for these items: their rows are gone, or claimed already. Whoever holds
    /// them holds a memory and must not send it.
    Stale(Vec<ItemKey>),
}

impl Change {
    #[must_use]
    pub fn event(mut self, event: EventRow) -> Self {
        self.events.push(event);
        self
    }

    #[must_use]
    pub fn state(mut self, state: StateRow) -> Self {
        self.states.push(state);
        self
    }

    /// Rows in this change, roughly: a group is closed by rows as well as by time.
    pub fn weight(&self) -> usize {
        1 + self.events.len() + self.items_in.len() + self.items_out.len()
    }
}

/// The row of a lane: its class and, where it has one, its partner.
pub(super) fn lane_row(id: LaneId) -> Option<(LaneId, &'static str, Option<i64>)> {
    let lane = Lane::of(id)?;
    let partner = match lane {
        Lane::Mt { partner, .. } | Lane::Mo { partner, .. } | Lane::Receipt { partner, .. } => {
            Some(partner.0)
        }
        Lane::Callback { .. } => None,
    };
    Some((id, lane.class(), partner))
}

/// Vendor TLVs as they are stored: tag, length, value, each two octets of head.
pub(super) fn pack_tlvs(tlvs: &[(u16, bytes::Bytes)]) -> Option<Vec<u8>> {
    if tlvs.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    for (tag, value) in tlvs {
        out.extend_from_slice(&tag.to_be_bytes());
        let length = u16::try_from(value.len()).expect("a TLV came with a 16-bit length");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
    Some(out)
}

pub(super) fn unpack_tlvs(packed: Option<Vec<u8>>) -> Option<Vec<(u16, bytes::Bytes)>> {
    let mut rest = bytes::Bytes::from(packed.unwrap_or_default());
    let mut tlvs = Vec::new();
    while !rest.is_empty() {
        let head = rest.get(..4)?;
        let tag = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if rest.len() < 4 + length {
            return None;
        }
        tlvs.push((tag, rest.slice(4..4 + length)));
        rest = rest.slice(4 + length..);
    }
    Some(tlvs)
}

/// Group ids are given by the store; they travel with lanes.
pub type Groups = Vec<(GroupId, SmolStr)>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_tlvs_survive_storage() {
        let tlvs = vec![(0x1401, bytes::Bytes::from_static(b"abc")), (0x1d01, bytes::Bytes::new())];
        assert_eq!(unpack_tlvs(pack_tlvs(&tlvs)), Some(tlvs));
        assert_eq!(pack_tlvs(&[]), None);
        assert_eq!(unpack_tlvs(Some(vec![1, 2, 0, 9, 1])), None);
    }
}
