//! MT messages that were submitted and have no final receipt yet, by the SMSC's name for them.
//!
//! A receipt usually comes within seconds, and finds its message here without a read. The map is
//! bounded; what was pushed out is read from the store. A message leaves when it is final, so the
//! map is small even at full load.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use dashmap::DashMap;
use smol_str::SmolStr;

use super::receipt::NewReceipt;
use crate::domain::{GroupId, MessageId, MtMessage, message::ReceiptState};

/// Unknown messages that are remembered for matching; the store has them all.
const REMEMBERED_MAX: usize = 100_000;

/// A submitted message with what its parts have come to.
#[derive(Debug)]
pub struct Flight {
    pub message: Arc<MtMessage>,
    pub attempt: u32,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    done: u64,
    worst: Option<ReceiptState>,
    is_final: bool,
}

impl Flight {
    pub fn new(message: Arc<MtMessage>, attempt: u32) -> Self {
        Self { message, attempt, parts: Mutex::default() }
    }

    /// Takes the final state of one part. Answers with the state of the whole when the last part
    /// is in, exactly once: delivered only if every part was.
    pub fn part_done(&self, part: u8, state: ReceiptState) -> PartDone {
        let mut parts = self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if parts.is_final {
            return PartDone::Repeated;
        }
        let bit = 1_u64 << (part & 63);
        if parts.done & bit != 0 {
            return PartDone::Repeated;
        }
        parts.done |= bit;
        if state != ReceiptState::Delivered {
            parts.worst.get_or_insert(state);
        }
        if parts.done.count_ones() < u32::from(self.message.parts.max(1)) {
            return PartDone::Waiting;
        }
        parts.is_final = true;
        PartDone::Whole(parts.worst.unwrap_or(ReceiptState::Delivered))
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum PartDone {
    Waiting,
    Whole(ReceiptState),
    Repeated,
}

type Key = (GroupId, SmolStr);

#[derive(Debug)]
pub struct Recent {
    flights: DashMap<Key, (Arc<Flight>, u8)>,
    /// Keys in order of arrival, to push out the oldest.
    order: Mutex<VecDeque<Key>>,
    max: usize,
    orphans: DashMap<Key, Vec<(i64, NewReceipt)>>,
    /// Unknown messages by subscriber and our number, with their references.
    unknown: DashMap<(SmolStr, SmolStr), Vec<(MessageId, u16)>>,
}

impl Recent {
    pub fn new(max: usize) -> Self {
        Self {
            flights: DashMap::new(),
            order: Mutex::default(),
            max,
            orphans: DashMap::new(),
            unknown: DashMap::new(),
        }
    }

    pub fn add(&self, group: GroupId, smsc_message_id: SmolStr, flight: Arc<Flight>, part: u8) {
        let key = (group, smsc_message_id);
        self.flights.insert(key.clone(), (flight, part));
        let mut order = self.order.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        order.push_back(key);
        // Keys of finished messages are in the queue as well: it may be twice as long as the map.
        while order.len() > self.max.saturating_mul(2) || self.flights.len() > self.max {
            let Some(oldest) = order.pop_front() else { break };
            self.flights.remove(&oldest);
        }
    }

    pub fn get(&self, group: GroupId, smsc_message_id: &SmolStr) -> Option<(Arc<Flight>, u8)> {
        let found = self.flights.get(&(group, smsc_message_id.clone()))?;
        Some((Arc::clone(&found.0), found.1))
    }

    pub fn remove(&self, group: GroupId, smsc_message_id: &SmolStr) {
        self.flights.remove(&(group, smsc_message_id.clone()));
    }

    pub fn len(&self) -> usize {
        self.flights.len()
    }

    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Up to `max` are remembered; the store has them all.
    pub fn keep_orphan(&self, group: GroupId, id: i64, receipt: NewReceipt, max: usize) {
        if self.orphans.len() >= max {
            return;
        }
        let key = (group, receipt.smsc_message_id.clone());
        self.orphans.entry(key).or_default().push((id, receipt));
    }

    pub fn take_orphans(&self, group: GroupId, smsc_message_id: &SmolStr) -> Vec<(i64, NewReceipt)> {
        // Usually there are none, and looking must cost nothing.
        if self.orphans.is_empty() {
            return Vec::new();
        }
        let found = self.orphans.remove(&(group, smsc_message_id.clone()));
        found.map(|(_, receipts)| receipts).unwrap_or_default()
    }

    pub fn forget_orphan(&self, group: GroupId, smsc_message_id: &SmolStr, id: i64) {
        self.orphans.remove_if_mut(&(group, smsc_message_id.clone()), |_, receipts| {
            receipts.retain(|(known, _)| *known != id);
            receipts.is_empty()
        });
    }

    pub fn unknown_seen(&self, id: MessageId, subscriber: &str, number: &str, reference: u16) {
        if self.unknown.len() < REMEMBERED_MAX {
            let key = (SmolStr::from(subscriber), SmolStr::from(number));
            self.unknown.entry(key).or_default().push((id, reference));
        }
    }

    /// The one unknown message that a receipt can be about; none if it could be several.
    pub fn unknown_between(
        &self,
        subscriber: &SmolStr,
        number: &SmolStr,
        reference: Option<u16>,
    ) -> Option<MessageId> {
        if self.unknown.is_empty() {
            return None;
        }
        let found = self.unknown.get(&(subscriber.clone(), number.clone()))?;
        match reference {
            Some(wanted) => {
                let mut fitting = found.iter().filter(|(_, reference)| *reference == wanted);
                let first = fitting.next()?;
                fitting.next().is_none().then_some(first.0)
            }
            None if found.len() == 1 => Some(found[0].0),
            None => None,
        }
    }

    pub fn unknown_solved(&self, id: MessageId) {
        self.unknown.retain(|_, messages| {
            messages.retain(|(known, _)| *known != id);
            !messages.is_empty()
        });
    }
}
