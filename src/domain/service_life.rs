//! The life of a service between partner and operator, and the gates on its way to subscribers.
//!
//! It knows no number and no date; a verb finds out which gates are open. What surprises: a change
//! of a service that runs is no step of the service. Its new revision goes its own short way and
//! takes effect when it is approved, while the service stays what it is.

use super::agreement::words;

words! {
    /// Where a service is.
    LifeState {
        /// The partner describes it.
        Draft = "draft",
        /// The operator reads it.
        Submitted = "submitted",
        Approved = "approved",
        /// It runs for listed test numbers only.
        Testing = "testing",
        Live = "live",
        Suspended = "suspended",
        Closed = "closed",
    }
}

words! {
    /// What can happen to a service.
    LifeEvent {
        Submit = "submit",
        /// The operator sends it back with comments.
        Return = "return",
        Approve = "approve",
        /// Traffic of the test numbers begins.
        StartTest = "start_test",
        /// Traffic of everybody begins.
        GoLive = "go_live",
        Suspend = "suspend",
        Resume = "resume",
        /// The partner wants the operator to end it in order.
        AskClose = "ask_close",
        Close = "close",
    }
}

words! {
    /// Where one description of a service is.
    RevisionState {
        Draft = "draft",
        Submitted = "submitted",
        /// What holds: the service is run by it.
        Approved = "approved",
        /// Another one holds since.
        Superseded = "superseded",
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What can happen to one description.
    RevisionEvent {
        Submit = "submit",
        Return = "return",
        Approve = "approve",
        /// A later one is approved.
        Supersede = "supersede",
        Withdraw = "withdraw",
    }
}

words! {
    /// What must be so before subscribers are served.
    Gate {
        /// The number, or each keyword on it, is in the partner's use.
        NumberActive = "number_active",
        /// The subscriber's price is known, or there is none.
        TariffSet = "tariff_set",
        /// A second person has read the texts.
        TextsApproved = "texts_approved",
        /// A charged service is in the regulator's register, long enough before.
        RegisterEntry = "register_entry",
        /// It was tried with the texts and numbers that hold now.
        TechnicalTest = "technical_test",
    }
}

impl LifeState {
    /// Where an event leads; none if it is no legal step from here.
    pub fn after(self, event: LifeEvent) -> Option<Self> {
        use LifeEvent as E;
        Some(match (self, event) {
            (Self::Draft, E::Submit) => Self::Submitted,
            (Self::Submitted, E::Return) => Self::Draft,
            (Self::Submitted, E::Approve) => Self::Approved,
            (Self::Approved, E::StartTest) => Self::Testing,
            (Self::Testing, E::GoLive) | (Self::Suspended, E::Resume) => Self::Live,
            (Self::Live, E::Suspend) => Self::Suspended,
            (Self::Live | Self::Suspended, E::AskClose) => self,
            (Self::Closed, _) => return None,
            // Wherever it is, a service can come to its end.
            (_, E::Close) => Self::Closed,
            _ => return None,
        })
    }

    /// Steps that lead on from here.
    pub fn steps(self) -> impl Iterator<Item = LifeEvent> {
        LifeEvent::ALL.iter().copied().filter(move |event| self.after(*event).is_some())
    }

    /// Steps that a person of the partner takes; the others are the operator's.
    pub fn is_of_partner(event: LifeEvent) -> bool {
        matches!(event, LifeEvent::Submit | LifeEvent::AskClose | LifeEvent::Close)
    }

    /// Whether the gateway knows it.
    pub fn is_routed(self) -> bool {
        matches!(self, Self::Testing | Self::Live | Self::Suspended)
    }

    /// Whether its first description was approved, so that a change is a new one.
    pub fn is_settled(self) -> bool {
        self == Self::Approved || self.is_routed()
    }
}

impl LifeEvent {
    /// What must be so for this step. Whoever resumes a service that rested needs no new test.
    pub fn gates(self) -> &'static [Gate] {
        match self {
            Self::StartTest => &[Gate::NumberActive, Gate::TariffSet, Gate::TextsApproved],
            Self::GoLive => Gate::ALL,
            Self::Resume => {
                &[Gate::NumberActive, Gate::TariffSet, Gate::TextsApproved, Gate::RegisterEntry]
            }
            Self::Submit
            | Self::Return
            | Self::Approve
            | Self::Suspend
            | Self::AskClose
            | Self::Close => &[],
        }
    }

    /// Whether the other side is owed a reason.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Return | Self::Suspend | Self::AskClose | Self::Close)
    }
}

impl RevisionState {
    pub fn after(self, event: RevisionEvent) -> Option<Self> {
        use RevisionEvent as E;
        Some(match (self, event) {
            (Self::Draft, E::Submit) => Self::Submitted,
            (Self::Submitted, E::Return) => Self::Draft,
            (Self::Submitted, E::Approve) => Self::Approved,
            (Self::Approved, E::Supersede) => Self::Superseded,
            (Self::Draft | Self::Submitted, E::Withdraw) => Self::Withdrawn,
            _ => return None,
        })
    }

    /// Whether it is being worked on.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Submitted)
    }
}

/// What must be so before the description of a service that runs is replaced by another one.
pub const CHANGE_GATES: &[Gate] = &[Gate::NumberActive, Gate::TariffSet, Gate::RegisterEntry];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every legal move; whatever is not here must be refused.
    const MOVES: &[(&str, &str, &str)] = &[
        ("draft", "submit", "submitted"),
        ("draft", "close", "closed"),
        ("submitted", "return", "draft"),
        ("submitted", "approve", "approved"),
        ("submitted", "close", "closed"),
        ("approved", "start_test", "testing"),
        ("approved", "close", "closed"),
        ("testing", "go_live", "live"),
        ("testing", "close", "closed"),
        ("live", "suspend", "suspended"),
        ("live", "ask_close", "live"),
        ("live", "close", "closed"),
        ("suspended", "resume", "live"),
        ("suspended", "ask_close", "suspended"),
        ("suspended", "close", "closed"),
    ];

    #[test]
    fn a_service_takes_exactly_the_listed_steps() {
        for state in LifeState::ALL {
            for event in LifeEvent::ALL {
                let listed = MOVES
                    .iter()
                    .find(|(from, what, _)| *from == state.as_str() && *what == event.as_str());
                let led = state.after(*event).map(LifeState::as_str);
                assert_eq!(led, listed.map(|(.., to)| *to), "{state} {event}");
            }
        }
    }

    #[test]
    fn a_revision_takes_exactly_the_listed_steps() {
        let moves = [
            ("draft", "submit", "submitted"),
            ("draft", "withdraw", "withdrawn"),
            ("submitted", "return", "draft"),
            ("submitted", "approve", "approved"),
            ("submitted", "withdraw", "withdrawn"),
            ("approved", "supersede", "superseded"),
        ];
        for state in RevisionState::ALL {
            for event in RevisionEvent::ALL {
                let listed = moves
                    .iter()
                    .find(|(from, what, _)| *from == state.as_str() && *what == event.as_str());
                let led = state.after(*event).map(RevisionState::as_str);
                assert_eq!(led, listed.map(|(.., to)| *to), "{state} {event}");
            }
        }
    }

    #[test]
    fn nothing_serves_everybody_without_every_gate() {
        for state in LifeState::ALL {
            let leads = |event: &LifeEvent| {
                *state != LifeState::Live && state.after(*event) == Some(LifeState::Live)
            };
            for event in state.steps().filter(leads) {
                let missing: Vec<_> =
                    Gate::ALL.iter().filter(|gate| !event.gates().contains(gate)).collect();
                // A service that rested was tested before it ever ran.
                let allowed: &[&Gate] = match event {
                    LifeEvent::Resume => &[&Gate::TechnicalTest],
                    _ => &[],
                };
                assert_eq!(missing, allowed, "{event}");
            }
        }
    }

    #[test]
    fn a_partner_can_ask_and_end_and_nothing_between() {
        let own: Vec<_> =
            LifeEvent::ALL.iter().filter(|event| LifeState::is_of_partner(**event)).collect();
        assert_eq!(own, [&LifeEvent::Submit, &LifeEvent::AskClose, &LifeEvent::Close]);
    }
}
