//! The time, as everybody asks for it. The one place that looks at the machine's clocks.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicI64, Ordering},
};

/// The system's clock, or one that a test sets.
#[derive(Debug, Clone)]
pub enum Clock {
    System,
    /// Microseconds UTC; moves only when it is told to.
    Set(Arc<AtomicI64>),
    /// The system's clock with an offset that a test moves.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    pub fn system() -> Self {
        Self::System
    }

    /// A clock that stands still at `now` (microseconds UTC).
    pub fn set(now: i64) -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(now));
        (Self::Set(Arc::clone(&hand)), hand)
    }

    /// A clock that runs, and jumps by what is added to the hand.
    pub fn shifted() -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(0));
        (Self::Shifted(Arc::clone(&hand)), hand)
    }

    /// Microseconds UTC.
    pub fn now(&self) -> i64 {
        match self {
            Self::System => jiff::Timestamp::now().as_microsecond(),
            Self::Set(hand) => hand.load(Ordering::Acquire),
            Self::Shifted(hand) => {
                jiff::Timestamp::now().as_microsecond() + hand.load(Ordering::Acquire)
            }
        }
    }

    /// Nanoseconds since the process began; never goes back (P37).
    #[expect(clippy::unused_self, reason = "time is asked of the clock, whichever it is")]
    pub fn monotonic_nanos(&self) -> i64 {
        static BEGIN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
        // The offset keeps a first reading away from 0, which means "never" to a bucket.
        i64::try_from(BEGIN.elapsed().as_nanos()).unwrap_or(i64::MAX) + 1_000_000_000
    }

    /// The business date of a moment: Europe/Warsaw, as `2026-11-21`.
    #[expect(clippy::unused_self, reason = "time is asked of the clock, whichever it is")]
    pub fn warsaw_date(&self, at: i64) -> String {
        static WARSAW: LazyLock<jiff::tz::TimeZone> = LazyLock::new(|| {
            jiff::tz::TimeZone::get("Europe/Warsaw").expect("the time zones are bundled")
        });
        jiff::Timestamp::from_microsecond(at)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(WARSAW.clone())
            .date()
            .to_string()
    }

    /// A random non-negative number, for jitter. Not for secrets.
    #[expect(clippy::unused_self, reason = "a set clock could be given a set seed")]
    pub fn random(&self) -> i64 {
        let mut octets = [0; 8];
        // Without randomness there is no jitter, and nothing worse.
        if getrandom::fill(&mut octets).is_err() {
            return 0;
        }
        i64::from_ne_bytes(octets) & i64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_business_day_begins_at_midnight_in_warsaw() {
        let (clock, _) = Clock::set(0);
        // 2026-11-20T22:59:59Z and one second later, when Warsaw is one hour ahead.
        assert_eq!(clock.warsaw_date(1_795_215_599_000_000), "2026-11-20");
        assert_eq!(clock.warsaw_date(1_795_215_600_000_000), "2026-11-21");
    }
}
