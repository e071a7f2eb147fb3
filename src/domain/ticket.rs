//! Tickets: the life of a fault report, how bad it is, and by when it must be answered and solved.
//!
//! How long each may take is data (`[faults]`); which steps exist is code. It stores nothing and
//! writes to nobody. What surprises: the words are those of TMF621, so that the ticketing desk of
//! an operator reads our tickets without a dictionary; `merge` and `recover` are ours alone.

use super::{
    agreement::words,
    deadline::{Calendar, Span},
};

words! {
    TicketState {
        /// Taken in and numbered; nobody works on it yet.
        Acknowledged = "acknowledged",
        InProgress = "in_progress",
        /// It waits for an answer of whoever reported it.
        Pending = "pending",
        /// We say that it is over; whoever reported it may say no.
        Resolved = "resolved",
        Closed = "closed",
        Rejected = "rejected",
        Cancelled = "cancelled",
    }
}

words! {
    /// What can happen to a ticket.
    TicketEvent {
        Take = "take",
        /// We need something to go on.
        Pend = "pend",
        /// It came.
        Resume = "resume",
        Resolve = "resolve",
        Close = "close",
        Reopen = "reopen",
        Reject = "reject",
        /// Whoever reported it takes it back before anybody worked on it.
        Cancel = "cancel",
        /// It is the same as another one, which goes on.
        Merge = "merge",
        /// What the gateway itself filed is over.
        Recover = "recover",
    }
}

words! {
    /// How bad it is. The definitions that people choose by are texts of the pages.
    Severity {
        /// Nothing works, or money is wrong for everybody.
        Critical = "critical",
        /// A service does not work, and there is no way around.
        Major = "major",
        /// Something is worse than it should be.
        Minor = "minor",
        /// Nothing is broken.
        Question = "question",
    }
}

words! {
    /// What a fault is about; each has its own telephone and mail address (R4.34).
    FaultArea {
        Sms = "sms",
        Wap = "wap",
        Number = "number",
        Portal = "portal",
        Settlement = "settlement",
    }
}

words! {
    /// What a fault names.
    FaultItemKind {
        Service = "service",
        Number = "number",
        /// A partner's SMPP account; in what the gateway files, a link to an SMSC.
        Link = "link",
        Message = "message",
    }
}

impl TicketState {
    /// Where an event leads; none if it is no legal step from here.
    pub fn after(self, event: TicketEvent) -> Option<Self> {
        use TicketEvent as E;
        Some(match (self, event) {
            (Self::Acknowledged, E::Take)
            | (Self::Pending, E::Resume)
            | (Self::Resolved, E::Reopen) => Self::InProgress,
            (Self::InProgress, E::Pend) => Self::Pending,
            (Self::InProgress, E::Resolve) => Self::Resolved,
            (Self::Resolved, E::Close | E::Recover)
            | (Self::Acknowledged | Self::InProgress | Self::Pending, E::Merge | E::Recover) => {
                Self::Closed
            }
            (Self::Acknowledged, E::Reject) => Self::Rejected,
            (Self::Acknowledged, E::Cancel) => Self::Cancelled,
            _ => return None,
        })
    }

    /// Steps that lead on from here.
    pub fn steps(self) -> impl Iterator<Item = TicketEvent> {
        TicketEvent::ALL.iter().copied().filter(move |event| self.after(*event).is_some())
    }

    /// Nothing leads on.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Rejected | Self::Cancelled)
    }

    /// The word of TMF621.
    pub fn tmf(self) -> &'static str {
        if self == Self::InProgress { "inProgress" } else { self.as_str() }
    }

    pub fn of_tmf(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.tmf() == word)
    }
}

impl TicketEvent {
    /// Steps of a person of the partner, with what it reported itself.
    pub fn is_of_partner(self) -> bool {
        matches!(self, Self::Resume | Self::Close | Self::Reopen | Self::Cancel)
    }

    /// Steps of the operator's people.
    pub fn is_of_operator(self) -> bool {
        !matches!(self, Self::Cancel | Self::Recover)
    }

    /// The other side must be told why, or what.
    pub fn needs_words(self) -> bool {
        matches!(self, Self::Pend | Self::Resolve | Self::Reopen | Self::Reject)
    }
}

impl Severity {
    /// The worst is 0, for the order of a queue.
    pub fn rank(self) -> i64 {
        self as i64
    }
}

/// How long things may take, by severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// Until when somebody takes it, in the order of [`Severity::ALL`].
    pub answer: [Span; 4],
    /// Until when it is solved.
    pub solution: [Span; 4],
    /// Waiting for the partner stops the clock: only where the contract says so.
    pub pauses: bool,
    /// Percents of the time to a solution at which the desk is told, rising.
    pub escalate_at: Vec<u8>,
    /// How long a solved one can be opened again.
    pub close_after: Span,
}

impl Targets {
    pub fn answer_by(&self, severity: Severity, from: i64, calendar: &Calendar) -> i64 {
        calendar.due(from, self.answer[severity as usize])
    }

    pub fn solve_by(&self, severity: Severity, from: i64, calendar: &Calendar) -> i64 {
        calendar.due(from, self.solution[severity as usize])
    }

    /// The highest share of the time that has passed and was not told yet.
    pub fn share_to_tell(&self, told: i64, (from, due): (i64, i64), now: i64) -> Option<i64> {
        let whole = i128::from(due.saturating_sub(from).max(1));
        let passed = i128::from(now.saturating_sub(from).max(0)) * 100 / whole;
        let shares = self.escalate_at.iter().map(|share| i64::from(*share));
        shares.filter(|share| *share > told && passed >= i128::from(*share)).max()
    }
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            answer: [Span::hours(1), Span::hours(4), Span::working_days(1), Span::working_days(3)],
            solution: [
                Span::hours(4),
                Span::working_days(1),
                Span::working_days(5),
                Span::working_days(10),
            ],
            pauses: true,
            escalate_at: vec![50, 80, 100],
            close_after: Span::working_days(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deadline::date;
    use crate::domain::deadline::tests::at;

    /// Every legal move; whatever is not here must be refused.
    const MOVES: &[(&str, &str, &str)] = &[
        ("acknowledged", "take", "in_progress"),
        ("acknowledged", "reject", "rejected"),
        ("acknowledged", "cancel", "cancelled"),
        ("acknowledged", "merge", "closed"),
        ("acknowledged", "recover", "closed"),
        ("in_progress", "pend", "pending"),
        ("in_progress", "resolve", "resolved"),
        ("in_progress", "merge", "closed"),
        ("in_progress", "recover", "closed"),
        ("pending", "resume", "in_progress"),
        ("pending", "merge", "closed"),
        ("pending", "recover", "closed"),
        ("resolved", "reopen", "in_progress"),
        ("resolved", "close", "closed"),
        ("resolved", "recover", "closed"),
    ];

    #[test]
    fn only_the_listed_moves_are_legal() {
        for state in TicketState::ALL {
            for event in TicketEvent::ALL {
                let listed = MOVES
                    .iter()
                    .find(|(from, what, _)| *from == state.as_str() && *what == event.as_str());
                let led = state.after(*event).map(TicketState::as_str);
                assert_eq!(led, listed.map(|(.., to)| *to), "{state} {event}");
            }
        }
    }

    #[test]
    fn what_is_over_stays_over_and_everything_else_can_end() {
        for state in TicketState::ALL {
            assert_eq!(state.is_over(), state.steps().next().is_none(), "{state}");
        }
    }

    #[test]
    fn each_state_has_a_word_of_tmf621_and_back() {
        let known = [
            "acknowledged",
            "rejected",
            "pending",
            "held",
            "inProgress",
            "cancelled",
            "closed",
            "resolved",
        ];
        for state in TicketState::ALL {
            assert!(known.contains(&state.tmf()), "{state}");
            assert_eq!(TicketState::of_tmf(state.tmf()), Some(*state));
        }
        assert_eq!(TicketState::of_tmf("held"), None);
    }

    #[test]
    fn a_partner_neither_takes_nor_solves_and_staff_takes_back_nothing() {
        use TicketEvent as E;
        for event in [E::Take, E::Pend, E::Resolve, E::Reject, E::Merge, E::Recover] {
            assert!(!event.is_of_partner(), "{event}");
        }
        assert!(!E::Cancel.is_of_operator() && !E::Recover.is_of_operator());
    }

    #[test]
    fn a_solution_is_due_by_the_clock_or_by_the_calendar() {
        let (targets, calendar) = (Targets::default(), Calendar::polish());
        let due = |severity, from: &str| targets.solve_by(severity, at(from), &calendar);
        // Hours run through nights, holidays and the hour that daylight saving takes or gives.
        let hour = 3_600_000_000;
        for from in ["2026-03-29T00:30", "2026-10-25T00:30", "2026-12-24T23:00"] {
            assert_eq!(due(Severity::Critical, from), at(from) + 4 * hour, "{from}");
        }
        assert_eq!(due(Severity::Critical, "2026-03-29T00:30"), at("2026-03-29T05:30"));
        assert_eq!(due(Severity::Critical, "2026-10-25T00:30"), at("2026-10-25T03:30"));
        let table = [
            // 24 to 27 December 2026 are off: Thursday, Friday, the weekend.
            (Severity::Major, "2026-12-23T15:00", "2026-12-28"),
            // Easter: Friday works, Monday 2026-04-06 does not.
            (Severity::Major, "2026-04-02T15:00", "2026-04-03"),
            (Severity::Major, "2026-04-03T15:00", "2026-04-07"),
            (Severity::Minor, "2026-04-02T15:00", "2026-04-10"),
            (Severity::Question, "2026-11-20T15:00", "2026-12-04"),
        ];
        for (severity, from, day) in table {
            assert_eq!(date(due(severity, from)).to_string(), day, "{severity} {from}");
        }
    }

    #[test]
    fn each_share_of_the_time_is_told_once_and_the_highest_alone() {
        let targets = Targets::default();
        let share = |told, now| targets.share_to_tell(told, (1000, 2000), now);
        assert_eq!((share(0, 1499), share(0, 1500)), (None, Some(50)));
        assert_eq!((share(50, 1500), share(50, 1800)), (None, Some(80)));
        assert_eq!((share(0, 9000), share(100, 9000)), (Some(100), None));
        assert_eq!(targets.share_to_tell(0, (5, 5), i64::MAX), Some(100), "no time at all");
        assert_eq!(targets.share_to_tell(0, (i64::MIN, i64::MAX), i64::MAX), Some(100));
    }
}
