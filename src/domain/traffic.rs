//! Traffic as it is counted: which of a service's messages, and in which steps of time.
//!
//! It counts nothing itself. What surprises: a day is one of the calendar of Warsaw, so that two
//! of them in a year have 23 or 25 hours; minutes and quarters are the same everywhere.

use jiff::{Timestamp, civil::Date};

use super::terms::warsaw;

const MINUTE_US: i64 = 60_000_000;
const QUARTER_US: i64 = 15 * MINUTE_US;
const DAY_US: i64 = 96 * QUARTER_US;

/// How fine figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrafficStep {
    Minute,
    /// Of an hour.
    Quarter,
    Day,
}

impl TrafficStep {
    pub const ALL: [Self; 3] = [Self::Minute, Self::Quarter, Self::Day];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Quarter => "quarter",
            Self::Day => "day",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == word)
    }

    /// When the step began in which a moment lies. Microseconds UTC.
    pub fn begin(self, at: i64) -> i64 {
        match self {
            Self::Minute => at - at.rem_euclid(MINUTE_US),
            Self::Quarter => at - at.rem_euclid(QUARTER_US),
            Self::Day => date(at).map_or_else(|| at - at.rem_euclid(DAY_US), midnight),
        }
    }

    /// When the step before, or after, the one that began then begins.
    pub fn next(self, begin: i64, steps: i64) -> i64 {
        match self {
            Self::Minute => begin.saturating_add(steps.saturating_mul(MINUTE_US)),
            Self::Quarter => begin.saturating_add(steps.saturating_mul(QUARTER_US)),
            Self::Day => {
                let far = || begin.saturating_add(steps.saturating_mul(DAY_US));
                let span = jiff::Span::new().try_days(steps).ok();
                let day = date(begin).zip(span).and_then(|(day, span)| day.checked_add(span).ok());
                day.map_or_else(far, midnight)
            }
        }
    }

    /// Steps of the usual look: an hour of minutes, a day of quarters, thirty days.
    pub fn usual(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Quarter => 96,
            Self::Day => 30,
        }
    }

    /// The time of the usual look. Whole minutes only: the one that runs was not counted yet, and
    /// would look like a fall. A quarter and a day are shown while they run.
    pub fn last(self, now: i64) -> (i64, i64) {
        let begin = self.begin(now);
        let until = if self == Self::Minute { begin } else { self.next(begin, 1) };
        (self.next(until, -self.usual()), until)
    }

    /// The beginnings of all steps that have a moment in common with a time, `most` of them at most.
    pub fn begins(self, (from, until): (i64, i64), most: usize) -> Vec<i64> {
        let first = (from < until).then(|| self.begin(from));
        std::iter::successors(first, |begin| Some(self.next(*begin, 1)))
            .take_while(|begin| *begin < until)
            .take(most)
            .collect()
    }
}

/// The day in Warsaw; none for a moment that no calendar has.
fn date(at: i64) -> Option<Date> {
    Timestamp::from_microsecond(at).ok().map(|stamp| stamp.to_zoned(warsaw()).date())
}

/// When a day begins in Warsaw.
fn midnight(day: Date) -> i64 {
    day.to_zoned(warsaw()).map_or(0, |start| start.timestamp().as_microsecond())
}

/// What is counted of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// From a subscriber.
    Taken,
    /// To a subscriber, with a promise to the partner.
    Accepted,
    Delivered,
    /// Accepted, and over without having been delivered. What its partner took back did not fail.
    Failed,
    /// To a subscriber, not accepted; counted where the service was known by then.
    Refused,
}

impl Counted {
    pub const ALL: [Self; 5] =
        [Self::Taken, Self::Accepted, Self::Delivered, Self::Failed, Self::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// Figures of one service, or of many, in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficCounts(pub [i64; Counted::ALL.len()]);

impl TrafficCounts {
    pub fn of(self, what: Counted) -> i64 {
        self.0[what as usize]
    }

    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

impl std::ops::AddAssign for TrafficCounts {
    fn add_assign(&mut self, other: Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn a_day_begins_at_midnight_in_warsaw_and_a_quarter_at_that_of_the_hour() {
        for (step, moment, begin) in [
            (TrafficStep::Minute, "2026-11-22T10:07:59.999999Z", "2026-11-22T10:07:00Z"),
            (TrafficStep::Quarter, "2026-11-22T10:07:59Z", "2026-11-22T10:00:00Z"),
            (TrafficStep::Quarter, "2026-11-22T10:15:00Z", "2026-11-22T10:15:00Z"),
            // Winter: midnight is 23:00 UTC of the day before.
            (TrafficStep::Day, "2026-11-22T22:59:59.999999Z", "2026-11-21T23:00:00Z"),
            (TrafficStep::Day, "2026-11-22T23:00:00Z", "2026-11-22T23:00:00Z"),
            // Summer: 22:00 UTC.
            (TrafficStep::Day, "2026-06-30T21:59:59Z", "2026-06-29T22:00:00Z"),
            (TrafficStep::Day, "2026-06-30T22:00:00Z", "2026-06-30T22:00:00Z"),
        ] {
            assert_eq!(step.begin(at(moment)), at(begin), "{step:?} {moment}");
        }
    }

    #[test]
    fn the_days_on_which_clocks_change_have_23_and_25_hours() {
        for (day, hours) in [("2026-03-28T23:00:00Z", 23), ("2026-10-24T22:00:00Z", 25)] {
            let begin = at(day);
            assert_eq!(TrafficStep::Day.begin(begin), begin);
            let next = TrafficStep::Day.next(begin, 1);
            assert_eq!(next - begin, hours * 60 * MINUTE_US, "{day}");
            assert_eq!(TrafficStep::Day.next(next, -1), begin);
            let all = TrafficStep::Quarter.begins((begin, next), 1000);
            assert_eq!(all.len(), usize::try_from(hours * 4).unwrap());
        }
    }

    #[test]
    fn every_step_of_a_time_is_named_once_and_no_more_than_asked_for() {
        let (from, until) = (at("2026-11-22T10:07:30Z"), at("2026-11-22T10:10:00Z"));
        let begins = TrafficStep::Minute.begins((from, until), 10);
        assert_eq!(begins.first(), Some(&at("2026-11-22T10:07:00Z")));
        assert_eq!(begins.len(), 3);
        assert_eq!(TrafficStep::Minute.begins((0, i64::MAX), 7).len(), 7);
        assert_eq!(TrafficStep::Day.begins((until, from), 7), Vec::<i64>::new());
        // No calendar has these; nothing may panic.
        for at in [i64::MIN, i64::MAX] {
            for step in TrafficStep::ALL {
                step.next(step.begin(at.saturating_add(DAY_US)), 3);
            }
        }
    }

    #[test]
    fn the_usual_look_ends_with_what_runs_but_never_within_a_minute() {
        let now = at("2026-11-22T10:07:30Z");
        for (step, from, until) in [
            (TrafficStep::Minute, "2026-11-22T09:07:00Z", "2026-11-22T10:07:00Z"),
            (TrafficStep::Quarter, "2026-11-21T10:15:00Z", "2026-11-22T10:15:00Z"),
            // The clocks of Warsaw were an hour ahead then.
            (TrafficStep::Day, "2026-10-23T22:00:00Z", "2026-11-22T23:00:00Z"),
        ] {
            assert_eq!(step.last(now), (at(from), at(until)), "{step:?}");
            let steps = step.begins(step.last(now), 1000);
            assert_eq!(i64::try_from(steps.len()), Ok(step.usual()));
        }
    }

    #[test]
    fn words_are_read_back() {
        for step in TrafficStep::ALL {
            assert_eq!(TrafficStep::parse(step.as_str()), Some(step));
        }
        for (index, what) in Counted::ALL.into_iter().enumerate() {
            assert_eq!(what as usize, index);
        }
    }
}
