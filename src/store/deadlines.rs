//! Promises as they stand, their pauses, and those that were broken.

use serde_json::json;

use super::{
    Error, Happening, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_optional},
    letters::{meet_deadline, note_happening, queue_mail, start_deadline},
};
use crate::domain::{Caller, deadline::Promise};

/// A promise as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct DeadlineRow {
    pub id: i64,
    pub subject: String,
    pub rule: String,
    pub owner: String,
    pub started_at: i64,
    pub due_at: i64,
    pub promised_at: i64,
    pub paused_at: Option<i64>,
    pub met_at: Option<i64>,
    pub breached_at: Option<i64>,
}

impl DeadlineRow {
    pub fn promise(&self) -> Promise {
        Promise {
            due_at: self.due_at,
            promised_at: self.promised_at,
            paused_at: self.paused_at,
            met_at: self.met_at,
        }
    }
}

/// What a verb does to a promise of its subject, within its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadlineStep {
    Start {
        rule: &'static str,
        owner: &'static str,
        due_at: i64,
    },
    Pause {
        rule: &'static str,
    },
    /// The clock runs again, towards a later day.
    Resume {
        rule: &'static str,
        due_at: i64,
    },
    Meet {
        rule: &'static str,
    },
    /// What was promised is promised anew: it was reopened, or is worse than it seemed.
    Again {
        rule: &'static str,
        due_at: i64,
    },
}

macro_rules! columns {
    () => {
        "select id, subject, rule, owner, started_at, due_at, promised_at, paused_at, met_at, \
         breached_at from deadline "
    };
}

pub(super) async fn step_deadline(
    tx: &mut Tx<'_>,
    at: i64,
    subject: &str,
    step: &DeadlineStep,
) -> Result<(), Error> {
    match *step {
        DeadlineStep::Start { rule, owner, due_at } => {
            let new = super::Deadline { subject, rule, owner, due_at };
            return start_deadline(tx, at, &new).await;
        }
        DeadlineStep::Meet { rule } => return meet_deadline(tx, at, subject, rule).await,
        DeadlineStep::Pause { rule } => execute!(
            tx,
            "update deadline set paused_at = $1 where subject = $2 and rule = $3 \
             and met_at is null and paused_at is null",
            at,
            subject,
            rule
        )?,
        DeadlineStep::Resume { rule, due_at } => execute!(
            tx,
            "update deadline set due_at = $1, paused_at = null \
             where subject = $2 and rule = $3 and met_at is null",
            due_at,
            subject,
            rule
        )?,
        DeadlineStep::Again { rule, due_at } => execute!(
            tx,
            "update deadline set started_at = $1, due_at = $2, met_at = null, paused_at = null, \
             breached_at = null where subject = $3 and rule = $4",
            at,
            due_at,
            subject,
            rule
        )?,
    };
    Ok(())
}

impl Store {
    pub async fn deadlines(&self, subject: &str) -> Result<Vec<DeadlineRow>, Error> {
        fetch_all!(
            &self.db,
            DeadlineRow,
            concat!(columns!(), "where subject = $1 order by id"),
            subject
        )
    }

    /// Promises that are over and were not noticed yet, the oldest first.
    pub async fn newly_overdue(&self, now: i64, limit: u32) -> Result<Vec<DeadlineRow>, Error> {
        fetch_all!(
            &self.db,
            DeadlineRow,
            concat!(
                columns!(),
                "where met_at is null and paused_at is null and breached_at is null \
                 and due_at < $1 order by due_at limit $2"
            ),
            now,
            i64::from(limit)
        )
    }

    /// How many promises of each rule are over now; a rule of which none is has a 0, so that a
    /// gauge goes back.
    pub async fn overdue_by_rule(&self, now: i64) -> Result<Vec<(String, i64)>, Error> {
        fetch_all!(
            &self.db,
            (String, i64),
            "select rule, cast(sum(case when met_at is null and paused_at is null and due_at < $1 \
             then 1 else 0 end) as bigint) from deadline group by rule order by rule",
            now
        )
    }

    /// Open promises of the operator with the least time left, for a desk.
    pub async fn open_deadlines(&self, limit: u32) -> Result<Vec<DeadlineRow>, Error> {
        fetch_all!(
            &self.db,
            DeadlineRow,
            concat!(
                columns!(),
                "where met_at is null and owner = 'operator' order by due_at, id limit $1"
            ),
            i64::from(limit)
        )
    }

    /// Notes a breach with the letters that tell it; false if somebody else did, or it was kept
    /// in the meantime. Nothing is sent twice.
    pub async fn breach_deadline(
        &self,
        at: i64,
        row: &DeadlineRow,
        mails: &[NewMail],
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "rule": row.rule, "due_at": row.due_at });
        audit::append(&mut tx, at, &Caller::Gateway, "deadline.breach", &row.subject, &detail)
            .await?;
        let touched = execute!(
            &mut tx,
            "update deadline set breached_at = $1 where id = $2 and breached_at is null \
             and met_at is null and paused_at is null and due_at < $3",
            at,
            row.id,
            at
        )?;
        if touched == 0 {
            return Ok(false);
        }
        let happening =
            Happening { subject: &row.subject, kind: "overdue", note: &row.rule, is_public: true };
        note_happening(&mut tx, at, &Caller::Gateway, &happening).await?;
        for mail in mails {
            queue_mail(&mut tx, at, mail).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// One promise of a subject.
    pub async fn deadline(&self, subject: &str, rule: &str) -> Result<Option<DeadlineRow>, Error> {
        fetch_optional!(
            &self.db,
            DeadlineRow,
            concat!(columns!(), "where subject = $1 and rule = $2"),
            subject,
            rule
        )
    }
}
