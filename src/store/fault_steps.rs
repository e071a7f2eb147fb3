//! What reports, steps and merges of faults write, each in one transaction.
//!
//! It knows no rule and no date. What surprises: what the gateway files by itself is kept single by
//! the constraint `fault_once` and not by a look beforehand, for two nodes watch the same links.

use serde_json::json;

use super::{
    Constraint, DeadlineStep, Error, FaultItem, FaultRow, Happening, NewFile, NewMail, Store,
    audit,
    db::{Tx, execute, fetch_in},
    deadlines::step_deadline,
    faults::faults,
    files::put_file,
    letters::{next_id, note_happening, queue_mail},
    ticket_hub::{News, announce},
};
use crate::domain::{Caller, FaultArea, PartnerId, Severity, UserId};

/// Open reports of one partner; what is more is no fault but a flood.
pub const OPEN_MAX: i64 = 500;

/// A fault that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFault<'a> {
    pub partner: Option<PartnerId>,
    pub person: Option<UserId>,
    pub area: FaultArea,
    pub severity: Severity,
    pub title: &'a str,
    pub story: &'a str,
    pub since_at: i64,
    pub contact: &'a str,
    pub cause: Option<&'a str>,
    pub evidence: &'a str,
    pub items: &'a [FaultItem],
    /// Known already: the fault belongs to it from the start.
    pub incident: Option<i64>,
    pub answer_by: i64,
    pub solve_by: i64,
}

/// Rules of a fault's two promises.
pub const ANSWER_RULE: &str = "fault_answer";
pub const SOLUTION_RULE: &str = "fault_solution";

/// Writes the letters of a report once its number is known.
pub type FaultLetters<'a> = &'a (dyn Fn(i64) -> Vec<NewMail> + Send + Sync);

/// What listeners are told of a new fault, and of a step.
pub type FaultFiled = fn(&FaultRow) -> Vec<News>;
pub type FaultStepped = fn(&FaultWrite<'_>, &FaultRow, i64) -> Vec<News>;

/// Everything that one step writes.
#[derive(Debug, Clone)]
pub struct FaultWrite<'a> {
    /// The word of the audit trail, `fault.take`.
    pub what: &'a str,
    pub before: &'a FaultRow,
    pub after: FaultRow,
    pub note: &'a str,
    pub is_public: bool,
    pub deadlines: Vec<DeadlineStep>,
    pub mails: Vec<NewMail>,
    pub file: Option<NewFile>,
    pub news: FaultStepped,
}

impl Store {
    /// Takes a fault in. None: the gateway filed the same already, or the partner has too many.
    pub async fn add_fault(
        &self,
        by: &Caller,
        at: i64,
        new: &NewFault<'_>,
        (letters, news): (FaultLetters<'_>, FaultFiled),
    ) -> Result<Option<FaultRow>, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({
            "area": new.area, "severity": new.severity, "partner": new.partner,
            "cause": new.cause, "items": new.items.len(), "incident": new.incident,
        });
        // The trail first: on PostgreSQL that is where writers take their turn.
        let id = audit_and_number(&mut tx, at, by, &detail).await?;
        if let Some(partner) = new.partner
            && is_flood(&mut tx, partner).await?
        {
            return Ok(None);
        }
        let done = insert(&mut tx, at, by, id, new).await;
        if let Err(Error::Conflict(Constraint::FaultOnce)) = done {
            return Ok(None);
        }
        done?;
        let subject = format!("fault:{id}");
        for (rule, due_at) in [(ANSWER_RULE, new.answer_by), (SOLUTION_RULE, new.solve_by)] {
            let start = DeadlineStep::Start { rule, owner: "operator", due_at };
            step_deadline(&mut tx, at, &subject, &start).await?;
        }
        let happening =
            Happening { subject: &subject, kind: "fault_report", note: "", is_public: true };
        note_happening(&mut tx, at, by, &happening).await?;
        for letter in letters(id) {
            queue_mail(&mut tx, at, &letter).await?;
        }
        let row = fetch_in!(&mut tx, FaultRow, faults!("where f.id = $1"), id)?;
        if let Some(row) = &row {
            announce(&mut tx, at, &news(row)).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Writes a fault as the verb wants it, if it is still the one that was read.
    pub async fn step_fault(
        &self,
        by: &Caller,
        at: i64,
        write: &FaultWrite<'_>,
    ) -> Result<Option<FaultRow>, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (before, after) = (write.before, &write.after);
        let subject = before.subject();
        let mut detail = json!({ "from": before.state, "to": after.state });
        if let Some(other) = after.merged_into {
            detail["merged_into"] = json!(other);
        }
        if before.severity != after.severity {
            detail["severity"] = json!([before.severity, after.severity]);
        }
        if before.incident_id != after.incident_id {
            detail["incident"] = json!(after.incident_id);
        }
        if let Some(file) = &write.file {
            detail["file"] = json!({ "id": file.id, "sha256": file.sha256 });
        }
        audit::append(&mut tx, at, by, write.what, &subject, &detail).await?;
        if update(&mut tx, before, after).await? == 0 {
            return Ok(None);
        }
        for step in &write.deadlines {
            step_deadline(&mut tx, at, &subject, step).await?;
        }
        if let Some(file) = &write.file {
            put_file(&mut tx, at, by, file).await?;
        }
        let kind = write.what.replace('.', "_");
        let (note, is_public) = (write.note, write.is_public);
        let happening = Happening { subject: &subject, kind: &kind, note, is_public };
        note_happening(&mut tx, at, by, &happening).await?;
        if let Some(other) = after.merged_into.filter(|_| before.merged_into.is_none()) {
            take_over(&mut tx, at, by, before, other).await?;
        }
        for letter in &write.mails {
            queue_mail(&mut tx, at, letter).await?;
        }
        let row = fetch_in!(&mut tx, FaultRow, faults!("where f.id = $1"), before.id)?;
        if let Some(row) = &row {
            announce(&mut tx, at, &(write.news)(write, row, at)).await?;
        }
        tx.commit().await?;
        Ok(row)
    }
}

/// The number is taken after the writers' turn, which the audit row waits for; its own subject
/// is told in the detail of the row, because no number is known before.
async fn audit_and_number(
    tx: &mut Tx<'_>,
    at: i64,
    by: &Caller,
    detail: &serde_json::Value,
) -> Result<i64, Error> {
    audit::take_turn(tx).await?;
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from fault").await?;
    audit::append(tx, at, by, "fault.report", &format!("fault:{id}"), detail).await?;
    Ok(id)
}

async fn is_flood(tx: &mut Tx<'_>, partner: PartnerId) -> Result<bool, Error> {
    let open = fetch_in!(
        tx,
        (i64,),
        "select count(*) from fault where partner_id = $1 and ended_at is null",
        partner.0
    )?;
    Ok(open.is_some_and(|(count,)| count >= OPEN_MAX))
}

async fn insert(
    tx: &mut Tx<'_>,
    at: i64,
    by: &Caller,
    id: i64,
    new: &NewFault<'_>,
) -> Result<(), Error> {
    execute!(
        &mut *tx,
        "insert into fault (id, partner_id, person_id, area, severity, rank, state, title, story, \
         since_at, contact, cause, open_cause, evidence, answer, made_by, made_at, due_at, \
         escalated, incident_id, version) values ($1, $2, $3, $4, $5, $6, 'acknowledged', $7, $8, \
         $9, $10, $11, $11, $12, '', $13, $14, $15, 0, $16, 1)",
        id,
        new.partner.map(|partner| partner.0),
        new.person.map(|person| person.0),
        new.area.as_str(),
        new.severity.as_str(),
        new.severity.rank(),
        new.title,
        new.story,
        new.since_at,
        new.contact,
        new.cause,
        new.evidence,
        by.to_string(),
        at,
        new.solve_by,
        new.incident
    )?;
    for item in new.items {
        execute!(
            &mut *tx,
            "insert into fault_item (fault_id, kind, name, trace) values ($1, $2, $3, $4)",
            id,
            item.kind.as_str(),
            item.name.as_str(),
            item.trace.as_str()
        )?;
    }
    Ok(())
}

async fn update(tx: &mut Tx<'_>, before: &FaultRow, after: &FaultRow) -> Result<u64, Error> {
    execute!(
        tx,
        "update fault set state = $1, severity = $2, rank = $3, owner_id = $4, incident_id = $5, \
         merged_into = $6, open_cause = $7, evidence = $8, answer = $9, taken_at = $10, \
         resolved_at = $11, ended_at = $12, due_at = $13, escalated = $14, \
         version = version + 1 where id = $15 and version = $16",
        after.state.as_str(),
        after.severity.as_str(),
        after.severity.rank(),
        after.owner_id,
        after.incident_id,
        after.merged_into,
        after.open_cause.as_deref(),
        after.evidence.as_str(),
        after.answer.as_str(),
        after.taken_at,
        after.resolved_at,
        after.ended_at,
        after.due_at,
        after.escalated,
        before.id,
        before.version
    )
}

/// The one that goes on gets what the other one named, and says so.
async fn take_over(
    tx: &mut Tx<'_>,
    at: i64,
    by: &Caller,
    merged: &FaultRow,
    other: i64,
) -> Result<(), Error> {
    execute!(
        &mut *tx,
        "insert into fault_item (fault_id, kind, name, trace) \
         select $1, i.kind, i.name, i.trace from fault_item i where i.fault_id = $2 \
         and not exists (select 1 from fault_item k where k.fault_id = $1 \
         and k.kind = i.kind and k.name = i.name)",
        other,
        merged.id
    )?;
    let (subject, note) = (format!("fault:{other}"), merged.reference());
    let happening =
        Happening { subject: &subject, kind: "fault_absorb", note: &note, is_public: true };
    note_happening(tx, at, by, &happening).await
}
