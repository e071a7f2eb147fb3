//! The way of an applicant through agreements, before anybody has an account: where it is, and
//! how its letters lead there.
//!
//! It takes no step itself. What surprises: the link of an application is the only key that an
//! applicant has, so that letters about agreements carry it too until the first account is made.

use serde_json::json;

use super::{Error, LaterSteps, Partnership, guard::Count, log_in::mail_hash};
use crate::{
    domain::{
        Caller, PartnerId, Refusal, Side,
        application::ApplicationState,
        deadline::Promise,
        turn::{Owner, StepFacts},
    },
    store::{AgreementWrite, NewMail},
};

impl Partnership {
    /// While the company has nobody with an account, its letters carry the link of its
    /// application, which lets in to the agreement; a bare path would end at the log-in.
    pub(super) async fn lead_in(&self, write: &mut AgreementWrite<'_>) -> Result<(), Error> {
        let Some(application) = write.before.application_id else { return Ok(()) };
        let partner = PartnerId(write.before.partner_id);
        if write.mails.is_empty() || !self.store.people(Some(partner)).await?.is_empty() {
            return Ok(());
        }
        if let Some(row) = self.store.application(application).await? {
            let link = format!("{}&agreement={}", self.link_of(&row)?, write.before.id);
            for mail in &mut write.mails {
                mail.data["link"] = link.as_str().into();
            }
        }
        Ok(())
    }

    /// Where an accepted application's company is with its agreements, for the line of stops.
    pub async fn later_steps(
        &self,
        by: &Caller,
        partner: Option<PartnerId>,
    ) -> Result<LaterSteps, Error> {
        let mut later = LaterSteps::default();
        let Some(partner) = partner else { return Ok(later) };
        let stops = match self.agreement_stops(by, partner).await {
            // An applicant whose first agreement is still being made.
            Err(Error::Refused(Refusal::UnknownId(_))) => return Ok(later),
            stops => stops?,
        };
        for stop in stops {
            let facts = StepFacts {
                owner: stop.turn.map(|side| match side {
                    Side::Operator => Owner::Operator,
                    Side::Partner => Owner::Partner,
                }),
                promise: stop.due_at.map(Promise::new),
                done_at: stop.done_at.filter(|_| stop.state == "in_force"),
                has_ended: matches!(stop.state, "declined" | "terminated" | "expired" | "lapsed"),
            };
            let is_goal = self.kinds.get(&stop.kind).is_some_and(|kind| kind.admits);
            if is_goal {
                later.agreement = facts;
            } else if later.nda.owner.is_none() {
                later.nda = facts;
            }
        }
        Ok(later)
    }

    /// Sends the link of an application again, to its own mail address. The answer is the same for
    /// a reference that nobody has and for one whose letters were asked for too often.
    pub async fn send_application_link(&self, reference: &str, address: &str) -> Result<(), Error> {
        let (now, tick) = (self.now(), self.clock.monotonic_nanos());
        if !self.floods.admits(address, self.rules.begins_per_address, now) {
            return Ok(());
        }
        let Some(row) = self.store.application_by_reference(reference).await? else {
            return Ok(());
        };
        let is_over = row.state == ApplicationState::Draft && now > self.draft_until(row.made_at);
        if is_over || self.guard.begin(&Count::Letter(mail_hash(&row.mail)), tick).is_err() {
            return Ok(());
        }
        let letter = NewMail {
            recipient: row.mail.clone(),
            recipient_name: String::new(),
            language: row.language.clone(),
            template: "application_link",
            data: json!({ "reference": row.reference, "link": self.link_of(&row)? }),
            attachments: Vec::new(),
            subject: row.subject(),
            partner: row.partner,
        };
        self.store.queue_letter(&Caller::Gateway, now, &letter).await?;
        Ok(())
    }
}
