//! How an applicant finds its way back before anybody has an account: the link of its application,
//! in letters about agreements and asked for again.
//!
//! It takes no step itself. What surprises: the link of an application is the only key that an
//! applicant has, so that letters about agreements carry it too until the first account is made.

use serde_json::json;

use super::{Error, Partnership, guard::Count, log_in::mail_hash};
use crate::{
    domain::{Caller, PartnerId, application::ApplicationState},
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
