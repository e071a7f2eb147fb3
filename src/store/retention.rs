//! What is forgotten, and when (S-45): texts after days, messages after years. The ledger and the
//! audit trail stay.
//!
//! What surprises: rows are found by their number alone. Numbers grow with time, so the oldest
//! rows are the first of the table, and no index on a date has to be written for every message.

use serde_json::json;

use super::{
    Error, Store, audit,
    db::{execute, fetch_optional},
};
use crate::domain::{Caller, ids::first_at};

/// Messages in one transaction: partners must not wait for the broom.
const AT_ONCE: i64 = 2000;

/// Where a round of erasing stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erasing {
    /// Texts up to this number are gone.
    after: i64,
    pub texts: u64,
    pub messages: u64,
}

impl Store {
    /// Erases texts accepted before `texts_before` and messages before `messages_before`
    /// (microseconds UTC), a page of each. Answers none when there is nothing more to erase.
    ///
    /// A message that is not final keeps its text: it may still have to be sent.
    pub async fn erase_page(
        &self,
        done: Erasing,
        texts_before: i64,
        messages_before: i64,
    ) -> Result<Option<Erasing>, Error> {
        let (texts, next) = self.erase_texts(done.after, first_at(texts_before).0).await?;
        let messages = self.delete_messages(first_at(messages_before).0).await?;
        if next.is_none() && messages == 0 {
            return Ok(None);
        }
        Ok(Some(Erasing {
            after: next.unwrap_or(done.after),
            texts: done.texts + texts,
            messages: done.messages + messages,
        }))
    }

    async fn erase_texts(&self, after: i64, before: i64) -> Result<(u64, Option<i64>), Error> {
        let page = fetch_optional!(
            &self.db,
            (Option<i64>,),
            "select max(id) from (select id from message where id > $1 and id < $2 \
             order by id limit $3) as page",
            after,
            before,
            AT_ONCE
        )?;
        let Some((Some(last),)) = page else { return Ok((0, None)) };
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let erased = execute!(
            &mut tx,
            "update message set body = $1 where id > $2 and id <= $3 and length(body) > 0 \
             and state in ('delivered', 'undeliverable', 'expired', 'rejected', 'deleted', \
             'unknown_final', 'void_unacked', 'unrouted')",
            Vec::<u8>::new(),
            after,
            last
        )?;
        tx.commit().await?;
        Ok((erased, Some(last)))
    }

    async fn delete_messages(&self, before: i64) -> Result<u64, Error> {
        let page = fetch_optional!(
            &self.db,
            (Option<i64>,),
            "select max(id) from (select id from message where id < $1 order by id limit $2) \
             as page",
            before,
            AT_ONCE
        )?;
        let Some((Some(last),)) = page else { return Ok(0) };
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(&mut tx, "delete from message_event where message_id <= $1", last)?;
        execute!(&mut tx, "delete from lane_item where message_id <= $1", last)?;
        execute!(&mut tx, "delete from quarantine where message_id <= $1", last)?;
        let deleted = execute!(&mut tx, "delete from message where id <= $1", last)?;
        tx.commit().await?;
        Ok(deleted)
    }

    /// Says in the audit trail what a round erased.
    pub async fn note_erased(&self, at: i64, done: Erasing) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "texts": done.texts, "messages": done.messages });
        audit::append(&mut tx, at, &Caller::Gateway, "retention.erase", "messages", &detail)
            .await?;
        tx.commit().await
    }
}
