//! Whose turn it is (D13): the way of a company from its application to a live service as a row
//! of stops, each with who must act, what was promised and how late it is.
//!
//! It is told plain facts and asks nobody. What surprises: a stop that waits for an earlier one
//! belongs to nobody, so that no side is blamed for the other.

use super::{
    application::{ApplicationState, words},
    deadline::Promise,
};

words! {
    /// The stops, in their order; none can be skipped (R4.19).
    StopKind {
        Application = "application",
        Nda = "nda",
        Agreement = "agreement",
        Number = "number",
        Service = "service",
    }

    /// Who must act.
    Owner {
        Operator = "operator",
        Partner = "partner",
    }

    Standing {
        /// An earlier stop is not done.
        Later = "later",
        /// Somebody must act.
        Open = "open",
        /// The clock stands: the other side was asked something.
        Paused = "paused",
        Done = "done",
        /// It ended here: declined, withdrawn, lapsed.
        Ended = "ended",
    }
}

/// One stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Stop {
    pub kind: StopKind,
    pub standing: Standing,
    /// Whose turn it is; none if nobody's.
    pub owner: Option<Owner>,
    /// What was promised first.
    pub promised_at: Option<i64>,
    /// What holds now, after pauses.
    pub due_at: Option<i64>,
    pub done_at: Option<i64>,
    /// Days that its owner is late; 0 in time.
    pub days_late: i64,
}

/// What is known of the application.
#[derive(Debug, Clone, Copy)]
pub struct ApplicationFacts {
    pub state: ApplicationState,
    pub accepted: bool,
    pub decided_at: Option<i64>,
    pub decision: Option<Promise>,
}

/// What is known of an agreement, a number or a service: plain, because those are other nouns.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepFacts {
    /// None while nobody has to act, for example before it exists.
    pub owner: Option<Owner>,
    pub promise: Option<Promise>,
    pub done_at: Option<i64>,
    /// It will not come to an end any more: refused, lapsed.
    pub has_ended: bool,
}

/// Everything there is to know.
#[derive(Debug, Clone, Copy)]
pub struct Journey {
    pub application: ApplicationFacts,
    pub nda: StepFacts,
    pub agreement: StepFacts,
    pub number: StepFacts,
    pub service: StepFacts,
}

/// The stops of a journey, always all five.
pub fn stops(journey: &Journey, now: i64) -> [Stop; 5] {
    let first = application(&journey.application, now);
    let mut is_open = first.standing == Standing::Done;
    let mut next = |kind, facts: &StepFacts| {
        let stop = step(kind, facts, is_open, now);
        is_open = stop.standing == Standing::Done;
        stop
    };
    let nda = next(StopKind::Nda, &journey.nda);
    let agreement = next(StopKind::Agreement, &journey.agreement);
    let number = next(StopKind::Number, &journey.number);
    let service = next(StopKind::Service, &journey.service);
    [first, nda, agreement, number, service]
}

/// The stop at which the journey is: the first that is neither done nor later.
pub fn current(stops: &[Stop; 5]) -> Option<&Stop> {
    stops.iter().find(|stop| !matches!(stop.standing, Standing::Done | Standing::Later))
}

fn application(facts: &ApplicationFacts, now: i64) -> Stop {
    let (standing, owner) = match facts.state {
        ApplicationState::Draft => (Standing::Open, Some(Owner::Partner)),
        ApplicationState::Submitted | ApplicationState::InReview => {
            (Standing::Open, Some(Owner::Operator))
        }
        ApplicationState::NeedsInformation => (Standing::Paused, Some(Owner::Partner)),
        ApplicationState::Decided if facts.accepted => (Standing::Done, None),
        ApplicationState::Decided | ApplicationState::Withdrawn => (Standing::Ended, None),
    };
    let done_at = facts.decided_at.filter(|_| standing == Standing::Done);
    stop(StopKind::Application, (standing, owner), facts.decision, done_at, now)
}

fn step(kind: StopKind, facts: &StepFacts, is_open: bool, now: i64) -> Stop {
    let is_paused = facts.promise.is_some_and(|promise| promise.paused_at.is_some());
    let (standing, owner) = if facts.done_at.is_some() {
        (Standing::Done, None)
    } else if facts.has_ended {
        (Standing::Ended, None)
    } else if !is_open {
        (Standing::Later, None)
    } else if is_paused {
        (Standing::Paused, facts.owner)
    } else {
        // What nobody has begun is the operator's to begin.
        (Standing::Open, Some(facts.owner.unwrap_or(Owner::Operator)))
    };
    stop(kind, (standing, owner), facts.promise, facts.done_at, now)
}

fn stop(
    kind: StopKind,
    (standing, owner): (Standing, Option<Owner>),
    promise: Option<Promise>,
    done_at: Option<i64>,
    now: i64,
) -> Stop {
    let promise = promise.filter(|_| standing != Standing::Later);
    let kept = promise.map(|promise| Promise { met_at: promise.met_at.or(done_at), ..promise });
    Stop {
        kind,
        standing,
        owner,
        promised_at: promise.map(|promise| promise.promised_at),
        due_at: promise.map(|promise| promise.due_at),
        done_at,
        days_late: kept.map_or(0, |promise| promise.days_late(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;
    const NOON: i64 = 1_795_262_400_000_000;

    fn applied(state: ApplicationState, accepted: bool, due_at: i64) -> Journey {
        Journey {
            application: ApplicationFacts {
                state,
                accepted,
                decided_at: (state == ApplicationState::Decided).then_some(NOON),
                decision: Some(Promise::new(due_at)),
            },
            nda: StepFacts::default(),
            agreement: StepFacts::default(),
            number: StepFacts::default(),
            service: StepFacts::default(),
        }
    }

    fn row(journey: &Journey) -> Vec<(Standing, Option<Owner>, i64)> {
        stops(journey, NOON).iter().map(|s| (s.standing, s.owner, s.days_late)).collect()
    }

    const LATER: (Standing, Option<Owner>, i64) = (Standing::Later, None, 0);

    #[test]
    fn before_the_decision_only_one_side_has_a_turn() {
        use ApplicationState as S;
        let table = [
            (S::Draft, 0, Standing::Open, Some(Owner::Partner), 0),
            (S::Submitted, 1, Standing::Open, Some(Owner::Operator), 0),
            (S::InReview, -1, Standing::Open, Some(Owner::Operator), 1),
            (S::NeedsInformation, 1, Standing::Paused, Some(Owner::Partner), 0),
            (S::Withdrawn, 1, Standing::Ended, None, 0),
        ];
        for (state, days, standing, owner, late) in table {
            let row = row(&applied(state, false, NOON + days * DAY));
            assert_eq!(row[0], (standing, owner, late), "{state:?}");
            assert_eq!(row[1..], [LATER; 4], "{state:?}");
        }
    }

    #[test]
    fn the_row_goes_on_only_after_a_yes() {
        let no = row(&applied(ApplicationState::Decided, false, NOON + DAY));
        assert_eq!((no[0].0, no[1]), (Standing::Ended, LATER));

        let mut yes = applied(ApplicationState::Decided, true, NOON + DAY);
        assert_eq!(row(&yes)[1], (Standing::Open, Some(Owner::Operator), 0), "to be sent");
        yes.nda = StepFacts {
            owner: Some(Owner::Partner),
            promise: Some(Promise::new(NOON - 3 * DAY)),
            ..StepFacts::default()
        };
        let row = row(&yes);
        assert_eq!(row[0], (Standing::Done, None, 0));
        assert_eq!(row[1], (Standing::Open, Some(Owner::Partner), 3));
        assert_eq!(row[2..], [LATER; 3]);
        assert_eq!(current(&stops(&yes, NOON)).unwrap().kind, StopKind::Nda);
    }

    #[test]
    fn what_was_done_in_time_is_not_late_later() {
        let mut journey = applied(ApplicationState::Decided, true, NOON + DAY);
        let promise = Promise::new(NOON - 9 * DAY);
        journey.nda = StepFacts {
            promise: Some(promise),
            done_at: Some(NOON - 10 * DAY),
            ..StepFacts::default()
        };
        assert_eq!(row(&journey)[1], (Standing::Done, None, 0));
    }

    #[test]
    fn a_journey_at_its_end_has_no_current_stop() {
        let done = StepFacts { done_at: Some(NOON), ..StepFacts::default() };
        let journey = Journey {
            nda: done,
            agreement: done,
            number: done,
            service: done,
            ..applied(ApplicationState::Decided, true, NOON)
        };
        assert_eq!(current(&stops(&journey, NOON)), None);
    }
}
