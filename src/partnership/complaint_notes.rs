//! What is no step of a complaint: notes, files, who works on it, whose service it is about.
//!
//! What surprises: a file of the staff stays with the staff, because it is the subscriber's letter
//! as a rule; what the partner adds is seen by both.

use serde_json::json;

use super::{
    Error, Partnership, Signed,
    complaint_letters::about,
    complaint_steps::plain,
    complaint_views::shown,
    fault_steps::{checked_words, is_full},
    files::FileFault,
    numbers::field,
};
use crate::{
    domain::{ComplaintState, Refusal, Right},
    store::{ComplaintRow, ComplaintWrite},
};

impl Partnership {
    /// A complaint that is not closed, for whoever works on it or is asked about it.
    async fn noted_complaint(
        &self,
        signed: &Signed,
        at: (i64, i64),
    ) -> Result<ComplaintRow, Error> {
        let is_partner = signed.partner.is_some();
        self.require(signed, Right::on_tickets(is_partner))?;
        let row = self.faced_complaint(signed, at).await?;
        if row.state == ComplaintState::Closed {
            return Err(Refusal::WrongState(format!("it is {}", row.state)).into());
        }
        Ok(row)
    }

    /// Writes a note; an internal one stays with the staff.
    pub async fn note_complaint(
        &self,
        signed: &Signed,
        at: (i64, i64),
        words: &str,
        is_internal: bool,
    ) -> Result<ComplaintRow, Error> {
        let is_partner = signed.partner.is_some();
        let before = self.noted_complaint(signed, at).await?;
        if is_partner && is_internal {
            return Err(Refusal::NotAllowed.into());
        }
        let words = checked_words(words, true)?;
        let told = match (is_internal, is_partner) {
            (true, _) => Vec::new(),
            (false, true) => self.complaint_workers(&before).await?,
            (false, false) => self.complaint_holder(&before).await?.into_iter().collect(),
        };
        let more = json!({ "note": words });
        let mails = told.iter().map(|told| about(&before, told, "complaint_note", &more)).collect();
        let write = ComplaintWrite {
            is_public: !is_internal,
            mails,
            ..plain(&before, before.clone(), words)
        };
        let row = self.write_complaint(&signed.caller(), write, "note").await?;
        Ok(shown(signed, row))
    }

    /// Goes on with it; somebody else may have done so before.
    pub async fn own_complaint(
        &self,
        signed: &Signed,
        at: (i64, i64),
    ) -> Result<ComplaintRow, Error> {
        if signed.partner.is_some() {
            return Err(Refusal::NotAllowed.into());
        }
        let before = self.noted_complaint(signed, at).await?;
        let after = ComplaintRow { owner_id: Some(signed.person.0), ..before.clone() };
        let write = ComplaintWrite { is_public: false, ..plain(&before, after, "") };
        let row = self.write_complaint(&signed.caller(), write, "own").await?;
        Ok(shown(signed, row))
    }

    /// Says whose service it is about, where the messages did not; by names.
    ///
    /// Whoever has read it goes on seeing it: what a partner was asked about stays that partner's.
    pub async fn assign_complaint(
        &self,
        signed: &Signed,
        at: (i64, i64),
        (partner, service): (&str, &str),
    ) -> Result<ComplaintRow, Error> {
        if signed.partner.is_some() {
            return Err(Refusal::NotAllowed.into());
        }
        let before = self.noted_complaint(signed, at).await?;
        let found = self.store.partner_called(partner.trim()).await?;
        let found = found.ok_or_else(|| field("partner", "unknown", "must be a partner's name"))?;
        let was_asked = before.partner_due_at.is_some() || before.person_id.is_some();
        if was_asked && before.partner() != Some(found) {
            return Err(Refusal::WrongState("its partner has been asked already".to_owned()).into());
        }
        let named = service.trim();
        let of = if named.is_empty() {
            None
        } else {
            let known = self.store.service_called(found, named).await?;
            Some(known.ok_or_else(|| field("service", "unknown", "must be one of its services"))?)
        };
        let after = ComplaintRow { partner_id: Some(found.0), service_id: of, ..before.clone() };
        let write = ComplaintWrite { is_public: false, ..plain(&before, after, "") };
        let row = self.write_complaint(&signed.caller(), write, "assign").await?;
        Ok(shown(signed, row))
    }

    /// Adds a file to a complaint that is not closed.
    pub async fn add_complaint_file(
        &self,
        signed: &Signed,
        at: (i64, i64),
        (name, octets): (&str, &[u8]),
    ) -> Result<Result<ComplaintRow, FileFault>, Error> {
        let before = self.noted_complaint(signed, at).await?;
        let sealed = self.sealed_upload(&before.trail(), signed.partner, name, octets).await;
        let new = match sealed {
            Ok((new, _)) => new,
            Err(fault) => return Ok(Err(fault)),
        };
        let shown_name = new.name.clone();
        let write = ComplaintWrite {
            files: vec![new],
            is_public: signed.partner.is_some(),
            ..plain(&before, before.clone(), &shown_name)
        };
        match self.write_complaint(&signed.caller(), write, "file").await {
            Err(Error::Store(error)) if is_full(&error) => Ok(Err(FileFault::NoRoom)),
            done => done.map(|row| Ok(shown(signed, row))),
        }
    }
}
