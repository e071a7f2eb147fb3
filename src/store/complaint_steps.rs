//! What taking and stepping a complaint writes, each in one transaction; giving charges back among
//! it.
//!
//! It knows no rule and no date. What surprises: the ledger is only ever added to. A refund is the
//! same row once more, opposite, under line 1, which the constraint `charge_once` lets in a single
//! time, whoever else gives the same charge back at the same instant.

use serde_json::json;

use super::{
    ComplaintMessage, ComplaintRow, Constraint, DeadlineStep, Error, Happening, NewFile, NewMail,
    OPEN_MAX, Store, audit,
    complaints::complaints,
    db::{Tx, execute, fetch_in},
    deadlines::step_deadline,
    files::put_file,
    letters::{next_id, note_happening, queue_mail},
    ticket_hub::{News, announce},
};
use crate::domain::{Caller, PartnerId, ids::beside_nodes};

/// The rule of the law's promise; the desk puts it before all others.
pub const LAW_RULE: &str = "legal_complaint";
/// The rule of the partner's.
pub const PARTNER_RULE: &str = "complaint_partner";

/// Writes the letters of a new complaint once its number is known.
pub type ComplaintLetters<'a> = &'a (dyn Fn(&ComplaintRow) -> Vec<NewMail> + Send + Sync);

/// What listeners are told of a new complaint, and of a step.
pub type ComplaintTaken = fn(&ComplaintRow) -> Vec<News>;
pub type ComplaintNews = fn(&ComplaintWrite<'_>, &ComplaintRow, i64) -> Vec<News>;

/// Everything that one step writes.
#[derive(Debug, Clone)]
pub struct ComplaintWrite<'a> {
    /// The word of the audit trail, `complaint.accept`.
    pub what: &'a str,
    pub before: &'a ComplaintRow,
    pub after: ComplaintRow,
    pub note: &'a str,
    pub is_public: bool,
    pub deadlines: Vec<DeadlineStep>,
    pub mails: Vec<NewMail>,
    pub files: Vec<NewFile>,
    /// Messages whose charges are given back.
    pub refunds: &'a [i64],
    pub news: ComplaintNews,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComplaintStepped {
    Done(Box<ComplaintRow>),
    /// Somebody was quicker.
    Stale,
    /// That message has no charge that could be given back, or not any more; nothing was written.
    NoCharge(i64),
}

impl Store {
    /// Takes a complaint in, with the messages in question. The row is that which was checked; its
    /// number is given here. None: the partner has too many open ones.
    pub async fn add_complaint(
        &self,
        by: &Caller,
        at: i64,
        new: (&ComplaintRow, &[ComplaintMessage]),
        (letters, news): (ComplaintLetters<'_>, ComplaintTaken),
    ) -> Result<Option<ComplaintRow>, Error> {
        let (new, messages) = new;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        // The trail first: on PostgreSQL that is where writers take their turn.
        audit::take_turn(&mut tx).await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from complaint").await?;
        let row = ComplaintRow { id, ..new.clone() };
        let trail = row.trail();
        // The subscriber is named in no record: the trail is never erased.
        let detail = json!({
            "subject": row.subject, "channel": row.channel, "partner": row.partner_id,
            "service": row.service_id, "messages": messages.len(), "due_at": row.due_at,
        });
        audit::append(&mut tx, at, by, "complaint.take", &trail, &detail).await?;
        if let Some(partner) = row.person_id.and(row.partner())
            && is_flood(&mut tx, partner).await?
        {
            return Ok(None);
        }
        insert(&mut tx, &row).await?;
        for message in messages {
            attach(&mut tx, id, message).await?;
        }
        let start = DeadlineStep::Start { rule: LAW_RULE, owner: "operator", due_at: row.due_at };
        step_deadline(&mut tx, at, &trail, &start).await?;
        let kind = if row.person_id.is_some() { "complaint_forward" } else { "complaint_take" };
        let happening = Happening { subject: &trail, kind, note: "", is_public: true };
        note_happening(&mut tx, at, by, &happening).await?;
        for letter in letters(&row) {
            queue_mail(&mut tx, at, &letter).await?;
        }
        let row = fetch_in!(&mut tx, ComplaintRow, complaints!("where c.id = $1"), id)?;
        if let Some(row) = &row {
            announce(&mut tx, at, &news(row)).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Writes a complaint as the verb wants it, if it is still the one that was read.
    pub async fn step_complaint(
        &self,
        by: &Caller,
        at: i64,
        write: &ComplaintWrite<'_>,
    ) -> Result<ComplaintStepped, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (before, after) = (write.before, &write.after);
        let trail = before.trail();
        audit::append(&mut tx, at, by, write.what, &trail, &told(write)).await?;
        if update(&mut tx, before, after).await? == 0 {
            return Ok(ComplaintStepped::Stale);
        }
        for message in write.refunds {
            if !give_back(&mut tx, at, (before.id, *message)).await? {
                return Ok(ComplaintStepped::NoCharge(*message));
            }
        }
        for step in &write.deadlines {
            step_deadline(&mut tx, at, &trail, step).await?;
        }
        for file in &write.files {
            put_file(&mut tx, at, by, file).await?;
        }
        let kind = write.what.replace('.', "_");
        let (note, is_public) = (write.note, write.is_public);
        let happening = Happening { subject: &trail, kind: &kind, note, is_public };
        note_happening(&mut tx, at, by, &happening).await?;
        for letter in &write.mails {
            queue_mail(&mut tx, at, letter).await?;
        }
        let row = fetch_in!(&mut tx, ComplaintRow, complaints!("where c.id = $1"), before.id)?;
        if let Some(row) = &row {
            announce(&mut tx, at, &(write.news)(write, row, at)).await?;
        }
        tx.commit().await?;
        Ok(row.map_or(ComplaintStepped::Stale, |row| ComplaintStepped::Done(Box::new(row))))
    }
}

/// What the trail keeps of a step: nothing that names a subscriber.
fn told(write: &ComplaintWrite<'_>) -> serde_json::Value {
    let (before, after) = (write.before, &write.after);
    let mut detail = json!({ "from": before.state, "to": after.state });
    if !write.refunds.is_empty() {
        detail["refunds"] = json!(write.refunds);
        detail["refund_minor"] = json!(after.refund_minor - before.refund_minor);
    }
    if after.decision != before.decision {
        detail["decision"] = json!(after.decision);
    }
    if (after.partner_id, after.service_id) != (before.partner_id, before.service_id) {
        detail["partner"] = json!(after.partner_id);
        detail["service"] = json!(after.service_id);
    }
    if !write.files.is_empty() {
        let files = write.files.iter().map(|file| json!({ "id": file.id, "sha256": file.sha256 }));
        detail["files"] = files.collect();
    }
    detail
}

async fn is_flood(tx: &mut Tx<'_>, partner: PartnerId) -> Result<bool, Error> {
    let open = fetch_in!(
        tx,
        (i64,),
        "select count(*) from complaint where partner_id = $1 and decided_at is null \
         and person_id is not null",
        partner.0
    )?;
    Ok(open.is_some_and(|(count,)| count >= OPEN_MAX))
}

async fn insert(tx: &mut Tx<'_>, row: &ComplaintRow) -> Result<(), Error> {
    execute!(
        tx,
        "insert into complaint (id, partner_id, service_id, person_id, subject, channel, demand, \
         state, msisdn, name, mail, address, story, from_at, until_at, received_at, counts_from, \
         due_at, told_step, step_at, owner_id, partner_says, partner_answer, answered_at, reason, \
         refund_minor, currency, appeals, made_by, made_at, version) values ($1, $2, $3, $4, $5, \
         $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, 0, $18, $19, $20, $21, $22, \
         '', 0, $23, 0, $24, $25, 1)",
        row.id,
        row.partner_id,
        row.service_id,
        row.person_id,
        row.subject.as_str(),
        row.channel.as_str(),
        row.demand.as_str(),
        row.state.as_str(),
        row.msisdn.as_str(),
        row.name.as_str(),
        row.mail.as_str(),
        row.address.as_str(),
        row.story.as_str(),
        row.from_at,
        row.until_at,
        row.received_at,
        row.due_at,
        row.step_at,
        row.owner_id,
        row.partner_says.as_deref(),
        row.partner_answer.as_str(),
        row.answered_at,
        row.currency.as_str(),
        row.made_by.as_str(),
        row.made_at
    )?;
    Ok(())
}

async fn attach(tx: &mut Tx<'_>, id: i64, message: &ComplaintMessage) -> Result<(), Error> {
    execute!(
        tx,
        "insert into complaint_message (complaint_id, message_id, partner_id, service_id, \
         service_version, direction, short_code, keyword, accepted_at, trace) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id,
        message.message_id,
        message.partner_id,
        message.service_id,
        message.service_version,
        message.direction.as_str(),
        message.short_code.as_str(),
        message.keyword.as_deref(),
        message.accepted_at,
        message.trace.as_str()
    )?;
    Ok(())
}

async fn update(
    tx: &mut Tx<'_>,
    before: &ComplaintRow,
    after: &ComplaintRow,
) -> Result<u64, Error> {
    execute!(
        tx,
        "update complaint set partner_id = $1, service_id = $2, state = $3, counts_from = $4, \
         due_at = $5, partner_due_at = $6, told_step = $7, step_at = $8, owner_id = $9, \
         partner_says = $10, partner_answer = $11, answered_at = $12, decision = $13, \
         reason = $14, decided_at = $15, decided_by = $16, refund_minor = $17, currency = $18, \
         appeals = $19, answer_file = $20, pack_file = $21, pack_sha256 = $22, pack_copy = $23, \
         pack_copy_sha256 = $24, pack_at = $25, ended_at = $26, version = version + 1 \
         where id = $27 and version = $28",
        after.partner_id,
        after.service_id,
        after.state.as_str(),
        after.counts_from,
        after.due_at,
        after.partner_due_at,
        after.told_step,
        after.step_at,
        after.owner_id,
        after.partner_says.as_deref(),
        after.partner_answer.as_str(),
        after.answered_at,
        after.decision.as_deref(),
        after.reason.as_str(),
        after.decided_at,
        after.decided_by.as_deref(),
        after.refund_minor,
        after.currency.as_str(),
        after.appeals,
        after.answer_file.as_deref(),
        after.pack_file.as_deref(),
        after.pack_sha256.as_deref(),
        after.pack_copy.as_deref(),
        after.pack_copy_sha256.as_deref(),
        after.pack_at,
        after.ended_at,
        before.id,
        before.version
    )
}

/// Writes the opposite of a charge. False: there is none of this complaint, or it was given back.
///
/// The gateway takes charges back under line 1 too. It may do so at this very moment, for its
/// writer does not wait for the turn that is held here, so the constraint alone decides.
async fn give_back(
    tx: &mut Tx<'_>,
    at: i64,
    (complaint, message): (i64, i64),
) -> Result<bool, Error> {
    let numbers = beside_nodes(at);
    let last = fetch_in!(
        tx,
        (Option<i64>,),
        "select max(id) from charge where id >= $1 and id < $2",
        numbers.start,
        numbers.end
    )?;
    let id = last.and_then(|(last,)| last).map_or(numbers.start, |last| last + 1);
    let done = execute!(
        tx,
        "insert into charge (id, message_id, line, partner_id, service_id, service_version, \
         direction, tariff_id, tariff_code, gross_minor, net_minor, currency, msisdn, \
         charged_at, reason) select $1, c.message_id, 1, c.partner_id, c.service_id, \
         c.service_version, c.direction, c.tariff_id, c.tariff_code, -c.gross_minor, \
         -c.net_minor, c.currency, c.msisdn, $2, $3 from charge c \
         where c.message_id = $4 and c.line = 0 and exists (select 1 from complaint_message m \
         where m.complaint_id = $5 and m.message_id = c.message_id)",
        id,
        at,
        format!("complaint:{complaint}"),
        message,
        complaint
    );
    match done {
        Ok(rows) => Ok(rows == 1),
        Err(Error::Conflict(Constraint::ChargeOnce)) => Ok(false),
        Err(error) => Err(error),
    }
}
