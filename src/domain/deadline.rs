//! A promise with a due time: so many days or working days, a calendar, pauses, a breach.
//!
//! Days are those of Europe/Warsaw, and a promise holds until the end of its last day. Holidays
//! are data (`config/holidays.pl.tsv`), for parliament changes them. It stores nothing and
//! sends nothing.
//!
//! What surprises: the day on which the clock starts never counts, and a promise of 5 days may
//! last 5 days and 23 hours, or on a day of daylight saving an hour more or less.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};

/// The days off that are shipped; an operator may give a newer list.
const POLISH: &str = include_str!("../../config/holidays.pl.tsv");
/// The longest promise, in days: a bound for every loop over days.
pub const AMOUNT_MAX: u16 = 366;
const HOUR: i64 = 3_600_000_000;

static WARSAW: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Europe/Warsaw").expect("the time zones are bundled"));

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// By the clock, through nights and days off.
    Hour,
    Day,
    /// Monday to Friday, and no statutory day off (Q4.1).
    WorkingDay,
}

/// A moment as texts of machines have it: RFC 3339 in UTC.
pub fn moment(micros: i64) -> String {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub amount: u16,
    pub unit: Unit,
}

impl Span {
    pub const fn days(amount: u16) -> Self {
        Self { amount, unit: Unit::Day }
    }

    pub const fn working_days(amount: u16) -> Self {
        Self { amount, unit: Unit::WorkingDay }
    }

    pub const fn hours(amount: u16) -> Self {
        Self { amount, unit: Unit::Hour }
    }

    /// Reads `4h` too; most promises are of days, and `parse` takes only those.
    pub fn parse_short(text: &str) -> Option<Self> {
        let Some(number) = text.strip_suffix('h') else { return Self::parse(text) };
        Self::parse(&format!("{number}d")).map(|span| Self { unit: Unit::Hour, ..span })
    }

    /// Reads `5d` and `5wd`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        let unit = match &text[number.len()..] {
            "d" => Unit::Day,
            "wd" => Unit::WorkingDay,
            _ => return None,
        };
        // `parse` alone would take a plus sign.
        let is_plain = number.bytes().all(|octet| octet.is_ascii_digit());
        let amount = number.parse().ok().filter(|amount| is_plain && *amount <= AMOUNT_MAX)?;
        Some(Self { amount, unit })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::WorkingDay => "wd",
        };
        write!(f, "{}{unit}", self.amount)
    }
}

/// The days off of a country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar(BTreeSet<Date>);

impl Default for Calendar {
    fn default() -> Self {
        Self::polish()
    }
}

impl Calendar {
    pub fn polish() -> Self {
        Self::parse(POLISH).expect("the shipped list of holidays is well formed")
    }

    /// Reads a table with tabs whose first column is a date; `#` begins a comment.
    pub fn parse(table: &str) -> Result<Self, String> {
        const LINES_MAX: usize = 10_000;
        let mut days = BTreeSet::new();
        for (number, line) in (1..=LINES_MAX).zip(table.lines()) {
            let first = line.split('\t').next().unwrap_or_default().trim();
            if first.is_empty() || first.starts_with('#') || first == "date" {
                continue;
            }
            let day = first.parse::<Date>();
            days.insert(day.map_err(|_| format!("line {number}: `{first}` is no date"))?);
        }
        if days.is_empty() { Err("there is no date in it".to_owned()) } else { Ok(Self(days)) }
    }

    /// The last year that the list knows; after it only weekends are off.
    pub fn last_year(&self) -> i16 {
        self.0.last().map_or(0, |day| day.year())
    }

    pub fn is_working_day(&self, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.0.contains(&day)
    }

    /// The last moment of the day on which a promise made at `from` is due; microseconds UTC.
    pub fn due(&self, from: i64, span: Span) -> i64 {
        if span.unit == Unit::Hour {
            return from.saturating_add(i64::from(span.amount.min(AMOUNT_MAX)) * HOUR);
        }
        let mut day = date(from);
        let mut left = span.amount.min(AMOUNT_MAX);
        while left > 0 {
            let Ok(next) = day.tomorrow() else { break };
            day = next;
            if span.unit == Unit::Day || self.is_working_day(day) {
                left -= 1;
            }
        }
        end_of(day).unwrap_or(from)
    }

    /// Whole units between the days of two moments; 0 if the second is not later.
    pub fn between(&self, from: i64, until: i64, unit: Unit) -> u16 {
        if unit == Unit::Hour {
            return u16::try_from(until.saturating_sub(from).max(0) / HOUR).unwrap_or(u16::MAX);
        }
        let (mut day, last) = (date(from), date(until));
        let mut count = 0;
        // Days off do not count, so that more days are walked than are counted.
        for _ in 0..u32::from(AMOUNT_MAX) * 3 {
            let Some(next) = day.tomorrow().ok().filter(|next| *next <= last) else { break };
            day = next;
            if unit == Unit::Day || self.is_working_day(day) {
                count += 1;
            }
        }
        count
    }
}

/// The business date of a moment.
pub fn date(at: i64) -> Date {
    let moment = Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(WARSAW.clone()).date()
}

fn end_of(day: Date) -> Option<i64> {
    let next = day.tomorrow().ok()?.to_zoned(WARSAW.clone()).ok()?;
    Some(next.timestamp().as_microsecond() - 1)
}

/// The first moment of a day; microseconds UTC.
pub fn start_of(day: Date) -> i64 {
    day.to_zoned(WARSAW.clone()).map_or(0, |start| start.timestamp().as_microsecond())
}

/// Calendar days from one date back to another.
pub fn days_since(earlier: Date, later: Date) -> i64 {
    later.since(earlier).map_or(0, |span| i64::from(span.get_days()))
}

/// The date so many days later.
pub fn days_after(day: Date, days: u16) -> Date {
    day.saturating_add(i64::from(days).days())
}

/// A promise as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    pub due_at: i64,
    /// What was said first; no pause moves it (Q4.11).
    pub promised_at: i64,
    pub paused_at: Option<i64>,
    pub met_at: Option<i64>,
}

impl Promise {
    pub fn new(due_at: i64) -> Self {
        Self { due_at, promised_at: due_at, paused_at: None, met_at: None }
    }

    /// Stops the clock; none if it stands already or the promise is over.
    pub fn pause(self, at: i64) -> Option<Self> {
        let runs = self.paused_at.is_none() && self.met_at.is_none();
        runs.then_some(Self { paused_at: Some(at), ..self })
    }

    /// Lets the clock run again: what was left when it stopped is left now, in whole days. What
    /// was late already stays as late as it was.
    pub fn resume(self, at: i64, unit: Unit, calendar: &Calendar) -> Option<Self> {
        let paused_at = self.paused_at.filter(|_| self.met_at.is_none())?;
        let due_at = if paused_at > self.due_at {
            self.due_at
        } else if unit == Unit::Hour {
            // To the microsecond: hours do not end with a day.
            at.saturating_add(self.due_at - paused_at)
        } else {
            let amount = calendar.between(paused_at, self.due_at, unit);
            calendar.due(at, Span { amount, unit }).max(self.due_at)
        };
        Some(Self { due_at, paused_at: None, ..self })
    }

    /// It is over, not kept, and the clock runs.
    pub fn is_overdue(&self, now: i64) -> bool {
        self.met_at.is_none() && self.paused_at.is_none() && now > self.due_at
    }

    /// Days that it is or was late; 0 in time.
    pub fn days_late(&self, now: i64) -> i64 {
        let end = self.met_at.or(self.paused_at).unwrap_or(now);
        if end <= self.due_at { 0 } else { days_since(date(self.due_at), date(end)).max(1) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A moment by the clock of Warsaw.
    pub(in crate::domain) fn at(text: &str) -> i64 {
        let moment: jiff::civil::DateTime = text.parse().unwrap();
        moment.to_zoned(WARSAW.clone()).unwrap().timestamp().as_microsecond()
    }

    fn day(moment: i64) -> String {
        date(moment).to_string()
    }

    #[test]
    fn a_promise_holds_until_the_end_of_its_last_day() {
        let calendar = Calendar::polish();
        let table = [
            // Days as they come: the weekend counts.
            ("2026-11-20T09:00", Span::days(5), "2026-11-25"),
            ("2026-11-20T23:59", Span::days(5), "2026-11-25"),
            ("2026-11-20T00:00", Span::days(0), "2026-11-20"),
            // Friday, and neither Saturday nor Sunday counts.
            ("2026-11-20T09:00", Span::working_days(1), "2026-11-23"),
            ("2026-11-20T09:00", Span::working_days(5), "2026-11-27"),
            // Begun on a Saturday it is as if begun on Friday.
            ("2026-11-21T09:00", Span::working_days(1), "2026-11-23"),
            // Easter Monday is 2026-04-06; Good Friday is a working day.
            ("2026-04-02T09:00", Span::working_days(2), "2026-04-07"),
            // 24 December is off from 2025 on, and was not in 2024.
            ("2024-12-23T09:00", Span::working_days(1), "2024-12-24"),
            ("2025-12-23T09:00", Span::working_days(1), "2025-12-29"),
            // New Year and Epiphany.
            ("2026-12-31T09:00", Span::working_days(3), "2027-01-07"),
            // After the end of the list only weekends are off.
            ("2040-12-24T09:00", Span::working_days(1), "2040-12-25"),
        ];
        for (from, span, expected) in table {
            let due = calendar.due(at(from), span);
            assert_eq!(day(due), expected, "{from} {span}");
            assert_eq!(due + 1, at(&format!("{}T00:00", date(due + 1))), "the end of that day");
        }
    }

    #[test]
    fn a_day_of_daylight_saving_is_an_hour_longer_or_shorter_and_still_one_day() {
        let calendar = Calendar::polish();
        // 2026-10-25 has 25 hours, 2026-03-29 has 23.
        let hour = 3_600_000_000;
        let autumn = calendar.due(at("2026-10-24T12:00"), Span::days(1));
        assert_eq!(autumn + 1 - at("2026-10-24T12:00"), 37 * hour);
        let spring = calendar.due(at("2026-03-28T12:00"), Span::days(1));
        assert_eq!(spring + 1 - at("2026-03-28T12:00"), 35 * hour);
    }

    #[test]
    fn the_day_is_that_of_warsaw() {
        // 23:30 UTC on the 20th is the 21st in Warsaw already.
        let late: Timestamp = "2026-11-20T23:30:00Z".parse().unwrap();
        let due = Calendar::polish().due(late.as_microsecond(), Span::days(1));
        assert_eq!(day(due), "2026-11-22");
    }

    #[test]
    fn a_pause_moves_the_due_day_and_not_what_was_promised() {
        let calendar = Calendar::polish();
        let promise = Promise::new(calendar.due(at("2026-11-16T10:00"), Span::days(5)));
        let asked = promise.pause(at("2026-11-18T10:00")).unwrap();
        assert_eq!(asked.pause(at("2026-11-19T10:00")), None);
        assert!(!asked.is_overdue(at("2026-12-24T10:00")), "the clock stands");
        let answered = asked.resume(at("2026-11-30T10:00"), Unit::Day, &calendar).unwrap();
        // Three days were left on the 18th.
        assert_eq!(day(answered.due_at), "2026-12-03");
        assert_eq!(day(answered.promised_at), "2026-11-21");
        assert!(!answered.is_overdue(answered.due_at) && answered.is_overdue(answered.due_at + 1));
    }

    #[test]
    fn a_pause_of_working_days_counts_working_days() {
        let calendar = Calendar::polish();
        let promise = Promise::new(calendar.due(at("2026-11-16T10:00"), Span::working_days(5)));
        assert_eq!(day(promise.due_at), "2026-11-23");
        let asked = promise.pause(at("2026-11-19T10:00")).unwrap();
        // Friday and Monday were left; asked on a Friday again, Monday and Tuesday are.
        let resumed = asked.resume(at("2026-11-27T10:00"), Unit::WorkingDay, &calendar).unwrap();
        assert_eq!(day(resumed.due_at), "2026-12-01");
    }

    #[test]
    fn a_pause_of_hours_gives_back_exactly_what_was_left() {
        let calendar = Calendar::polish();
        let promise = Promise::new(calendar.due(at("2026-11-16T10:00"), Span::hours(4)));
        let asked = promise.pause(at("2026-11-16T11:30")).unwrap();
        let resumed = asked.resume(at("2026-11-18T09:00"), Unit::Hour, &calendar).unwrap();
        assert_eq!(resumed.due_at, at("2026-11-18T11:30"));
        assert_eq!(calendar.between(at("2026-11-16T10:00"), promise.due_at, Unit::Hour), 4);
    }

    #[test]
    fn asking_late_does_not_make_a_broken_promise_whole() {
        let calendar = Calendar::polish();
        let promise = Promise::new(at("2026-11-20T23:00"));
        let asked = promise.pause(at("2026-11-22T10:00")).unwrap();
        let resumed = asked.resume(at("2026-12-01T10:00"), Unit::Day, &calendar).unwrap();
        assert_eq!(resumed.due_at, promise.due_at);
        assert_eq!(resumed.days_late(at("2026-12-01T10:00")), 11);
        assert_eq!(promise.days_late(at("2026-11-20T23:30")), 1, "late is at least a day");
        let kept = Promise { met_at: Some(at("2026-11-19T10:00")), ..promise };
        assert_eq!((kept.days_late(i64::MAX), kept.is_overdue(i64::MAX)), (0, false));
    }

    #[test]
    fn a_span_is_a_number_with_its_unit() {
        assert_eq!(Span::parse("5d"), Some(Span::days(5)));
        assert_eq!(Span::parse("14wd"), Some(Span::working_days(14)));
        for bad in ["", "5", "d", "-1d", "+5d", "5 d", "367d", "70000d", "5w", "5D", "łd"] {
            assert_eq!(Span::parse(bad), None, "{bad}");
        }
        assert_eq!(Span::working_days(5).to_string(), "5wd");
        assert_eq!(Span::parse("4h"), None);
        assert_eq!(Span::parse_short("4h"), Some(Span::hours(4)));
        assert_eq!(Span::parse_short("4wd"), Some(Span::working_days(4)));
        assert_eq!((Span::parse_short("+4h"), Span::parse_short("h")), (None, None));
        assert_eq!(Span::hours(4).to_string(), "4h");
    }

    #[test]
    fn the_shipped_calendar_has_fourteen_days_off_a_year_since_2025() {
        let calendar = Calendar::polish();
        for year in 2025..=calendar.last_year() {
            let count = calendar.0.iter().filter(|day| day.year() == year).count();
            assert_eq!(count, 14, "{year}");
        }
        assert!(Calendar::parse("date\n2026-13-01\n").unwrap_err().contains("line 2"));
        assert!(Calendar::parse("# nothing\n").is_err());
    }

    #[test]
    fn no_moment_overflows_the_calendar() {
        let calendar = Calendar::polish();
        for from in [i64::MIN, i64::MAX, 0, 253_402_207_200_000_000] {
            let _due = calendar.due(from, Span::days(AMOUNT_MAX));
            let _count = calendar.between(i64::MIN, from, Unit::WorkingDay);
        }
    }
}
