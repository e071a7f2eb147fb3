//! Dates, kinds of agreement and other words of a letter, in Polish and English.
//!
//! The business calendar is Europe/Warsaw. What surprises: Polish months stand in the genitive,
//! because a date is "5 października" and never "5 październik".

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// The language of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    Polish,
    English,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Polish, Self::English];

    /// What is neither Polish nor English is written in English.
    pub fn of(code: &str) -> Self {
        if code == "pl" { Self::Polish } else { Self::English }
    }

    pub const fn code(self) -> &'static str {
        match self {
            Self::Polish => "pl",
            Self::English => "en",
        }
    }
}

const POLISH_MONTHS: [&str; 12] = [
    "stycznia",
    "lutego",
    "marca",
    "kwietnia",
    "maja",
    "czerwca",
    "lipca",
    "sierpnia",
    "września",
    "października",
    "listopada",
    "grudnia",
];
const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn warsaw(micros: i64) -> Option<Zoned> {
    let at = Timestamp::from_microsecond(micros).ok()?;
    Some(at.to_zoned(TimeZone::get("Europe/Warsaw").ok()?))
}

/// "5 października 2026", "5 October 2026". None: no calendar has that day.
pub(super) fn date(language: Language, micros: i64) -> Option<String> {
    let at = warsaw(micros)?;
    let months = match language {
        Language::Polish => &POLISH_MONTHS,
        Language::English => &ENGLISH_MONTHS,
    };
    let month = months.get(usize::try_from(at.month()).ok()?.checked_sub(1)?)?;
    Some(format!("{} {month} {}", at.day(), at.year()))
}

/// The date with the time of day, which English readers are told is that of Warsaw.
pub(super) fn moment(language: Language, micros: i64) -> Option<String> {
    let (date, at) = (date(language, micros)?, warsaw(micros)?);
    let (hour, minute) = (at.hour(), at.minute());
    Some(match language {
        Language::Polish => format!("{date}, godz.\u{a0}{hour}:{minute:02}"),
        Language::English => format!("{date}, {hour}:{minute:02} (Warsaw time)"),
    })
}

/// The name of a kind of agreement, in the nominative. None: there is no such kind.
pub(super) fn agreement(language: Language, kind: &str) -> Option<&'static str> {
    let (polish, english) = match kind {
        "nda" => ("umowa o zachowaniu poufności", "non-disclosure agreement"),
        "framework" => ("umowa ramowa", "framework agreement"),
        "annex" => ("aneks do umowy ramowej", "annex to the framework agreement"),
        "data_processing" => (
            "umowa powierzenia przetwarzania danych osobowych",
            "personal data processing agreement",
        ),
        _ => return None,
    };
    Some(match language {
        Language::Polish => polish,
        Language::English => english,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_warsaw_in_words() {
        // 2026-03-28T23:30Z is past midnight in Warsaw, still in winter time; an hour and a half
        // later the clocks there have gone forward.
        let winter = 1_774_740_600_000_000;
        let summer = winter + 5_400_000_000;
        for (language, at, day, time) in [
            (Language::Polish, winter, "29 marca 2026", "29 marca 2026, godz.\u{a0}0:30"),
            (Language::English, winter, "29 March 2026", "29 March 2026, 0:30 (Warsaw time)"),
            (Language::Polish, summer, "29 marca 2026", "29 marca 2026, godz.\u{a0}3:00"),
        ] {
            assert_eq!(date(language, at).unwrap(), day);
            assert_eq!(moment(language, at).unwrap(), time);
        }
        assert_eq!(date(Language::Polish, i64::MAX), None);
    }
}
