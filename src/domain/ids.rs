//! Where numbers come from: time-ordered, never repeated, and never going back with the clock.

use std::sync::atomic::{AtomicI64, Ordering};

use super::MessageId;

/// 2020-01-01T00:00:00Z in milliseconds.
const EPOCH_MS: i64 = 1_577_836_800_000;
const COUNT_BITS: u32 = 16;
/// 41 bits of milliseconds.
const MS_MAX: i64 = (1 << 41) - 1;
const NODE_BITS: u32 = 6;

/// Gives out numbers for messages, events and items. One per node.
///
/// The number leads with milliseconds, but a clock that jumps back only makes the count run on:
/// what matters is that every number is larger than the one before (P37).
#[derive(Debug)]
pub struct Ids {
    node: i64,
    last: AtomicI64,
}

impl Ids {
    /// `after` is the highest number that may have been given out before.
    pub fn new(node: u8, after: i64) -> Self {
        Self { node: i64::from(node & 63), last: AtomicI64::new(after) }
    }

    /// The next number, for `now` in microseconds UTC.
    pub fn next(&self, now: i64) -> i64 {
        let wanted =
            (now / 1000 - EPOCH_MS).max(0) << (NODE_BITS + COUNT_BITS) | self.node << COUNT_BITS;
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let next = if wanted > last { wanted } else { self.following(last) };
            match self.last.compare_exchange_weak(last, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return next,
                Err(seen) => last = seen,
            }
        }
    }

    /// The highest number given out so far.
    pub fn last(&self) -> i64 {
        self.last.load(Ordering::Acquire)
    }

    /// The count runs over into the milliseconds, never into the node.
    fn following(&self, last: i64) -> i64 {
        let next = last + 1;
        if next >> COUNT_BITS & 63 == self.node {
            next
        } else {
            ((last >> (NODE_BITS + COUNT_BITS)) + 1) << (NODE_BITS + COUNT_BITS)
                | self.node << COUNT_BITS
        }
    }
}

/// The numbers of one millisecond that no node gives out: ledger rows that people write have them,
/// one after the other, so that they stand in the order of time and meet nobody's.
pub fn beside_nodes(at: i64) -> std::ops::Range<i64> {
    let first = first_at(at).0 | 63 << COUNT_BITS;
    first..first + (1 << COUNT_BITS)
}

/// The lowest number that can have been given out at or after a moment (microseconds UTC).
pub fn first_at(at: i64) -> MessageId {
    // Moments that no number can have come from people who look for messages.
    let ms = (at / 1000 - EPOCH_MS).clamp(0, MS_MAX);
    MessageId(ms << (NODE_BITS + COUNT_BITS))
}

/// When a number was given out, in microseconds UTC, to the millisecond.
pub fn moment_of(id: MessageId) -> i64 {
    ((id.0 >> (NODE_BITS + COUNT_BITS)) + EPOCH_MS) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_262_400_000_000;

    #[test]
    fn numbers_grow_even_when_the_clock_goes_back() {
        let ids = Ids::new(5, 0);
        let first = ids.next(NOON);
        let later = ids.next(NOON - 3_600_000_000);
        assert!(later > first);
        assert!(first >= first_at(NOON).0);
        assert_eq!(moment_of(MessageId(first)), NOON);
    }

    #[test]
    fn numbers_of_two_nodes_never_meet() {
        let (one, two) = (Ids::new(1, 0), Ids::new(2, 0));
        let of = |ids: &Ids| (0..100_000).map(|_| ids.next(NOON)).collect::<Vec<_>>();
        let (one, two) = (of(&one), of(&two));
        let all: std::collections::HashSet<i64> = one.iter().chain(&two).copied().collect();
        assert_eq!(all.len(), 200_000);
        assert!(one.is_sorted() && two.is_sorted());
    }

    #[test]
    fn no_node_gives_out_what_is_beside_the_nodes() {
        let beside = beside_nodes(NOON);
        assert!(beside.start > first_at(NOON).0 && beside.end <= first_at(NOON + 1000).0);
        for node in [0, 1, 62] {
            let ids = Ids::new(node, 0);
            assert!((0..200_000).all(|_| !beside.contains(&ids.next(NOON))), "{node}");
        }
    }

    #[test]
    fn numbers_go_on_where_the_last_run_stopped() {
        let ids = Ids::new(0, i64::MAX >> 4);
        assert!(ids.next(NOON) > i64::MAX >> 4);
    }
}
