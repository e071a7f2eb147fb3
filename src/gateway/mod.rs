//! The verbs of traffic. Each reads from top to bottom: rule, promise, then tell.
//!
//! Nobody is answered before the commit returns; that is the whole of the promise, and every verb
//! here that an answer depends on awaits it. The module knows neither PDUs nor SQL.
//!
//! What surprises: there is no hidden queue. A message is in the store, and a bounded head of
//! each lane is in memory (`lane`); the rest of this module moves things from row to row.

pub mod again;
pub mod deliver;
pub mod disk;
mod follow;
pub mod forget;
pub mod keeper;
#[cfg(test)]
mod keeper_tests;
pub mod lane;
#[cfg(test)]
mod lane_tests;
pub mod likeness;
pub mod limit;
pub mod live;
pub mod meter;
pub mod mo;
pub mod mt;
#[cfg(test)]
mod mt_tests;
mod nameless;
pub mod orphan;
pub mod parts;
mod poison;
#[cfg(test)]
mod poison_tests;
mod proof;
pub mod query;
mod ready;
pub mod receipt;
#[cfg(test)]
mod receipt_tests;
pub mod recent;
pub mod registry;
pub mod replay;
pub mod sandbox;
pub mod settings;
pub mod stall;
mod standard_word;
pub mod strays;
#[cfg(test)]
mod strays_tests;
pub mod submit;
pub mod test_link;
pub mod throttle;
mod traffic;
pub mod trail;
mod twice;
pub mod unknown;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use dashmap::DashMap;
use smol_str::SmolStr;
use tokio::sync::mpsc;

use crate::{
    clock::{Clock, ClockWatch},
    domain::{
        Caller, Catalog, GroupId, Ids, ItemKey, LaneId, MessageEvent, MessageId, Mode, Partner,
        PartnerId, Refusal, SANDBOX, ServiceId,
    },
    store::{
        self, Applied, Change, Store,
        change::{EventRow, Groups},
    },
};

/// What the store said to a verb that nobody can refuse; edges name it without knowing the store.
pub use crate::store::Error as StoreError;

pub use settings::Settings;

/// What a verb may answer instead of its result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The business says no; the caller can act on it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store says no, or cannot say anything.
    #[error("{0}")]
    Store(Arc<store::Error>),
}

impl From<Arc<store::Error>> for Error {
    fn from(error: Arc<store::Error>) -> Self {
        match error.as_ref() {
            store::Error::Full(_) => Self::Refused(Refusal::StoreFull),
            _ => Self::Store(error),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Arc::new(error).into()
    }
}

/// The core of the gateway; cheap to clone, shared by every edge.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    settings: ArcSwap<Settings>,
    catalog: ArcSwap<Catalog>,
    /// Held while the catalog is read and taken over: the one that was read first must not be the
    /// one that stays.
    reloading: tokio::sync::Mutex<()>,
    groups: ArcSwap<Groups>,
    pub(crate) lanes: lane::Lanes,
    throttles: DashMap<(PartnerId, Mode), Arc<throttle::Bucket>>,
    service_throttles: DashMap<(ServiceId, Mode), Arc<throttle::Bucket>>,
    sandboxes: sandbox::Sandboxes,
    traffic: traffic::Traffic,
    /// Turns at the store for partners of whom more waits than memory holds.
    overflown: tokio::sync::Semaphore,
    /// MT rows of each partner that no link has taken yet.
    backlogs: DashMap<PartnerId, Arc<AtomicI64>>,
    pub(crate) recent: recent::Recent,
    pub(crate) uncertain: likeness::Uncertain,
    pub(crate) parts: parts::Waiting,
    pub(crate) answers: standard_word::AnswerCounts,
    registry: registry::Registry,
    /// Held while a person's decision about one message is carried out.
    deciding: tokio::sync::Mutex<()>,
    pub(crate) stalls: stall::Stalls,
    /// To whoever posts to callbacks; none before it began.
    redeliveries: ArcSwapOption<mpsc::Sender<again::Redelivery>>,
    is_draining: AtomicBool,
    /// No new MT while the disk is nearly full; no MO either when it is worse (P35).
    pub(crate) disk: std::sync::atomic::AtomicU8,
    /// Nothing ends and nothing planned begins by a clock that is not believed (P37).
    clock_watch: ClockWatch,
}

/// The gateway's own work, to be run as a task by the daemon.
pub struct Pages(pub(crate) mpsc::Receiver<LaneId>);

impl Gateway {
    /// Puts the parts together and reads what the last run left. Nothing moves before the
    /// keeper and the edges run.
    pub async fn new(
        store: Store,
        clock: Clock,
        settings: Settings,
        groups: &[SmolStr],
    ) -> Result<(Self, Pages), store::Error> {
        let catalog = store.load_catalog().await?;
        let mut names: Vec<SmolStr> = groups.iter().cloned().chain([SANDBOX.into()]).collect();
        names.extend(catalog.services().map(|service| service.link_group.clone()));
        names.sort_unstable();
        names.dedup();
        let groups = store.group_ids(&names).await?;
        let after = store.begin_ids(clock.now()).await?;
        let (page, pages) = mpsc::channel(1024);
        let inner = Inner {
            lanes: lane::Lanes::new(settings.lane_head, page),
            ids: Ids::new(settings.node, after),
            recent: recent::Recent::new(settings.recent_max),
            uncertain: likeness::Uncertain::default(),
            parts: parts::Waiting::default(),
            answers: standard_word::AnswerCounts::default(),
            registry: registry::Registry::default(),
            deciding: tokio::sync::Mutex::default(),
            stalls: stall::Stalls::default(),
            redeliveries: ArcSwapOption::empty(),
            clock_watch: ClockWatch::new(clock.clone(), settings.clock.clone()),
            settings: ArcSwap::from_pointee(settings),
            catalog: ArcSwap::from_pointee(catalog),
            reloading: tokio::sync::Mutex::default(),
            groups: ArcSwap::from_pointee(groups),
            throttles: DashMap::new(),
            service_throttles: DashMap::new(),
            sandboxes: sandbox::Sandboxes::default(),
            traffic: traffic::Traffic::default(),
            overflown: tokio::sync::Semaphore::new(throttle::OVERFLOWN_TOGETHER),
            backlogs: DashMap::new(),
            is_draining: AtomicBool::new(false),
            disk: std::sync::atomic::AtomicU8::new(0),
            store,
            clock,
        };
        Ok((Self { inner: Arc::new(inner) }, Pages(pages)))
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.inner.catalog.load_full()
    }

    pub fn settings(&self) -> Arc<Settings> {
        self.inner.settings.load_full()
    }

    /// Takes new numbers for what is decided from now on.
    pub fn tune(&self, settings: Settings) {
        self.inner.settings.store(Arc::new(settings));
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Microseconds UTC.
    pub fn now(&self) -> i64 {
        self.inner.clock.now()
    }

    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The epoch under which this node may send over a link.
    pub async fn lease(&self, link: &str) -> Result<i64, store::Error> {
        let node = i64::from(self.settings().node);
        self.inner.store.take_lease("link", link, node, i64::MAX).await
    }

    pub fn registry(&self) -> &registry::Registry {
        &self.inner.registry
    }

    pub fn lanes(&self) -> &lane::Lanes {
        &self.inner.lanes
    }

    /// The number of a link group; none if no link and no service names it.
    pub fn group(&self, name: &str) -> Option<GroupId> {
        store::group_named(&self.inner.groups.load(), name)
    }

    pub(crate) fn group_name(&self, id: GroupId) -> SmolStr {
        self.inner
            .groups
            .load()
            .iter()
            .find(|(known, _)| *known == id)
            .map_or_else(SmolStr::default, |(_, name)| name.clone())
    }

    pub(crate) fn bucket(&self, partner: &Partner, mode: Mode) -> Arc<throttle::Bucket> {
        let limits = (partner.limits.rate, partner.limits.burst);
        throttle::bucket_of(&self.inner.throttles, (partner.id, mode), limits)
    }

    pub(crate) fn backlog(&self, partner: PartnerId) -> Arc<AtomicI64> {
        if let Some(count) = self.inner.backlogs.get(&partner) {
            return Arc::clone(&count);
        }
        Arc::clone(&self.inner.backlogs.entry(partner).or_default())
    }

    pub(crate) fn next_id(&self) -> i64 {
        self.inner.ids.next(self.now())
    }

    /// Saves a change whose new items go to their lanes right after.
    pub(crate) async fn save_with_items(
        &self,
        change: Change,
    ) -> Result<Applied, Arc<store::Error>> {
        let keys =
            change.items_in.iter().map(|item| item.key).filter(|key| key.due_at == 0).collect();
        let mut expected = Expected { lanes: &self.inner.lanes, keys };
        for key in &expected.keys {
            self.inner.lanes.expect(*key);
        }
        let outcome = self.inner.store.save(change).await;
        let keys = std::mem::take(&mut expected.keys);
        if !matches!(outcome, Ok(Applied::Done)) {
            for key in keys {
                self.inner.lanes.forget(key);
            }
        }
        outcome
    }

    /// One step of a message, as a row.
    pub(crate) fn step(
        &self,
        message: MessageId,
        event: MessageEvent,
        who: impl Into<SmolStr>,
    ) -> EventRow {
        self.note_row(message, event.as_str(), who)
    }

    /// A step that does not move the state, as a row.
    pub(crate) fn note_row(
        &self,
        message: MessageId,
        kind: &'static str,
        who: impl Into<SmolStr>,
    ) -> EventRow {
        EventRow {
            message,
            seq: self.next_id(),
            at: self.now(),
            kind,
            who: who.into(),
            link: None,
            attempt: 0,
            detail: None,
        }
    }
}

/// Items that are being stored. If nobody waits for the commit any more (a request was dropped),
/// nobody will push them either: then the store must be read.
struct Expected<'g> {
    lanes: &'g lane::Lanes,
    keys: smallvec::SmallVec<[ItemKey; 2]>,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        for key in &self.keys {
            self.lanes.left_behind(*key);
        }
    }
}

/// The word for "the gateway by itself" in event rows.
pub(crate) fn by_itself() -> SmolStr {
    smol_str::ToSmolStr::to_smolstr(&Caller::Gateway)
}
