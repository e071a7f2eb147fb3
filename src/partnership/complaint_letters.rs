//! Letters about complaints: to the subscriber, to the partner, to the desk and whoever works on it.
//!
//! They decide nothing. What surprises: the subscriber's letters name no page, for a subscriber has
//! no account, and the answer goes as a PDF because the law wants it on something that lasts.

use serde_json::{Value, json};

use super::{ComplaintStep, Error, Partnership};
use crate::{
    domain::{ComplaintDecision, ComplaintEvent},
    store::{Addressee, ComplaintRow, NewFile, NewMail},
};

impl Partnership {
    /// Where the desk is told about complaints; none if nobody wants to be.
    pub(super) fn complaint_desk(&self) -> Option<Addressee> {
        let mail = self.complaints.desk_mail.clone();
        let language = self.rules.desk_language.clone();
        (!mail.is_empty()).then(|| Addressee { partner_id: 0, mail, name: String::new(), language })
    }

    /// The desk, and who works on it.
    pub(super) async fn complaint_workers(
        &self,
        row: &ComplaintRow,
    ) -> Result<Vec<Addressee>, Error> {
        let owner = match row.owner_id {
            Some(owner) => self.store.staff_addressee(owner).await?,
            None => None,
        };
        Ok(self.complaint_desk().into_iter().chain(owner).collect())
    }

    /// Who of the partner is written to.
    pub(super) async fn complaint_holder(
        &self,
        row: &ComplaintRow,
    ) -> Result<Option<Addressee>, Error> {
        match row.partner() {
            Some(partner) => Ok(self.store.holder(partner, row.person_id).await?),
            None => Ok(None),
        }
    }

    /// What a step tells whom. An answer to the subscriber becomes a file of the complaint too.
    pub(super) async fn complaint_letters(
        &self,
        row: &mut ComplaintRow,
        by: &str,
        step: &ComplaintStep<'_>,
    ) -> Result<(Vec<NewFile>, Vec<NewMail>), Error> {
        use ComplaintEvent as E;
        let (event, words) = (step.event, step.words.trim());
        let quoted = (!words.is_empty()).then_some(words);
        let mut mails = Vec::new();
        match event {
            E::Ask => {
                let more = json!({
                    "subject": row.subject, "question": quoted, "answer_by": row.partner_due_at,
                });
                let told = self.complaint_holder(row).await?;
                mails.extend(told.iter().map(|told| about(row, told, "complaint_asked", &more)));
            }
            E::Answer => {
                let more = json!({
                    "partner": row.partner.clone().unwrap_or_default(), "says": row.partner_says,
                    "answer": words,
                });
                let told = self.complaint_workers(row).await?;
                mails.extend(told.iter().map(|told| about(row, told, "complaint_answered", &more)));
            }
            E::Accept | E::Refuse | E::Refund => {
                let pdf = self.answer_document(row, (event, words, by), step.charges).await?;
                row.answer_file = Some(pdf.id.clone());
                mails.extend(to_subscriber(row, &pdf.id));
                mails.extend(self.outcome(row, quoted).await?);
                return Ok((vec![pdf], mails));
            }
            E::Lapse => {
                let more = json!({ "due_at": row.due_at });
                let told = self.complaint_workers(row).await?;
                mails.extend(told.iter().map(|told| about(row, told, "complaint_lapsed", &more)));
                mails.extend(self.outcome(row, None).await?);
            }
            E::Withdraw => mails.extend(self.outcome(row, quoted).await?),
            E::Close | E::Appeal => {}
        }
        Ok((Vec::new(), mails))
    }

    /// The partner learns how it ended.
    async fn outcome(
        &self,
        row: &ComplaintRow,
        reason: Option<&str>,
    ) -> Result<Option<NewMail>, Error> {
        let refund = (row.refund_minor > 0)
            .then(|| super::complaint_answer::amount(row.refund_minor, &row.currency));
        let decision = row.decided().unwrap_or(ComplaintDecision::Accepted);
        let more = json!({ "decision": decision, "reason": reason, "refund": refund });
        let told = self.complaint_holder(row).await?;
        Ok(told.map(|told| about(row, &told, "complaint_outcome", &more)))
    }
}

/// A new one: the subscriber hears that it came, the desk that a partner handed it over.
pub(super) fn taken(row: &ComplaintRow, desk: Option<&Addressee>) -> Vec<NewMail> {
    let data = json!({
        "reference": row.reference(), "subject": row.subject, "received_at": row.received_at,
        "due_at": row.due_at,
    });
    let confirmed = subscriber(row, "complaint_received", data);
    let more = json!({ "subject": row.subject, "due_at": row.due_at });
    let desk = desk.filter(|_| row.person_id.is_some());
    let desk = desk.map(|told| about(row, told, "complaint_forwarded", &more));
    confirmed.into_iter().chain(desk).collect()
}

/// The answer, with its PDF.
fn to_subscriber(row: &ComplaintRow, file: &str) -> Option<NewMail> {
    let data = json!({ "reference": row.reference(), "decision": row.decision });
    let mail = subscriber(row, "complaint_answer", data)?;
    Some(NewMail { attachments: vec![file.to_owned()], ..mail })
}

/// A letter to the subscriber, who is written to in Polish; none without an address.
fn subscriber(row: &ComplaintRow, template: &'static str, data: Value) -> Option<NewMail> {
    (!row.mail.is_empty()).then(|| NewMail {
        recipient: row.mail.clone(),
        recipient_name: row.name.clone(),
        language: "pl".to_owned(),
        template,
        data,
        attachments: Vec::new(),
        subject: row.trail(),
        partner: None,
    })
}

/// A letter to somebody with an account; `more` is what its kind is told beyond number and link.
pub(super) fn about(
    row: &ComplaintRow,
    told: &Addressee,
    template: &'static str,
    more: &Value,
) -> NewMail {
    let link = format!("/complaints/{}", row.id);
    let mut data = json!({ "reference": row.reference(), "link": link });
    for (name, value) in more.as_object().into_iter().flatten() {
        data[name] = value.clone();
    }
    // A letter to the staff is none of the partner's.
    let partner = row.partner().filter(|_| told.partner_id > 0);
    told.letter(template, data, row.trail(), partner)
}
