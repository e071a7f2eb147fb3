//! The verbs of agreements: prepare, send, take back signed, countersign, end.
//!
//! Texts are rendered elsewhere and handed in; files are uploaded elsewhere and named by id. What
//! surprises: preparing is two transactions, for the number stands in the document and making a
//! document takes longer than a transaction may; a draft without a document cannot be sent.

use serde_json::json;

use super::{
    Error, Partnership,
    agree_steps::{
        UNKNOWN, await_copy, check_contact, letter, may_see, no_step, said, staff, stepped, text,
        tick, wrong,
    },
};
use crate::{
    domain::{
        AgreementEvent, AgreementKind, AgreementState, Caller, PartnerId, Refusal, ReplyItem,
        ReturnWay, Side, agreement_kind::micros, terms::day_of,
    },
    store::{
        AgreementRow, CompanyStep, Deadline, HappeningRow, Invitation, NewAgreement, NewSignature,
        PartyRow, SignatureRow, Whose,
    },
};

/// Octets of a document and letters of a reason or a name at most.
pub(super) const DOCUMENT_MAX: usize = 16 << 20;
pub(super) const REASON_MAX: usize = 2000;
pub(super) const NAME_MAX: usize = 200;
/// Agreements that one sweep takes; the next one takes the rest.
const SWEEP_MAX: i64 = 100;

/// The partner's copy must be back.
pub(super) const RETURN: &str = "agreement_return";
/// The operator must answer a signed copy.
pub(super) const REPLY: &str = "agreement_reply";

/// What is agreed with whom, and who gets the letters about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgreementOf {
    pub partner: PartnerId,
    pub kind: String,
    /// `pl` or `en`; none takes the company's.
    pub language: Option<String>,
    pub contact_name: String,
    pub contact_mail: String,
    /// Whose mailed link may see and return it, while nobody has an account.
    pub application: Option<i64>,
    pub valid_until: Option<i64>,
}

/// What a text is filled with; its names are the placeholders of the templates.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Draft {
    pub number: String,
    pub kind: String,
    pub title: String,
    pub language: String,
    /// The business day of its preparation.
    pub date: String,
    pub copies: u8,
    pub stamp: bool,
    pub return_within_days: u16,
    /// Days before changed terms take effect.
    pub notice_days: u16,
    /// Of the framework agreement that it belongs to; empty if there is none yet.
    pub framework_number: String,
    /// Areas in which the company was accepted.
    pub areas: Vec<String>,
    pub enclosures: Vec<String>,
    pub company: PartyRow,
    /// The published text of its terms, Markdown; none if the kind has none yet.
    pub terms: Option<String>,
    pub terms_label: Option<String>,
}

/// The document of an agreement.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    pub html: String,
    pub pdf: Vec<u8>,
    /// Of the PDF, hex; checked, for it is what proves the wording later.
    pub sha256: String,
}

/// A signed copy that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedCopy {
    pub way: ReturnWay,
    /// Id of the uploaded copy or the scan; only paper may come without one.
    pub file: Option<String>,
    pub signed_by: String,
    /// A signature was found in the file. It is shown, and never claimed to be verified.
    pub has_signature: bool,
}

/// The operator's reply, item by item (R0.27).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist(pub Vec<(ReplyItem, bool)>);

impl Checklist {
    pub fn of(kind: &AgreementKind, row: &AgreementRow) -> Self {
        let is_done = |item: &ReplyItem| row.replied.split(',').any(|done| done == item.as_str());
        Self(kind.reply.iter().map(|item| (*item, is_done(item))).collect())
    }

    pub fn is_complete(&self) -> bool {
        self.0.iter().all(|(_, is_done)| *is_done)
    }
}

/// One stop on the way into the partnership (D13).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stop {
    pub kind: String,
    pub number: Option<String>,
    /// `awaited` before there is one, else the state.
    pub state: &'static str,
    /// Who must act; none if nobody must.
    pub turn: Option<Side>,
    /// By when, if somebody promised.
    pub due_at: Option<i64>,
    pub is_late: bool,
    pub done_at: Option<i64>,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    pub reminded: usize,
    pub lapsed: usize,
    pub expired: usize,
}

impl Partnership {
    /// Begins an agreement and makes its document; the text is filled by `render`.
    pub async fn prepare_agreement(
        &self,
        by: &Caller,
        new: &NewAgreementOf,
        render: impl FnOnce(&Draft) -> Result<Rendered, Error> + Send,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let kind = self.kind(&new.kind)?;
        check_contact(new)?;
        let party = self.party(new.partner).await?;
        let language = new.language.as_deref().unwrap_or(&party.language);
        if !matches!(language, "pl" | "en") {
            return Err(wrong("language", "must be pl or en"));
        }
        let terms = self.store.current_terms(&kind.name).await?;
        let now = self.now();
        let begun = NewAgreement {
            partner: new.partner,
            kind: &kind.name,
            series: &kind.series,
            year: day_of(now).year(),
            language,
            contact_name: new.contact_name.trim(),
            contact_mail: new.contact_mail.trim(),
            terms: terms.as_ref().map(|terms| terms.id),
            application: new.application,
            valid_until: new.valid_until,
            is_single: !kind.many,
        };
        let row = said(self.store.begin_agreement(by, now, &begun).await?)?;
        self.render_agreement(by, row.id, row.version, render).await
    }

    /// Makes the document of a draft anew, with the company and the terms as they are now.
    pub async fn render_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        render: impl FnOnce(&Draft) -> Result<Rendered, Error> + Send,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let row = self.read(by, id, version).await?;
        if row.state != AgreementState::Draft {
            return Err(no_step(row.state, "render"));
        }
        let kind = self.kind(&row.kind)?;
        let (draft, terms) = self.draft(&row, kind).await?;
        let rendered = render(&draft)?;
        let document = self.document(&row, &rendered)?;
        let after =
            AgreementRow { file_id: Some(document.file.clone()), terms_id: terms, ..row.clone() };
        let mut write = self.write(&row, after, "agreement.render", "agreement_rendered");
        write.detail = json!({ "sha256": document.sha256, "terms": terms });
        write.happening.is_public = false;
        write.document = Some(&document);
        self.step_agreement(by, write).await
    }

    /// Sends the document to the partner. What it builds on is checked by the same transaction.
    pub async fn send_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        let mut after = stepped(&row, AgreementEvent::Send)?;
        let Some(file) = row.file_id.clone() else {
            return Err(Refusal::WrongState("the draft has no document yet".to_owned()).into());
        };
        let now = self.now();
        let due = kind.return_by(now);
        await_copy(&mut after, kind, now);
        let subject = row.subject();
        let mut write = self.write(&row, after, "agreement.send", "agreement_sent");
        write.requires = &kind.requires;
        write.mails = vec![letter(
            &row,
            kind,
            "agreement_sent",
            vec![file],
            &json!({
                "return_by": due, "copies": kind.copies, "stamp": kind.stamp,
                "return_ways": kind.return_ways, "enclosures": kind.enclosures,
                "return_address": self.rules.return_address,
            }),
        )];
        write.starts =
            vec![Deadline { subject: &subject, rule: RETURN, owner: "partner", due_at: due }];
        self.step_agreement(by, write).await
    }

    /// A signed copy comes back: the partner uploads it, or staff record what came by post.
    pub async fn return_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        copy: &ReturnedCopy,
    ) -> Result<AgreementRow, Error> {
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        if copy.way == ReturnWay::Paper {
            // Nobody says of his own letter that it has arrived.
            staff(by)?;
        }
        if !kind.return_ways.contains(&copy.way) {
            return Err(wrong("way", "is no way in which this agreement comes back"));
        }
        if copy.file.is_none() && copy.way != ReturnWay::Paper {
            return Err(wrong("file", "must be the id of the uploaded copy"));
        }
        let signed_by = text("signed_by", &copy.signed_by, NAME_MAX)?;
        let is_last = kind.is_complete_with(copy.way);
        let event = if is_last { AgreementEvent::SignLast } else { AgreementEvent::Sign };
        let mut after = stepped(&row, event)?;
        let now = self.now();
        after.signed_at = Some(now);
        (after.lapse_at, after.remind_at) = (None, None);
        let signature = NewSignature {
            side: Side::Partner,
            way: copy.way,
            file: copy.file.as_deref(),
            signed_by,
            has_signature: copy.has_signature,
        };
        if is_last {
            return self.enter(by, (&row, after), kind, Some(signature), None).await;
        }
        let subject = row.subject();
        let mut write = self.write(&row, after, "agreement.return", "agreement_signed_by_partner");
        write.detail = json!({ "way": copy.way, "file": copy.file });
        write.signature = Some(signature);
        write.meets = vec![RETURN];
        if let Some(days) = kind.reply_within_days {
            let due_at = now.saturating_add(micros(days));
            write.starts =
                vec![Deadline { subject: &subject, rule: REPLY, owner: "operator", due_at }];
        }
        self.step_agreement(by, write).await
    }

    /// The operator signs, or accepts a copy that only the partner signs: the agreement is in
    /// force. A framework agreement makes the company a partner in the same transaction and
    /// invites its first administrator.
    pub async fn countersign_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        own: &ReturnedCopy,
        administrator: Option<&Invitation>,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        let after = stepped(&row, AgreementEvent::Countersign)?;
        let signed_by = text("signed_by", &own.signed_by, NAME_MAX)?;
        if administrator
            .is_some_and(|new| !kind.admits || new.partner != Some(PartnerId(row.partner_id)))
        {
            return Err(wrong("administrator", "is not of this partner"));
        }
        let signature = kind.signatories.contains(&Side::Operator).then_some(NewSignature {
            side: Side::Operator,
            way: own.way,
            file: own.file.as_deref(),
            signed_by,
            has_signature: own.has_signature,
        });
        self.enter(by, (&row, after), kind, signature, administrator).await
    }

    /// The copy is not what was sent, or is not signed: it is awaited again.
    pub async fn reject_copy(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        reason: &str,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        let reason = text("reason", reason, REASON_MAX)?;
        let mut after = stepped(&row, AgreementEvent::RejectCopy)?;
        let now = self.now();
        after.signed_at = None;
        await_copy(&mut after, kind, now);
        let (subject, due_at) = (row.subject(), kind.return_by(now));
        let mut write = self.write(&row, after, "agreement.reject_copy", "agreement_copy_rejected");
        write.happening.note = reason;
        write.rejects = Some(reason);
        write.mails = vec![letter(
            &row,
            kind,
            "agreement_copy_rejected",
            Vec::new(),
            &json!({ "reason": reason, "return_by": due_at }),
        )];
        write.meets = vec![REPLY];
        write.starts = vec![Deadline { subject: &subject, rule: RETURN, owner: "partner", due_at }];
        self.step_agreement(by, write).await
    }

    /// The partner does not want it.
    pub async fn decline_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        reason: &str,
    ) -> Result<AgreementRow, Error> {
        self.end(by, id, version, (AgreementEvent::Decline, reason)).await
    }

    /// Stops an agreement for a while, and with the framework agreement the partner's traffic.
    pub async fn suspend_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        reason: &str,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        let reason = text("reason", reason, REASON_MAX)?;
        let mut after = stepped(&row, AgreementEvent::Suspend)?;
        reason.clone_into(&mut after.reason);
        let mut write = self.write(&row, after, "agreement.suspend", "agreement_suspended");
        write.happening.note = reason;
        write.company = kind.admits.then_some(CompanyStep::Suspend);
        write.mails = vec![letter(
            &row,
            kind,
            "agreement_suspended",
            Vec::new(),
            &json!({ "reason": reason }),
        )];
        self.step_agreement(by, write).await
    }

    /// Goes on with a suspended agreement, if what it builds on is still in force.
    pub async fn resume_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        let mut after = stepped(&row, AgreementEvent::Resume)?;
        (after.reason, after.company_was) = (String::new(), None);
        let mut write = self.write(&row, after, "agreement.resume", "agreement_resumed");
        write.requires = &kind.requires;
        write.company = kind.admits.then_some(CompanyStep::Resume);
        write.mails = vec![letter(&row, kind, "agreement_resumed", Vec::new(), &json!({}))];
        self.step_agreement(by, write).await
    }

    pub async fn terminate_agreement(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        reason: &str,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        self.end(by, id, version, (AgreementEvent::Terminate, reason)).await
    }

    /// Notes that an item of the reply was done; the step is complete only with all (R0.27).
    pub async fn tick_reply(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        item: ReplyItem,
    ) -> Result<AgreementRow, Error> {
        staff(by)?;
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        if row.state != AgreementState::InForce || !kind.reply.contains(&item) {
            return Err(no_step(row.state, item.as_str()));
        }
        let mut after = row.clone();
        tick(&mut after, kind, &[item]);
        let is_complete = Checklist::of(kind, &after).is_complete();
        let mut write = self.write(&row, after, "agreement.reply", "agreement_reply");
        write.happening.note = item.as_str();
        write.detail = json!({ "item": item });
        write.meets = if is_complete { vec![REPLY] } else { Vec::new() };
        self.step_agreement(by, write).await
    }

    /// An agreement of the caller's own, or any for staff.
    pub async fn agreement(&self, by: &Caller, id: i64) -> Result<AgreementRow, Error> {
        let row = self.store.agreement(id).await?;
        Ok(row.filter(|row| may_see(by, row)).ok_or(UNKNOWN)?)
    }

    /// The agreements that a caller may see, newest first, with their count.
    pub async fn agreements(
        &self,
        by: &Caller,
        state: Option<AgreementState>,
        kind: Option<&str>,
        page: (i64, i64),
    ) -> Result<(Vec<AgreementRow>, i64), Error> {
        let whose = match by {
            Caller::Operator { .. } | Caller::User { partner: None, .. } => Whose::All,
            Caller::Applicant { application } => Whose::Application(*application),
            _ => Whose::Partner(by.partner().ok_or(Refusal::NotAllowed)?),
        };
        Ok(self.store.agreements(whose, state, kind, page, staff(by).is_ok()).await?)
    }

    /// What happened to it; a partner does not see what is the operator's alone.
    pub async fn agreement_history(
        &self,
        by: &Caller,
        id: i64,
    ) -> Result<Vec<HappeningRow>, Error> {
        self.agreement(by, id).await?;
        let mut rows = self.store.agreement_history(id).await?;
        if staff(by).is_err() {
            rows.retain(|row| row.is_public != 0);
        }
        Ok(rows)
    }

    pub async fn agreement_signatures(
        &self,
        by: &Caller,
        id: i64,
    ) -> Result<Vec<SignatureRow>, Error> {
        self.agreement(by, id).await?;
        Ok(self.store.agreement_signatures(id).await?)
    }

    /// Reminds, lets lapse, lets expire. Repeated, it does nothing twice.
    pub async fn sweep_agreements(&self) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let now = self.now();
        for row in self.store.agreements_due(now, SWEEP_MAX).await? {
            // A kind that the file no longer has: its clock is the operator's to decide.
            let Some(kind) = self.kinds.get(&row.kind) else { continue };
            let (count, done) = if row.state == AgreementState::InForce {
                (&mut swept.expired, self.expire(&row, kind).await)
            } else if row.lapse_at.is_some_and(|at| at <= now) {
                (&mut swept.lapsed, self.lapse(&row, kind).await)
            } else {
                (&mut swept.reminded, self.remind(&row, kind).await)
            };
            match done {
                Ok(_) => *count += 1,
                // Somebody was quicker; what is left is seen by the next sweep.
                Err(Error::Refused(Refusal::VersionConflict)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(swept)
    }
}
