//! Replays: a partner has what it was given in a window of time handed over to it again (D8).
//!
//! The gateway carries them out (`gateway::replay`); here is decided what may be had again. Beside
//! people a partner's own systems ask, by their key. What surprises: a window that is too old for
//! texts may still be good for receipts, which carry none.

use super::{Error, Partnership, RequestKey, Signed, access::whose};
use crate::{
    config::Settings,
    domain::{
        Caller, PartnerId, Refusal, ReplayCounts, ReplayEvent, ReplayState, Right, ServiceId,
        refusal::FieldFault,
    },
    store::{NewReplay, ReplayRow, ReplayScope, ReplayStart},
};

const UNKNOWN: Refusal = Refusal::UnknownId("replay");

/// How much may be had again.
#[derive(Debug, Clone)]
pub struct ReplayRules {
    /// The longest window, in microseconds.
    pub window_max: i64,
    /// Messages in a window, wanted or not.
    pub messages_max: i64,
    /// How long texts are kept, in microseconds.
    pub texts_kept: i64,
}

impl Default for ReplayRules {
    fn default() -> Self {
        Self::from_settings(&Settings::default())
    }
}

impl ReplayRules {
    pub fn from_settings(settings: &Settings) -> Self {
        Self {
            window_max: super::micros(settings.replay.window_max),
            messages_max: i64::from(settings.replay.messages_max),
            texts_kept: super::micros(settings.retention.text),
        }
    }
}

/// What somebody wants to have again.
#[derive(Debug, Clone, Default)]
pub struct ReplayWish {
    /// Whose it is, of the staff alone.
    pub partner: Option<PartnerId>,
    pub service: Option<ServiceId>,
    pub mo: bool,
    pub receipts: bool,
    /// Accepted at or after, in microseconds UTC.
    pub from: i64,
    /// Accepted before; none is until now.
    pub until: Option<i64>,
}

/// What a replay would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayPreview {
    pub scope: ReplayScope,
    pub counts: ReplayCounts,
}

/// Which replays of a list.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayFilter {
    /// Of the staff alone.
    pub partner: Option<PartnerId>,
    pub state: Option<ReplayState>,
    /// Those with a smaller number.
    pub before: Option<i64>,
    pub limit: u32,
}

impl Partnership {
    /// Counts before anything is begun.
    pub async fn preview_replay(
        &self,
        signed: &Signed,
        wish: &ReplayWish,
    ) -> Result<ReplayPreview, Error> {
        self.require(signed, Right::RedeliverMessages)?;
        let (partner, _) = whose(signed, wish.partner)?;
        self.preview_replay_of(partner, wish).await
    }

    /// The same for a partner's own system.
    pub async fn preview_replay_of(
        &self,
        partner: PartnerId,
        wish: &ReplayWish,
    ) -> Result<ReplayPreview, Error> {
        let scope = self.checked_replay(partner, wish).await?;
        let most = self.replays.messages_max;
        let counts = self.store.count_replay(&scope, most).await?;
        let counts = counts.ok_or_else(|| {
            let detail = format!("the window has more than {most} messages; choose a shorter one");
            wrong(FieldFault {
                params: vec![("name", most.to_string())],
                ..FieldFault::new("until", "too_many", detail)
            })
        })?;
        Ok(ReplayPreview { scope, counts })
    }

    /// Starts a replay, once for each request; the answer is its row.
    pub async fn start_replay(
        &self,
        signed: &Signed,
        wish: &ReplayWish,
        request: Option<RequestKey>,
    ) -> Result<(ReplayRow, bool), Error> {
        self.require(signed, Right::RedeliverMessages)?;
        let (partner, _) = whose(signed, wish.partner)?;
        self.start_replay_of(&signed.caller(), partner, wish, request).await
    }

    /// The same for a partner's own system. The second half of the answer: the same request
    /// started it before.
    pub async fn start_replay_of(
        &self,
        by: &Caller,
        partner: PartnerId,
        wish: &ReplayWish,
        request: Option<RequestKey>,
    ) -> Result<(ReplayRow, bool), Error> {
        let preview = self.preview_replay_of(partner, wish).await?;
        let shown = request.as_ref().map(|key| key.shown.clone()).unwrap_or_default();
        let new = NewReplay {
            scope: preview.scope,
            found: preview.counts.total(),
            request: request.map(|key| (key.key_hash, key.body_hash)),
        };
        let (id, is_again) = match self.store.start_replay(by, self.now(), &new).await? {
            ReplayStart::Started(id) => (id, false),
            ReplayStart::Again(id) => (id, true),
            ReplayStart::KeyConflict => {
                return Err(Refusal::IdempotencyConflict(shown.as_str().into()).into());
            }
            ReplayStart::Open(id) => {
                return Err(Refusal::WrongState(format!("replay {id} is not over yet")).into());
            }
        };
        Ok((self.store.replay(id).await?.ok_or(UNKNOWN)?, is_again))
    }

    /// Stops a replay; what was handed over stays handed over.
    pub async fn stop_replay(&self, signed: &Signed, id: i64) -> Result<ReplayRow, Error> {
        self.require(signed, Right::RedeliverMessages)?;
        let row = self.reached_replay(id, |owner| signed.reaches(Some(owner))).await?;
        self.stop_reached(&signed.caller(), &row).await
    }

    pub async fn stop_replay_of(
        &self,
        by: &Caller,
        partner: PartnerId,
        id: i64,
    ) -> Result<ReplayRow, Error> {
        let row = self.reached_replay(id, |owner| owner == partner).await?;
        self.stop_reached(by, &row).await
    }

    /// One with its progress. Another partner's is unknown (S-20).
    pub async fn replay(&self, signed: &Signed, id: i64) -> Result<ReplayRow, Error> {
        self.require(signed, Right::SeeTraffic)?;
        self.reached_replay(id, |owner| signed.reaches(Some(owner))).await
    }

    pub async fn replay_of(&self, partner: PartnerId, id: i64) -> Result<ReplayRow, Error> {
        self.reached_replay(id, |owner| owner == partner).await
    }

    /// A page of replays, the newest first: of a partner its own.
    pub async fn replays(
        &self,
        signed: &Signed,
        filter: &ReplayFilter,
    ) -> Result<Vec<ReplayRow>, Error> {
        self.require(signed, Right::SeeTraffic)?;
        let partner = signed.partner.or(filter.partner);
        Ok(self.store.replays(partner, filter.state, (filter.before, filter.limit)).await?)
    }

    pub async fn replays_of(
        &self,
        partner: PartnerId,
        filter: &ReplayFilter,
    ) -> Result<Vec<ReplayRow>, Error> {
        let page = (filter.before, filter.limit);
        Ok(self.store.replays(Some(partner), filter.state, page).await?)
    }

    async fn reached_replay(
        &self,
        id: i64,
        is_reached: impl Fn(PartnerId) -> bool + Send,
    ) -> Result<ReplayRow, Error> {
        let row = self.store.replay(id).await?;
        Ok(row.filter(|row| is_reached(PartnerId(row.partner_id))).ok_or(UNKNOWN)?)
    }

    async fn stop_reached(&self, by: &Caller, row: &ReplayRow) -> Result<ReplayRow, Error> {
        if !self.store.end_replay(by, self.now(), row.id, (ReplayEvent::Stop, None)).await? {
            return Err(Refusal::WrongState("it is over already".to_owned()).into());
        }
        Ok(self.store.replay(row.id).await?.ok_or(UNKNOWN)?)
    }

    /// What can be had again of what is asked for.
    async fn checked_replay(
        &self,
        partner: PartnerId,
        wish: &ReplayWish,
    ) -> Result<ReplayScope, Error> {
        let (has_partner, has_service) = self.store.can_be_replayed(partner, wish.service).await?;
        if !has_partner {
            return Err(Refusal::UnknownId("partner").into());
        }
        let now = self.now();
        let until = wish.until.unwrap_or(now);
        let mut faults = Vec::new();
        let mut fault =
            |field, code, detail: &str| faults.push(FieldFault::new(field, code, detail));
        if !wish.mo && !wish.receipts {
            fault("kinds", "missing", "choose mo, receipt, or both");
        }
        if !has_service {
            fault("service", "unknown", "is none of the partner's services");
        }
        if until > now {
            fault("until", "future", "must not be in the future");
        }
        if wish.from >= until {
            fault("from", "order", "must be before the end");
        } else if until.saturating_sub(wish.from) > self.replays.window_max {
            fault("from", "too_long", "the window is longer than it may be");
        }
        if wish.mo && wish.from < now - self.replays.texts_kept {
            fault("from", "erased", "texts of that time are erased; ask for receipts alone");
        }
        if !faults.is_empty() {
            return Err(Refusal::FieldErrors(faults).into());
        }
        let (service, mo, receipts) = (wish.service, wish.mo, wish.receipts);
        Ok(ReplayScope { partner, service, mo, receipts, from: wish.from, until })
    }
}

fn wrong(fault: FieldFault) -> Refusal {
    Refusal::FieldErrors(vec![fault])
}
