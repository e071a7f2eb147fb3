//! A subscriber's complaint: what it is about, its life, and the clocks that a law and a contract
//! set.
//!
//! How long each may take is data (`[complaints]`); which steps exist is code. It stores nothing
//! and writes to nobody. What surprises: silence is an answer. A complaint that nobody answered in
//! its 30 days is accepted by law, no pause stops that clock, and a last day that is a Sunday stays
//! the last day: whoever answers before it is never late, whatever a court says of Mondays.

use super::{
    agreement::words,
    deadline::{Calendar, Span, date, days_after, start_of},
    ticket::TicketState,
};

words! {
    /// What a complaint is about.
    ComplaintSubject {
        Price = "price",
        NotOrdered = "not_ordered",
        NotDelivered = "not_delivered",
        CouldNotStop = "could_not_stop",
        Content = "content",
        Other = "other",
    }
}

words! {
    /// How it came.
    ComplaintChannel {
        Phone = "phone",
        Mail = "mail",
        Post = "post",
        /// A point of sale of the operator.
        Shop = "shop",
        Web = "web",
        /// The partner, which is the first level, handed it over (R4.36).
        Partner = "partner",
    }
}

words! {
    /// What the subscriber wants.
    ComplaintDemand {
        Refund = "refund",
        /// No more of the service.
        Stop = "stop",
        Explanation = "explanation",
        Other = "other",
    }
}

words! {
    ComplaintState {
        /// Taken in and numbered.
        Received = "received",
        AskedPartner = "asked_partner",
        /// The partner has said what it has to say.
        Answered = "answered",
        Accepted = "accepted",
        Refused = "refused",
        Closed = "closed",
    }
}

words! {
    /// What can happen to a complaint.
    ComplaintEvent {
        Ask = "ask",
        Answer = "answer",
        Accept = "accept",
        Refuse = "refuse",
        /// The time of the law ran out.
        Lapse = "lapse",
        /// More charges are given back: what the law accepted, or what was forgotten.
        Refund = "refund",
        /// The subscriber takes it back.
        Withdraw = "withdraw",
        Close = "close",
        /// The subscriber does not agree.
        Appeal = "appeal",
    }
}

words! {
    /// How it ended.
    ComplaintDecision {
        Accepted = "accepted",
        Refused = "refused",
        ByLaw = "by_law",
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What the partner thinks should be done.
    PartnerSays { Accept = "accept", Refuse = "refuse" }
}

impl ComplaintState {
    /// Where an event leads; none if it is no legal step from here.
    pub fn after(self, event: ComplaintEvent) -> Option<Self> {
        use ComplaintEvent as E;
        Some(match (self, event) {
            (Self::Received | Self::Answered, E::Ask) => Self::AskedPartner,
            // Who handed it over need not be asked first.
            (Self::Received | Self::AskedPartner, E::Answer) => Self::Answered,
            (Self::Received | Self::AskedPartner | Self::Answered, E::Accept | E::Lapse)
            | (Self::Accepted, E::Refund) => Self::Accepted,
            (Self::Received | Self::AskedPartner | Self::Answered, E::Refuse) => Self::Refused,
            (Self::Received | Self::AskedPartner | Self::Answered, E::Withdraw)
            | (Self::Accepted | Self::Refused, E::Close) => Self::Closed,
            (Self::Accepted | Self::Refused | Self::Closed, E::Appeal) => Self::Received,
            _ => return None,
        })
    }

    /// Steps that lead on from here.
    pub fn steps(self) -> impl Iterator<Item = ComplaintEvent> {
        ComplaintEvent::ALL.iter().copied().filter(move |event| self.after(*event).is_some())
    }

    /// It waits for an answer, and the clock of the law runs.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::AskedPartner | Self::Answered)
    }

    /// The same as the desk of an operator's tickets knows it (TMF621).
    pub fn ticket(self) -> TicketState {
        match self {
            Self::Received => TicketState::Acknowledged,
            Self::AskedPartner => TicketState::Pending,
            Self::Answered => TicketState::InProgress,
            Self::Accepted | Self::Refused => TicketState::Resolved,
            Self::Closed => TicketState::Closed,
        }
    }
}

impl ComplaintEvent {
    /// Steps of a person of the partner.
    pub fn is_of_partner(self) -> bool {
        self == Self::Answer
    }

    /// Steps of the operator's people; time alone lapses.
    pub fn is_of_operator(self) -> bool {
        !matches!(self, Self::Answer | Self::Lapse)
    }

    /// Steps that decide about a subscriber's money.
    pub fn decides(self) -> bool {
        matches!(self, Self::Accept | Self::Refuse | Self::Refund)
    }

    /// Steps that can give charges back.
    pub fn pays(self) -> bool {
        matches!(self, Self::Accept | Self::Refund)
    }

    /// Somebody must be told why, or what.
    pub fn needs_words(self) -> bool {
        matches!(self, Self::Answer | Self::Refuse | Self::Withdraw | Self::Appeal)
    }
}

/// How long things may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplaintTerms {
    /// After this the law accepts the complaint (30 days).
    pub answer: Span,
    /// Days from receipt at which the desk is told, rising.
    pub steps: Vec<u16>,
    /// For the word of the partner.
    pub partner: Span,
    /// A decided one is closed after this; an appeal opens it again.
    pub close_after: Span,
}

impl Default for ComplaintTerms {
    fn default() -> Self {
        Self {
            answer: Span::days(30),
            steps: vec![7, 14, 21, 25],
            partner: Span::working_days(5),
            close_after: Span::days(30),
        }
    }
}

impl ComplaintTerms {
    /// The last moment at which an answer is one. Sending it in time is enough.
    pub fn answer_by(&self, from: i64, calendar: &Calendar) -> i64 {
        calendar.due(from, self.answer)
    }

    pub fn partner_by(&self, from: i64, calendar: &Calendar) -> i64 {
        calendar.due(from, self.partner)
    }

    /// The step that is due and was not told yet: of several the last.
    pub fn step_to_tell(&self, told: i64, from: i64, now: i64) -> Option<i64> {
        let begun = |step: &&u16| now >= step_at(from, **step);
        let steps = self.steps.iter().filter(begun).map(|step| i64::from(*step));
        steps.filter(|step| *step > told).max()
    }

    /// When the next step begins; none after the last.
    pub fn next_step(&self, told: i64, from: i64) -> Option<i64> {
        let left = self.steps.iter().filter(|step| i64::from(**step) > told).min();
        left.map(|step| step_at(from, *step))
    }
}

/// A step begins with its day, so that whoever comes to work on it has read of it.
fn step_at(from: i64, days: u16) -> i64 {
    start_of(days_after(date(from), days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deadline::tests::at;

    /// Every legal move; whatever is not here must be refused.
    const MOVES: &[(&str, &str, &str)] = &[
        ("received", "ask", "asked_partner"),
        ("received", "answer", "answered"),
        ("received", "accept", "accepted"),
        ("received", "refuse", "refused"),
        ("received", "lapse", "accepted"),
        ("received", "withdraw", "closed"),
        ("asked_partner", "answer", "answered"),
        ("asked_partner", "accept", "accepted"),
        ("asked_partner", "refuse", "refused"),
        ("asked_partner", "lapse", "accepted"),
        ("asked_partner", "withdraw", "closed"),
        ("answered", "ask", "asked_partner"),
        ("answered", "accept", "accepted"),
        ("answered", "refuse", "refused"),
        ("answered", "lapse", "accepted"),
        ("answered", "withdraw", "closed"),
        ("accepted", "refund", "accepted"),
        ("accepted", "close", "closed"),
        ("accepted", "appeal", "received"),
        ("refused", "close", "closed"),
        ("refused", "appeal", "received"),
        ("closed", "appeal", "received"),
    ];

    #[test]
    fn only_the_listed_moves_are_legal() {
        for state in ComplaintState::ALL {
            for event in ComplaintEvent::ALL {
                let listed = MOVES
                    .iter()
                    .find(|(from, what, _)| *from == state.as_str() && *what == event.as_str());
                let led = state.after(*event).map(ComplaintState::as_str);
                assert_eq!(led, listed.map(|(.., to)| *to), "{state} {event}");
            }
        }
    }

    #[test]
    fn whatever_is_open_can_be_decided_and_lapses_and_nothing_else_does() {
        use ComplaintEvent as E;
        for state in ComplaintState::ALL {
            for event in [E::Accept, E::Refuse, E::Lapse, E::Withdraw] {
                assert_eq!(state.after(event).is_some(), state.is_open(), "{state} {event}");
            }
            assert_eq!(state.ticket().is_over(), *state == ComplaintState::Closed, "{state}");
        }
        for event in ComplaintEvent::ALL {
            assert!(!(event.is_of_partner() && event.is_of_operator()), "{event}");
        }
    }

    #[test]
    fn the_law_counts_thirty_days_of_the_calendar_to_the_end_of_the_last() {
        let (terms, calendar) = (ComplaintTerms::default(), Calendar::polish());
        for (received, last) in [
            ("2026-03-10T23:59", "2026-04-09"),
            // Over the hour that daylight saving takes, and over the one that it gives.
            ("2026-03-05T12:00", "2026-04-04"),
            ("2026-10-01T00:00", "2026-10-31"),
            // The last day is Easter Sunday, Christmas Eve, the first day of Christmas: it stays.
            ("2026-03-06T12:00", "2026-04-05"),
            ("2026-11-24T12:00", "2026-12-24"),
            ("2026-11-25T12:00", "2026-12-25"),
            ("2028-01-31T12:00", "2028-03-01"),
        ] {
            let due = terms.answer_by(at(received), &calendar);
            assert_eq!(date(due).to_string(), last, "{received}");
            assert_eq!(date(due + 1), date(due).tomorrow().unwrap(), "{received}: its last moment");
        }
    }

    #[test]
    fn the_partner_has_five_days_that_people_work() {
        let (terms, calendar) = (ComplaintTerms::default(), Calendar::polish());
        for (asked, last) in [
            ("2026-11-20T15:00", "2026-11-27"),
            // Good Friday works, Easter Monday does not.
            ("2026-04-01T09:00", "2026-04-09"),
            // 24 December is off since 2025; 1 and 6 January are.
            ("2026-12-23T15:00", "2027-01-04"),
            ("2026-12-30T15:00", "2027-01-08"),
            // Over the nights in which the clocks are set.
            ("2026-03-27T16:00", "2026-04-03"),
            ("2026-10-23T16:00", "2026-10-30"),
        ] {
            let due = terms.partner_by(at(asked), &calendar);
            assert_eq!(date(due).to_string(), last, "{asked}");
        }
    }

    #[test]
    fn each_step_is_told_once_from_the_beginning_of_its_day_and_of_several_the_last() {
        let terms = ComplaintTerms::default();
        // The hour of 29 March lies between: days are counted, not hours.
        let from = at("2026-03-25T18:00");
        let step = |told, now: &str| terms.step_to_tell(told, from, at(now));
        assert_eq!(step(0, "2026-03-31T23:59"), None);
        assert_eq!(step(0, "2026-04-01T00:00"), Some(7));
        assert_eq!(step(7, "2026-04-07T23:59"), None);
        assert_eq!(step(7, "2026-04-15T08:00"), Some(21), "14 was missed, and is not told late");
        assert_eq!((step(21, "2026-04-19T00:00"), step(25, "2026-04-24T00:00")), (Some(25), None));
        assert_eq!(terms.next_step(0, from), Some(at("2026-04-01T00:00")));
        assert_eq!(terms.next_step(21, from), Some(at("2026-04-19T00:00")));
        assert_eq!(terms.next_step(25, from), None);
    }
}
