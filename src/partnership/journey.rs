//! Whose turn it is after the acceptance (D13): what agreements are at, told to `domain::turn`.
//!
//! Numbers and services are not looked at yet: they begin with the partner. What surprises: only
//! agreements of the way into the partnership count; an annex more or less stops nobody.

use super::{Error, LaterSteps, Partnership, Signed, agree::Stop, applicant::DECISION};
use crate::{
    domain::{
        Caller, PartnerId, Right, Side,
        application::ApplicationState,
        deadline::Promise,
        turn::{self, ApplicationFacts, Journey, Owner, StepFacts},
    },
    store::DeadlineRow,
};

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
