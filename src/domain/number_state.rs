//! The life of what partners hold: a number, or a keyword on a shared number.
//!
//! It knows no dates; those are the class's (`number_plan`). What surprises: there is no short way
//! from use back to free. Whatever was in use rests first, so that a late text of a subscriber
//! never reaches the service of somebody else.

use super::agreement::words;

words! {
    NumberState {
        Free = "free",
        /// For a limited time, and not in use yet.
        Reserved = "reserved",
        /// The partner asked for its activation.
        Ordered = "ordered",
        Active = "active",
        Suspended = "suspended",
        /// It rests after use.
        Quarantined = "quarantined",
        /// The operator offers it no longer.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What can happen to a number or a keyword.
    NumberEvent {
        Reserve = "reserve",
        /// The reservation lasts longer.
        Extend = "extend",
        Order = "order",
        /// The operator does not activate it; the reservation goes on.
        Reject = "reject",
        Activate = "activate",
        Suspend = "suspend",
        Resume = "resume",
        /// The partner gives back what it never used.
        Release = "release",
        /// The partner wants to give back what it uses; the operator closes it then.
        AskRelease = "ask_release",
        /// The time of the reservation is over.
        Expire = "expire",
        /// The end of use.
        Close = "close",
        /// It has rested long enough.
        CoolOff = "cool_off",
        Withdraw = "withdraw",
        /// The operator offers it again.
        Offer = "offer",
    }
}

impl NumberState {
    /// Where an event leads; none if it is no legal step from here.
    pub fn after(self, event: NumberEvent) -> Option<Self> {
        use NumberEvent as E;
        Some(match (self, event) {
            (Self::Free, E::Reserve) | (Self::Reserved, E::Extend) | (Self::Ordered, E::Reject) => {
                Self::Reserved
            }
            (Self::Reserved, E::Order) => Self::Ordered,
            (Self::Ordered, E::Activate)
            | (Self::Suspended, E::Resume)
            | (Self::Active, E::AskRelease) => Self::Active,
            (Self::Active, E::Suspend) | (Self::Suspended, E::AskRelease) => Self::Suspended,
            (Self::Active | Self::Suspended, E::Close) => Self::Quarantined,
            (Self::Reserved, E::Release | E::Expire)
            | (Self::Ordered, E::Release)
            | (Self::Quarantined, E::CoolOff)
            | (Self::Withdrawn, E::Offer) => Self::Free,
            (Self::Free, E::Withdraw) => Self::Withdrawn,
            _ => return None,
        })
    }

    /// Steps that a person of the partner takes with what its partner holds.
    pub fn is_of_partner(event: NumberEvent) -> bool {
        use NumberEvent as E;
        matches!(event, E::Reserve | E::Extend | E::Order | E::Release | E::AskRelease)
    }

    /// Whether the other side is owed a reason.
    pub fn needs_reason(event: NumberEvent) -> bool {
        use NumberEvent as E;
        matches!(event, E::Reject | E::Suspend | E::Close | E::AskRelease)
    }

    /// Steps that lead on from here.
    pub fn steps(self) -> impl Iterator<Item = NumberEvent> {
        NumberEvent::ALL.iter().copied().filter(move |event| self.after(*event).is_some())
    }

    /// Whether a partner's quota counts it: it takes the number from others without use.
    pub fn counts(self) -> bool {
        matches!(self, Self::Reserved | Self::Ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every legal move; whatever is not here must be refused.
    const MOVES: &[(&str, &str, &str)] = &[
        ("free", "reserve", "reserved"),
        ("free", "withdraw", "withdrawn"),
        ("reserved", "extend", "reserved"),
        ("reserved", "order", "ordered"),
        ("reserved", "release", "free"),
        ("reserved", "expire", "free"),
        ("ordered", "reject", "reserved"),
        ("ordered", "activate", "active"),
        ("ordered", "release", "free"),
        ("active", "ask_release", "active"),
        ("active", "suspend", "suspended"),
        ("active", "close", "quarantined"),
        ("suspended", "ask_release", "suspended"),
        ("suspended", "resume", "active"),
        ("suspended", "close", "quarantined"),
        ("quarantined", "cool_off", "free"),
        ("withdrawn", "offer", "free"),
    ];

    #[test]
    fn only_the_listed_moves_are_legal() {
        for state in NumberState::ALL {
            for event in NumberEvent::ALL {
                let listed = MOVES
                    .iter()
                    .find(|(from, what, _)| *from == state.as_str() && *what == event.as_str());
                let led = state.after(*event).map(NumberState::as_str);
                assert_eq!(led, listed.map(|(.., to)| *to), "{state} {event}");
            }
        }
    }

    #[test]
    fn nothing_that_was_in_use_is_free_without_a_rest() {
        for state in [NumberState::Active, NumberState::Suspended] {
            assert!(state.steps().all(|event| state.after(event) != Some(NumberState::Free)));
        }
    }

    #[test]
    fn a_partner_can_neither_activate_nor_end_its_own_suspension() {
        use NumberEvent as E;
        let own: Vec<_> =
            E::ALL.iter().filter(|event| NumberState::is_of_partner(**event)).collect();
        assert_eq!(own, [&E::Reserve, &E::Extend, &E::Order, &E::Release, &E::AskRelease]);
    }
}
