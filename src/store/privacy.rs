//! What the store knows of one subscriber: to be handed out, and to be forgotten (S-46).
//!
//! Forgetting keeps the books: charges, counters and messages stay and name a pseudonym instead,
//! which is the same for all rows of one number and leads back to nobody. What is still on its way
//! is left alone, since it must be sent to somebody; so is the list of barred numbers, which is
//! there for the subscriber's sake.
//!
//! What surprises: rows are found without an index. A number is asked for a few times a year, and
//! an index would be written for every message.

use serde_json::json;

use super::{
    Error, Store, audit,
    broom::forget_subject,
    db::{Pen, Tx, execute, fetch_all, fetch_in, fetch_optional},
};
use crate::domain::{Caller, Msisdn};

/// Messages looked at in one step.
const AT_ONCE: i64 = 50_000;
/// A message younger than this keeps what tells it from its repeats (P11), in microseconds.
const YOUNG_US: i64 = 3_600_000_000;

/// Tables whose old rows are cleared away at once.
const SCRUBBED: [&str; 10] = [
    "message",
    "charge",
    "spend",
    "orphan_receipt",
    "mo_part",
    "complaint",
    "complaint_message",
    "file",
    "happening",
    "mail",
];

/// States that never change again: only these rows are forgotten.
macro_rules! final_states {
    () => {
        "('delivered', 'undeliverable', 'expired', 'rejected', 'deleted', 'unknown_final', \
         'void_unacked', 'unrouted')"
    };
}

/// One message of a subscriber, with what it cost.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct SubscriberMessage {
    pub id: i64,
    pub direction: String,
    pub sender: String,
    pub recipient: String,
    pub state: String,
    pub accepted_at: i64,
    pub data_coding: i64,
    #[serde(skip)]
    pub has_udh: i64,
    #[serde(skip)]
    pub body: Vec<u8>,
    pub gross_minor: Option<i64>,
    pub currency: Option<String>,
}

/// One line of the ledger of a subscriber.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct SubscriberCharge {
    pub message_id: i64,
    pub line: i64,
    pub tariff_code: String,
    pub gross_minor: i64,
    pub currency: String,
    pub charged_at: i64,
    pub reason: String,
}

/// How much was found, or forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Forgotten {
    pub messages: u64,
    pub charges: u64,
    /// Receipts and parts of texts that belong to no message yet.
    pub loose: u64,
    /// Complaints that are over, with their files and letters.
    pub complaints: u64,
    /// Messages that are still on their way, complaints that are open; to be asked for again later.
    pub left: u64,
    /// The number is on the list of barred numbers and stays there.
    pub is_barred: bool,
}

impl Store {
    /// Messages of a number after one of them, oldest first, and where the search stands; none at
    /// the end of the store.
    pub async fn subscriber_messages(
        &self,
        number: &Msisdn,
        after: i64,
    ) -> Result<Option<(i64, Vec<SubscriberMessage>)>, Error> {
        let Some(last) = self.last_of_step(after).await? else { return Ok(None) };
        let found = fetch_all!(
            &self.db,
            SubscriberMessage,
            "select id, direction, sender, recipient, state, accepted_at, data_coding, \
             has_udh, body, gross_minor, currency from message \
             where id > $1 and id <= $2 and (sender = $3 or recipient = $3) order by id",
            after,
            last,
            number.as_str()
        )?;
        Ok(Some((last, found)))
    }

    pub async fn subscriber_charges(
        &self,
        number: &Msisdn,
    ) -> Result<Vec<SubscriberCharge>, Error> {
        fetch_all!(
            &self.db,
            SubscriberCharge,
            "select message_id, line, tariff_code, gross_minor, currency, charged_at, reason \
             from charge where msisdn = $1 order by id",
            number.as_str()
        )
    }

    pub async fn is_barred(&self, number: &Msisdn) -> Result<bool, Error> {
        let found = fetch_optional!(
            &self.db,
            (String,),
            "select msisdn from barred_number where msisdn = $1",
            number.as_str()
        )?;
        Ok(found.is_some())
    }

    /// Says in the audit trail that somebody took a copy of what is known of a number.
    pub async fn note_export(&self, by: &Caller, at: i64, pseudonym: &Msisdn) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::append(&mut tx, at, by, "privacy.export", pseudonym.as_str(), &json!({})).await?;
        tx.commit().await
    }

    /// Puts the pseudonym in the place of the number everywhere. Rows change in steps; a run that
    /// was cut off is simply run again.
    pub async fn forget_subscriber(
        &self,
        by: &Caller,
        at: i64,
        number: &Msisdn,
        pseudonym: &Msisdn,
    ) -> Result<Forgotten, Error> {
        let mut done =
            Forgotten { is_barred: self.is_barred(number).await?, ..Forgotten::default() };
        let mut after = i64::MIN;
        while let Some(last) = self.last_of_step(after).await? {
            let names = (number, pseudonym);
            let (messages, left) = self.forget_messages(at, names, (after, last)).await?;
            done.messages += messages;
            done.left += left;
            after = last;
        }
        let mut pen = self.thorough_pen().await?;
        let mut tx = pen.begin().await?;
        done.charges = execute!(
            &mut tx,
            "update charge set msisdn = $1 where msisdn = $2",
            pseudonym.as_str(),
            number.as_str()
        )?;
        execute!(
            &mut tx,
            "update spend set msisdn = $1 where msisdn = $2",
            pseudonym.as_str(),
            number.as_str()
        )?;
        for statement in [
            "delete from orphan_receipt where sender = $1 or recipient = $1",
            "delete from mo_part where sender = $1",
        ] {
            done.loose += execute!(&mut tx, statement, number.as_str())?;
        }
        let (complaints, open) = forget_complaints(&mut tx, number, pseudonym).await?;
        done.complaints = complaints;
        done.left += open;
        // The audit trail must not keep what it says was forgotten.
        audit::append(&mut tx, at, by, "privacy.erase", pseudonym.as_str(), &json!(done)).await?;
        tx.commit().await?;
        self.scrub().await?;
        Ok(done)
    }

    async fn forget_messages(
        &self,
        at: i64,
        (number, pseudonym): (&Msisdn, &Msisdn),
        (after, last): (i64, i64),
    ) -> Result<(u64, u64), Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from message where id > $1 and id <= $2 \
             and (sender = $3 or recipient = $3)",
            after,
            last,
            number.as_str()
        )?;
        let found = found.map_or(0, |(count,)| u64::try_from(count).unwrap_or_default());
        if found == 0 {
            return Ok((0, 0));
        }
        let mut pen = self.thorough_pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            concat!(
                "update quarantine set pdu = $1 where message_id in (select id from message \
                 where id > $2 and id <= $3 and (sender = $4 or recipient = $4) \
                 and accepted_at < $5 and state in ",
                final_states!(),
                ")"
            ),
            Vec::<u8>::new(),
            after,
            last,
            number.as_str(),
            at - YOUNG_US
        )?;
        let changed = execute!(
            &mut tx,
            concat!(
                "update message set body = $1, tlvs = null, likeness = $2, \
                 sender = case when sender = $3 then $4 else sender end, \
                 recipient = case when recipient = $3 then $4 else recipient end \
                 where id > $5 and id <= $6 and accepted_at < $7 \
                 and (sender = $3 or recipient = $3) and state in ",
                final_states!(),
                " and not exists (select 1 from lane_item i where i.message_id = message.id)"
            ),
            Vec::<u8>::new(),
            vec![0_u8; 32],
            number.as_str(),
            pseudonym.as_str(),
            after,
            last,
            at - YOUNG_US
        )?;
        tx.commit().await?;
        Ok((changed, found - changed))
    }

    /// A connection that leaves no octet of what it overwrites in the file.
    async fn thorough_pen(&self) -> Result<Pen, Error> {
        let mut pen = self.own_pen().await?;
        match &mut pen {
            Pen::Sqlite(Some(connection)) => {
                sqlx::query("pragma secure_delete = on").execute(connection).await?;
            }
            Pen::Postgres(_) => {}
            Pen::Sqlite(None) | Pen::Guest { .. } => return Err(Error::Stopped),
        }
        Ok(pen)
    }

    /// Empties what still holds the old rows: `SQLite`'s log, `PostgreSQL`'s dead rows.
    async fn scrub(&self) -> Result<(), Error> {
        match &mut self.own_pen().await? {
            // Waits for readers as long as for any lock; what they hold back stays in the log
            // until the next checkpoint that is whole.
            Pen::Sqlite(Some(connection)) => {
                sqlx::query("pragma wal_checkpoint(truncate)").execute(connection).await?;
            }
            Pen::Sqlite(None) | Pen::Guest { .. } => return Err(Error::Stopped),
            Pen::Postgres(connection) => {
                for table in SCRUBBED {
                    let statement = format!("vacuum {table}");
                    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut **connection).await?;
                }
            }
        }
        Ok(())
    }

    /// The last number of the next step; none behind the newest message.
    async fn last_of_step(&self, after: i64) -> Result<Option<i64>, Error> {
        let last = fetch_optional!(
            &self.db,
            (Option<i64>,),
            "select max(id) from (select id from message where id > $1 order by id limit $2) \
             as step",
            after,
            AT_ONCE
        )?;
        Ok(last.and_then(|(last,)| last))
    }
}

/// Complaints that are closed keep what was decided and lose who complained; the open ones stay,
/// for the law still wants an answer. Answers how many of each.
async fn forget_complaints(
    tx: &mut Tx<'_>,
    number: &Msisdn,
    pseudonym: &Msisdn,
) -> Result<(u64, u64), Error> {
    let open = fetch_in!(
        &mut *tx,
        (i64,),
        "select count(*) from complaint where msisdn = $1 and ended_at is null",
        number.as_str()
    )?;
    let mut closed = 0;
    loop {
        // One by one: what lies beside each has the number in it as well.
        let next = fetch_in!(
            &mut *tx,
            (i64,),
            "select id from complaint where msisdn = $1 and ended_at is not null \
             order by id limit 1",
            number.as_str()
        )?;
        let Some((id,)) = next else { break };
        execute!(
            &mut *tx,
            "update complaint set msisdn = $1, name = '', mail = '', address = '', story = '', \
             answer_file = null, pack_file = null, pack_copy = null, version = version + 1 \
             where id = $2",
            pseudonym.as_str(),
            id
        )?;
        forget_subject(tx, &format!("complaint:{id}")).await?;
        closed += 1;
    }
    let open = open.map_or(0, |(count,)| u64::try_from(count).unwrap_or_default());
    Ok((closed, open))
}
