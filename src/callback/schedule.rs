//! When a callback is tried again, and when the gateway stops trying.
//!
//! Pure: the schedule, the number of attempts and a random number come in, a step comes out. The
//! schedule is `callback.schedule` of the configuration: the delay before each attempt, counted
//! from the failure before it. It does not know a message's validity (P18, 7 days for MO and
//! receipts); the lane ends the story earlier if that is over.
//!
//! The surprise: a `Retry-After` can only make the wait longer. A partner cannot ask for a
//! faster schedule, or a broken one would be hammered at its own request.

use std::time::Duration;

use super::outcome::Outcome;

/// The least wait between two attempts, whatever the schedule of the configuration says (P22).
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Jitter adds up to this share of the delay, so that callbacks which failed together (their
/// partner restarted) do not all come back in the same second.
const JITTER_PERCENT: u32 = 20;

/// The wait before the next attempt when `attempts` have been made, or none after the last one.
/// `random` is any number, fresh for each call.
#[must_use]
pub fn next(delays: &[Duration], attempts: u32, random: u64) -> Option<Duration> {
    let delay = *delays.get(usize::try_from(attempts).ok()?)?;
    let share = u32::try_from(random % 1001).expect("a remainder of 1001 is small");
    Some(delay + delay * JITTER_PERCENT / 100 * share / 1000)
}

/// What to do after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The partner has it.
    Done,
    /// Try again after this long.
    Again(Duration),
    /// Stop: disable the endpoint, keep its messages, and write to the partner why. Nothing is
    /// thrown away; what waits goes once somebody enables it.
    GiveUp(Why),
}

/// Why an endpoint is disabled: the letter to the partner says one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The partner itself said 410.
    Gone,
    /// The whole schedule is used up.
    Exhausted,
}

/// The step after attempt number `attempts`, counted from 1, ended with `outcome`.
#[must_use]
pub fn step(delays: &[Duration], outcome: &Outcome, attempts: u32, random: u64) -> Step {
    match outcome {
        Outcome::Delivered { .. } => Step::Done,
        Outcome::Gone => Step::GiveUp(Why::Gone),
        Outcome::Retry { after, .. } => match next(delays, attempts.max(1), random) {
            Some(delay) => Step::Again(delay.max(after.unwrap_or_default()).max(PAUSE_MIN)),
            None => Step::GiveUp(Why::Exhausted),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{super::outcome::Reason, *};

    /// 75 h 35 min 5 s in all. [Standard Webhooks; ops-http 7]
    const DELAYS: [Duration; 10] = [
        Duration::ZERO,
        Duration::from_secs(5),
        Duration::from_mins(5),
        Duration::from_mins(30),
        Duration::from_hours(2),
        Duration::from_hours(5),
        Duration::from_hours(10),
        Duration::from_hours(14),
        Duration::from_hours(20),
        Duration::from_hours(24),
    ];

    fn failed(after: Option<u64>) -> Outcome {
        Outcome::Retry { reason: Reason::Timeout, after: after.map(Duration::from_secs) }
    }

    #[test]
    fn the_configuration_has_the_published_schedule_unless_it_says_otherwise() {
        assert_eq!(crate::config::Callback::default().schedule, DELAYS);
    }

    #[test]
    fn without_jitter_the_schedule_is_the_published_one() {
        let seconds: Vec<u64> = (0..)
            .map_while(|attempts| next(&DELAYS, attempts, 0))
            .map(|delay| delay.as_secs())
            .collect();
        assert_eq!(seconds, [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        let total: u64 = seconds.iter().sum();
        assert_eq!(total, 75 * 3600 + 35 * 60 + 5);
    }

    #[test]
    fn jitter_only_lengthens_and_by_a_fifth_at_most() {
        for (attempts, delay) in (0..).zip(DELAYS) {
            let mut seen = std::collections::BTreeSet::new();
            for random in [0, 1, 500, 1000, 1001, u64::MAX, 0x9e37_79b9_7f4a_7c15] {
                let jittered = next(&DELAYS, attempts, random).unwrap();
                assert!(jittered >= delay && jittered <= delay * 6 / 5, "{attempts} {random}");
                seen.insert(jittered);
            }
            assert!(delay.is_zero() || seen.len() > 3, "{attempts} does not vary");
        }
        assert_eq!(next(&DELAYS, 9, 1000), Some(Duration::from_hours(24) * 6 / 5));
    }

    #[test]
    fn after_the_last_attempt_the_endpoint_is_given_up() {
        assert_eq!(step(&DELAYS, &failed(None), 9, 0), Step::Again(Duration::from_hours(24)));
        assert_eq!(step(&DELAYS, &failed(None), 10, 0), Step::GiveUp(Why::Exhausted));
        assert_eq!(step(&DELAYS, &failed(Some(60)), 10, 0), Step::GiveUp(Why::Exhausted));
        assert_eq!(step(&DELAYS, &failed(None), u32::MAX, 0), Step::GiveUp(Why::Exhausted));
    }

    #[test]
    fn a_gone_endpoint_is_given_up_at_once_and_a_delivery_is_done() {
        assert_eq!(step(&DELAYS, &Outcome::Gone, 1, 0), Step::GiveUp(Why::Gone));
        let delivered = Outcome::Delivered { status: 204, took: Duration::from_millis(3) };
        assert_eq!(step(&DELAYS, &delivered, 10, 0), Step::Done);
    }

    #[test]
    fn a_partner_can_ask_for_more_patience_but_not_for_less() {
        assert_eq!(step(&DELAYS, &failed(Some(3600)), 1, 0), Step::Again(Duration::from_hours(1)));
        assert_eq!(step(&DELAYS, &failed(Some(1)), 3, 0), Step::Again(Duration::from_mins(30)));
    }

    #[test]
    fn a_failed_attempt_never_leads_to_another_without_a_delay() {
        // P22: even a caller that forgot to count waits.
        assert_eq!(step(&DELAYS, &failed(None), 0, 0), Step::Again(Duration::from_secs(5)));
    }
    #[test]
    fn a_schedule_of_zeros_still_waits() {
        let step = step(&[Duration::ZERO; 3], &failed(None), 1, 0);
        assert_eq!(step, Step::Again(Duration::from_secs(1)));
    }
}
