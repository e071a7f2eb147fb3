//! Requests that make something once: the verbs behind Idempotency-Key.
//!
//! They know no route. What surprises: a request whose end is not known is refused and not
//! repeated, because twice is worse than not at all; whoever asked looks first.

use super::{Error, Partnership, Signed};
use crate::domain::Refusal;

/// How long a key is remembered, in microseconds.
const REMEMBERED: i64 = 24 * 3_600_000_000;

/// What makes a repeat of a request known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// SHA-256, hex.
    pub key_hash: String,
    /// SHA-256, hex.
    pub body_hash: String,
    /// The key itself, for the words of a refusal.
    pub shown: String,
}

impl Partnership {
    /// Begins a request. The answer is the id of what an earlier one with the same key made.
    pub async fn begin_request(
        &self,
        signed: &Signed,
        key: &RequestKey,
        what: &'static str,
    ) -> Result<Option<String>, Error> {
        let now = self.now();
        let hashes = (&*key.key_hash, &*key.body_hash);
        let times = (now, now - REMEMBERED);
        let earlier = self.store.begin_request(times, signed.person, hashes, what).await?;
        let Some(earlier) = earlier else { return Ok(None) };
        if earlier.body_hash != key.body_hash || earlier.what != what {
            return Err(Refusal::IdempotencyConflict(key.shown.as_str().into()).into());
        }
        let unknown = || {
            let words = "the first request with this Idempotency-Key has not ended, or broke off";
            Error::from(Refusal::WrongState(words.to_owned()))
        };
        earlier.made_id.map(Some).ok_or_else(unknown)
    }

    /// Ends a request with the id of what it made, or with none if it was refused.
    pub async fn end_request(
        &self,
        signed: &Signed,
        key: &RequestKey,
        made: Option<&str>,
    ) -> Result<(), Error> {
        Ok(self.store.end_request(signed.person, &key.key_hash, made).await?)
    }
}
