//! How moments, days, spans and money look to people.
//!
//! Moments are microseconds UTC inside and Europe/Warsaw on a page. The surprise: the spaces
//! within a number and before a currency do not break, so copied figures hold U+00A0.

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};

use super::texts::{Language, Value, t};

/// The space that no line breaks at.
const JOINED: char = '\u{a0}';
const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// Keys of the months; Polish dates need the genitive, so the texts say it and no library.
const MONTHS: [&str; 12] = [
    "time-january",
    "time-february",
    "time-march",
    "time-april",
    "time-may",
    "time-june",
    "time-july",
    "time-august",
    "time-september",
    "time-october",
    "time-november",
    "time-december",
];

/// The moment in Warsaw. A moment that no calendar has becomes the first one.
pub fn in_warsaw(at_us: i64) -> Zoned {
    let zone = TimeZone::get("Europe/Warsaw").unwrap_or(TimeZone::UTC);
    Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone)
}

/// "21 listopada 2026"
pub fn date(language: Language, day: civil::Date) -> String {
    let index = usize::try_from(day.month() - 1).unwrap_or_default();
    format!("{} {} {}", day.day(), t(language, MONTHS[index % 12], &[]), day.year())
}

/// "21 listopada 2026"
pub fn day(language: Language, at_us: i64) -> String {
    date(language, in_warsaw(at_us).date())
}

/// "21 listopada 2026, 10:25"
pub fn moment(language: Language, at_us: i64) -> String {
    let local = in_warsaw(at_us);
    format!("{}, {:02}:{:02}", date(language, local.date()), local.hour(), local.minute())
}

/// "21 listopada 2026, 10:25:03,147", for what happens within a second.
pub fn exact(language: Language, at_us: i64) -> String {
    let local = in_warsaw(at_us);
    let mark = if language == Language::English { '.' } else { ',' };
    let clock = local.strftime("%H:%M:%S");
    format!("{}, {clock}{mark}{:03}", date(language, local.date()), local.millisecond())
}

/// "2026-11-21T09:25:03.147Z"
pub fn exact_utc(at_us: i64) -> String {
    let at = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// "2026-11-21T09:25:00Z"
pub fn utc(at_us: i64) -> String {
    let at = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// "zostały 3 dni", or how long it is over.
///
/// Rounds down what is left and names one unit: a promise with two days and an hour left has
/// two days.
pub fn left(language: Language, now_us: i64, until_us: i64) -> String {
    let span = until_us.saturating_sub(now_us);
    let (key, unit) = match (span >= 0, span.saturating_abs()) {
        (true, DAY_US..) => ("time-left-days", DAY_US),
        (true, HOUR_US..) => ("time-left-hours", HOUR_US),
        (true, _) => ("time-left-minutes", MINUTE_US),
        (false, DAY_US..) => ("time-over-days", DAY_US),
        (false, HOUR_US..) => ("time-over-hours", HOUR_US),
        (false, _) => ("time-over-minutes", MINUTE_US),
    };
    t(language, key, &[("count", Value::Count(span.saturating_abs() / unit))])
}

/// "1 234,56 zł" or "PLN 1,234.56"; `minor` counts grosze.
pub fn money(language: Language, minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "\u{2212}" } else { "" };
    let (whole, rest) = (minor.unsigned_abs() / 100, minor.unsigned_abs() % 100);
    let whole = grouped(language, whole);
    match language {
        Language::English => format!("{sign}{currency}{JOINED}{whole}.{rest:02}"),
        Language::Polish => {
            let unit = if currency == "PLN" { "zł" } else { currency };
            format!("{sign}{whole},{rest:02}{JOINED}{unit}")
        }
    }
}

/// "1 234" or "1,234"
pub fn number(language: Language, number: i64) -> String {
    let sign = if number < 0 { "\u{2212}" } else { "" };
    format!("{sign}{}", grouped(language, number.unsigned_abs()))
}

fn grouped(language: Language, number: u64) -> String {
    let digits = number.to_string();
    let mark = if language == Language::English { ',' } else { JOINED };
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T12:00:00Z
    const NOON: i64 = 1_795_262_400_000_000;

    #[test]
    fn money_looks_as_each_language_writes_it() {
        for (minor, polish, english) in [
            (123_456, "1\u{a0}234,56\u{a0}zł", "PLN\u{a0}1,234.56"),
            (5, "0,05\u{a0}zł", "PLN\u{a0}0.05"),
            (
                -100_000_000,
                "\u{2212}1\u{a0}000\u{a0}000,00\u{a0}zł",
                "\u{2212}PLN\u{a0}1,000,000.00",
            ),
        ] {
            assert_eq!(money(Language::Polish, minor, "PLN"), polish);
            assert_eq!(money(Language::English, minor, "PLN"), english);
        }
        assert_eq!(money(Language::Polish, 100, "EUR"), "1,00\u{a0}EUR");
        assert_eq!(
            money(Language::English, i64::MIN, "PLN"),
            "\u{2212}PLN\u{a0}92,233,720,368,547,758.08"
        );
    }

    #[test]
    fn what_happens_within_a_second_is_told_to_the_millisecond() {
        let at = NOON + 3_147_900;
        assert_eq!(exact(Language::Polish, at), "21 listopada 2026, 13:00:03,147");
        assert_eq!(exact(Language::English, at), "21 November 2026, 13:00:03.147");
        assert_eq!(exact_utc(at), "2026-11-21T12:00:03.147Z");
    }

    #[test]
    fn moments_are_told_in_warsaw_in_summer_and_in_winter() {
        assert_eq!(moment(Language::Polish, NOON), "21 listopada 2026, 13:00");
        let summer = NOON - 150 * DAY_US;
        assert_eq!(moment(Language::English, summer), "24 June 2026, 14:00");
        assert_eq!(utc(summer), "2026-06-24T12:00:00Z");
        assert_eq!(utc(i64::MAX), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_left_is_said_with_the_right_plural() {
        for (span, polish, english) in [
            (DAY_US, "został 1 dzień", "1 day left"),
            (3 * DAY_US + HOUR_US, "zostały 3 dni", "3 days left"),
            (5 * HOUR_US, "zostało 5 godzin", "5 hours left"),
            (22 * HOUR_US, "zostały 22 godziny", "22 hours left"),
            (MINUTE_US, "została 1 minuta", "1 minute left"),
            (-2 * DAY_US, "2 dni po terminie", "2 days overdue"),
            (-HOUR_US, "1 godzina po terminie", "1 hour overdue"),
        ] {
            assert_eq!(left(Language::Polish, NOON, NOON + span), polish);
            assert_eq!(left(Language::English, NOON, NOON + span), english);
        }
    }
}
