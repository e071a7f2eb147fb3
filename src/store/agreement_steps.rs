//! What the steps of agreements write, each step in one transaction: the row, the signed copy, the
//! company behind the partner, letters, deadlines.
//!
//! It knows no rule but one: what an agreement builds on is checked by the very statement that
//! moves it (B.4 rule 4). What surprises: a step writes the whole row as the verb wants it; that
//! the row is still the one that the verb has read is what `version` proves.

use serde_json::{Value, json};
use smol_str::SmolStr;

use super::{
    AgreementRow, Deadline, Error, Happening, NewMail, Store,
    agreements::select,
    audit,
    db::{Tx, execute, fetch_in},
    letters::{meet_deadline, next_id, note_happening, queue_mail},
};
use crate::domain::{AgreementState, Caller, PartnerId, agreement};

/// An agreement that is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgreement<'a> {
    pub partner: PartnerId,
    pub kind: &'a str,
    pub series: &'a str,
    /// The year of its number.
    pub year: i16,
    pub language: &'a str,
    pub contact_name: &'a str,
    pub contact_mail: &'a str,
    pub terms: Option<i64>,
    pub application: Option<i64>,
    pub valid_until: Option<i64>,
    /// Only one of its kind may be on its way.
    pub is_single: bool,
}

/// A copy that somebody signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSignature<'a> {
    pub side: agreement::Side,
    pub way: agreement::ReturnWay,
    pub file: Option<&'a str>,
    pub signed_by: &'a str,
    pub has_signature: bool,
}

/// A document that the gateway made, sealed for `file:ID`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDocument {
    pub file: String,
    pub name: String,
    pub octets: i64,
    pub sha256: String,
    pub sealed: Vec<u8>,
    pub html: String,
}

/// What a step does to the company behind the partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompanyStep {
    /// It becomes a partner: contracted, with a number, its traffic let in.
    Admit,
    /// Its traffic stops; what it was is kept in the agreement.
    Suspend,
    Resume,
    Close,
}

/// Everything that one step writes.
pub struct AgreementWrite<'a> {
    pub at: i64,
    pub what: &'a str,
    pub detail: Value,
    pub before: &'a AgreementRow,
    pub after: AgreementRow,
    /// Kinds that must be in force for the same partner, or nothing is written.
    pub requires: &'a [SmolStr],
    /// Others of the kind that are in force are superseded.
    pub supersedes: bool,
    pub document: Option<&'a NewDocument>,
    pub signature: Option<NewSignature<'a>>,
    /// The copies that are there are rejected for this reason.
    pub rejects: Option<&'a str>,
    pub company: Option<CompanyStep>,
    pub mails: Vec<NewMail>,
    /// Its subject is always the agreement.
    pub happening: Happening<'a>,
    pub starts: Vec<Deadline<'a>>,
    pub meets: Vec<&'a str>,
    pub invites: Option<&'a super::Invitation>,
}

/// Why a step was not taken; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    Unknown,
    /// Somebody else was first.
    Stale,
    /// This kind is not in force.
    Missing(SmolStr),
    /// Not a file of this agreement, or refused by the check of uploads.
    File,
    /// One of the kind is on its way already.
    Taken,
}

pub type Step<T> = Result<Result<T, Denial>, Error>;

impl Store {
    /// Begins an agreement: a draft with its number, still without a document.
    pub async fn begin_agreement(
        &self,
        by: &Caller,
        at: i64,
        new: &NewAgreement<'_>,
    ) -> Step<AgreementRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "kind": new.kind, "partner": new.partner.0, "terms": new.terms });
        // First of all, for on PostgreSQL it makes writers take their turn.
        audit::append(&mut tx, at, by, "agreement.prepare", new.kind, &detail).await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from agreement").await?;
        let series = format!("{}/{}", new.series, new.year);
        let ordinal = next_in_series(&mut tx, &series).await?;
        let slot = new.is_single.then_some(new.kind);
        let done = execute!(
            &mut tx,
            "insert into agreement (id, number, partner_id, kind, language, state, terms_id, application_id, slot, \
             contact_name, contact_mail, prepared_at, reminders, valid_until, reason, replied, \
             version) select $1, $2, partner_id, $4, $5, 'draft', $6, $12, $7, $8, $9, $10, 0, \
             $11, '', '', 1 from company where partner_id = $3",
            id,
            agreement::number(new.series, new.year, ordinal),
            new.partner.0,
            new.kind,
            new.language,
            new.terms,
            slot,
            new.contact_name,
            new.contact_mail,
            at,
            new.valid_until,
            new.application
        );
        match done {
            Ok(0) => return Ok(Err(Denial::Unknown)),
            Err(Error::Conflict(super::Constraint::AgreementSlot)) => {
                return Ok(Err(Denial::Taken));
            }
            other => other?,
        };
        let happening = Happening {
            subject: &format!("agreement:{id}"),
            kind: "agreement_prepared",
            note: "",
            is_public: false,
        };
        note_happening(&mut tx, at, by, &happening).await?;
        let row = reread(&mut tx, id).await?;
        tx.commit().await?;
        Ok(row.ok_or(Denial::Unknown))
    }

    /// Takes one step, wholly or not at all; answers with the row as it is now.
    pub async fn step_agreement(
        &self,
        by: &Caller,
        write: &AgreementWrite<'_>,
    ) -> Step<AgreementRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        // Dropped without a commit, the transaction leaves nothing, not even the audit row.
        if let Err(denial) = step_in(&mut tx, by, write).await? {
            return Ok(Err(denial));
        }
        let row = reread(&mut tx, write.before.id).await?;
        tx.commit().await?;
        Ok(row.ok_or(Denial::Unknown))
    }
}

/// The step without its commit.
pub(super) async fn step_in(tx: &mut Tx<'_>, by: &Caller, write: &AgreementWrite<'_>) -> Step<()> {
    let (before, after, at) = (write.before, &write.after, write.at);
    let subject = before.subject();
    audit::append(tx, at, by, write.what, &subject, &write.detail).await?;
    if let Some(document) = write.document {
        insert_document(tx, by, write, document).await?;
    }
    if update(tx, write).await? == 0 {
        return why_not(tx, write).await.map(Err);
    }
    if let Some(reason) = write.rejects {
        execute!(
            tx,
            "update agreement_signature set rejected_at = $1, rejected_why = $2 \
             where agreement_id = $3 and rejected_at is null",
            at,
            reason,
            before.id
        )?;
    }
    if let Some(signature) = &write.signature
        && !insert_signature(tx, by, write, signature).await?
    {
        return Ok(Err(Denial::File));
    }
    if write.supersedes {
        supersede(tx, by, write).await?;
    }
    let number = match &write.company {
        Some(step) => step_company(tx, by, write, step).await?,
        None => None,
    };
    for mail in &write.mails {
        let mut mail = mail.clone();
        if let (Some(number), Value::Object(data)) = (&number, &mut mail.data) {
            data.insert("partner_number".to_owned(), json!(number));
        }
        queue_mail(tx, at, &mail).await?;
    }
    if let Some(invitation) = write.invites {
        super::people::insert_invited(tx, by, at, invitation).await?;
    }
    let happening = Happening { subject: &subject, ..write.happening.clone() };
    note_happening(tx, at, by, &happening).await?;
    for rule in &write.meets {
        meet_deadline(tx, at, &subject, rule).await?;
    }
    for deadline in &write.starts {
        restart_deadline(tx, at, deadline).await?;
    }
    // The operator's promise to prepare this kind ends with its sending.
    if after.state == AgreementState::Sent && before.state == AgreementState::Draft {
        let company = format!("company:{}", before.partner_id);
        meet_deadline(tx, at, &company, &prepare_rule(&before.kind)).await?;
    }
    Ok(Ok(()))
}

/// The operator's promise to prepare a kind of agreement, kept at `company:ID`.
pub fn prepare_rule(kind: &str) -> String {
    format!("agreement_prepare.{kind}")
}

/// Writes the row if it is still the one that was read, and if what it builds on is in force.
async fn update(tx: &mut Tx<'_>, write: &AgreementWrite<'_>) -> Result<u64, Error> {
    let (before, after) = (write.before, &write.after);
    let requires = format!(",{},", write.requires.join(","));
    let count = i64::try_from(write.requires.len()).unwrap_or(i64::MAX);
    let html = write.document.map(|document| document.html.as_str());
    execute!(
        tx,
        "update agreement set state = $1, terms_id = $2, slot = $3, file_id = $4, sent_at = $5, \
         return_by = $6, lapse_at = $7, reminders = $8, remind_at = $9, signed_at = $10, \
         in_force_at = $11, valid_until = $12, company_was = $13, ended_at = $14, reason = $15, \
         replied = $16, html = coalesce($17, html), version = version + 1 \
         where id = $18 and version = $19 and state = $20 and $21 = \
         (select count(distinct p.kind) from agreement p where p.partner_id = agreement.partner_id \
         and p.state = 'in_force' and $22 like '%,' || p.kind || ',%')",
        after.state.as_str(),
        after.terms_id,
        after.slot.as_deref(),
        after.file_id.as_deref(),
        after.sent_at,
        after.return_by,
        after.lapse_at,
        after.reminders,
        after.remind_at,
        after.signed_at,
        after.in_force_at,
        after.valid_until,
        after.company_was.as_deref(),
        after.ended_at,
        after.reason.as_str(),
        after.replied.as_str(),
        html,
        before.id,
        before.version,
        before.state.as_str(),
        count,
        requires.as_str()
    )
}

/// The reason behind an update that touched nothing, as the same transaction sees it.
async fn why_not(tx: &mut Tx<'_>, write: &AgreementWrite<'_>) -> Result<Denial, Error> {
    let before = write.before;
    let row = fetch_in!(
        tx,
        (i64, String),
        "select version, state from agreement where id = $1",
        before.id
    )?;
    match row {
        None => return Ok(Denial::Unknown),
        Some((version, state)) if (version, &*state) != (before.version, before.state.as_str()) => {
            return Ok(Denial::Stale);
        }
        Some(_) => {}
    }
    for kind in write.requires {
        let found = fetch_in!(
            tx,
            (i64,),
            "select count(*) from agreement where partner_id = $1 and kind = $2 \
             and state = 'in_force'",
            before.partner_id,
            kind.as_str()
        )?;
        if found.is_none_or(|(count,)| count == 0) {
            return Ok(Denial::Missing(kind.clone()));
        }
    }
    Ok(Denial::Stale)
}

async fn insert_document(
    tx: &mut Tx<'_>,
    by: &Caller,
    write: &AgreementWrite<'_>,
    document: &NewDocument,
) -> Result<(), Error> {
    execute!(
        tx,
        "insert into file (id, subject, partner_id, name, media_type, octets, sha256, sealed, \
         scan, made_by, made_at) values ($1, $2, $3, $4, 'application/pdf', $5, $6, $7, 'clean', \
         $8, $9)",
        document.file.as_str(),
        write.before.subject(),
        write.before.partner_id,
        document.name.as_str(),
        document.octets,
        document.sha256.as_str(),
        document.sealed.as_slice(),
        by.to_string(),
        write.at
    )?;
    Ok(())
}

/// False if the file is not one of this agreement.
async fn insert_signature(
    tx: &mut Tx<'_>,
    by: &Caller,
    write: &AgreementWrite<'_>,
    new: &NewSignature<'_>,
) -> Result<bool, Error> {
    if let Some(file) = new.file {
        let found = fetch_in!(
            tx,
            (i64,),
            "select count(*) from file where id = $1 and subject = $2 and scan <> 'refused'",
            file,
            write.before.subject()
        )?;
        if found.is_none_or(|(count,)| count == 0) {
            return Ok(false);
        }
    }
    execute!(
        tx,
        "insert into agreement_signature (agreement_id, line, side, way, file_id, signed_by, \
         has_signature, recorded_by, recorded_at) select $1, coalesce(max(line), 0) + 1, $2, $3, \
         $4, $5, $6, $7, $8 from agreement_signature where agreement_id = $9",
        write.before.id,
        new.side.as_str(),
        new.way.as_str(),
        new.file,
        new.signed_by,
        i64::from(new.has_signature),
        by.to_string(),
        write.at,
        write.before.id
    )?;
    Ok(true)
}

async fn supersede(tx: &mut Tx<'_>, by: &Caller, write: &AgreementWrite<'_>) -> Result<(), Error> {
    let new = write.before;
    loop {
        let older = fetch_in!(
            tx,
            (i64,),
            "select id from agreement where partner_id = $1 and kind = $2 and state = 'in_force' \
             and id <> $3 order by id limit 1",
            new.partner_id,
            new.kind.as_str(),
            new.id
        )?;
        let Some((older,)) = older else { return Ok(()) };
        let subject = format!("agreement:{older}");
        let detail = json!({ "by": new.number });
        audit::append(tx, write.at, by, "agreement.supersede", &subject, &detail).await?;
        execute!(
            tx,
            "update agreement set state = 'superseded', ended_at = $1, version = version + 1 \
             where id = $2 and state = 'in_force'",
            write.at,
            older
        )?;
        let happening = Happening {
            subject: &subject,
            kind: "agreement_superseded",
            note: &new.number,
            is_public: true,
        };
        note_happening(tx, write.at, by, &happening).await?;
    }
}

/// Moves the company and its traffic together; answers with the number of an admitted partner.
async fn step_company(
    tx: &mut Tx<'_>,
    by: &Caller,
    write: &AgreementWrite<'_>,
    step: &CompanyStep,
) -> Result<Option<String>, Error> {
    let (partner, at) = (write.before.partner_id, write.at);
    let subject = format!("company:{partner}");
    let row = fetch_in!(
        tx,
        (String, Option<String>),
        "select state, partner_number from company where partner_id = $1",
        partner
    )?;
    let Some((was, mut number)) = row else { return Ok(None) };
    let (state, is_active, kind) = match step {
        CompanyStep::Admit if was == "live" => ("live".to_owned(), 1, "company_admitted"),
        CompanyStep::Admit => ("contracted".to_owned(), 1, "company_admitted"),
        CompanyStep::Suspend => ("suspended".to_owned(), 0, "company_suspended"),
        CompanyStep::Resume => {
            let back = write.before.company_was.clone();
            (back.unwrap_or_else(|| "contracted".to_owned()), 1, "company_resumed")
        }
        CompanyStep::Close => ("closed".to_owned(), 0, "company_closed"),
    };
    if number.is_none() && *step == CompanyStep::Admit {
        number = Some(agreement::partner_number(next_in_series(tx, "P").await?));
    }
    let detail = json!({ "from": was, "to": state, "partner_number": number });
    audit::append(tx, at, by, "company.state", &subject, &detail).await?;
    execute!(
        tx,
        "update company set state = $1, partner_number = $2, version = version + 1 \
         where partner_id = $3",
        state.as_str(),
        number.as_deref(),
        partner
    )?;
    execute!(tx, "update partner set is_active = $1 where id = $2", is_active, partner)?;
    if *step == CompanyStep::Suspend && matches!(&*was, "contracted" | "live") {
        execute!(
            tx,
            "update agreement set company_was = $1 where id = $2",
            was.as_str(),
            write.before.id
        )?;
    }
    let note = number.as_deref().filter(|_| *step == CompanyStep::Admit).unwrap_or_default();
    let happening = Happening { subject: &subject, kind, note, is_public: true };
    note_happening(tx, at, by, &happening).await?;
    Ok(number)
}

/// Starts a promise, or starts it anew: a copy that was rejected is awaited again.
async fn restart_deadline(tx: &mut Tx<'_>, at: i64, new: &Deadline<'_>) -> Result<(), Error> {
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from deadline").await?;
    execute!(
        tx,
        "insert into deadline (id, subject, rule, owner, started_at, due_at, promised_at) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (subject, rule) do update set \
         owner = excluded.owner, started_at = excluded.started_at, due_at = excluded.due_at, \
         promised_at = excluded.promised_at, paused_at = null, met_at = null, breached_at = null",
        id,
        new.subject,
        new.rule,
        new.owner,
        at,
        new.due_at,
        new.due_at
    )?;
    Ok(())
}

/// The next number of a series; the transaction that asks is the one that uses it, so none is lost.
async fn next_in_series(tx: &mut Tx<'_>, name: &str) -> Result<i64, Error> {
    let row = fetch_in!(
        tx,
        (i64,),
        "insert into number_series (name, last) values ($1, 1) \
         on conflict (name) do update set last = number_series.last + 1 returning last",
        name
    )?;
    Ok(row.map_or(1, |(last,)| last))
}

async fn reread(tx: &mut Tx<'_>, id: i64) -> Result<Option<AgreementRow>, Error> {
    fetch_in!(tx, AgreementRow, select!("where id = $1"), id)
}
