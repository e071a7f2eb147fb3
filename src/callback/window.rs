//! How much one partner can take at once.
//!
//! Pure: the end of a try and the time come in, a width and a rest come out.
//!
//! The surprise: a narrow window is not enough. Every refused message gets a plan of its own, so
//! without a rest all that wait would be tried, and refused, one after the other.

use std::time::Duration;

use tokio::time::Instant;

use super::outcome::Outcome;

/// How long nothing new is taken after the partner asked for less.
const REST_MIN: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_mins(1);

/// What a try says about how much the partner can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Good,
    /// 429 or a gateway's error, and how long the partner wants to be left alone.
    Slower(Option<Duration>),
    None,
}

impl Answer {
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Delivered { .. } => Self::Good,
            Outcome::Retry { after, .. } if outcome.asks_to_slow_down() => Self::Slower(*after),
            Outcome::Retry { .. } | Outcome::Gone => Self::None,
        }
    }
}

/// How many posts may be in flight to one endpoint: one after a complaint, one more after each
/// success.
#[derive(Debug)]
pub(super) struct Window {
    now: usize,
    max: usize,
    rest_until: Option<Instant>,
}

impl Window {
    pub(super) fn new(max: usize) -> Self {
        Self { now: max.max(1), max: max.max(1), rest_until: None }
    }

    pub(super) fn width(&self) -> usize {
        self.now
    }

    /// The end of the rest, if it is not over.
    pub(super) fn rest(&self, now: Instant) -> Option<Instant> {
        self.rest_until.filter(|until| *until > now)
    }

    pub(super) fn learn(&mut self, answer: Answer, now: Instant) {
        match answer {
            Answer::Good => self.now = (self.now + 1).min(self.max),
            Answer::Slower(after) => {
                self.now = 1;
                let rest = after.unwrap_or_default().clamp(REST_MIN, REST_MAX);
                self.rest_until = Some(now + rest);
            }
            Answer::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_narrows_the_window_to_one_and_successes_widen_it() {
        let now = Instant::now();
        let mut window = Window::new(3);
        for (answer, width) in [
            (Answer::Good, 3),
            (Answer::None, 3),
            (Answer::Slower(None), 1),
            (Answer::None, 1),
            (Answer::Good, 2),
            (Answer::Good, 3),
            (Answer::Good, 3),
        ] {
            window.learn(answer, now);
            assert_eq!(window.width(), width, "{answer:?}");
        }
        for (after, rest) in [(None, 1), (Some(0), 1), (Some(7), 7), (Some(86_400), 60)] {
            window.learn(Answer::Slower(after.map(Duration::from_secs)), now);
            let end = now + Duration::from_secs(rest);
            assert_eq!(window.rest(now), Some(end));
            assert_eq!(window.rest(end), None);
        }
    }
}
