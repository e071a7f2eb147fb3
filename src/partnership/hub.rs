//! Listeners of the ticket hub: who is told of tickets, and what became of telling them.
//!
//! It posts nothing; `callback` does, with what it finds here. What surprises: the secret is given
//! out once and kept sealed, and whether an address may be posted to is asked of the guard of the
//! partners' callbacks, which lives at an edge and is handed in when the daemon starts.

use serde_json::json;
use zeroize::Zeroizing;

use super::{Error, Partnership, Signed, numbers::field, services::new_secret};
use crate::{
    domain::{NewsFilter, PartnerId, Refusal, Right, secret::hex},
    metrics,
    store::{LISTENERS_MAX, ListenerRow, Listening, NewListener, NewMail, WaitingNews},
};

const UNKNOWN: Refusal = Refusal::UnknownId("listener");
const QUERY_MAX: usize = 512;
/// Listeners that are posted to in one round.
const ROUND_MAX: i64 = 100;
/// How long a claim holds: longer than any post takes.
const CLAIM_US: i64 = 300_000_000;

/// Whether an address may be posted to, and if not why.
pub type AddressGuard = std::sync::Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// A listener that was made, with what is shown this once.
pub struct NewHub {
    pub id: String,
    pub callback: String,
    pub query: String,
    pub secret: Zeroizing<String>,
}

/// An event that waits, the first of its listener.
pub struct DueNews(WaitingNews);

impl DueNews {
    pub fn listener(&self) -> &str {
        &self.0.listener_id
    }
}

/// An event on its way to a listener.
pub struct HubPost {
    pub row: WaitingNews,
    /// `whsec_...`
    pub secret: Zeroizing<String>,
}

impl HubPost {
    /// Tries with this one.
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.row.attempt).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubAnswer {
    Taken(String),
    /// Again at this moment, microseconds UTC.
    Later(i64, String),
    /// It wants no more, or nobody was there for days.
    Over {
        is_gone: bool,
        said: String,
    },
}

impl Partnership {
    /// The same with the guard of the partners' callbacks.
    #[must_use]
    pub fn with_address_guard(self, guard: AddressGuard) -> Self {
        Self { addresses: guard, ..self }
    }

    /// Tells an address of tickets from now on: of a partner its own, of the operator all.
    pub async fn listen(
        &self,
        signed: &Signed,
        callback: &str,
        query: &str,
    ) -> Result<NewHub, Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (callback, query) = (callback.trim(), query.trim());
        (self.addresses)(callback).map_err(|why| field("callback", "address", &why))?;
        let filter = NewsFilter::parse(query).filter(|_| query.len() <= QUERY_MAX);
        let filter = filter.ok_or_else(|| {
            field(
                "query",
                "invalid",
                "must be `eventType=` and names of events with commas between",
            )
        })?;
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let id = hex(&random);
        let secret = Zeroizing::new(new_secret()?);
        let new = NewListener {
            partner: signed.partner,
            callback: callback.to_owned(),
            query: query.to_owned(),
            kinds: filter.as_list(),
            sealed: self.seal.seal(&place(&id), secret.as_bytes())?,
            origin: origin(callback),
            id,
        };
        match self.store.add_listener(&signed.caller(), self.now(), &new).await? {
            Listening::Done => {
                Ok(NewHub { id: new.id, callback: new.callback, query: new.query, secret })
            }
            Listening::Taken => Err(Refusal::Taken("listener").into()),
            Listening::TooMany => {
                let text =
                    format!("there are {LISTENERS_MAX} listeners already, which is the most");
                Err(Refusal::WrongState(text).into())
            }
        }
    }

    /// Listeners that the caller may see: of a partner its own.
    pub async fn listeners(&self, signed: &Signed) -> Result<Vec<ListenerRow>, Error> {
        self.require(signed, Right::SeeCredentials)?;
        Ok(self.store.listeners(signed.whose(None)?).await?)
    }

    pub async fn unlisten(&self, signed: &Signed, id: &str) -> Result<(), Error> {
        self.require(signed, Right::ManageCredentials)?;
        let known = self.store.listeners(signed.whose(None)?).await?;
        known.iter().find(|row| row.id == id).ok_or(UNKNOWN)?;
        let is_gone = self.store.remove_listener(&signed.caller(), self.now(), id).await?;
        if is_gone { Ok(()) } else { Err(UNKNOWN.into()) }
    }

    /// What is due, one event for each listener.
    pub async fn due_news(&self) -> Result<Vec<DueNews>, Error> {
        metrics::ticket_news_waiting(self.store.count_waiting_news().await?);
        let due = self.store.waiting_news(self.now(), "", ROUND_MAX).await?;
        Ok(due.into_iter().map(DueNews).collect())
    }

    /// What follows for a listener that took the last one.
    pub async fn next_news(&self, listener: &str) -> Result<Option<DueNews>, Error> {
        Ok(self.store.waiting_news(self.now(), listener, 1).await?.pop().map(DueNews))
    }

    /// Takes an event to post it; none if another node has it.
    pub async fn claim_news(&self, DueNews(row): DueNews) -> Result<Option<HubPost>, Error> {
        let secret = self.seal.open(&place(&row.listener_id), &row.secret)?;
        let secret = String::from_utf8(secret);
        let secret = secret.map_err(|_| Error::Broken("a secret is no text".to_owned()))?;
        let is_mine = self.store.claim_news(&row, self.now() + CLAIM_US).await?;
        Ok(is_mine.then(|| HubPost { row, secret: Zeroizing::new(secret) }))
    }

    /// Writes down how a try ended.
    pub async fn settle_news(&self, post: &HubPost, answer: &HubAnswer) -> Result<(), Error> {
        let (row, now) = (&post.row, self.now());
        match answer {
            HubAnswer::Taken(said) => self.store.news_taken(row, now, said).await?,
            HubAnswer::Later(at, said) => self.store.news_put_off(row, (now, *at), said).await?,
            HubAnswer::Over { is_gone, said } => {
                let mail = self.listener_letter(row, *is_gone).await?;
                self.store.disable_listener(now, row, said, mail.as_ref()).await?;
            }
        }
        Ok(())
    }
}

impl Partnership {
    /// To an administrator of its partner, or to the desk.
    async fn listener_letter(
        &self,
        row: &WaitingNews,
        is_gone: bool,
    ) -> Result<Option<NewMail>, Error> {
        let partner = row.partner_id.map(PartnerId);
        let told = match partner {
            Some(partner) => self.store.holder(partner, None).await?,
            None => self.fault_desk(),
        };
        let data = json!({
            "address": origin(&row.callback), "is_gone": is_gone, "link": "/listeners",
        });
        let subject = place(&row.listener_id);
        Ok(told.map(|told| told.letter("listener_disabled", data, subject, partner)))
    }
}

/// What a secret is sealed for: one of another listener does not open here.
fn place(id: &str) -> String {
    format!("hub:{id}")
}

/// Scheme and host: paths and queries may hide tokens.
pub fn origin(callback: &str) -> String {
    let begin = callback.find("://").map_or(0, |at| at + 3);
    let end = callback[begin..].find(['/', '?', '#']).map_or(callback.len(), |at| begin + at);
    callback[..end].to_owned()
}
