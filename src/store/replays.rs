//! Replays: what is asked for, how far each is, and which messages are next.
//!
//! It hands nothing over and knows no rule. What surprises: progress is no statement of its own.
//! It is written with the events of the messages that it counts (`change::Rare::ReplayProgress`),
//! so that after a crash neither is there without the other.

use serde_json::json;

use super::{
    Error, ReplayScope, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::next_id,
};
use crate::domain::{
    Caller, MessageId, PartnerId, ReplayCounts, ReplayEvent, ReplayState, SANDBOX, ids::first_at,
};

/// Replays of one page.
const PAGE_MAX: i64 = 1000;
/// A key of a request is remembered for so long, in microseconds.
const REMEMBERED: i64 = 24 * 3_600_000_000;

/// A replay that was checked and counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReplay {
    pub scope: ReplayScope,
    pub found: i64,
    /// Hashes of the request's key and of its body, by which a repeat is known.
    pub request: Option<(String, String)>,
}

/// What became of the wish for a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayStart {
    Started(i64),
    /// The same request started this one before.
    Again(i64),
    /// The request's key was used with another body.
    KeyConflict,
    /// Another one of the partner is not over.
    Open(i64),
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReplayRow {
    pub id: i64,
    pub partner_id: i64,
    pub partner: String,
    pub service_id: Option<i64>,
    pub service: Option<String>,
    pub mo: i64,
    pub receipts: i64,
    pub from_at: i64,
    pub until_at: i64,
    #[sqlx(try_from = "String")]
    pub state: ReplayState,
    pub reason: Option<String>,
    pub found: i64,
    pub sent: i64,
    pub erased: i64,
    pub unfinished: i64,
    pub refused: i64,
    pub no_way: i64,
    pub last_message_id: i64,
    pub made_by: String,
    pub made_at: i64,
    pub ended_at: Option<i64>,
    pub version: i64,
}

impl TryFrom<String> for ReplayState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or_else(|| format!("`{word}` is no state of a replay"))
    }
}

impl ReplayRow {
    pub fn counts(&self) -> ReplayCounts {
        ReplayCounts {
            sent: self.sent,
            erased: self.erased,
            unfinished: self.unfinished,
            refused: self.refused,
            no_way: self.no_way,
        }
    }

    pub fn subject(&self) -> String {
        subject(self.id)
    }
}

fn subject(id: i64) -> String {
    format!("replay:{id}")
}

macro_rules! replays {
    ($rest:literal) => {
        concat!(
            "select r.id, r.partner_id, p.name as partner, r.service_id, s.name as service, r.mo, \
             r.receipts, r.from_at, r.until_at, r.state, r.reason, r.found, r.sent, r.erased, \
             r.unfinished, r.refused, r.no_way, r.last_message_id, r.made_by, r.made_at, \
             r.ended_at, r.version from replay r join partner p on p.id = r.partner_id \
             left join service s on s.id = r.service_id ",
            $rest
        )
    };
}

impl Store {
    pub async fn replay(&self, id: i64) -> Result<Option<ReplayRow>, Error> {
        fetch_optional!(&self.db, ReplayRow, replays!("where r.id = $1"), id)
    }

    /// The newest first, those with a smaller number than `before`.
    pub async fn replays(
        &self,
        partner: Option<PartnerId>,
        state: Option<ReplayState>,
        (before, limit): (Option<i64>, u32),
    ) -> Result<Vec<ReplayRow>, Error> {
        fetch_all!(
            &self.db,
            ReplayRow,
            replays!(
                "where ($1 = 0 or r.partner_id = $1) and ($2 = '' or r.state = $2) and r.id < $3 \
                 order by r.id desc limit $4"
            ),
            partner.map_or(0, |partner| partner.0),
            state.map_or("", ReplayState::as_str),
            before.unwrap_or(i64::MAX),
            i64::from(limit).min(PAGE_MAX)
        )
    }

    /// Those that are not over, the oldest first.
    pub async fn open_replays(&self) -> Result<Vec<ReplayRow>, Error> {
        fetch_all!(
            &self.db,
            ReplayRow,
            replays!("where r.state in ('waiting', 'running') order by r.id limit $1"),
            PAGE_MAX
        )
    }

    pub async fn start_replay(
        &self,
        by: &Caller,
        at: i64,
        new: &NewReplay,
    ) -> Result<ReplayStart, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::take_turn(&mut tx).await?;
        if let Some(earlier) = earlier(&mut tx, at, new).await? {
            return Ok(earlier);
        }
        let scope = &new.scope;
        let open = fetch_in!(
            &mut tx,
            (i64,),
            "select id from replay where partner_id = $1 and state in ('waiting', 'running')",
            scope.partner.0
        )?;
        if let Some((open,)) = open {
            return Ok(ReplayStart::Open(open));
        }
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from replay").await?;
        let detail = json!({
            "partner": scope.partner.0, "service": scope.service.map(|service| service.0),
            "mo": scope.mo, "receipts": scope.receipts, "from": scope.from, "until": scope.until,
            "found": new.found,
        });
        audit::append(&mut tx, at, by, "replay.start", &subject(id), &detail).await?;
        let (key, body) = new.request.as_ref().map(|(key, body)| (&**key, &**body)).unzip();
        execute!(
            &mut tx,
            "insert into replay (id, partner_id, service_id, mo, receipts, from_at, until_at, \
             state, found, sent, erased, unfinished, refused, no_way, last_message_id, key_hash, \
             body_hash, made_by, made_at, version) values ($1, $2, $3, $4, $5, $6, $7, 'waiting', \
             $8, 0, 0, 0, 0, 0, $9, $10, $11, $12, $13, 1)",
            id,
            scope.partner.0,
            scope.service.map(|service| service.0),
            i64::from(scope.mo),
            i64::from(scope.receipts),
            scope.from,
            scope.until,
            new.found,
            first_at(scope.from).0 - 1,
            key,
            body,
            by.to_string(),
            at
        )?;
        tx.commit().await?;
        Ok(ReplayStart::Started(id))
    }

    /// Ends a replay. False: it had ended before.
    pub async fn end_replay(
        &self,
        by: &Caller,
        at: i64,
        id: i64,
        (event, reason): (ReplayEvent, Option<&str>),
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::take_turn(&mut tx).await?;
        let row = fetch_in!(&mut tx, ReplayRow, replays!("where r.id = $1"), id)?;
        let Some(row) = row else { return Ok(false) };
        let Some(state) = row.state.after(event) else { return Ok(false) };
        let detail = json!({ "reason": reason, "found": row.found, "counts": row.counts() });
        let what = format!("replay.{event}");
        audit::append(&mut tx, at, by, &what, &row.subject(), &detail).await?;
        execute!(
            &mut tx,
            "update replay set state = $1, reason = $2, ended_at = $3, version = version + 1 \
             where id = $4",
            state.as_str(),
            reason,
            at,
            id
        )?;
        tx.commit().await?;
        Ok(true)
    }

    /// Says that a replay goes, or what it waits for. False: it has ended. It is no decision of
    /// anybody and leaves no audit row.
    pub async fn turn_replay(&self, id: i64, waits_for: Option<&str>) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let state = if waits_for.is_some() { ReplayState::Waiting } else { ReplayState::Running };
        let turned = execute!(
            &mut tx,
            "update replay set state = $1, reason = $2 \
             where id = $3 and state in ('waiting', 'running')",
            state.as_str(),
            waits_for,
            id
        )?;
        tx.commit().await?;
        Ok(turned == 1)
    }

    /// The next messages of a replay. Tests are not among them: what they showed is nothing that a
    /// live system lost.
    pub async fn replay_page(&self, row: &ReplayRow, limit: i64) -> Result<Vec<MessageId>, Error> {
        let ids = fetch_all!(
            &self.db,
            (i64,),
            "select m.id from message m where m.partner_id = $1 and m.id > $2 and m.id < $3 \
             and m.link_group <> $4 and ($5 = 0 or m.service_id = $5) \
             and ((m.direction = 'mo' and $6 = 1) or (m.direction = 'mt' and $7 = 1)) \
             order by m.id limit $8",
            row.partner_id,
            row.last_message_id,
            first_at(row.until_at).0,
            SANDBOX,
            row.service_id.unwrap_or_default(),
            row.mo,
            row.receipts,
            limit
        )?;
        Ok(ids.into_iter().map(|(id,)| MessageId(id)).collect())
    }
}

/// What the same request did before. Keys that are too old are forgotten first.
async fn earlier(tx: &mut Tx<'_>, at: i64, new: &NewReplay) -> Result<Option<ReplayStart>, Error> {
    let Some((key, body)) = &new.request else { return Ok(None) };
    execute!(
        tx,
        "update replay set key_hash = null, body_hash = null \
         where partner_id = $1 and key_hash = $2 and made_at < $3",
        new.scope.partner.0,
        key.as_str(),
        at - REMEMBERED
    )?;
    let known = fetch_in!(
        tx,
        (i64, String),
        "select id, coalesce(body_hash, '') from replay where partner_id = $1 and key_hash = $2",
        new.scope.partner.0,
        key.as_str()
    )?;
    Ok(known.map(
        |(id, known)| {
            if known == *body { ReplayStart::Again(id) } else { ReplayStart::KeyConflict }
        },
    ))
}

/// Counts what was done and moves on to the last of it. What was stopped meanwhile still counts.
pub(super) async fn note_progress(
    tx: &mut Tx<'_>,
    replay: i64,
    last: MessageId,
    counts: &ReplayCounts,
) -> Result<(), Error> {
    execute!(
        tx,
        "update replay set last_message_id = $1, sent = sent + $2, erased = erased + $3, \
         unfinished = unfinished + $4, refused = refused + $5, no_way = no_way + $6 where id = $7",
        last.0,
        counts.sent,
        counts.erased,
        counts.unfinished,
        counts.refused,
        counts.no_way,
        replay
    )?;
    Ok(())
}
