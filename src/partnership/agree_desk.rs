//! Steps of agreements as people with a session take them: the right first, then the verb.
//!
//! Here documents are rendered, uploads kept and the first administrator invited, so that pages
//! only name the step. What surprises: the first agreement of a new partner is prepared and sent
//! right after the acceptance and not within it, for a document takes longer than a transaction
//! may; the sweep repeats it until it is sent.

use super::{
    Error, FileFault, NewAgreementOf, NewPerson, OpenFile, Partnership, ReturnedCopy, Signed,
};
use crate::{
    domain::{
        AgreementState, Caller, PartnerId, Refusal, ReplyItem, ReturnWay, Right,
        company::{Company, CompanyForm},
    },
    store::{AgreementRow, CompanyRow, Whose},
};

/// New partners that one sweep begins with.
const FIRST_MAX: i64 = 20;
/// Rows of one page of partners.
const PARTNERS_MAX: u32 = 200;

/// A step of the desk or of the partner.
#[derive(Debug, Clone, Copy)]
pub enum AgreementStep<'a> {
    /// The document of a draft is made anew.
    Render,
    Send,
    RejectCopy(&'a str),
    Decline(&'a str),
    Suspend(&'a str),
    Resume,
    Terminate(&'a str),
    Tick(ReplyItem),
}

impl AgreementStep<'_> {
    /// The right that it needs.
    pub fn right(&self) -> Right {
        match self {
            Self::Render => Right::PrepareAgreements,
            Self::Send => Right::SendAgreements,
            Self::Decline(_) => Right::SignAgreements,
            Self::Suspend(_) | Self::Resume | Self::Terminate(_) => Right::TerminateAgreements,
            Self::RejectCopy(_) | Self::Tick(_) => Right::CountersignAgreements,
        }
    }
}

/// A copy as it is handed in.
#[derive(Debug, Clone, Copy)]
pub struct HandedCopy<'a> {
    pub way: ReturnWay,
    pub signed_by: &'a str,
    /// Name and octets of the scan or the signed file.
    pub file: Option<(&'a str, &'a [u8])>,
}

impl Partnership {
    /// Prepares an agreement with its document.
    pub async fn prepare(
        &self,
        signed: &Signed,
        new: &NewAgreementOf,
    ) -> Result<AgreementRow, Error> {
        self.require(signed, Right::PrepareAgreements)?;
        // Else a draft would be left behind that no document can be made for.
        self.require_text(&new.kind)?;
        self.prepare_agreement(&signed.caller(), new, |draft| self.render(draft)).await
    }

    /// One step of somebody with a session.
    pub async fn take_step(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        step: AgreementStep<'_>,
    ) -> Result<AgreementRow, Error> {
        self.require(signed, step.right())?;
        let by = &signed.caller();
        match step {
            AgreementStep::Render => {
                self.render_agreement(by, id, version, |draft| self.render(draft)).await
            }
            AgreementStep::Send => self.send_agreement(by, id, version).await,
            AgreementStep::RejectCopy(why) => self.reject_copy(by, id, version, why).await,
            AgreementStep::Decline(why) => self.decline_agreement(by, id, version, why).await,
            AgreementStep::Suspend(why) => self.suspend_agreement(by, id, version, why).await,
            AgreementStep::Resume => self.resume_agreement(by, id, version).await,
            AgreementStep::Terminate(why) => self.terminate_agreement(by, id, version, why).await,
            AgreementStep::Tick(item) => self.tick_reply(by, id, version, item).await,
        }
    }

    /// The partner's copy comes back, from its people or recorded by the desk.
    pub async fn hand_in(
        &self,
        signed: &Signed,
        at: (i64, i64),
        copy: &HandedCopy<'_>,
    ) -> Result<AgreementRow, Error> {
        let is_staff = signed.is_operator();
        let right = if is_staff { Right::SendAgreements } else { Right::SignAgreements };
        self.require(signed, right)?;
        self.hand_in_by(&signed.caller(), at, copy).await
    }

    /// The same by an applicant, whom the link of its application lets in.
    pub async fn hand_in_by(
        &self,
        by: &Caller,
        (id, version): (i64, i64),
        copy: &HandedCopy<'_>,
    ) -> Result<AgreementRow, Error> {
        let row = self.read(by, id, version).await?;
        if row.state != AgreementState::Sent {
            return Err(super::agree_steps::no_step(row.state, "sign"));
        }
        let copy = self.kept(by, &row, copy).await?;
        self.return_agreement(by, id, version, &copy).await
    }

    /// The operator signs. A framework agreement invites the contact as first administrator, in
    /// the transaction that makes the company a partner.
    pub async fn countersign(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        copy: &HandedCopy<'_>,
    ) -> Result<AgreementRow, Error> {
        self.require(signed, Right::CountersignAgreements)?;
        let by = &signed.caller();
        let row = self.read(by, id, version).await?;
        if row.state != AgreementState::SignedByPartner {
            return Err(super::agree_steps::no_step(row.state, "countersign"));
        }
        let partner = PartnerId(row.partner_id);
        let admits = self.kind(&row.kind)?.admits;
        let is_first = admits && self.store.people(Some(partner)).await?.is_empty();
        let administrator = if is_first {
            let person = NewPerson {
                partner: Some(partner),
                mail: row.contact_mail.clone(),
                name: row.contact_name.clone(),
                role: "admin".to_owned(),
                language: row.language.clone(),
                company: self.party(partner).await?.legal_name,
            };
            Some(self.invitation(&person)?.0)
        } else {
            None
        };
        let own = self.kept(by, &row, copy).await?;
        self.countersign_agreement(by, id, version, &own, administrator.as_ref()).await
    }

    /// Keeps the file of a copy, if there is one.
    async fn kept(
        &self,
        by: &Caller,
        row: &AgreementRow,
        copy: &HandedCopy<'_>,
    ) -> Result<ReturnedCopy, Error> {
        let mut kept = ReturnedCopy {
            way: copy.way,
            file: None,
            signed_by: copy.signed_by.to_owned(),
            has_signature: false,
        };
        if let Some((name, octets)) = copy.file {
            let (subject, partner) = (row.subject(), Some(PartnerId(row.partner_id)));
            let sealed = self.sealed_upload(&subject, partner, name, octets).await;
            let (new, has_signature) = sealed?;
            let put = self.store.put_file(by, self.now(), &new).await;
            put.map_err(FileFault::from)?;
            kept.file = Some(new.id);
            kept.has_signature = has_signature;
        }
        Ok(kept)
    }

    /// The document of an agreement as it was sent, or a signed copy of it.
    pub async fn agreement_file(
        &self,
        by: &Caller,
        id: i64,
        file: Option<&str>,
    ) -> Result<OpenFile, Error> {
        const NONE: Refusal = Refusal::UnknownId("file");
        let row = self.agreement(by, id).await?;
        let wanted = file.or(row.file_id.as_deref()).ok_or(NONE)?;
        let line = self.store.file(wanted).await?;
        let line = line.filter(|line| line.subject == row.subject()).ok_or(NONE)?;
        Ok(self.give_out(by, &line).await?)
    }

    /// Prepares and sends the first agreement of the way to partners that were accepted and have
    /// none; repeated, it does nothing twice. Answers how many went out.
    pub async fn sweep_first_agreements(&self) -> Result<usize, Error> {
        let Some(kind) = self.first_kind() else { return Ok(0) };
        let mut sent = 0;
        for first in self.store.without_first(&kind, FIRST_MAX).await? {
            let new = NewAgreementOf {
                partner: PartnerId(first.partner_id),
                kind: kind.clone(),
                language: Some(first.language),
                contact_name: first.name,
                contact_mail: first.mail,
                application: Some(first.id),
                valid_until: None,
            };
            match self.send_first(&new).await {
                Ok(()) => sent += 1,
                // Somebody was quicker.
                Err(Error::Refused(Refusal::VersionConflict | Refusal::Taken(_))) => {}
                Err(error) => {
                    tracing::warn!(%error, partner = first.partner_id, "a first agreement stays");
                }
            }
        }
        Ok(sent)
    }

    async fn send_first(&self, new: &NewAgreementOf) -> Result<(), Error> {
        // Not the gateway's own name: only the operator sends agreements.
        let by = &Caller::Operator { name: "gateway".into() };
        let (whose, state) = (Whose::Partner(new.partner), Some(AgreementState::Draft));
        let (drafts, _) =
            self.store.agreements(whose, state, Some(&new.kind), (0, 1), true).await?;
        let row = match drafts.into_iter().next() {
            Some(draft) if draft.file_id.is_some() => draft,
            Some(draft) => {
                let (id, version) = (draft.id, draft.version);
                self.render_agreement(by, id, version, |draft| self.render(draft)).await?
            }
            None => self.prepare_agreement(by, new, |draft| self.render(draft)).await?,
        };
        self.send_agreement(by, row.id, row.version).await?;
        Ok(())
    }

    /// The kind that the way into the partnership begins with.
    pub(super) fn first_kind(&self) -> Option<String> {
        let goal = self.kinds.iter().find(|kind| kind.admits)?;
        Some(goal.requires.first()?.to_string())
    }

    /// Everything that was ever agreed with a partner, for the desk.
    pub async fn agreements_of(
        &self,
        signed: &Signed,
        partner: PartnerId,
    ) -> Result<Vec<AgreementRow>, Error> {
        self.require(signed, Right::SeeAgreements)?;
        if !signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        let whose = Whose::Partner(partner);
        Ok(self.store.agreements(whose, None, None, (0, 200), true).await?.0)
    }

    /// The application whose link lets in to a partner's agreements while nobody has an account.
    pub async fn application_behind(&self, partner: PartnerId) -> Result<Option<i64>, Error> {
        let rows =
            self.store.agreements(Whose::Partner(partner), None, None, (0, 200), true).await?;
        Ok(rows.0.iter().find_map(|row| row.application_id))
    }

    /// Partners by their number, for the desk.
    pub async fn companies(&self, signed: &Signed, after: i64) -> Result<Vec<CompanyRow>, Error> {
        self.require(signed, Right::SeeCompany)?;
        if !signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        Ok(self.store.companies(after, PARTNERS_MAX).await?)
    }

    /// A company: any for the desk, the own one for its people. The account number only for those
    /// who may see it (S-23).
    pub async fn company(&self, signed: &Signed, partner: PartnerId) -> Result<CompanyRow, Error> {
        self.require(signed, Right::SeeCompany)?;
        let row =
            if signed.reaches(Some(partner)) { self.store.company(partner).await? } else { None };
        let mut row = row.ok_or(Refusal::UnknownId("partner"))?;
        if !signed.may(Right::SeeBank) {
            row.bank_account.clear();
        }
        Ok(row)
    }

    /// Changes address and registers of a company (R4.17). Name, NIP and account stay: they stand
    /// in contracts, and the account has a way of its own.
    pub async fn edit_company(
        &self,
        signed: &Signed,
        (partner, version): (PartnerId, i64),
        form: &CompanyForm,
    ) -> Result<i64, Error> {
        self.require(signed, Right::EditCompany)?;
        if !signed.reaches(Some(partner)) {
            return Err(Refusal::UnknownId("partner").into());
        }
        let row = self.store.company(partner).await?.ok_or(Refusal::UnknownId("partner"))?;
        let whole = CompanyForm {
            legal_name: row.legal_name,
            nip: row.nip,
            bank_account: row.bank_account,
            ..form.clone()
        };
        let company = Company::check(&whole, "company").map_err(Refusal::from)?;
        let by = signed.caller();
        let set = self.store.set_company(&by, self.now(), (partner, version), &company).await;
        set.map_err(super::apply::understood)
    }
}
