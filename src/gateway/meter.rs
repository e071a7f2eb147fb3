//! How much goes through now: a count of the last seconds in a few atomic numbers.
//!
//! What surprises: the second that is not over yet is left out, or every look in its beginning
//! would see a rate that falls.

use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds that a rate is taken over.
const SECONDS: i64 = 10;
/// Places of the ring: those seconds, and the one that is counted into.
const PLACES: u32 = 16;
const SECOND_US: i64 = 1_000_000;

/// Each place holds the low half of its second above the count of that second.
#[derive(Debug, Default)]
pub struct Meter([AtomicU64; PLACES as usize]);

impl Meter {
    /// Counts one at `now` (microseconds UTC).
    pub fn count(&self, now: i64) {
        let (place, second) = place_of(now.div_euclid(SECOND_US));
        let counted = self.0[place].fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
            let is_same = held >> 32 == second;
            Some(if is_same { held + 1 } else { second << 32 | 1 })
        });
        counted.expect("the update never declines");
    }

    /// Tenths of one a second, over the last seconds before the one of `now`.
    pub fn rate_tenths(&self, now: i64) -> u32 {
        let second = now.div_euclid(SECOND_US);
        let counts = (second - SECONDS..second).map(|second| {
            let (place, second) = place_of(second);
            let held = self.0[place].load(Ordering::Acquire);
            if held >> 32 == second { held & u64::from(u32::MAX) } else { 0 }
        });
        u32::try_from(counts.sum::<u64>()).unwrap_or(u32::MAX)
    }
}

/// Where a second is counted, and its mark there.
fn place_of(second: i64) -> (usize, u64) {
    let place = usize::try_from(second.rem_euclid(i64::from(PLACES))).unwrap_or_default();
    (place, second.unsigned_abs() & u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_ten_whole_seconds() {
        let (meter, begin) = (Meter::default(), 1_795_262_400_000_000);
        for second in 0..5 {
            for _ in 0..30 {
                meter.count(begin + second * SECOND_US + 7);
            }
        }
        assert_eq!(meter.rate_tenths(begin), 0, "this second is not over");
        assert_eq!(meter.rate_tenths(begin + SECOND_US), 30);
        assert_eq!(meter.rate_tenths(begin + 5 * SECOND_US), 150);
        assert_eq!(meter.rate_tenths(begin + 12 * SECOND_US), 90);
        assert_eq!(meter.rate_tenths(begin + 15 * SECOND_US), 0);
        // The ring came round: an old count is not taken for a new one.
        meter.count(begin + 16 * SECOND_US);
        assert_eq!(meter.rate_tenths(begin + 17 * SECOND_US), 1);
    }
}
