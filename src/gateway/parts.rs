//! Long MO texts: parts wait for their sisters, in any order, for a limited time.
//!
//! Every part is durable before the SMSC is answered. When the time is over, what came is handed
//! on as it is, or dropped if the operator says so; both are counted.

use dashmap::DashMap;

use super::{
    mo::{NewMo, PartOf},
    submit::LinkSeat,
};
use crate::domain::{Body, GroupId, Msisdn, ShortCode};

/// A message that is whole, or as whole as it gets.
#[derive(Debug)]
pub struct Joined {
    pub sender: Msisdn,
    pub recipient: ShortCode,
    pub body: Body,
    pub text: String,
    pub parts: u8,
    pub tlvs: Vec<(u16, bytes::Bytes)>,
    /// Rows of parts that are now in the message.
    pub stored: Vec<i64>,
}

impl Joined {
    pub fn single(new: NewMo) -> Self {
        Self {
            sender: new.sender,
            recipient: new.recipient,
            body: new.body,
            text: new.text,
            parts: 1,
            tlvs: new.tlvs,
            stored: Vec::new(),
        }
    }
}

#[derive(Debug)]
pub enum Taken {
    Waiting,
    Repeated,
    Complete(Box<Joined>, Unsettled),
}

/// A set that was taken out and is not in the store as a message yet.
#[derive(Debug)]
pub struct Unsettled {
    key: Key,
    set: Set,
    /// The part that is nowhere else.
    place: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    group: GroupId,
    sender: Msisdn,
    recipient: ShortCode,
    reference: u16,
    total: u8,
}

#[derive(Debug)]
struct Set {
    seat: LinkSeat,
    /// By number, from 1; the row and the part.
    parts: Vec<Option<(i64, NewMo)>>,
    since: i64,
}

#[derive(Debug, Default)]
pub struct Waiting {
    sets: DashMap<Key, Set>,
}

impl Waiting {
    pub fn take(&self, seat: &LinkSeat, row: i64, new: NewMo, part: PartOf, now: i64) -> Taken {
        let key = Key {
            group: seat.group,
            sender: new.sender.clone(),
            recipient: new.recipient.clone(),
            reference: part.reference,
            total: part.total,
        };
        let place = usize::from(part.number).saturating_sub(1);
        let mut waiting = self.sets.entry(key.clone()).or_insert_with(|| Set {
            seat: seat.clone(),
            parts: vec![None; usize::from(part.total)],
            since: now,
        });
        if waiting.parts.get(place).is_none_or(Option::is_some) {
            return Taken::Repeated;
        }
        waiting.parts[place] = Some((row, new));
        if waiting.parts.iter().any(Option::is_none) {
            return Taken::Waiting;
        }
        drop(waiting);
        match self.sets.remove(&key) {
            // The last part was never stored by itself: the message row holds it.
            Some((_, whole)) => {
                let joined = join(&whole.parts, Some(row));
                Taken::Complete(Box::new(joined), Unsettled { key, set: whole, place: Some(place) })
            }
            None => Taken::Repeated,
        }
    }

    /// The message could not be stored: its parts wait again, but for the one that was not stored
    /// and that its SMSC will send again.
    pub fn put_back(&self, unsettled: Unsettled) {
        let Unsettled { key, mut set, place } = unsettled;
        if let Some(part) = place.and_then(|place| set.parts.get_mut(place)) {
            *part = None;
        }
        if set.parts.iter().any(Option::is_some) {
            self.sets.entry(key).or_insert(set);
        }
    }

    /// Forgets a part that could not be stored.
    pub fn untake(&self, seat: &LinkSeat, sender: &Msisdn, recipient: &ShortCode, part: PartOf) {
        let (reference, total) = (part.reference, part.total);
        let key = Key {
            group: seat.group,
            sender: sender.clone(),
            recipient: recipient.clone(),
            reference,
            total,
        };
        if let Some((key, set)) = self.sets.remove(&key) {
            let place = Some(usize::from(part.number).saturating_sub(1));
            self.put_back(Unsettled { key, set, place });
        }
    }

    /// Sets that have waited too long, with the seat of the link that brought them.
    pub fn expired(&self, before: i64) -> Vec<(LinkSeat, Joined, Unsettled)> {
        let keys: Vec<Key> = self
            .sets
            .iter()
            .filter(|entry| entry.since <= before)
            .map(|entry| entry.key().clone())
            .collect();
        keys.into_iter()
            .filter_map(|key| self.sets.remove(&key))
            .map(|(key, set)| {
                let joined = join(&set.parts, None);
                (set.seat.clone(), joined, Unsettled { key, set, place: None })
            })
            .collect()
    }

    /// Whether there is room for one more set, or this part belongs to one that waits.
    pub fn has_room(&self, max: usize, seat: &LinkSeat, new: &NewMo, part: PartOf) -> bool {
        self.sets.len() < max
            || self.sets.contains_key(&Key {
                group: seat.group,
                sender: new.sender.clone(),
                recipient: new.recipient.clone(),
                reference: part.reference,
                total: part.total,
            })
    }

    pub fn len(&self) -> usize {
        self.sets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}

/// Puts the parts in order; a missing one leaves a gap that the text does not show.
fn join(parts: &[Option<(i64, NewMo)>], unstored: Option<i64>) -> Joined {
    let mut octets = Vec::new();
    let mut text = String::new();
    let mut stored = Vec::new();
    let mut count = 0_u8;
    let mut first: Option<&NewMo> = None;
    for (row, part) in parts.iter().flatten() {
        octets.extend_from_slice(&part.body.octets);
        text.push_str(&part.text);
        count = count.saturating_add(1);
        if Some(*row) != unstored {
            stored.push(*row);
        }
        first.get_or_insert(part);
    }
    let first = first.expect("a set has at least the part that made it");
    Joined {
        sender: first.sender.clone(),
        recipient: first.recipient.clone(),
        body: Body { data_coding: first.body.data_coding, has_udh: false, octets: octets.into() },
        text,
        parts: count,
        tlvs: first.tlvs.clone(),
        stored,
    }
}
