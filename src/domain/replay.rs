//! A replay: what a partner was given in a window of time, handed over to it again because the
//! partner lost it (D8).
//!
//! It reads no message and sends none. What surprises: the window is counted by when a message was
//! accepted, for receipts too, because that is the order in which ids grow.

use super::{
    agreement::words,
    message::{MessageState, ReceiptWish},
};

words! {
    ReplayState {
        /// Not begun, or nobody takes anything now.
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        Stopped = "stopped",
        /// Nobody took anything for too long.
        Failed = "failed",
    }
}

words! {
    /// What moves a replay.
    ReplayEvent {
        Begin = "begin",
        Wait = "wait",
        Finish = "finish",
        Stop = "stop",
        Fail = "fail",
    }
}

impl ReplayState {
    /// The state after an event; none if the event is not legal now. Every legal move is here.
    pub fn after(self, event: ReplayEvent) -> Option<Self> {
        use ReplayEvent as E;
        Some(match (self, event) {
            (Self::Waiting, E::Begin) => Self::Running,
            (Self::Running, E::Wait) => Self::Waiting,
            (Self::Waiting | Self::Running, E::Finish) => Self::Done,
            (Self::Waiting | Self::Running, E::Stop) => Self::Stopped,
            (Self::Waiting | Self::Running, E::Fail) => Self::Failed,
            _ => return None,
        })
    }

    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

words! {
    /// What became of one message of a replay.
    ReplayOutcome {
        Sent = "sent",
        /// Its text is erased by now (S-45), or was empty.
        Erased = "erased",
        /// It is not final: it goes, or comes back, by itself.
        Unfinished = "unfinished",
        /// The partner said never, or its session ended with it each time.
        Refused = "refused",
        /// Nobody is to be given it: its service is closed, or the gateway had answered it itself.
        NoWay = "no_way",
    }
}

/// How many there are of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReplayCounts {
    pub sent: i64,
    pub erased: i64,
    pub unfinished: i64,
    pub refused: i64,
    pub no_way: i64,
}

impl ReplayCounts {
    pub fn add(&mut self, outcome: ReplayOutcome, count: i64) {
        *match outcome {
            ReplayOutcome::Sent => &mut self.sent,
            ReplayOutcome::Erased => &mut self.erased,
            ReplayOutcome::Unfinished => &mut self.unfinished,
            ReplayOutcome::Refused => &mut self.refused,
            ReplayOutcome::NoWay => &mut self.no_way,
        } += count;
    }

    pub fn total(&self) -> i64 {
        self.sent + self.erased + self.unfinished + self.refused + self.no_way
    }
}

/// What a subscriber's text would come to, as far as its row tells.
pub fn fit_of_mo(state: MessageState, has_text: bool) -> ReplayOutcome {
    match (state.is_final(), has_text) {
        (false, _) => ReplayOutcome::Unfinished,
        (true, false) => ReplayOutcome::Erased,
        (true, true) => ReplayOutcome::Sent,
    }
}

/// The same of the receipt of an MT; none if its partner wanted no such receipt. A receipt needs
/// no text, so that an erased one is no hindrance.
pub fn fit_of_receipt(state: MessageState, wish: ReceiptWish) -> Option<ReplayOutcome> {
    if !state.is_final() {
        return (wish.on_success || wish.on_failure).then_some(ReplayOutcome::Unfinished);
    }
    wish.wants(state).then_some(ReplayOutcome::Sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_as_it_is_and_what_is_open_can_end_in_three_ways() {
        use ReplayEvent as E;
        use ReplayState as S;
        let legal = [
            (S::Waiting, E::Begin, S::Running),
            (S::Running, E::Wait, S::Waiting),
            (S::Waiting, E::Finish, S::Done),
            (S::Running, E::Finish, S::Done),
            (S::Waiting, E::Stop, S::Stopped),
            (S::Running, E::Stop, S::Stopped),
            (S::Waiting, E::Fail, S::Failed),
            (S::Running, E::Fail, S::Failed),
        ];
        for state in S::ALL {
            for event in E::ALL {
                let known = legal.iter().find(|(from, by, _)| (from, by) == (state, event));
                assert_eq!(state.after(*event), known.map(|(.., to)| *to), "{state} {event}");
            }
            let is_movable = E::ALL.iter().any(|event| state.after(*event).is_some());
            assert_eq!(state.is_open(), is_movable, "{state}");
        }
    }

    #[test]
    fn only_what_is_final_and_was_wanted_is_handed_over_again() {
        use MessageState as S;
        use ReplayOutcome as O;
        for (state, has_text, expected) in [
            (S::Accepted, true, O::Unfinished),
            (S::Quarantined, false, O::Unfinished),
            (S::Delivered, true, O::Sent),
            (S::Expired, true, O::Sent),
            (S::Rejected, false, O::Erased),
        ] {
            assert_eq!(fit_of_mo(state, has_text), expected, "{state:?}");
        }
        let failures = ReceiptWish { on_success: false, ..ReceiptWish::FINAL };
        let none = ReceiptWish { on_failure: false, ..failures };
        for (state, wish, expected) in [
            (S::Delivered, ReceiptWish::FINAL, Some(O::Sent)),
            (S::Delivered, failures, None),
            (S::Expired, failures, Some(O::Sent)),
            (S::Submitted, failures, Some(O::Unfinished)),
            (S::Submitted, none, None),
            (S::Expired, none, None),
        ] {
            assert_eq!(fit_of_receipt(state, wish), expected, "{state:?} {wish:?}");
        }
    }

    #[test]
    fn each_outcome_has_a_count_of_its_own() {
        let mut counts = ReplayCounts::default();
        for outcome in ReplayOutcome::ALL {
            let before = counts;
            counts.add(*outcome, 2);
            assert_eq!(counts.total(), before.total() + 2);
        }
        assert_eq!((counts.sent, counts.no_way, counts.total()), (2, 2, 10));
    }
}
