//! Versions of terms and the notices of their change: who was told, who answered what.
//!
//! It compares no wordings (`wording`) and sends no letter. What surprises: silence is consent
//! only for somebody who was reached. A notice that bounced, or that never left, stays what it is
//! at the day of effect (D15, Q1.7).

use jiff::{civil::Date, tz::TimeZone};

use super::agreement::words;

words! {
    TermsState {
        Draft = "draft",
        Published = "published",
        InForce = "in_force",
        Superseded = "superseded",
        Withdrawn = "withdrawn",
    }
}

words! {
    TermsEvent {
        Publish = "publish",
        /// The day of effect has come.
        TakeEffect = "take_effect",
        /// A newer version took effect.
        Supersede = "supersede",
        Withdraw = "withdraw",
    }
}

words! {
    /// Whom a version concerns.
    AppliesTo { All = "all", New = "new" }
}

words! {
    /// What silence means (Q1.7).
    Consent { Silent = "silent", Explicit = "explicit" }
}

words! {
    NoticeState {
        Queued = "queued",
        Sent = "sent",
        Delivered = "delivered",
        Bounced = "bounced",
        Accepted = "accepted",
        Refused = "refused",
        DeemedAccepted = "deemed_accepted",
    }
}

words! {
    NoticeEvent {
        /// The mail server of the recipient took the letter.
        Leave = "leave",
        Arrive = "arrive",
        Bounce = "bounce",
        Accept = "accept",
        Refuse = "refuse",
        /// The terms took effect without an answer, and silence is consent.
        Deem = "deem",
    }
}

impl TermsState {
    pub fn after(self, event: TermsEvent) -> Option<Self> {
        use TermsEvent as E;
        Some(match (self, event) {
            (Self::Draft, E::Publish) => Self::Published,
            (Self::Published, E::TakeEffect) => Self::InForce,
            (Self::InForce, E::Supersede) => Self::Superseded,
            (Self::Draft | Self::Published, E::Withdraw) => Self::Withdrawn,
            _ => return None,
        })
    }
}

impl NoticeState {
    /// Where an event leads. An answer may come before the proof that the letter arrived, for the
    /// change is also shown in the portal; a bounce does not undo an answer.
    pub fn after(self, event: NoticeEvent) -> Option<Self> {
        use NoticeEvent as E;
        Some(match (self, event) {
            (Self::Queued, E::Leave) => Self::Sent,
            (Self::Sent, E::Arrive) => Self::Delivered,
            (Self::Queued | Self::Sent | Self::Delivered, E::Bounce) => Self::Bounced,
            // Until the effect an answer may be changed by another one.
            (
                Self::Queued | Self::Sent | Self::Delivered | Self::Bounced | Self::Refused,
                E::Accept,
            ) => Self::Accepted,
            (
                Self::Queued | Self::Sent | Self::Delivered | Self::Bounced | Self::Accepted,
                E::Refuse,
            ) => Self::Refused,
            (Self::Sent | Self::Delivered, E::Deem) => Self::DeemedAccepted,
            _ => return None,
        })
    }
}

/// The first moment of a business day in Europe/Warsaw, microseconds UTC.
pub fn day_begins(day: Date) -> Option<i64> {
    Some(day.to_zoned(warsaw()).ok()?.timestamp().as_microsecond())
}

/// The business day of a moment in Europe/Warsaw.
pub fn day_of(at: i64) -> Date {
    jiff::Timestamp::from_microsecond(at)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(warsaw())
        .date()
}

/// Whether so many whole days of the calendar lie between a publication and the day of effect.
///
/// Days, not hours: what is published in the afternoon of the 21st of April may take effect with
/// the 5th of May (R1.01), which is less than fourteen times 24 hours later.
pub fn is_notice_enough(published: i64, effect: Date, days: u16) -> bool {
    day_of(published)
        .checked_add(jiff::Span::new().days(i64::from(days)))
        .is_ok_and(|first| effect >= first)
}

/// The zone of every date that people agree on.
pub(super) fn warsaw() -> TimeZone {
    static WARSAW: std::sync::LazyLock<TimeZone> = std::sync::LazyLock::new(|| {
        TimeZone::get("Europe/Warsaw").expect("the time zones are bundled")
    });
    WARSAW.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_terms_takes_exactly_the_listed_steps() {
        let steps = [
            ("draft", "publish", "published"),
            ("draft", "withdraw", "withdrawn"),
            ("published", "take_effect", "in_force"),
            ("published", "withdraw", "withdrawn"),
            ("in_force", "supersede", "superseded"),
        ];
        for &state in TermsState::ALL {
            for &event in TermsEvent::ALL {
                let listed =
                    steps.iter().find(|step| (step.0, step.1) == (state.as_str(), event.as_str()));
                let to = state.after(event).map(TermsState::as_str);
                assert_eq!(to, listed.map(|step| step.2), "{state} {event}");
            }
        }
    }

    #[test]
    fn a_notice_takes_exactly_the_listed_steps() {
        let steps: &[(&str, &[&str], &str)] = &[
            ("leave", &["queued"], "sent"),
            ("arrive", &["sent"], "delivered"),
            ("bounce", &["queued", "sent", "delivered"], "bounced"),
            ("accept", &["queued", "sent", "delivered", "bounced", "refused"], "accepted"),
            ("refuse", &["queued", "sent", "delivered", "bounced", "accepted"], "refused"),
            ("deem", &["sent", "delivered"], "deemed_accepted"),
        ];
        for &state in NoticeState::ALL {
            for &event in NoticeEvent::ALL {
                let step = steps.iter().find(|step| step.0 == event.as_str()).unwrap();
                let expected = step.1.contains(&state.as_str()).then_some(step.2);
                assert_eq!(
                    state.after(event).map(NoticeState::as_str),
                    expected,
                    "{state} {event}"
                );
            }
        }
    }

    #[test]
    fn who_was_not_reached_is_never_deemed_to_accept() {
        for state in [NoticeState::Queued, NoticeState::Bounced, NoticeState::Refused] {
            assert_eq!(state.after(NoticeEvent::Deem), None, "{state}");
        }
    }

    #[test]
    fn notice_is_counted_in_days_of_the_calendar_of_warsaw() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let day = |text: &str| text.parse::<Date>().unwrap();
        // The notice of R1.01: 2022-04-21 for 2022-05-05.
        let published = at("2022-04-21T15:00:00Z");
        assert!(is_notice_enough(published, day("2022-05-05"), 14));
        assert!(!is_notice_enough(published, day("2022-05-04"), 14));
        // Half past ten in the evening UTC is the next day in Warsaw.
        assert!(!is_notice_enough(at("2022-04-21T22:30:00Z"), day("2022-05-05"), 14));
        assert!(!is_notice_enough(published, Date::MIN, 14));
        assert_eq!(day_begins(day("2022-05-05")), Some(at("2022-05-04T22:00:00Z")));
        assert_eq!(day_begins(day("2022-12-05")), Some(at("2022-12-04T23:00:00Z")));
        assert_eq!(day_of(at("2022-05-04T22:00:00Z")), day("2022-05-05"));
    }
}
