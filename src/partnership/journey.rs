//! Whose turn it is after the acceptance (D13): what agreements, numbers and services are at, told
//! to `domain::turn`.
//!
//! Of several numbers or services the one that is furthest on its way counts. What surprises: only
//! agreements of the way into the partnership count; an annex more or less stops nobody.

use super::{Error, LaterSteps, Partnership, Signed, agree::Stop, applicant::DECISION};
use crate::{
    domain::{
        Caller, LifeState, NumberState, PartnerId, Right, Side,
        application::ApplicationState,
        deadline::Promise,
        turn::{self, ApplicationFacts, Journey, Owner, StepFacts},
    },
    store::{DeadlineRow, OfferingFilter, OfferingRow, ReservationFilter, ReservationRow},
};

/// Numbers and services of one partner that are looked at.
const ROWS_MAX: u32 = 500;

impl Partnership {
    /// What follows the application of a company that became a partner.
    pub(super) async fn later_steps(
        &self,
        partner: Option<PartnerId>,
    ) -> Result<LaterSteps, Error> {
        let begins_with_partner = StepFacts { owner: Some(Owner::Partner), ..StepFacts::default() };
        let mut later = LaterSteps {
            number: begins_with_partner,
            service: begins_with_partner,
            ..LaterSteps::default()
        };
        let Some(partner) = partner else { return Ok(later) };
        let by = Caller::Operator { name: "gateway".into() };
        for stop in self.agreement_stops(&by, partner).await? {
            let admits = self.kinds.get(&stop.kind).is_some_and(|kind| kind.admits);
            let step = if admits { &mut later.agreement } else { &mut later.nda };
            *step = facts(&stop);
        }
        let whose =
            ReservationFilter { partner: Some(partner), limit: ROWS_MAX, ..Default::default() };
        let held = self.store.reservations(&whose).await?;
        if let Some(row) = held.iter().max_by_key(|row| way_of_number(row.state)) {
            later.number = number_facts(row);
        }
        let whose =
            OfferingFilter { partner: Some(partner), limit: ROWS_MAX, ..Default::default() };
        let offered = self.store.offerings(&whose).await?;
        let furthest = offered.iter().max_by_key(|row| way_of_service(row.state));
        if let Some(row) = furthest.filter(|row| row.state != LifeState::Closed) {
            later.service = service_facts(row);
        }
        Ok(later)
    }

    /// The way of the caller's own company; none for the operator, and for a partner that never
    /// applied here.
    pub async fn own_journey(&self, signed: &Signed) -> Result<Option<[turn::Stop; 5]>, Error> {
        self.require(signed, Right::SeeApplications)?;
        let Some(partner) = signed.partner else { return Ok(None) };
        let Some(row) = self.store.first_application(partner).await? else { return Ok(None) };
        let decision = self.store.deadline(&row.subject(), DECISION).await?;
        let application = ApplicationFacts {
            state: ApplicationState::Decided,
            accepted: true,
            decided_at: row.decided_at,
            decision: decision.as_ref().map(DeadlineRow::promise),
        };
        let LaterSteps { nda, agreement, number, service } =
            self.later_steps(Some(partner)).await?;
        let journey = Journey { application, nda, agreement, number, service };
        Ok(Some(turn::stops(&journey, self.now())))
    }
}

fn facts(stop: &Stop) -> StepFacts {
    let is_done = matches!(stop.state, "in_force" | "suspended");
    let has_ended =
        matches!(stop.state, "lapsed" | "declined" | "terminated" | "expired" | "superseded");
    StepFacts {
        owner: stop.turn.map(|turn| match turn {
            Side::Partner => Owner::Partner,
            Side::Operator => Owner::Operator,
        }),
        promise: stop.due_at.map(Promise::new),
        done_at: stop.done_at.filter(|_| is_done),
        has_ended,
    }
}

/// How far a number is on its way to use.
fn way_of_number(state: NumberState) -> u8 {
    match state {
        NumberState::Active | NumberState::Suspended => 2,
        NumberState::Ordered => 1,
        _ => 0,
    }
}

fn number_facts(row: &ReservationRow) -> StepFacts {
    let (owner, promise) = match row.state {
        NumberState::Active | NumberState::Suspended => (None, None),
        NumberState::Ordered => (Some(Owner::Operator), None),
        // Until then it is kept for the partner.
        NumberState::Reserved => (Some(Owner::Partner), Some(Promise::new(row.expires_at))),
        _ => (Some(Owner::Partner), None),
    };
    StepFacts {
        owner,
        promise,
        done_at: row.active_at.filter(|_| owner.is_none()),
        has_ended: false,
    }
}

/// How far a service is on its way to subscribers.
fn way_of_service(state: LifeState) -> u8 {
    match state {
        LifeState::Closed => 0,
        LifeState::Draft => 1,
        LifeState::Submitted => 2,
        LifeState::Approved => 3,
        LifeState::Testing => 4,
        LifeState::Live | LifeState::Suspended => 5,
    }
}

fn service_facts(row: &OfferingRow) -> StepFacts {
    let owner = match row.state {
        LifeState::Draft => Some(Owner::Partner),
        LifeState::Submitted | LifeState::Approved => Some(Owner::Operator),
        // The partner tries it; then the operator lets everybody in.
        LifeState::Testing if row.tested_at.is_none() => Some(Owner::Partner),
        LifeState::Testing => Some(Owner::Operator),
        LifeState::Live | LifeState::Suspended | LifeState::Closed => None,
    };
    let done_at = row.live_at.filter(|_| owner.is_none());
    StepFacts { owner, promise: None, done_at, has_ended: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(state: &'static str, turn: Option<Side>) -> Stop {
        Stop {
            kind: "nda".to_owned(),
            number: None,
            state,
            turn,
            due_at: Some(5),
            is_late: false,
            done_at: Some(3),
        }
    }

    #[test]
    fn an_agreement_is_done_in_force_and_over_when_it_lapsed() {
        for (state, turn, owner, is_done, has_ended) in [
            ("awaited", Some(Side::Operator), Some(Owner::Operator), false, false),
            ("sent", Some(Side::Partner), Some(Owner::Partner), false, false),
            ("signed_by_partner", Some(Side::Operator), Some(Owner::Operator), false, false),
            ("in_force", None, None, true, false),
            ("suspended", Some(Side::Operator), Some(Owner::Operator), true, false),
            ("lapsed", None, None, false, true),
        ] {
            let facts = facts(&stop(state, turn));
            assert_eq!((facts.owner, facts.done_at.is_some()), (owner, is_done), "{state}");
            assert_eq!(facts.has_ended, has_ended, "{state}");
        }
    }
}
