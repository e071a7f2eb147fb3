//! Lanes in memory: a bounded head of each stored stream, and whose turn it is.
//!
//! A lane's truth is in the store; here are only its next items. When the head is full, new items
//! stay in the store and the pager brings them later, so a partner that is away for a week costs
//! a thousand items of memory and no more. Lanes that share an exit (the links of a group, the
//! sessions of a partner) take turns, a few items each, so that none starves another (P27).
//!
//! What surprises: an item that is being sent, or whose answer is not yet with its partner, stays
//! `known` here although it is in no queue. That is what keeps the pager from bringing it twice.

use std::{
    collections::{BinaryHeap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use dashmap::DashMap;
use tokio::sync::{Notify, mpsc};

use crate::domain::{GroupId, Item, ItemKey, Lane, LaneId, Mode, PartnerId, ServiceId};

/// Items that one lane gives before the next one has its turn.
const TURN: usize = 16;

/// An exit that several lanes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    Links(GroupId),
    Sessions(PartnerId, Mode),
    Callback(ServiceId),
}

impl Exit {
    pub fn of(lane: Lane) -> Self {
        match lane {
            Lane::Mt { group, .. } => Self::Links(group),
            Lane::Mo { partner, mode } | Lane::Receipt { partner, mode } => {
                Self::Sessions(partner, mode)
            }
            Lane::Callback { service } => Self::Callback(service),
        }
    }
}

/// The lanes of one exit and who waits for them.
#[derive(Debug, Default)]
pub struct Outlet {
    /// Lanes that have something ready, in turn.
    turn: Mutex<VecDeque<Arc<LaneHead>>>,
    wake: Notify,
    /// What goes a second time, once the lanes have nothing left.
    pub(super) orders: super::again::Orders,
}

impl Outlet {
    /// Completes when something may be ready. Ask for this before looking: an item that becomes
    /// ready between the look and the wait would otherwise sleep until the next one.
    pub fn woken(&self) -> tokio::sync::futures::Notified<'_> {
        self.wake.notified()
    }

    /// Wakes one consumer; used when a consumer leaves items that another could take.
    pub fn wake_another(&self) {
        self.wake.notify_one();
    }

    fn turns(&self) -> MutexGuard<'_, VecDeque<Arc<LaneHead>>> {
        // A std mutex: nothing awaits while it is held, and no holder can panic half-way.
        self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// One lane's head.
#[derive(Debug)]
pub struct LaneHead {
    pub lane: Lane,
    pub id: LaneId,
    pub outlet: Arc<Outlet>,
    /// Rows of this lane in the store.
    pub waiting: AtomicI64,
    /// Rows that went, since the start.
    pub moved: AtomicU64,
    head: Mutex<Head>,
}

#[expect(clippy::struct_excessive_bools, reason = "each says one thing about the head")]
#[derive(Debug, Default)]
struct Head {
    /// Sorted by number.
    ready: VecDeque<Item>,
    /// Numbers in `ready`, being sent, or held until their partner has its answer.
    known: HashSet<i64>,
    is_in_turn: bool,
    /// The store has more than is known here.
    is_behind: bool,
    is_paging: bool,
    /// Something was left in the store while a page was being read.
    missed: bool,
    /// Rows that went while the store was being read: what was read may still have them.
    gone: Option<HashSet<ItemKey>>,
    is_paused: bool,
}

impl Head {
    fn leave(&mut self, key: ItemKey) {
        self.known.remove(&key.seq);
        if let Some(gone) = &mut self.gone {
            gone.insert(key);
        }
    }

    /// Takes what was read from the store but what is known, or went meanwhile.
    fn take_read(&mut self, items: Vec<Item>) {
        let gone = self.gone.take().unwrap_or_default();
        for item in items {
            if !self.known.contains(&item.key.seq) && !gone.contains(&item.key) {
                insert_ready(self, item);
            }
        }
    }
}

impl LaneHead {
    fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn is_paused(&self) -> bool {
        self.head().is_paused
    }

    /// Whether something could go, or is going, at this moment; what is planned for later is not.
    pub fn has_work(&self) -> bool {
        let head = self.head();
        !head.is_paused && (head.is_behind || !head.known.is_empty())
    }

    /// Items that are being sent or whose answer is not yet with their partner.
    pub fn in_flight(&self) -> usize {
        let head = self.head();
        head.known.len().saturating_sub(head.ready.len())
    }
}

/// Every lane that was used since the start.
pub struct Lanes {
    heads: DashMap<LaneId, Arc<LaneHead>>,
    outlets: DashMap<Exit, Arc<Outlet>>,
    head_max: usize,
    pages: mpsc::Sender<LaneId>,
    planned: Mutex<BinaryHeap<std::cmp::Reverse<(i64, LaneId)>>>,
}

impl Lanes {
    /// `pages` carries the lanes that need reading to the pager.
    pub fn new(head_max: usize, pages: mpsc::Sender<LaneId>) -> Self {
        Self {
            heads: DashMap::new(),
            outlets: DashMap::new(),
            head_max,
            pages,
            planned: Mutex::default(),
        }
    }

    pub fn outlet(&self, exit: Exit) -> Arc<Outlet> {
        // Look first: `entry` would lock the shard for writing on every call.
        if let Some(outlet) = self.outlets.get(&exit) {
            return Arc::clone(&outlet);
        }
        Arc::clone(&self.outlets.entry(exit).or_default())
    }

    pub fn head(&self, lane: Lane) -> Arc<LaneHead> {
        let id = lane.id();
        if let Some(head) = self.heads.get(&id) {
            return Arc::clone(&head);
        }
        let outlet = self.outlet(Exit::of(lane));
        let fresh = || {
            Arc::new(LaneHead {
                lane,
                id,
                outlet,
                waiting: AtomicI64::new(0),
                moved: AtomicU64::new(0),
                head: Mutex::default(),
            })
        };
        Arc::clone(&self.heads.entry(id).or_insert_with(fresh))
    }

    pub fn all(&self) -> Vec<Arc<LaneHead>> {
        self.heads.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// What the store holds at the start: sizes, and that everything must be read.
    pub fn begin(&self, sizes: &[(LaneId, i64)]) {
        for (id, items) in sizes {
            let Some(lane) = Lane::of(*id) else { continue };
            let head = self.head(lane);
            head.waiting.store(*items, Ordering::Release);
            head.head().is_behind = true;
            self.page(&head);
        }
    }

    /// An item is being stored and will be pushed or held. Said before, because a page that is
    /// read between its commit and that push would bring it a second time.
    pub fn expect(&self, key: ItemKey) {
        if let Some(lane) = lane_of(key) {
            self.head(lane).head().known.insert(key.seq);
        }
    }

    /// An expected item may be in the store, and whoever stored it is gone.
    pub fn left_behind(&self, key: ItemKey) {
        let Some(lane) = lane_of(key) else { return };
        let head = self.head(lane);
        let mut state = head.head();
        state.known.remove(&key.seq);
        state.is_behind = true;
        state.missed = true;
        drop(state);
        self.page(&head);
    }

    /// A stored item is ready now.
    pub fn push(&self, item: Item) {
        let head = lane_of(item.key).map(|lane| self.head(lane));
        let Some(head) = head else { return };
        head.waiting.fetch_add(1, Ordering::AcqRel);
        self.add(&head, item, false);
    }

    /// A stored item that must not go yet: its partner has no answer so far (P5).
    pub fn hold(&self, key: ItemKey) {
        let Some(lane) = lane_of(key) else { return };
        let head = self.head(lane);
        head.waiting.fetch_add(1, Ordering::AcqRel);
        head.head().known.insert(key.seq);
    }

    /// The partner has its answer: the held item is ready.
    pub fn let_go(&self, item: Item) {
        let Some(lane) = lane_of(item.key) else { return };
        self.add(&self.head(lane), item, false);
    }

    /// Gives an item back that was taken and not sent; it keeps its place.
    pub fn put_back(&self, item: Item) {
        let Some(lane) = lane_of(item.key) else { return };
        self.add(&self.head(lane), item, true);
    }

    /// The item's row is gone, or its going is in the writer's hands.
    pub fn done(&self, key: ItemKey) {
        let Some(lane) = lane_of(key) else { return };
        let head = self.head(lane);
        head.waiting.fetch_sub(1, Ordering::AcqRel);
        head.moved.fetch_add(1, Ordering::Relaxed);
        head.head().leave(key);
    }

    /// The item's row was replaced by one that is due later.
    pub fn planned(&self, old: ItemKey, due_at: i64) {
        let Some(lane) = lane_of(old) else { return };
        self.head(lane).head().leave(old);
        self.plan(old.lane, due_at);
    }

    /// The item was a memory: the store does not have it.
    pub fn forget(&self, key: ItemKey) {
        if let Some(lane) = lane_of(key) {
            self.head(lane).head().leave(key);
        }
    }

    /// From now until `paged` or `arrived`, rows that go are remembered. The reader then waits
    /// for a commit before it reads: what went earlier is then gone in the store too.
    pub fn reading(&self, lane: Lane) {
        self.head(lane).head().gone.get_or_insert_default();
    }

    /// A lane has something that is due at a moment.
    pub fn plan(&self, lane: LaneId, due_at: i64) {
        let mut planned = self.planned.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        planned.push(std::cmp::Reverse((due_at, lane)));
    }

    /// Counts a new row that is planned for later.
    pub fn add_planned(&self, key: ItemKey) {
        if let Some(lane) = lane_of(key) {
            self.head(lane).waiting.fetch_add(1, Ordering::AcqRel);
            self.plan(key.lane, key.due_at);
        }
    }

    /// Lanes whose planned items are due, each once.
    pub fn due(&self, now: i64) -> Vec<LaneId> {
        let mut planned = self.planned.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut due = Vec::new();
        while planned.peek().is_some_and(|std::cmp::Reverse((at, _))| *at <= now) {
            let std::cmp::Reverse((_, lane)) = planned.pop().expect("peeked above");
            if due.last() != Some(&lane) {
                due.push(lane);
            }
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    /// Puts an item among the ready ones, or leaves it in the store if the head is full.
    fn add(&self, head: &Arc<LaneHead>, item: Item, is_forced: bool) {
        let mut state = head.head();
        state.known.remove(&item.key.seq);
        if !is_forced && (state.known.len() >= self.head_max || state.is_behind) {
            state.is_behind = true;
            state.missed = true;
            drop(state);
            self.page(head);
            return;
        }
        insert_ready(&mut state, item);
        self.offer(head, state);
    }

    /// Gives the lane a turn if it has none, and wakes a consumer.
    #[expect(clippy::unused_self, reason = "reads as a verb of the lanes")]
    fn offer(&self, head: &Arc<LaneHead>, mut state: MutexGuard<'_, Head>) {
        if state.is_paused || state.ready.is_empty() {
            return;
        }
        let has_turn = std::mem::replace(&mut state.is_in_turn, true);
        drop(state);
        if !has_turn {
            head.outlet.turns().push_back(Arc::clone(head));
        }
        head.outlet.wake.notify_one();
    }

    /// Takes up to `max` items from the lanes of an exit, a turn of each.
    pub fn take(&self, outlet: &Outlet, max: usize, out: &mut Vec<Item>) {
        while out.len() < max {
            let Some(head) = outlet.turns().pop_front() else { return };
            let mut state = head.head();
            if state.is_paused {
                state.is_in_turn = false;
                continue;
            }
            let count = TURN.min(max - out.len()).min(state.ready.len());
            out.extend(state.ready.drain(..count));
            let has_more = !state.ready.is_empty();
            state.is_in_turn = has_more;
            let is_low = state.is_behind && state.ready.len() < self.head_max / 4;
            drop(state);
            if has_more {
                outlet.turns().push_back(Arc::clone(&head));
            }
            if is_low {
                self.page(&head);
            }
        }
        if !outlet.turns().is_empty() {
            outlet.wake.notify_one();
        }
    }

    /// Asks the pager for the next page of a lane, once at a time.
    fn page(&self, head: &Arc<LaneHead>) {
        let mut state = head.head();
        if state.is_paging || !state.is_behind || state.ready.len() >= self.head_max / 2 {
            return;
        }
        state.is_paging = true;
        state.missed = false;
        if self.pages.try_send(head.id).is_err() {
            // The pager is busy; its sweep finds lanes that are behind.
            state.is_paging = false;
        }
    }

    /// Lanes that are behind and nobody reads: the pager's sweep.
    pub fn sweep(&self) {
        for head in self.all() {
            self.page(&head);
        }
    }

    /// The lane behind an id and how many rows a page must read: known ones come again.
    pub fn page_size(&self, id: LaneId) -> Option<(Lane, usize)> {
        let lane = Lane::of(id)?;
        let known = self.head(lane).head().known.len();
        Some((lane, known + self.head_max / 2 + 1))
    }

    /// Takes a page that was read. `is_whole`: nothing followed it in the store.
    pub fn paged(&self, lane: Lane, items: Vec<Item>, is_whole: bool) {
        let head = self.head(lane);
        let mut state = head.head();
        state.take_read(items);
        state.is_paging = false;
        if is_whole && !state.missed {
            state.is_behind = false;
        }
        let again = state.is_behind && state.ready.is_empty();
        self.offer(&head, state);
        if again {
            self.page(&head);
        }
    }

    /// Planned items that are due now.
    pub fn arrived(&self, lane: Lane, items: Vec<Item>) {
        let head = self.head(lane);
        let mut state = head.head();
        state.take_read(items);
        self.offer(&head, state);
    }

    /// Whether the item is waiting here and could be taken out: for cancel and replace. One that
    /// is not here is kept in the store until [`Self::forget`] or [`Self::done`].
    pub fn withdraw(&self, key: ItemKey) -> Withdrawn {
        let Some(lane) = lane_of(key) else { return Withdrawn::NotHere };
        let head = self.head(lane);
        let mut state = head.head();
        if state.known.insert(key.seq) {
            return Withdrawn::NotHere;
        }
        match state.ready.iter().position(|item| item.key.seq == key.seq) {
            Some(index) => {
                let item = state.ready.remove(index).expect("found above");
                Withdrawn::Taken(item)
            }
            None => Withdrawn::OnItsWay,
        }
    }

    pub fn pause(&self, lane: Lane, is_paused: bool) {
        let head = self.head(lane);
        let mut state = head.head();
        state.is_paused = is_paused;
        self.offer(&head, state);
    }
}

/// What became of an attempt to take an item out of its lane.
#[derive(Debug)]
pub enum Withdrawn {
    Taken(Item),
    /// Being sent at this moment.
    OnItsWay,
    /// Only in the store, or sent and gone.
    NotHere,
}

fn lane_of(key: ItemKey) -> Option<Lane> {
    Lane::of(key.lane)
}

fn insert_ready(state: &mut Head, item: Item) {
    state.known.insert(item.key.seq);
    let is_last = state.ready.back().is_none_or(|last| last.key.seq < item.key.seq);
    if is_last {
        state.ready.push_back(item);
    } else {
        let place = state.ready.partition_point(|other| other.key.seq < item.key.seq);
        state.ready.insert(place, item);
    }
}
