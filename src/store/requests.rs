//! Requests of people that made something, by the key that their client gave them.
//!
//! It leaves no audit row: what a request makes leaves its own. What surprises: the row is written
//! before the work and not with it, because the work is a verb of its own with a transaction of
//! its own; a row without an id is a request whose end nobody knows.

use super::{
    Error, Store,
    db::{execute, fetch_optional},
};
use crate::domain::UserId;

/// What is known of an earlier request with the same key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EarlierRequest {
    pub body_hash: String,
    pub what: String,
    pub made_id: Option<String>,
}

impl Store {
    /// Writes a request down before its work begins. Answers the earlier one with that key, if it
    /// is not older than `since`; of two at once one is the earlier.
    pub async fn begin_request(
        &self,
        (at, since): (i64, i64),
        person: UserId,
        (key_hash, body_hash): (&str, &str),
        what: &str,
    ) -> Result<Option<EarlierRequest>, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "delete from api_request where person_id = $1 and at < $2",
            person.0,
            since
        )?;
        let written = execute!(
            &mut tx,
            "insert into api_request (person_id, key_hash, body_hash, what, at) \
             values ($1, $2, $3, $4, $5) on conflict do nothing",
            person.0,
            key_hash,
            body_hash,
            what,
            at
        )?;
        tx.commit().await?;
        drop(pen);
        if written == 1 {
            return Ok(None);
        }
        fetch_optional!(
            &self.db,
            EarlierRequest,
            "select body_hash, what, made_id from api_request \
             where person_id = $1 and key_hash = $2",
            person.0,
            key_hash
        )
    }

    /// Notes what a request made; none takes it back, for nothing was made.
    pub async fn end_request(
        &self,
        person: UserId,
        key_hash: &str,
        made_id: Option<&str>,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        match made_id {
            Some(id) => execute!(
                &mut tx,
                "update api_request set made_id = $1 where person_id = $2 and key_hash = $3",
                id,
                person.0,
                key_hash
            )?,
            None => execute!(
                &mut tx,
                "delete from api_request where person_id = $1 and key_hash = $2",
                person.0,
                key_hash
            )?,
        };
        tx.commit().await
    }
}
