//! Dates and other words of a letter, in Polish and English.
//!
//! The business calendar is Europe/Warsaw. What surprises: Polish months stand in the genitive,
//! because a date is "5 października" and never "5 październik".

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};

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
    in_words(language, warsaw(micros)?.date())
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

/// A day that is written `2026-11-21`, in words.
pub(super) fn day(language: Language, day: &str) -> Option<String> {
    let day: civil::Date = day.parse().ok()?;
    in_words(language, day)
}

fn in_words(language: Language, day: civil::Date) -> Option<String> {
    let months = match language {
        Language::Polish => &POLISH_MONTHS,
        Language::English => &ENGLISH_MONTHS,
    };
    let month = months.get(usize::try_from(day.month()).ok()?.checked_sub(1)?)?;
    Some(format!("{} {month} {}", day.day(), day.year()))
}

/// Words of the code, Polish and English.
const WORDS: &[(&str, &str, &str)] = &[
    ("paper", "pocztą na papierze", "by post on paper"),
    ("upload", "jako skan przez portal", "as a scan through the portal"),
    (
        "qualified_signature",
        "przez portal z kwalifikowanym podpisem elektronicznym",
        "through the portal with a qualified electronic signature",
    ),
    ("register_certificate", "odpis z właściwego rejestru", "an extract from the register"),
    ("nip_certificate", "zaświadczenie o nadaniu NIP", "the certificate of the tax number (NIP)"),
    ("refused_terms", "odmowa przyjęcia nowych warunków", "the new terms were refused"),
    ("refused", "odmówiono", "refused"),
    ("withdrawn", "wycofano", "withdrawn"),
    ("lapsed", "minął termin", "the time was over"),
    ("admin", "administrator", "administrator"),
    ("developer", "programista", "developer"),
    ("finance", "finanse", "finance"),
    ("viewer", "podgląd", "viewer"),
    ("support", "wsparcie", "support"),
    ("provisioning", "uruchamianie usług", "provisioning"),
    ("auditor", "audytor", "auditor"),
    ("critical", "krytyczna", "critical"),
    ("major", "poważna", "major"),
    ("minor", "drobna", "minor"),
    ("question", "pytanie", "question"),
    ("closed", "zamknięte", "closed"),
    ("rejected", "odrzucone", "rejected"),
    ("cancelled", "anulowane", "cancelled"),
    ("failed", "zakończone bez powodzenia", "ended without success"),
    ("price", "cena usługi", "the price"),
    ("not_ordered", "usługa nie była zamówiona", "the service was not ordered"),
    ("not_delivered", "usługa nie została dostarczona", "the service was not delivered"),
    ("could_not_stop", "usługi nie dało się wyłączyć", "the service could not be stopped"),
    ("content", "treść usługi", "the content"),
    ("other", "inna sprawa", "something else"),
    ("received", "przyjęta", "received"),
    ("asked_partner", "czeka na odpowiedź partnera", "waiting for the partner"),
    ("answered", "partner odpowiedział", "the partner has answered"),
    ("accept", "uznać", "accept it"),
    ("refuse", "odmówić", "refuse it"),
    ("accepted", "uznana", "accepted"),
    ("by_law", "uznana z mocy prawa", "accepted by law"),
];

/// A word of the code as people say it; what is none stays as it is.
pub(super) fn word(language: Language, code: &str) -> String {
    let found = WORDS.iter().find(|(known, ..)| *known == code);
    let said = found.map(|(_, polish, english)| match language {
        Language::Polish => *polish,
        Language::English => *english,
    });
    said.unwrap_or(code).to_owned()
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
