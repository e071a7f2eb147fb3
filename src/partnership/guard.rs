//! Against guessing: who was wrong often waits longer and longer, and nobody is locked out for
//! good (S-05).
//!
//! It counts in memory and forgets at a restart, which no attacker can bring about. The surprise:
//! somebody who comes from an address of an earlier log-in has a count of their own, so a flood of
//! guesses from elsewhere does not keep the owner out.

use std::time::Duration;

use dashmap::DashMap;

/// Wrong tries that cost no time: people mistype.
const FREE_ACCOUNT: u32 = 5;
const FREE_ADDRESS: u32 = 20;
const LONGEST: Duration = Duration::from_mins(15);
/// A count is forgotten when nothing was tried for so long.
const MEMORY: Duration = Duration::from_hours(2);
/// Counts of each kind at once.
const COUNTS_MAX: usize = 20_000;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Count {
    /// An account, known or not, tried from anywhere. The mail address is kept hashed.
    Account(u64),
    /// An account tried from where its owner has been.
    Owner(i64, String),
    /// Everything from one address.
    Address(String),
    /// Codes for a step-up of somebody who is logged in.
    Code(i64),
    /// Letters asked for with a forgotten password.
    Letter(u64),
    /// All that found no place: many strangers share it in a flood.
    Crowd,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    /// Nanoseconds of the monotonic clock.
    next_at: i64,
    last_at: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Guard(DashMap<Count, Tries>);

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// 1, 2, 4 ... seconds after the free tries.
fn delay(wrong: u32, free: u32) -> Duration {
    let over = wrong.saturating_sub(free);
    if over == 0 {
        return Duration::ZERO;
    }
    Duration::from_secs(1 << (over - 1).min(20)).min(LONGEST)
}

impl Count {
    fn free(&self) -> u32 {
        match self {
            Self::Address(_) | Self::Crowd => FREE_ADDRESS,
            Self::Letter(_) => 2,
            _ => FREE_ACCOUNT,
        }
    }
}

impl Guard {
    /// Counts a try as wrong before it is made, so that many at once do not slip through; the
    /// number of wrong ones so far, or the time to wait. Give it back with [`Self::forgive`].
    pub(crate) fn begin(&self, count: &Count, now: i64) -> Result<u32, Duration> {
        let count = self.place_for(count, now);
        let mut tries =
            self.0.entry(count.clone()).or_insert(Tries { wrong: 0, next_at: now, last_at: now });
        if now - tries.last_at >= nanos(MEMORY) {
            *tries = Tries { wrong: 0, next_at: now, last_at: now };
        }
        if now < tries.next_at {
            let left = u64::try_from(tries.next_at - now).unwrap_or_default();
            return Err(Duration::from_nanos(left));
        }
        tries.wrong = tries.wrong.saturating_add(1);
        tries.last_at = now;
        tries.next_at = now.saturating_add(nanos(delay(tries.wrong, count.free())));
        Ok(tries.wrong)
    }

    /// The try was right: an account starts anew. An address only gets this one try back, or an
    /// attacker with one account of his own could wash it clean.
    pub(crate) fn forgive(&self, count: &Count, now: i64) {
        if !matches!(count, Count::Address(_)) {
            self.0.remove(count);
        } else if let Some(mut tries) = self.0.get_mut(count) {
            tries.wrong = tries.wrong.saturating_sub(1);
            tries.next_at = now;
        }
    }

    fn place_for(&self, count: &Count, now: i64) -> Count {
        // What belongs to a known person is bounded by the number of people.
        let is_bounded = matches!(count, Count::Owner(..) | Count::Code(_));
        if is_bounded || self.0.len() < COUNTS_MAX || self.0.contains_key(count) {
            return count.clone();
        }
        self.0.retain(|_, tries| now - tries.last_at < nanos(MEMORY));
        if self.0.len() < COUNTS_MAX { count.clone() } else { Count::Crowd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn the_wait_doubles_after_five_wrong_tries_and_never_passes_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (0..20).map(|wrong| delay(wrong, FREE_ACCOUNT).as_secs()).collect();
        let expected =
            [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900];
        assert_eq!(waits, expected);
        assert_eq!(delay(u32::MAX, 5), LONGEST);
    }

    #[test]
    fn who_waits_is_let_in_again_and_who_was_right_starts_anew() {
        let (guard, count) = (Guard::default(), Count::Account(1));
        for wrong in 1..=6 {
            assert_eq!(guard.begin(&count, SECOND), Ok(wrong));
        }
        assert_eq!(guard.begin(&count, SECOND), Err(Duration::from_secs(1)));
        assert_eq!(guard.begin(&count, 2 * SECOND), Ok(7));
        assert_eq!(guard.begin(&Count::Account(2), 2 * SECOND), Ok(1), "others are not touched");
        guard.forgive(&count, 2 * SECOND);
        assert_eq!(guard.begin(&count, 2 * SECOND), Ok(1));
    }

    #[test]
    fn a_right_try_does_not_wash_an_address_clean() {
        let (guard, count) = (Guard::default(), Count::Address("192.0.2.1".to_owned()));
        for wrong in 1..=10 {
            assert_eq!(guard.begin(&count, SECOND), Ok(wrong));
        }
        guard.forgive(&count, SECOND);
        assert_eq!(guard.begin(&count, SECOND), Ok(10));
    }

    #[test]
    fn the_memory_has_an_end_and_owners_find_a_place_in_a_flood() {
        let guard = Guard::default();
        for number in 0..50_000 {
            let _crowd = guard.begin(&Count::Account(number), SECOND);
        }
        assert!(guard.0.len() <= COUNTS_MAX + 1);
        assert!(guard.begin(&Count::Account(99_999), SECOND).is_err(), "the crowd waits");
        assert_eq!(guard.begin(&Count::Owner(1, "192.0.2.1".to_owned()), SECOND), Ok(1));
        let later = SECOND + nanos(MEMORY);
        assert_eq!(guard.begin(&Count::Account(99_999), later), Ok(1));
    }
}
