//! The outbox: letters that wait, what became of them, and their traces in timelines.
//!
//! A letter is claimed before it is sent: the claim counts the try and moves the due time, so that
//! a second node leaves it alone and a node that dies in the middle does not keep it for ever. The
//! surprise: what was sent keeps its row but not its data, which may hold a one-time link (S-43).

use serde_json::json;

use super::{
    Error, Store, audit,
    db::{execute, fetch_all, fetch_optional},
};
use crate::domain::Caller;

/// A letter with everything that is needed to send it.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Letter {
    pub id: i64,
    pub recipient: String,
    pub recipient_name: String,
    pub language: String,
    pub template: String,
    /// JSON. It may hold a one-time link and is never printed.
    pub data: String,
    /// Ids of files, comma separated.
    pub attachments: String,
    pub subject: String,
    /// Tries that began already.
    pub attempt: i64,
    pub queued_at: i64,
    /// The limit of days is counted from here.
    pub tried_from: i64,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter {{ id: {}, template: {:?} }}", self.id, self.template)
    }
}

/// A letter as timelines and lists show it: without its data.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct LetterLine {
    pub id: i64,
    pub recipient: String,
    pub recipient_name: String,
    pub language: String,
    pub template: String,
    pub subject: String,
    pub partner_id: Option<i64>,
    /// queued, sent, bounced, failed
    pub state: String,
    pub attempt: i64,
    pub due_at: i64,
    pub queued_at: i64,
    pub sent_at: Option<i64>,
    pub error: Option<String>,
    pub answer: Option<String>,
}

/// How many letters are in each state, for metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailCounts {
    pub queued: i64,
    pub sent: i64,
    pub bounced: i64,
    pub failed: i64,
    /// When the oldest one that waits was written.
    pub oldest_queued_at: Option<i64>,
}

/// Texts of a mail server are kept up to this many characters.
const WORDS_MAX: usize = 500;

impl Store {
    /// Letters that are due, the longest waiting first.
    pub async fn due_letters(&self, now: i64, limit: i64) -> Result<Vec<Letter>, Error> {
        fetch_all!(
            &self.db,
            Letter,
            "select id, recipient, recipient_name, language, template, data, attachments, subject, \
             attempt, queued_at, tried_from from mail where state = 'queued' and due_at <= $1 \
             order by due_at, id limit $2",
            now,
            limit
        )
    }

    /// Counts a try that begins. False: another node has it, or it is no longer waiting. A claim
    /// that nothing follows is over at `until`.
    pub async fn claim_letter(&self, letter: &Letter, until: i64) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(
            &mut tx,
            "update mail set attempt = attempt + 1, due_at = $1 \
             where id = $2 and state = 'queued' and attempt = $3",
            until,
            letter.id,
            letter.attempt
        )?;
        tx.commit().await?;
        Ok(found > 0)
    }

    /// The server has taken it over.
    pub async fn letter_sent(&self, id: i64, at: i64, answer: &str) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "update mail set state = 'sent', sent_at = $1, answer = $2, error = null, data = '' \
             where id = $3 and state = 'queued'",
            at,
            shortened(answer),
            id
        )?;
        tx.commit().await
    }

    /// It stays, for another try.
    pub async fn letter_put_off(&self, id: i64, due_at: i64, error: &str) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "update mail set due_at = $1, error = $2 where id = $3 and state = 'queued'",
            due_at,
            shortened(error),
            id
        )?;
        tx.commit().await
    }

    /// It goes no more: `bounced` for a recipient that does not want it, `failed` for the rest.
    /// The data stays for a while, so that a person can send it again.
    pub async fn letter_ended(&self, id: i64, is_bounced: bool, error: &str) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "update mail set state = $1, error = $2 where id = $3 and state = 'queued'",
            if is_bounced { "bounced" } else { "failed" },
            shortened(error),
            id
        )?;
        tx.commit().await
    }

    /// Empties letters that ended long ago; gives back how many.
    pub async fn forget_letters(&self, written_before: i64) -> Result<u64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(
            &mut tx,
            "update mail set data = '' where state in ('failed', 'bounced') and data <> '' \
             and queued_at < $1",
            written_before
        )?;
        tx.commit().await?;
        Ok(found)
    }

    /// Somebody was told that a letter, which the server had taken, came back.
    pub async fn bounce_letter(
        &self,
        by: &Caller,
        at: i64,
        id: i64,
        why: &str,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = format!("mail:{id}");
        audit::append(&mut tx, at, by, "mail.bounced", &subject, &json!({ "why": why })).await?;
        let found = execute!(
            &mut tx,
            "update mail set state = 'bounced', error = $1 \
             where id = $2 and state in ('sent', 'queued')",
            shortened(why),
            id
        )?;
        if found == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Lets a letter that failed or bounced go again. False: there is none, or nothing is left of
    /// its data.
    pub async fn retry_letter(&self, by: &Caller, at: i64, id: i64) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = format!("mail:{id}");
        audit::append(&mut tx, at, by, "mail.retry", &subject, &json!({})).await?;
        let found = execute!(
            &mut tx,
            "update mail set state = 'queued', attempt = 0, due_at = $1, tried_from = $1 \
             where id = $2 and data <> '' and (state in ('failed', 'bounced') \
             or (state = 'queued' and attempt > 0))",
            at,
            id
        )?;
        if found == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Letters about an object, newest first.
    pub async fn letters_about(&self, subject: &str, limit: i64) -> Result<Vec<LetterLine>, Error> {
        fetch_all!(
            &self.db,
            LetterLine,
            "select id, recipient, recipient_name, language, template, subject, partner_id, state, \
             attempt, due_at, queued_at, sent_at, error, answer from mail where subject = $1 \
             order by id desc limit $2",
            subject,
            limit
        )
    }

    /// Letters of one state, or of all with an empty one, newest first.
    pub async fn letters(&self, state: &str, limit: i64) -> Result<Vec<LetterLine>, Error> {
        fetch_all!(
            &self.db,
            LetterLine,
            "select id, recipient, recipient_name, language, template, subject, partner_id, state, \
             attempt, due_at, queued_at, sent_at, error, answer from mail \
             where $1 = '' or state = $1 order by id desc limit $2",
            state,
            limit
        )
    }

    pub async fn letter_line(&self, id: i64) -> Result<Option<LetterLine>, Error> {
        fetch_optional!(
            &self.db,
            LetterLine,
            "select id, recipient, recipient_name, language, template, subject, partner_id, state, \
             attempt, due_at, queued_at, sent_at, error, answer from mail where id = $1",
            id
        )
    }

    /// What a letter was written from; empty once it was sent.
    pub async fn letter(&self, id: i64) -> Result<Option<Letter>, Error> {
        fetch_optional!(
            &self.db,
            Letter,
            "select id, recipient, recipient_name, language, template, data, attachments, subject, \
             attempt, queued_at, tried_from from mail where id = $1",
            id
        )
    }

    pub async fn mail_counts(&self) -> Result<MailCounts, Error> {
        let rows = fetch_all!(
            &self.db,
            (String, i64, i64),
            "select state, count(*), min(queued_at) from mail group by state"
        )?;
        let mut counts = MailCounts::default();
        for (state, count, oldest) in rows {
            match state.as_str() {
                "queued" => {
                    counts.queued = count;
                    counts.oldest_queued_at = Some(oldest);
                }
                "sent" => counts.sent = count,
                "bounced" => counts.bounced = count,
                _ => counts.failed += count,
            }
        }
        Ok(counts)
    }

    /// Writes a letter by itself, for what no verb tells: a test of the way out.
    pub async fn queue_letter(
        &self,
        by: &Caller,
        at: i64,
        new: &super::NewMail,
    ) -> Result<i64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "template": new.template });
        audit::append(&mut tx, at, by, "mail.queue", &new.subject, &detail).await?;
        let id = super::letters::queue_mail(&mut tx, at, new).await?;
        tx.commit().await?;
        Ok(id)
    }
}

/// What a server said, on one line and short.
fn shortened(text: &str) -> String {
    text.chars().take(WORDS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
