//! Listeners of the ticket hub, and the outbox of what they are told.
//!
//! An event is written in the transaction of the ticket's step, once for each listener that wants
//! it. It knows nothing of TMF621: bodies come and go as texts. What surprises: tries and due times
//! belong to the listener and not to the event, so that a listener hears everything in the order in
//! which it happened, and one that is away holds back nobody else.

use serde_json::json;

use super::{
    Error, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::queue_mail,
};
use crate::domain::{Caller, PartnerId, TicketNews};

/// Events that wait for one listener; what comes more is counted as missed.
const WAITING_MAX: i64 = 10_000;
/// Listeners of one partner, or of the operator.
pub const LISTENERS_MAX: i64 = 10;
const LISTED_MAX: i64 = 500;
const OUTCOME_MAX: usize = 300;

/// Whose listeners hear of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Both,
    /// What the partner does not see.
    Operator,
    /// What is news for this partner alone.
    Partner,
}

/// One event as the verb made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub kind: TicketNews,
    /// The name of the event; letters, digits, `_` and `-`.
    pub event_id: String,
    /// JSON.
    pub body: String,
    /// Whose ticket it is.
    pub partner: Option<i64>,
    pub audience: Audience,
}

/// A listener to be.
#[derive(Debug, Clone)]
pub struct NewListener {
    pub id: String,
    pub partner: Option<PartnerId>,
    pub callback: String,
    pub query: String,
    pub kinds: String,
    pub sealed: Vec<u8>,
    /// What the trail may keep of the callback.
    pub origin: String,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ListenerRow {
    pub id: String,
    pub partner_id: Option<i64>,
    pub partner: Option<String>,
    pub callback: String,
    pub query: String,
    /// active, disabled
    pub state: String,
    pub attempt: i64,
    pub due_at: i64,
    pub sent: i64,
    pub missed: i64,
    pub waiting: i64,
    pub last_at: Option<i64>,
    pub last_outcome: String,
    pub made_by: String,
    pub made_at: i64,
}

/// The first event that waits for a listener.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WaitingNews {
    pub listener_id: String,
    pub partner_id: Option<i64>,
    pub callback: String,
    pub secret: Vec<u8>,
    pub attempt: i64,
    pub news_id: i64,
    pub event_id: String,
    pub body: String,
}

/// Whether a listener was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    Done,
    /// The same address with the same filter listens already.
    Taken,
    TooMany,
}

/// Writes events for everybody who wants them; call it in the transaction of what happened, after
/// the audit row.
pub(super) async fn announce(tx: &mut Tx<'_>, at: i64, all: &[News]) -> Result<(), Error> {
    for news in all {
        let kind = format!("%,{},%", news.kind);
        // Nobody's number is 0, and the operator's listeners have none.
        let partner = match news.audience {
            Audience::Operator => 0,
            Audience::Both | Audience::Partner => news.partner.unwrap_or(0),
        };
        let operator = i64::from(news.audience != Audience::Partner);
        execute!(
            &mut *tx,
            "insert into ticket_news (id, listener_id, event_id, kind, body, at) \
             select (select coalesce(max(id), 0) from ticket_news) \
             + row_number() over (order by l.id), l.id, $1, $2, $3, $4 from ticket_listener l \
             where l.state = 'active' and (l.partner_id = $5 or (l.partner_id is null and $6 = 1)) \
             and (l.kinds = '' or l.kinds like $7) \
             and (select count(*) from ticket_news w where w.listener_id = l.id) < $8",
            news.event_id.as_str(),
            news.kind.as_str(),
            news.body.as_str(),
            at,
            partner,
            operator,
            kind.as_str(),
            WAITING_MAX
        )?;
        execute!(
            &mut *tx,
            "update ticket_listener set missed = missed + 1 \
             where state = 'active' and (partner_id = $1 or (partner_id is null and $2 = 1)) \
             and (kinds = '' or kinds like $3) and not exists (select 1 from ticket_news w \
             where w.listener_id = ticket_listener.id and w.event_id = $4)",
            partner,
            operator,
            kind.as_str(),
            news.event_id.as_str()
        )?;
    }
    Ok(())
}

impl Store {
    pub async fn add_listener(
        &self,
        by: &Caller,
        at: i64,
        new: &NewListener,
    ) -> Result<Listening, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let owner = new.partner.map_or(0, |partner| partner.0);
        let detail = json!({ "partner": new.partner, "callback": new.origin, "query": new.query });
        audit::append(&mut tx, at, by, "hub.listen", &trail(&new.id), &detail).await?;
        let known = fetch_in!(
            &mut tx,
            (i64, i64),
            "select count(*), cast(coalesce(sum(case when callback = $1 and kinds = $2 \
             and state = 'active' then 1 else 0 end), 0) as bigint) from ticket_listener \
             where coalesce(partner_id, 0) = $3",
            new.callback.as_str(),
            new.kinds.as_str(),
            owner
        )?;
        match known {
            Some((_, 1..)) => return Ok(Listening::Taken),
            Some((LISTENERS_MAX.., _)) => return Ok(Listening::TooMany),
            _ => {}
        }
        execute!(
            &mut tx,
            "insert into ticket_listener (id, partner_id, callback, query, kinds, secret, state, \
             attempt, due_at, sent, missed, last_outcome, made_by, made_at) \
             values ($1, $2, $3, $4, $5, $6, 'active', 0, $7, 0, 0, '', $8, $7)",
            new.id.as_str(),
            new.partner.map(|partner| partner.0),
            new.callback.as_str(),
            new.query.as_str(),
            new.kinds.as_str(),
            new.sealed.as_slice(),
            at,
            by.to_string()
        )?;
        tx.commit().await?;
        Ok(Listening::Done)
    }

    /// Ends a listener with everything that waits for it. False: it is gone.
    pub async fn remove_listener(&self, by: &Caller, at: i64, id: &str) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::append(&mut tx, at, by, "hub.remove", &trail(id), &json!({})).await?;
        execute!(&mut tx, "delete from ticket_news where listener_id = $1", id)?;
        if execute!(&mut tx, "delete from ticket_listener where id = $1", id)? == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Listeners of one partner, or all of them, in the order in which they came.
    pub async fn listeners(&self, of: Option<PartnerId>) -> Result<Vec<ListenerRow>, Error> {
        fetch_all!(
            &self.db,
            ListenerRow,
            "select l.id, l.partner_id, p.name as partner, l.callback, l.query, l.state, \
             l.attempt, l.due_at, l.sent, l.missed, (select count(*) from ticket_news n \
             where n.listener_id = l.id) as waiting, l.last_at, l.last_outcome, l.made_by, \
             l.made_at from ticket_listener l left join partner p on p.id = l.partner_id \
             where $1 = 0 or l.partner_id = $1 order by l.made_at, l.id limit $2",
            of.map_or(0, |partner| partner.0),
            LISTED_MAX
        )
    }

    /// What waits first for every listener that is due, or for the one that is named.
    pub async fn waiting_news(
        &self,
        now: i64,
        listener: &str,
        limit: i64,
    ) -> Result<Vec<WaitingNews>, Error> {
        fetch_all!(
            &self.db,
            WaitingNews,
            "select l.id as listener_id, l.partner_id, l.callback, l.secret, l.attempt, \
             n.id as news_id, n.event_id, n.body from ticket_listener l join ticket_news n \
             on n.id = (select min(w.id) from ticket_news w where w.listener_id = l.id) \
             where l.state = 'active' and l.due_at <= $1 and ($2 = '' or l.id = $2) \
             order by l.due_at, l.id limit $3",
            now,
            listener,
            limit
        )
    }

    /// How many events wait in all.
    pub async fn count_waiting_news(&self) -> Result<i64, Error> {
        let found = fetch_optional!(&self.db, (i64,), "select count(*) from ticket_news")?;
        Ok(found.map_or(0, |(count,)| count))
    }

    /// Counts a try that begins. False: another node has it. A claim that nothing follows is over
    /// at `until`.
    pub async fn claim_news(&self, one: &WaitingNews, until: i64) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(
            &mut tx,
            "update ticket_listener set attempt = attempt + 1, due_at = $1 \
             where id = $2 and state = 'active' and attempt = $3 and due_at < $1",
            until,
            one.listener_id.as_str(),
            one.attempt
        )?;
        tx.commit().await?;
        Ok(found > 0)
    }

    /// The listener has it; the next one may follow at once.
    pub async fn news_taken(&self, one: &WaitingNews, at: i64, said: &str) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (news, listener) = (one.news_id, one.listener_id.as_str());
        let sql = "delete from ticket_news where id = $1 and listener_id = $2 and event_id = $3";
        execute!(&mut tx, sql, news, listener, one.event_id.as_str())?;
        execute!(
            &mut tx,
            "update ticket_listener set attempt = 0, due_at = $1, sent = sent + 1, last_at = $1, \
             last_outcome = $2 where id = $3 and state = 'active'",
            at,
            shortened(said),
            listener
        )?;
        tx.commit().await
    }

    /// It stays, for another try.
    pub async fn news_put_off(
        &self,
        one: &WaitingNews,
        (at, due_at): (i64, i64),
        said: &str,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "update ticket_listener set due_at = $1, last_at = $2, last_outcome = $3 \
             where id = $4 and state = 'active'",
            due_at,
            at,
            shortened(said),
            one.listener_id.as_str()
        )?;
        tx.commit().await
    }

    /// The listener is told nothing more, and what waited for it goes: texts of tickets are kept
    /// nowhere twice for longer than they are of use.
    pub async fn disable_listener(
        &self,
        at: i64,
        one: &WaitingNews,
        said: &str,
        mail: Option<&NewMail>,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let id = one.listener_id.as_str();
        let (by, detail) = (Caller::Gateway, json!({ "why": shortened(said) }));
        audit::append(&mut tx, at, &by, "hub.disable", &trail(id), &detail).await?;
        let done = execute!(
            &mut tx,
            "update ticket_listener set state = 'disabled', last_at = $1, last_outcome = $2 \
             where id = $3 and state = 'active'",
            at,
            shortened(said),
            id
        )?;
        if done == 0 {
            return Ok(());
        }
        execute!(&mut tx, "delete from ticket_news where listener_id = $1", id)?;
        if let Some(mail) = mail {
            queue_mail(&mut tx, at, mail).await?;
        }
        tx.commit().await
    }
}

fn trail(id: &str) -> String {
    format!("hub:{id}")
}

fn shortened(said: &str) -> String {
    said.chars().take(OUTCOME_MAX).collect()
}
