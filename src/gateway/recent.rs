//! MT messages that were submitted and have no final receipt yet, by the SMSC's name for them.
//!
//! A receipt usually comes within seconds, and finds its message here without a read. The map is
//! bounded; what was pushed out is read from the store. A message leaves when it is final, so the
//! map is small even at full load.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
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
    /// Receipts that are to come: one for each PDU that carried a piece of it.
    awaited: usize,
    parts: Mutex<Parts>,
    /// Parts whose name at the SMSC is known.
    names: AtomicU8,
    /// Held until the submission is handed to the writer.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Parts {
    states: Vec<(u8, ReceiptState)>,
    is_final: bool,
}

impl Flight {
    pub fn new(message: Arc<MtMessage>, attempt: u32, awaited: usize) -> Self {
        Self {
            message,
            attempt,
            awaited: awaited.max(1),
            parts: Mutex::default(),
            names: AtomicU8::new(0),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Whoever has the turn writes, and the next one writes behind it. A receipt finds its message
    /// as soon as the SMSC's name for it is known, which may be before the submission is on its
    /// way to the store: written first, its final state would be overwritten by `submitted`.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// So many of its parts have names.
    pub(super) fn named(&self, parts: usize) {
        self.names.store(u8::try_from(parts).unwrap_or(u8::MAX), Ordering::Release);
    }

    /// The number of the next part that gets a name; none if all of `most` have theirs.
    pub(super) fn next_name(&self, most: u8) -> Option<u8> {
        let next = |known: u8| (known < most).then_some(known + 1);
        let known = self.names.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok()?;
        Some(known + 1)
    }

    /// The last name could not be stored.
    pub(super) fn unname(&self) {
        self.names.fetch_sub(1, Ordering::AcqRel);
    }

    /// Takes the final state of one part. Answers with the state of the whole when the last part
    /// is in, exactly once: delivered only if every part was.
    pub fn part_done(&self, part: u8, state: ReceiptState) -> PartDone {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.is_final {
            return PartDone::Repeated;
        }
        if parts.states.iter().any(|(known, _)| *known == part) {
            return PartDone::Repeated;
        }
        parts.states.push((part, state));
        if parts.states.len() < self.awaited {
            return PartDone::Waiting;
        }
        parts.is_final = true;
        let mut states = parts.states.iter().map(|(_, state)| *state);
        let worst = states.find(|state| *state != ReceiptState::Delivered);
        PartDone::Whole(worst.unwrap_or(ReceiptState::Delivered))
    }

    /// A receipt for one of its parts was taken.
    #[cfg(test)]
    pub(super) fn has_begun_to_end(&self) -> bool {
        !self.parts.lock().unwrap_or_else(PoisonError::into_inner).states.is_empty()
    }

    /// The state of this part could not be stored: its receipt will come again.
    pub fn part_undone(&self, part: u8) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.states.retain(|(known, _)| *known != part);
        parts.is_final = false;
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum PartDone {
    Waiting,
    Whole(ReceiptState),
    Repeated,
}

type Key = (GroupId, SmolStr);

/// A receipt that waits for its message.
#[derive(Debug, Clone)]
pub struct Lone {
    pub row: i64,
    /// Microseconds UTC; its time to wait counts from here.
    pub received_at: i64,
    pub receipt: NewReceipt,
}

#[derive(Debug)]
pub struct Recent {
    flights: DashMap<Key, (Arc<Flight>, u8)>,
    /// Keys in order of arrival, to push out the oldest.
    order: Mutex<VecDeque<Key>>,
    max: usize,
    orphans: DashMap<Key, Vec<Lone>>,
    /// Orphans in order of arrival, to push out the oldest; those that were taken stand here too.
    orphan_order: Mutex<VecDeque<(Key, i64)>>,
    orphan_count: AtomicUsize,
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
            orphan_order: Mutex::default(),
            orphan_count: AtomicUsize::new(0),
            unknown: DashMap::new(),
        }
    }

    pub fn add(&self, group: GroupId, smsc_message_id: SmolStr, flight: Arc<Flight>, part: u8) {
        let key = (group, smsc_message_id);
        self.flights.insert(key.clone(), (flight, part));
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Remembers a receipt; answers with the rows of the oldest ones beyond `max`, which are
    /// forgotten.
    pub fn keep_orphan(&self, group: GroupId, lone: Lone, max: usize) -> Vec<i64> {
        let (row, key) = (lone.row, (group, lone.receipt.smsc_message_id.clone()));
        self.orphans.entry(key.clone()).or_default().push(lone);
        let mut count = self.orphan_count.fetch_add(1, Ordering::AcqRel) + 1;
        let mut order = self.orphan_order.lock().unwrap_or_else(PoisonError::into_inner);
        order.push_back((key, row));
        let mut pushed_out = Vec::new();
        while count > max {
            let Some(((group, id), row)) = order.pop_front() else { break };
            if self.take_orphan(group, &id, row) {
                pushed_out.push(row);
            }
            count = self.orphan_count.load(Ordering::Acquire);
        }
        if order.len() > 2 * max + 1024 {
            let is_kept = |(key, row): &(Key, i64)| {
                let lone = self.orphans.get(key);
                lone.is_some_and(|lone| lone.iter().any(|one| one.row == *row))
            };
            order.retain(is_kept);
        }
        pushed_out
    }

    pub fn take_orphans(&self, group: GroupId, smsc_message_id: &SmolStr) -> Vec<Lone> {
        // Usually there are none, and looking must cost nothing.
        if self.orphans.is_empty() {
            return Vec::new();
        }
        let found = self.orphans.remove(&(group, smsc_message_id.clone()));
        let lone = found.map(|(_, lone)| lone).unwrap_or_default();
        self.orphan_count.fetch_sub(lone.len(), Ordering::AcqRel);
        lone
    }

    /// The receipts that went from a subscriber to a number of ours after a moment.
    pub fn orphans_between(
        &self,
        group: GroupId,
        subscriber: &str,
        number: &str,
        after: i64,
    ) -> Vec<Lone> {
        // Usually there are none, and looking must cost nothing.
        if self.orphans.is_empty() {
            return Vec::new();
        }
        let mut fitting = Vec::new();
        for entry in self.orphans.iter().filter(|entry| entry.key().0 == group) {
            for one in entry.value() {
                let fits = one.row > after
                    && one.receipt.sender == subscriber
                    && one.receipt.recipient == number;
                fitting.extend(fits.then(|| one.clone()));
            }
        }
        fitting
    }

    /// Forgets receipts that nothing has matched since; answers with their rows.
    pub fn end_orphans(&self, before: i64) -> Vec<i64> {
        let mut rows = Vec::new();
        self.orphans.retain(|_, lone| {
            lone.retain(|one| {
                let is_over = one.received_at <= before;
                rows.extend(is_over.then_some(one.row));
                !is_over
            });
            !lone.is_empty()
        });
        self.orphan_count.fetch_sub(rows.len(), Ordering::AcqRel);
        rows
    }

    /// Takes one orphan back, unless somebody else has taken it already.
    pub fn take_orphan(&self, group: GroupId, smsc_message_id: &SmolStr, row: i64) -> bool {
        let mut is_taken = false;
        self.orphans.remove_if_mut(&(group, smsc_message_id.clone()), |_, lone| {
            let before = lone.len();
            lone.retain(|one| one.row != row);
            is_taken = lone.len() < before;
            lone.is_empty()
        });
        self.orphan_count.fetch_sub(usize::from(is_taken), Ordering::AcqRel);
        is_taken
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
