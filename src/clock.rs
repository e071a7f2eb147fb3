//! The time: the one place that asks the machine for it, and the doubt about what it says (P37).
//!
//! Timers use [`Clock::instant`], dates use [`Clock::now`]. The surprise: after a large forward
//! step nothing expires for a while, because a wrong clock would otherwise expire every message
//! of the gateway in one second, and that cannot be taken back.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::config::ClockLimits;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The clocks of the machine.
    System,
    /// A clock that stands still until a test moves it.
    Set(Arc<SetClock>),
}

impl Clock {
    pub const fn system() -> Self {
        Self::System
    }

    /// The wall clock in microseconds since 1970 UTC. It may step, forward and back.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> i64 {
        match self {
            Self::System => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => micros(since),
                Err(before) => -micros(before.duration()),
            },
            Self::Set(clock) => clock.wall_us.load(Ordering::Relaxed),
        }
    }

    /// The same as a date; a clock beyond all calendars shows 1970.
    pub fn timestamp(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// The monotonic clock, for timers; under tokio's paused time it is that one.
    pub fn instant(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Set(clock) => clock.start + clock.elapsed(),
        }
    }
}

/// The hands of [`Clock::Set`].
#[derive(Debug)]
pub struct SetClock {
    start: Instant,
    wall_us: AtomicI64,
    elapsed_us: AtomicI64,
}

impl SetClock {
    pub fn at(wall_us: i64) -> Self {
        Self {
            start: Instant::now(),
            wall_us: AtomicI64::new(wall_us),
            elapsed_us: AtomicI64::new(0),
        }
    }

    /// Time passes: both clocks move.
    pub fn advance(&self, by: Duration) {
        self.elapsed_us.fetch_add(micros(by), Ordering::Relaxed);
        self.step(micros(by));
    }

    /// Somebody sets the wall clock; the monotonic one does not move.
    pub fn step(&self, by_us: i64) {
        self.wall_us.fetch_add(by_us, Ordering::Relaxed);
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.elapsed_us.load(Ordering::Relaxed).unsigned_abs())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A step of the wall clock, in microseconds; negative is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    pub by_us: i64,
    /// Whether this step made expiry pause.
    pub pauses: bool,
}

/// Compares the two clocks and says when the wall clock is not to be believed.
///
/// Pure: it is told both times. A slow correction, as time daemons make it, never is a jump,
/// because only the difference between two looks counts.
#[derive(Clone, Debug)]
pub struct JumpGuard {
    limits: ClockLimits,
    last: Option<(i64, Instant)>,
    doubt: Option<Doubt>,
}

#[derive(Clone, Copy, Debug)]
struct Doubt {
    until: Instant,
    /// How far the wall clock is ahead of where it would be without the steps.
    ahead_us: i64,
}

impl JumpGuard {
    pub fn new(limits: ClockLimits) -> Self {
        Self { limits, last: None, doubt: None }
    }

    /// Takes one look at both clocks, about once a second.
    pub fn observe(&mut self, wall_us: i64, now: Instant) -> Option<Jump> {
        self.doubt = self.doubt.filter(|doubt| now < doubt.until);
        let (wall_before, before) = self.last.replace((wall_us, now))?;
        let passed = micros(now.saturating_duration_since(before));
        let by_us = wall_us.saturating_sub(wall_before).saturating_sub(passed);
        if by_us.saturating_abs() <= micros(self.limits.jump) {
            return None;
        }
        let ahead_us = self.doubt.map_or(0, |doubt| doubt.ahead_us).saturating_add(by_us);
        let pauses = ahead_us > micros(self.limits.pause_after);
        // Stepped back to about where it was: the doubt is over. Further forward: it begins anew.
        self.doubt = match self.doubt {
            Some(doubt) if pauses && by_us < 0 => Some(Doubt { ahead_us, ..doubt }),
            _ => pauses.then(|| Doubt { until: now + self.limits.pause, ahead_us }),
        };
        Some(Jump { by_us, pauses: pauses && by_us > 0 })
    }

    /// Whether anything may expire now.
    pub fn may_expire(&self, now: Instant) -> bool {
        self.doubt.is_none_or(|doubt| now >= doubt.until)
    }

    /// Somebody looked at the clock and found it right.
    pub fn confirm(&mut self) {
        self.doubt = None;
    }
}

/// A [`JumpGuard`] that tasks share.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    clock: Clock,
    guard: Arc<Mutex<JumpGuard>>,
}

impl ClockWatch {
    pub fn new(clock: Clock, limits: ClockLimits) -> Self {
        Self { clock, guard: Arc::new(Mutex::new(JumpGuard::new(limits))) }
    }

    /// Looks at the clocks once. Expiry calls it before it decides, so that a step is seen before
    /// anything is done because of it.
    pub fn look(&self) -> Option<Jump> {
        self.with(|guard| guard.observe(self.clock.now(), self.clock.instant()))
    }

    /// Whether anything may expire now; looks at the clocks itself.
    pub fn may_expire(&self, on_jump: impl FnOnce(Jump)) -> bool {
        if let Some(jump) = self.look() {
            report(jump);
            on_jump(jump);
        }
        self.with(|guard| guard.may_expire(self.clock.instant()))
    }

    /// Somebody confirms the clock: expiry goes on at once.
    pub fn confirm(&self) {
        self.with(JumpGuard::confirm);
    }

    fn with<T>(&self, then: impl FnOnce(&mut JumpGuard) -> T) -> T {
        then(&mut self.guard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn report(jump: Jump) {
    let step_ms = jump.by_us / 1000;
    if jump.pauses {
        tracing::error!(
            step_ms,
            "the wall clock jumped forward; nothing expires until it is confirmed"
        );
    } else {
        tracing::warn!(step_ms, "the wall clock jumped");
    }
}

impl Clock {
    /// Nanoseconds since the process began; never goes back (P37).
    pub fn monotonic_nanos(&self) -> i64 {
        static BEGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        let passed = self.instant().saturating_duration_since(*BEGIN);
        // The offset keeps a first reading away from 0, which means "never" to a bucket.
        i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX) + 1_000_000_000
    }

    /// The business date of a moment (microseconds UTC): Europe/Warsaw, as `2026-11-21`.
    pub fn warsaw_date(&self, at: i64) -> String {
        static WARSAW: std::sync::LazyLock<jiff::tz::TimeZone> = std::sync::LazyLock::new(|| {
            jiff::tz::TimeZone::get("Europe/Warsaw").expect("the time zones are bundled")
        });
        jiff::Timestamp::from_microsecond(at)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(WARSAW.clone())
            .date()
            .to_string()
    }

    /// A random non-negative number, for jitter. Not for secrets.
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

    const SECOND: i64 = 1_000_000;

    fn secs(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// A guard that looked once, with its clock.
    fn watching() -> (Arc<SetClock>, ClockWatch) {
        let set = Arc::new(SetClock::at(1_700_000_000 * SECOND));
        let watch = ClockWatch::new(Clock::Set(Arc::clone(&set)), ClockLimits::default());
        assert_eq!(watch.look(), None);
        (set, watch)
    }

    #[test]
    fn time_that_passes_is_not_a_jump_however_much_of_it() {
        let (clock, watch) = watching();
        for passed in [secs(1), secs(3600), secs(86_400 * 400)] {
            clock.advance(passed);
            assert_eq!(watch.look(), None);
            assert!(watch.may_expire(|_| ()));
        }
    }

    #[test]
    fn steps_over_two_seconds_are_jumps_in_either_direction() {
        let (clock, watch) = watching();
        for (step, jump) in [(2, None), (-2, None), (3, Some(3)), (-3, Some(-3)), (300, Some(300))]
        {
            clock.advance(secs(1));
            clock.step(step * SECOND);
            let expected = jump.map(|by| Jump { by_us: by * SECOND, pauses: false });
            assert_eq!(watch.look(), expected, "{step}");
            assert!(watch.may_expire(|_| ()), "{step}");
        }
    }

    #[test]
    fn a_slow_correction_is_no_jump() {
        let (clock, watch) = watching();
        for _ in 0..1000 {
            clock.advance(secs(1));
            clock.step(SECOND / 2);
            assert_eq!(watch.look(), None);
        }
    }

    #[test]
    fn a_large_forward_step_pauses_expiry_for_ten_minutes() {
        let (clock, watch) = watching();
        clock.step(301 * SECOND);
        let mut jumps = Vec::new();
        assert!(!watch.may_expire(|jump| jumps.push(jump)));
        assert_eq!(jumps, [Jump { by_us: 301 * SECOND, pauses: true }]);
        clock.advance(secs(599));
        assert!(!watch.may_expire(|_| ()));
        clock.advance(secs(1));
        assert!(watch.may_expire(|_| ()));
    }

    #[test]
    fn a_step_is_seen_before_anything_expires_because_of_it() {
        let (clock, watch) = watching();
        clock.step(10 * 365 * 86_400 * SECOND);
        assert!(!watch.may_expire(|_| ()));
    }

    #[test]
    fn a_confirmation_or_the_step_back_ends_the_pause() {
        let (clock, watch) = watching();
        clock.step(3600 * SECOND);
        assert!(!watch.may_expire(|_| ()));
        watch.confirm();
        assert!(watch.may_expire(|_| ()));

        clock.step(3600 * SECOND);
        assert!(!watch.may_expire(|_| ()));
        clock.step(-3000 * SECOND);
        assert!(!watch.may_expire(|_| ()), "still ten minutes ahead");
        clock.step(-600 * SECOND);
        assert!(watch.may_expire(|_| ()));
    }

    #[test]
    fn a_step_back_does_not_pause() {
        let (clock, watch) = watching();
        clock.step(-3600 * SECOND);
        assert!(watch.may_expire(|_| ()));
    }

    #[test]
    fn many_small_steps_forward_within_a_pause_keep_it() {
        let (clock, watch) = watching();
        clock.step(400 * SECOND);
        assert!(!watch.may_expire(|_| ()));
        clock.advance(secs(500));
        assert!(!watch.may_expire(|_| ()));
        clock.step(10 * SECOND);
        assert!(!watch.may_expire(|_| ()));
        clock.advance(secs(599));
        assert!(!watch.may_expire(|_| ()), "the new step began the pause anew");
    }

    #[test]
    fn no_reading_of_the_clock_overflows() {
        let mut guard = JumpGuard::new(ClockLimits::default());
        let now = Instant::now();
        for wall in [i64::MIN, i64::MAX, 0, i64::MIN, i64::MIN, i64::MAX] {
            let _jump = guard.observe(wall, now);
        }
        let clock = Clock::Set(Arc::new(SetClock::at(i64::MAX)));
        assert_eq!(clock.timestamp(), jiff::Timestamp::UNIX_EPOCH);
    }
}
