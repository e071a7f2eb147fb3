//! Rates: a bucket in one atomic number (GCRA). A whole message counts once, however many parts.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;

/// Messages that are taken in together for partners of whom more waits than memory holds.
pub(super) const OVERFLOWN_TOGETHER: usize = 32;

/// Messages a second with a burst, retunable while in use.
#[derive(Debug)]
pub struct Bucket {
    rate: AtomicU32,
    burst: AtomicU32,
    /// Nanoseconds at which the bucket is full again (theoretical arrival time).
    full_at: AtomicI64,
}

impl Bucket {
    /// `rate` 0 is no limit.
    pub fn new(rate: u32, burst: u32) -> Self {
        Self {
            rate: AtomicU32::new(rate),
            burst: AtomicU32::new(burst.max(1)),
            full_at: AtomicI64::new(0),
        }
    }

    pub fn tune(&self, rate: u32, burst: u32) {
        self.rate.store(rate, Ordering::Relaxed);
        self.burst.store(burst.max(1), Ordering::Relaxed);
    }

    pub fn rate(&self) -> u32 {
        self.rate.load(Ordering::Relaxed)
    }

    /// Takes one at `now` (monotonic nanoseconds), or says how long to wait.
    pub fn take(&self, now: i64) -> Result<(), Duration> {
        let rate = self.rate();
        if rate == 0 {
            return Ok(());
        }
        let step = 1_000_000_000 / i64::from(rate);
        let slack = step * (i64::from(self.burst.load(Ordering::Relaxed)) - 1);
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            let early = full_at - slack - now;
            if early > 0 {
                return Err(Duration::from_nanos(early.unsigned_abs()));
            }
            let next = full_at.max(now) + step;
            match self.full_at.compare_exchange_weak(
                full_at,
                next,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(()),
                Err(seen) => full_at = seen,
            }
        }
    }

    /// Nothing was taken lately: a new bucket would give as much.
    pub fn is_full(&self, now: i64) -> bool {
        self.full_at.load(Ordering::Relaxed) <= now
    }

    /// How many could be taken at `now`, up to `max`.
    pub fn room(&self, now: i64, max: usize) -> usize {
        let rate = self.rate();
        if rate == 0 {
            return max;
        }
        let step = 1_000_000_000 / i64::from(rate);
        let slack = step * i64::from(self.burst.load(Ordering::Relaxed));
        let free = (now - (self.full_at.load(Ordering::Relaxed).max(now) - slack)) / step;
        usize::try_from(free).unwrap_or(0).min(max)
    }

    /// Nanoseconds until one can be taken.
    pub fn wait(&self, now: i64) -> Duration {
        let rate = self.rate();
        if rate == 0 {
            return Duration::ZERO;
        }
        let step = 1_000_000_000 / i64::from(rate);
        let slack = step * (i64::from(self.burst.load(Ordering::Relaxed)) - 1);
        let early = self.full_at.load(Ordering::Relaxed) - slack - now;
        Duration::from_nanos(early.max(0).unsigned_abs())
    }
}

/// The bucket under a key, made at its first use; it keeps its rate until it is tuned.
pub(super) fn bucket_of<K: Eq + Hash + Copy>(
    buckets: &DashMap<K, Arc<Bucket>>,
    key: K,
    (rate, burst): (u32, u32),
) -> Arc<Bucket> {
    if let Some(bucket) = buckets.get(&key) {
        return Arc::clone(&bucket);
    }
    Arc::clone(&buckets.entry(key).or_insert_with(|| Arc::new(Bucket::new(rate, burst))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let bucket = Bucket::new(10, 5);
        let taken = (0..100).filter(|_| bucket.take(SECOND).is_ok()).count();
        assert_eq!(taken, 5);
        assert_eq!(bucket.take(SECOND), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(SECOND + SECOND / 10), Ok(()));
    }

    #[test]
    fn no_second_exceeds_rate_and_burst() {
        let bucket = Bucket::new(100, 1);
        let taken = (0..1000).filter(|ms| bucket.take(5 * SECOND + ms * 1_000_000).is_ok()).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn room_agrees_with_what_can_be_taken() {
        let bucket = Bucket::new(10, 5);
        assert_eq!(bucket.room(SECOND, 100), 5);
        for _ in 0..3 {
            assert_eq!(bucket.take(SECOND), Ok(()));
        }
        assert_eq!(bucket.room(SECOND, 100), 2);
        assert_eq!(Bucket::new(0, 1).room(0, 7), 7);
    }
}
