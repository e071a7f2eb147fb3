//! Orders: a piece of work that partner and operator do together, from the asking to the end.
//!
//! Which steps a kind has is data (`order_plan`); how an order lives, and what a step of a number
//! or a service means to it, is code. It knows no date and stores nothing. What surprises: nobody
//! opens an order. The verb that begins the work does, and the verb that ends the work ends it, so
//! that an order never says something else than the number or the service that it is about.
//!
//! A service that is sent back is no end: the same order waits for its partner, because the same
//! description is worked on. A number that is refused is one: its reservation may run out, and who
//! asks again asks anew.

use super::agreement::{Side, words};

words! {
    OrderState {
        /// Taken in and numbered; nobody of the operator works on it yet.
        Acknowledged = "acknowledged",
        InProgress = "in_progress",
        /// It waits for the partner.
        Pending = "pending",
        Completed = "completed",
        Rejected = "rejected",
        Cancelled = "cancelled",
        /// It was tried, and could not be done.
        Failed = "failed",
    }
}

words! {
    /// What can happen to an order.
    OrderEvent {
        Take = "take",
        /// The partner is asked, or has the next step.
        Wait = "wait",
        Resume = "resume",
        Complete = "complete",
        Reject = "reject",
        /// The partner wants it no longer.
        Cancel = "cancel",
        Fail = "fail",
    }
}

words! {
    OrderKind {
        /// A reserved number or keyword goes into use.
        NumberActivation = "number_activation",
        /// A number or keyword in use is given back.
        NumberRelease = "number_release",
        /// A service on its way to its first subscriber.
        ServiceLaunch = "service_launch",
        /// Another description of a service that was live.
        ServiceChange = "service_change",
        ServiceClosure = "service_closure",
    }
}

impl OrderState {
    /// Where an event leads; none if it is no legal step from here.
    pub fn after(self, event: OrderEvent) -> Option<Self> {
        use OrderEvent as E;
        if self.is_over() {
            return None;
        }
        Some(match (self, event) {
            (Self::Acknowledged, E::Take) | (Self::Pending, E::Resume) => Self::InProgress,
            (Self::Acknowledged | Self::InProgress, E::Wait) => Self::Pending,
            (_, E::Complete) => Self::Completed,
            (_, E::Reject) => Self::Rejected,
            (_, E::Cancel) => Self::Cancelled,
            (_, E::Fail) => Self::Failed,
            _ => return None,
        })
    }

    /// Steps that lead on from here.
    pub fn steps(self) -> impl Iterator<Item = OrderEvent> {
        OrderEvent::ALL.iter().copied().filter(move |event| self.after(*event).is_some())
    }

    /// Nothing leads on.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Rejected | Self::Cancelled | Self::Failed)
    }

    /// Where an order is whose next step is that side's; none: every step was done.
    #[must_use]
    pub fn with_next(self, side: Option<Side>) -> Self {
        let event = match (self, side) {
            (_, None) => OrderEvent::Complete,
            (Self::Pending, Some(Side::Operator)) => OrderEvent::Resume,
            (_, Some(Side::Operator)) => OrderEvent::Take,
            (_, Some(Side::Partner)) => OrderEvent::Wait,
        };
        // What is no step from here leads nowhere: it is there already.
        self.after(event).unwrap_or(self)
    }

    /// The word of TMF641.
    pub fn tmf(self) -> &'static str {
        if self == Self::InProgress { "inProgress" } else { self.as_str() }
    }

    pub fn of_tmf(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.tmf() == word)
    }
}

impl OrderEvent {
    /// What a person does to an order itself. The other ends are those of the number or the
    /// service; only what is asked for by an order alone can be answered there. A failure is the
    /// way out for an order whose thing went another way, and leaves that thing as it is.
    pub fn is_of(self, side: Side, kind: OrderKind) -> bool {
        match self {
            Self::Take | Self::Wait | Self::Fail => side == Side::Operator,
            Self::Resume => true,
            Self::Reject => side == Side::Operator && kind.is_asked(),
            Self::Cancel => side == Side::Partner && kind.is_asked(),
            Self::Complete => false,
        }
    }

    /// The other side must be told why, or what.
    pub fn needs_words(self) -> bool {
        matches!(self, Self::Wait | Self::Reject | Self::Fail)
    }
}

impl OrderKind {
    /// Steps of its number or service that can be steps of it, by their words in the audit trail:
    /// the first begins it, the last ends it.
    pub fn happenings(self) -> &'static [&'static str] {
        match self {
            Self::NumberActivation => &["number.order", "number.activate"],
            Self::NumberRelease => &["number.ask_release", "number.close"],
            Self::ServiceLaunch => &[
                "service.submit",
                "service.approve",
                "service.start_test",
                "service.pass_test",
                "service.go_live",
            ],
            Self::ServiceChange => &["service.submit", "service.approve"],
            Self::ServiceClosure => &["service.ask_close", "service.close"],
        }
    }

    pub fn begins_with(self) -> &'static str {
        self.happenings().first().copied().unwrap_or_default()
    }

    pub fn ends_with(self) -> &'static str {
        self.happenings().last().copied().unwrap_or_default()
    }

    /// Nothing of the number or the service changes before it is carried out.
    pub fn is_asked(self) -> bool {
        matches!(self, Self::NumberRelease | Self::ServiceClosure)
    }

    /// What TMF641 calls the action of its items.
    pub fn action(self) -> &'static str {
        match self {
            Self::NumberActivation | Self::ServiceLaunch => "add",
            Self::ServiceChange => "modify",
            Self::NumberRelease | Self::ServiceClosure => "delete",
        }
    }
}

/// What a step of a number or a service means to an order about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderMove {
    /// It opens one, or goes on with the one that is open.
    Begin,
    /// One of its steps may be done by this.
    Tick,
    /// The partner has its first step once more.
    Back,
    End(OrderEvent),
}

/// The orders that a step concerns. `was_live`: of a service that was live once, so that a new
/// description is a change; `is_by_partner`: who takes the step.
pub fn order_moves(what: &str, was_live: bool, is_by_partner: bool) -> Vec<(OrderKind, OrderMove)> {
    use OrderKind as K;
    use OrderMove as M;
    let described = if was_live { K::ServiceChange } else { K::ServiceLaunch };
    let done = M::End(OrderEvent::Complete);
    let given_up = M::End(if is_by_partner { OrderEvent::Cancel } else { OrderEvent::Reject });
    match what {
        "number.order" => vec![(K::NumberActivation, M::Begin)],
        "number.activate" => vec![(K::NumberActivation, done)],
        "number.reject" => vec![(K::NumberActivation, M::End(OrderEvent::Reject))],
        "number.release" | "number.expire" => {
            vec![(K::NumberActivation, M::End(OrderEvent::Cancel))]
        }
        "number.ask_release" => vec![(K::NumberRelease, M::Begin)],
        "number.close" => vec![(K::NumberRelease, done)],
        "service.submit" => vec![(described, M::Begin)],
        "service.return" => vec![(described, M::Back)],
        "service.approve" if was_live => vec![(K::ServiceChange, done)],
        "service.approve" | "service.start_test" | "service.pass_test" => {
            vec![(K::ServiceLaunch, M::Tick)]
        }
        "service.go_live" => vec![(K::ServiceLaunch, done)],
        "service.withdraw_change" => vec![(K::ServiceChange, M::End(OrderEvent::Cancel))],
        "service.ask_close" => vec![(K::ServiceClosure, M::Begin)],
        "service.close" => vec![
            (K::ServiceClosure, done),
            (K::ServiceChange, given_up),
            (K::ServiceLaunch, given_up),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every legal move; whatever is not here must be refused.
    const MOVES: &[(&str, &str, &str)] = &[
        ("acknowledged", "take", "in_progress"),
        ("acknowledged", "wait", "pending"),
        ("acknowledged", "complete", "completed"),
        ("acknowledged", "reject", "rejected"),
        ("acknowledged", "cancel", "cancelled"),
        ("acknowledged", "fail", "failed"),
        ("in_progress", "wait", "pending"),
        ("in_progress", "complete", "completed"),
        ("in_progress", "reject", "rejected"),
        ("in_progress", "cancel", "cancelled"),
        ("in_progress", "fail", "failed"),
        ("pending", "resume", "in_progress"),
        ("pending", "complete", "completed"),
        ("pending", "reject", "rejected"),
        ("pending", "cancel", "cancelled"),
        ("pending", "fail", "failed"),
    ];

    #[test]
    fn only_the_listed_moves_are_legal() {
        for state in OrderState::ALL {
            for event in OrderEvent::ALL {
                let listed = MOVES
                    .iter()
                    .find(|(from, what, _)| *from == state.as_str() && *what == event.as_str());
                let led = state.after(*event).map(OrderState::as_str);
                assert_eq!(led, listed.map(|(.., to)| *to), "{state} {event}");
            }
            assert_eq!(state.is_over(), state.steps().count() == 0, "{state}");
        }
    }

    #[test]
    fn whose_step_is_next_says_where_an_order_is() {
        use OrderState as S;
        for (state, side, after) in [
            (S::Acknowledged, Some(Side::Operator), S::InProgress),
            (S::Acknowledged, Some(Side::Partner), S::Pending),
            (S::InProgress, Some(Side::Operator), S::InProgress),
            (S::InProgress, Some(Side::Partner), S::Pending),
            (S::Pending, Some(Side::Operator), S::InProgress),
            (S::Pending, Some(Side::Partner), S::Pending),
            (S::Pending, None, S::Completed),
            (S::InProgress, None, S::Completed),
            (S::Rejected, None, S::Rejected),
        ] {
            assert_eq!(state.with_next(side), after, "{state} {side:?}");
        }
    }

    #[test]
    fn a_partner_takes_back_only_what_it_asked_for_by_an_order() {
        for kind in OrderKind::ALL {
            let of = |side| -> Vec<_> {
                OrderEvent::ALL.iter().filter(|event| event.is_of(side, *kind)).collect()
            };
            let (own, staff) = (of(Side::Partner), of(Side::Operator));
            assert_eq!(own.contains(&&OrderEvent::Cancel), kind.is_asked(), "{kind}");
            assert_eq!(staff.contains(&&OrderEvent::Reject), kind.is_asked(), "{kind}");
            assert!(staff.contains(&&OrderEvent::Fail) && !own.contains(&&OrderEvent::Fail));
            assert!(![own, staff].concat().contains(&&OrderEvent::Complete), "work completes it");
        }
    }

    #[test]
    fn what_begins_an_order_opens_it_and_what_ends_it_completes_it() {
        for kind in OrderKind::ALL {
            let was_live = *kind == OrderKind::ServiceChange;
            let moves = |what| order_moves(what, was_live, true);
            assert!(moves(kind.begins_with()).contains(&(*kind, OrderMove::Begin)), "{kind}");
            let end = (*kind, OrderMove::End(OrderEvent::Complete));
            assert!(moves(kind.ends_with()).contains(&end), "{kind}");
            for what in kind.happenings() {
                assert!(moves(what).iter().any(|(about, _)| about == kind), "{kind} {what}");
            }
        }
        assert!(order_moves("service.comment", true, true).is_empty());
    }

    #[test]
    fn who_closes_a_service_says_how_its_other_orders_end() {
        let launch = |by_partner| {
            let moves = order_moves("service.close", false, by_partner);
            moves.into_iter().find(|(kind, _)| *kind == OrderKind::ServiceLaunch).unwrap().1
        };
        assert_eq!(launch(true), OrderMove::End(OrderEvent::Cancel));
        assert_eq!(launch(false), OrderMove::End(OrderEvent::Reject));
    }
}
