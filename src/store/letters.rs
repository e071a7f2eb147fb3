//! What goes with every verb of the partnership, in its transaction: a letter, a happening, a
//! deadline.

use super::{
    Addressee, Error,
    db::{Tx, execute, fetch_in},
};
use crate::domain::{Caller, PartnerId};

/// A letter to be sent once the transaction it was written in has committed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMail {
    pub recipient: String,
    pub recipient_name: String,
    /// `pl` or `en`.
    pub language: String,
    /// Name of the template, like `application_accepted`.
    pub template: &'static str,
    pub data: serde_json::Value,
    /// Ids of files that go with it.
    pub attachments: Vec<String>,
    /// What it is about, like `application:12`.
    pub subject: String,
    pub partner: Option<PartnerId>,
}

impl Addressee {
    /// A letter to them without attachments; `subject` is what it is about, `partner` whose list of
    /// letters it stands in.
    pub fn letter(
        &self,
        template: &'static str,
        data: serde_json::Value,
        subject: impl Into<String>,
        partner: Option<PartnerId>,
    ) -> NewMail {
        NewMail {
            recipient: self.mail.clone(),
            recipient_name: self.name.clone(),
            language: self.language.clone(),
            template,
            data,
            attachments: Vec::new(),
            subject: subject.into(),
            partner,
        }
    }
}

/// One step in the life of an application, an agreement, a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening<'a> {
    pub subject: &'a str,
    pub kind: &'a str,
    /// Words of a person, or empty.
    pub note: &'a str,
    /// The partner or the applicant may see it.
    pub is_public: bool,
}

/// A promise with a due time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline<'a> {
    pub subject: &'a str,
    pub rule: &'a str,
    /// `operator` or `partner`: who must act.
    pub owner: &'a str,
    pub due_at: i64,
}

pub(super) async fn queue_mail(tx: &mut Tx<'_>, at: i64, new: &NewMail) -> Result<i64, Error> {
    let row = fetch_in!(
        tx,
        (i64,),
        "insert into mail (id, recipient, recipient_name, language, template, data, attachments, \
         subject, partner_id, state, attempt, due_at, queued_at, tried_from) \
         values ((select coalesce(max(id), 0) + 1 from mail), $1, $2, $3, $4, $5, $6, $7, $8, \
         'queued', 0, $9, $9, $9) returning id",
        new.recipient.as_str(),
        new.recipient_name.as_str(),
        new.language.as_str(),
        new.template,
        new.data.to_string(),
        new.attachments.join(","),
        new.subject.as_str(),
        new.partner.map(|partner| partner.0),
        at
    )?;
    let (id,) = row.ok_or_else(|| Error::Unavailable("a letter was not queued".to_owned()))?;
    Ok(id)
}

pub(super) async fn note_happening(
    tx: &mut Tx<'_>,
    at: i64,
    by: &Caller,
    new: &Happening<'_>,
) -> Result<(), Error> {
    execute!(
        tx,
        "insert into happening (id, subject, at, who, kind, note, is_public) \
         values ((select coalesce(max(id), 0) + 1 from happening), $1, $2, $3, $4, $5, $6)",
        new.subject,
        at,
        by.to_string(),
        new.kind,
        new.note,
        i64::from(new.is_public)
    )?;
    Ok(())
}

pub(super) async fn start_deadline(
    tx: &mut Tx<'_>,
    at: i64,
    new: &Deadline<'_>,
) -> Result<(), Error> {
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from deadline").await?;
    execute!(
        tx,
        "insert into deadline (id, subject, rule, owner, started_at, due_at, promised_at) \
         values ($1, $2, $3, $4, $5, $6, $7)",
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

/// Marks a promise as kept; one that is not open stays as it is.
pub(super) async fn meet_deadline(
    tx: &mut Tx<'_>,
    at: i64,
    subject: &str,
    rule: &str,
) -> Result<(), Error> {
    execute!(
        tx,
        "update deadline set met_at = $1 where subject = $2 and rule = $3 and met_at is null",
        at,
        subject,
        rule
    )?;
    Ok(())
}

/// The next number of a table, by a statement that asks for it. `PostgreSQL` writers take their
/// turn at the audit lock, so it must be taken first: append the audit row before the others. The
/// same holds for rows that take their number as they are inserted.
pub(super) async fn next_id(tx: &mut Tx<'_>, sql: &'static str) -> Result<i64, Error> {
    Ok(fetch_in!(tx, (i64,), sql)?.map_or(1, |(id,)| id))
}
