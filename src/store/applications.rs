//! Applications: each step in the life of one is one transaction, with its letters and promises.
//!
//! What surprises: there is one method for every step. What differs is data ([`ApplicationSet`]),
//! so that version, audit row, happening, promise and letter cannot be forgotten by any of them.

use serde_json::{Value, json};

use super::{
    Constraint, DeadlineStep, Error, Happening, NewMail, Store, audit,
    companies::insert_prospect,
    db::{Tx, execute},
    deadlines::step_deadline,
    letters::{next_id, note_happening, queue_mail},
};
use crate::domain::{
    Caller, PartnerId,
    application::{ApplicationState, Area, Criterion, Declined, Purpose, Verdict, reference},
    application_form::{Complete, Contact, Plan},
    company::Company,
    deadline::date,
};

/// An application that begins, as a draft.
#[derive(Debug, Clone)]
pub struct NewApplication {
    pub purpose: Purpose,
    /// SHA-256 of the secret of its link, hex.
    pub link_hash: String,
    /// The secret itself, sealed.
    pub link_sealed: Vec<u8>,
    pub language: String,
    pub mail: String,
    /// JSON.
    pub form: String,
    pub partner: Option<PartnerId>,
    /// The request that made it, if it may be repeated.
    pub repeat: Option<Repeat>,
}

/// A request that must have the same answer when it comes again.
#[derive(Debug, Clone)]
pub struct Repeat {
    pub key_hash: String,
    pub body_hash: String,
}

/// One step of an application.
#[derive(Debug, Clone)]
pub struct ApplicationStep {
    pub id: i64,
    /// The version that the caller saw; another one is a conflict.
    pub version: i64,
    /// The state after the step.
    pub state: ApplicationState,
    pub set: ApplicationSet,
    /// Word in the timeline, and in the audit trail after `application.`.
    pub kind: &'static str,
    /// Words of a person, or empty.
    pub note: String,
    /// The applicant may see it.
    pub is_public: bool,
    pub deadlines: Vec<DeadlineStep>,
    pub mails: Vec<NewMail>,
}

/// What a step writes beside state and version.
#[derive(Debug, Clone)]
pub enum ApplicationSet {
    /// Only the state.
    Nothing,
    Form {
        form: String,
        nip: String,
        legal_name: String,
    },
    Submitted(Box<Submitted>),
    Reviewer(String),
    Question(String),
    Answer(String),
    Score {
        area: Area,
        criterion: Criterion,
        score: u8,
    },
    Decided(Vec<(Area, Verdict)>),
}

#[derive(Debug, Clone)]
pub struct Submitted {
    pub complete: Complete,
    pub notice_version: String,
    /// Hash of the address it came from.
    pub consented_from: String,
}

/// What the acceptance of an application makes.
pub struct Prospect<'p> {
    /// None if the partner is there already and gets a new area.
    pub company: Option<&'p Company>,
    pub partner: Option<PartnerId>,
    pub language: &'p str,
    /// What else belongs into the same transaction, once the partner's number is known: the NDA
    /// and its letter (R4.10).
    pub extras: &'p (dyn Fn(PartnerId) -> Extras + Sync),
}

/// Rows of other nouns that a verb wants in the transaction of an application.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    pub mails: Vec<NewMail>,
    /// Subject and step.
    pub deadlines: Vec<(String, DeadlineStep)>,
    /// Subject, kind and note of what the partner may see.
    pub happenings: Vec<(String, &'static str, String)>,
}

impl Store {
    /// Begins an application. `mails` makes the letters, for they name its reference.
    pub async fn add_application(
        &self,
        at: i64,
        new: &NewApplication,
        mails: impl FnOnce(i64, &str) -> Vec<NewMail> + Send,
    ) -> Result<(i64, String), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        // The lock that comes with the audit row makes the number ours; it needs the number.
        audit::take_turn(&mut tx).await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from application").await?;
        let reference = reference(id, date(at));
        let by = Caller::Applicant { application: id };
        let subject = format!("application:{id}");
        let detail = json!({ "purpose": new.purpose, "reference": reference });
        audit::append(&mut tx, at, &by, "application.begin", &subject, &detail).await?;
        execute!(
            &mut tx,
            "insert into application (id, reference, purpose, state, link_hash, link_sealed, \
             language, mail, nip, legal_name, search_name, form, partner_id, reviewer, \
             is_accepted, notice_version, consented_at, consented_from, version, made_at, \
             changed_at) values ($1, $2, $3, 'draft', $4, $5, $6, $7, '', '', '', $8, $9, '', 0, \
             '', null, '', 1, $10, $10)",
            id,
            reference.as_str(),
            new.purpose.as_str(),
            new.link_hash.as_str(),
            new.link_sealed.as_slice(),
            new.language.as_str(),
            new.mail.as_str(),
            new.form.as_str(),
            new.partner.map(|partner| partner.0),
            at
        )?;
        if let Some(repeat) = &new.repeat {
            execute!(
                &mut tx,
                "insert into application_key (key_hash, body_hash, application_id, at) \
                 values ($1, $2, $3, $4)",
                repeat.key_hash.as_str(),
                repeat.body_hash.as_str(),
                id,
                at
            )?;
        }
        let happening = Happening { subject: &subject, kind: "begun", note: "", is_public: true };
        note_happening(&mut tx, at, &by, &happening).await?;
        for mail in mails(id, &reference) {
            queue_mail(&mut tx, at, &mail).await?;
        }
        tx.commit().await?;
        Ok((id, reference))
    }

    /// Makes one step; the answer is the new version. `Conflict(Version)` means that somebody was
    /// faster, and nothing was written.
    pub async fn step_application(
        &self,
        by: &Caller,
        at: i64,
        step: &ApplicationStep,
    ) -> Result<i64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        write_step(&mut tx, by, at, step).await?;
        tx.commit().await?;
        Ok(step.version + 1)
    }

    /// The step of a positive decision: with it comes the partner, and whatever `prospect.extras`
    /// adds, all or nothing.
    pub async fn accept_application(
        &self,
        by: &Caller,
        at: i64,
        step: &ApplicationStep,
        prospect: &Prospect<'_>,
    ) -> Result<PartnerId, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        write_step(&mut tx, by, at, step).await?;
        let partner = match (prospect.partner, prospect.company) {
            (Some(partner), _) => partner,
            (None, Some(company)) => {
                let partner = insert_prospect(&mut tx, at, company, prospect.language).await?;
                let subject = format!("company:{}", partner.0);
                let detail = json!({ "application": step.id, "nip": company.nip });
                audit::append(&mut tx, at, by, "company.add", &subject, &detail).await?;
                let kind = "prospect";
                let happening = Happening { subject: &subject, kind, note: "", is_public: true };
                note_happening(&mut tx, at, by, &happening).await?;
                partner
            }
            (None, None) => {
                return Err(Error::Unavailable("an acceptance names no company".to_owned()));
            }
        };
        execute!(
            &mut tx,
            "update application set is_accepted = 1, partner_id = $1 where id = $2",
            partner.0,
            step.id
        )?;
        write_extras(&mut tx, by, at, &(prospect.extras)(partner)).await?;
        tx.commit().await?;
        Ok(partner)
    }
}

async fn write_extras(tx: &mut Tx<'_>, by: &Caller, at: i64, extras: &Extras) -> Result<(), Error> {
    for (subject, kind, note) in &extras.happenings {
        let happening = Happening { subject, kind, note, is_public: true };
        note_happening(tx, at, by, &happening).await?;
    }
    for (subject, step) in &extras.deadlines {
        step_deadline(tx, at, subject, step).await?;
    }
    for mail in &extras.mails {
        queue_mail(tx, at, mail).await?;
    }
    Ok(())
}

async fn write_step(
    tx: &mut Tx<'_>,
    by: &Caller,
    at: i64,
    step: &ApplicationStep,
) -> Result<(), Error> {
    let subject = format!("application:{}", step.id);
    let what = format!("application.{}", step.kind);
    audit::append(tx, at, by, &what, &subject, &detail(step)).await?;
    let touched = execute!(
        &mut *tx,
        "update application set state = $1, version = version + 1, changed_at = $2 \
         where id = $3 and version = $4",
        step.state.as_str(),
        at,
        step.id,
        step.version
    )?;
    if touched == 0 {
        return Err(Error::Conflict(Constraint::Version));
    }
    write_set(tx, by, at, step).await?;
    // Every typed letter would make the timeline of a draft endless.
    if step.state != ApplicationState::Draft {
        let happening = Happening {
            subject: &subject,
            kind: step.kind,
            note: &step.note,
            is_public: step.is_public,
        };
        note_happening(tx, at, by, &happening).await?;
    }
    for deadline in &step.deadlines {
        step_deadline(tx, at, &subject, deadline).await?;
    }
    for mail in &step.mails {
        queue_mail(tx, at, mail).await?;
    }
    Ok(())
}

/// What the audit trail keeps of a step: who decided what, and no personal data of the form.
fn detail(step: &ApplicationStep) -> Value {
    let mut detail = json!({ "state": step.state, "version": step.version + 1 });
    match &step.set {
        ApplicationSet::Score { area, criterion, score } => {
            detail["score"] = json!([area, criterion, score]);
        }
        ApplicationSet::Decided(verdicts) => detail["areas"] = json!(verdicts),
        ApplicationSet::Submitted(submitted) => {
            detail["privacy_notice"] = json!(submitted.notice_version);
        }
        ApplicationSet::Nothing
        | ApplicationSet::Form { .. }
        | ApplicationSet::Reviewer(_)
        | ApplicationSet::Question(_)
        | ApplicationSet::Answer(_) => {}
    }
    detail
}

async fn write_set(
    tx: &mut Tx<'_>,
    by: &Caller,
    at: i64,
    step: &ApplicationStep,
) -> Result<(), Error> {
    let id = step.id;
    match &step.set {
        ApplicationSet::Nothing => {}
        ApplicationSet::Form { form, nip, legal_name } => {
            execute!(
                tx,
                "update application set form = $1, nip = $2, legal_name = $3, search_name = $4 \
                 where id = $5",
                form.as_str(),
                nip.as_str(),
                legal_name.as_str(),
                legal_name.to_lowercase(),
                id
            )?;
        }
        ApplicationSet::Submitted(submitted) => write_submitted(tx, at, id, submitted).await?,
        ApplicationSet::Reviewer(reviewer) => {
            execute!(
                tx,
                "update application set reviewer = $1 where id = $2",
                reviewer.as_str(),
                id
            )?;
        }
        ApplicationSet::Question(text) => write_message(tx, by, at, (id, "operator", text)).await?,
        ApplicationSet::Answer(text) => write_message(tx, by, at, (id, "partner", text)).await?,
        ApplicationSet::Score { area, criterion, score } => {
            write_score(tx, id, *area, *criterion, *score).await?;
        }
        ApplicationSet::Decided(verdicts) => {
            execute!(tx, "update application set decided_at = $1 where id = $2", at, id)?;
            for (area, verdict) in verdicts {
                write_verdict(tx, id, *area, verdict).await?;
            }
        }
    }
    Ok(())
}

async fn write_submitted(
    tx: &mut Tx<'_>,
    at: i64,
    id: i64,
    submitted: &Submitted,
) -> Result<(), Error> {
    execute!(
        &mut *tx,
        "update application set submitted_at = $1, notice_version = $2, consented_at = $1, \
         consented_from = $3 where id = $4",
        at,
        submitted.notice_version.as_str(),
        submitted.consented_from.as_str(),
        id
    )?;
    if let Some(company) = &submitted.complete.company {
        execute!(
            &mut *tx,
            "update application set nip = $1, legal_name = $2, search_name = $3 where id = $4",
            company.nip.as_str(),
            company.legal_name.as_str(),
            company.legal_name.to_lowercase(),
            id
        )?;
    }
    for plan in &submitted.complete.plans {
        write_area(tx, id, plan).await?;
    }
    for (ordinal, contact) in (0_i64..).zip(&submitted.complete.contacts) {
        write_contact(tx, id, ordinal, contact).await?;
    }
    Ok(())
}

async fn write_area(tx: &mut Tx<'_>, id: i64, plan: &Plan) -> Result<(), Error> {
    execute!(
        tx,
        "insert into application_area (application_id, area, revenue_minor, revenue_score, \
         marketing_plan_score, innovation_score, decision, reason, reason_text, reapply_on, \
         refer_to) values ($1, $2, $3, null, null, null, null, '', '', '', '')",
        id,
        plan.area.as_str(),
        plan.revenue.iter().fold(0_i64, |sum, month| sum.saturating_add(*month))
    )?;
    Ok(())
}

async fn write_contact(
    tx: &mut Tx<'_>,
    id: i64,
    ordinal: i64,
    contact: &Contact,
) -> Result<(), Error> {
    execute!(
        tx,
        "insert into application_contact (application_id, ordinal, name, role, mail, phone) \
         values ($1, $2, $3, $4, $5, $6)",
        id,
        ordinal,
        contact.name.as_str(),
        contact.role.as_str(),
        contact.mail.as_str(),
        contact.phone.as_ref().map_or("", |phone| phone.as_str())
    )?;
    Ok(())
}

async fn write_message(
    tx: &mut Tx<'_>,
    by: &Caller,
    at: i64,
    (id, side, text): (i64, &str, &str),
) -> Result<(), Error> {
    let number = next_id(tx, "select coalesce(max(id), 0) + 1 from application_message").await?;
    execute!(
        tx,
        "insert into application_message (id, application_id, at, who, side, text) \
         values ($1, $2, $3, $4, $5, $6)",
        number,
        id,
        at,
        by.to_string(),
        side,
        text
    )?;
    Ok(())
}

async fn write_score(
    tx: &mut Tx<'_>,
    id: i64,
    area: Area,
    criterion: Criterion,
    score: u8,
) -> Result<(), Error> {
    let sql = match criterion {
        Criterion::Revenue => {
            "update application_area set revenue_score = $1 where application_id = $2 and area = $3"
        }
        Criterion::MarketingPlan => {
            "update application_area set marketing_plan_score = $1 \
             where application_id = $2 and area = $3"
        }
        Criterion::Innovation => {
            "update application_area set innovation_score = $1 \
             where application_id = $2 and area = $3"
        }
    };
    execute!(tx, sql, i64::from(score), id, area.as_str())?;
    Ok(())
}

async fn write_verdict(
    tx: &mut Tx<'_>,
    id: i64,
    area: Area,
    verdict: &Verdict,
) -> Result<(), Error> {
    let (decision, reason, text, reapply_on, refer_to) = match verdict {
        Verdict::Accepted => ("accepted", "", "", String::new(), ""),
        Verdict::Declined(Declined { reason, text, reapply_on, refer_to }) => (
            "declined",
            reason.as_str(),
            text.as_str(),
            reapply_on.map(|day| day.to_string()).unwrap_or_default(),
            refer_to.as_deref().unwrap_or_default(),
        ),
    };
    execute!(
        tx,
        "update application_area set decision = $1, reason = $2, reason_text = $3, \
         reapply_on = $4, refer_to = $5 where application_id = $6 and area = $7",
        decision,
        reason,
        text,
        reapply_on.as_str(),
        refer_to,
        id,
        area.as_str()
    )?;
    Ok(())
}
