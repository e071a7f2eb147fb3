//! Who is connected now: partners' sessions and our links, as status pages and commands see them.
//!
//! The edges put a card here when something begins and take it away when it ends. Whoever wants
//! to act on a session or link sends an order through its card; nobody reaches into an edge.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use smol_str::SmolStr;
use tokio::sync::{Notify, mpsc};

use super::meter::Meter;
use crate::domain::{Mode, PartnerId};

/// What can be asked of a session from outside.
#[derive(Debug)]
pub enum SessionOrder {
    /// Unbind and close; the text goes to the log.
    Kick(String),
    /// Send a line for every PDU until the receiver is gone.
    Trace(mpsc::Sender<TraceLine>),
    /// Somebody else wants the place: show a sign of life or go (P33).
    Probe,
    /// The handset of this subscriber is back (S121, S139).
    Alert(SmolStr),
}

/// One PDU as a trace shows it: never a text, never a password, numbers masked.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TraceLine {
    /// Microseconds UTC.
    pub at: i64,
    /// `in` or `out`.
    pub direction: &'static str,
    pub command: &'static str,
    pub status: String,
    pub sequence: u32,
    pub summary: String,
}

/// Counters that a session keeps while it lives.
#[derive(Debug, Default)]
pub struct SessionCounters {
    pub submitted: AtomicU64,
    pub refused: AtomicU64,
    pub delivered: AtomicU64,
    pub window_in_use: AtomicU32,
    pub last_heard_at: AtomicI64,
    /// Of those refused, for going over a rate.
    pub throttled: AtomicU64,
    /// Requests of the last seconds, refused ones too.
    pub meter: Meter,
    pub last_error: ArcSwap<Option<SeenError>>,
}

impl SessionCounters {
    /// The word of what went wrong last, and when.
    pub fn failed(&self, code: &str, at: i64) {
        self.last_error.store(Arc::new(Some(SeenError { code: code.into(), at })));
    }
}

/// What went wrong last with a session or an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenError {
    /// A word of our own or of the protocol, never a text of the peer.
    pub code: SmolStr,
    /// Microseconds UTC.
    pub at: i64,
}

/// What is remembered of an SMPP account while it is not bound.
#[derive(Debug, Clone, Default)]
pub struct SeenAccount {
    /// When its last session ended; 0 if it had none since the start.
    pub left_at: i64,
    pub error: Option<SeenError>,
}

/// A bound session of a partner.
#[derive(Debug)]
pub struct SessionCard {
    pub id: u64,
    pub partner: PartnerId,
    pub partner_name: SmolStr,
    pub system_id: SmolStr,
    /// A test session never meets a live message, nor the other way round.
    pub mode: Mode,
    /// `transmitter`, `receiver` or `transceiver`.
    pub kind: &'static str,
    /// `3.3`, `3.4` or `5.0`.
    pub version: &'static str,
    pub peer: SocketAddr,
    /// `1.2` or `1.3`; empty in the clear.
    pub tls_version: &'static str,
    /// Microseconds UTC.
    pub bound_at: i64,
    pub window: u32,
    pub rate: u32,
    pub counters: SessionCounters,
    pub orders: mpsc::Sender<SessionOrder>,
    /// It was told to go, because its account may not stay.
    pub is_sent_away: AtomicBool,
}

impl SessionCard {
    /// A name that no other session has, before a restart or after it: numbers begin anew then.
    pub fn name(&self) -> SmolStr {
        smol_str::format_smolstr!("{}-{}", self.id, self.bound_at)
    }

    /// Whether deliveries of this partner and mode can go to it.
    pub fn receives(&self, partner: PartnerId, mode: Mode) -> bool {
        self.partner == partner && self.mode == mode && self.kind != "transmitter"
    }

    /// Tells the session to go, once. One too busy for the order is told the next time.
    pub(super) fn send_away(&self, why: &str) {
        if !self.is_sent_away.load(Ordering::Acquire)
            && self.orders.try_send(SessionOrder::Kick(why.to_owned())).is_ok()
        {
            self.is_sent_away.store(true, Ordering::Release);
        }
    }
}

/// What a link saw of its operator, and what its settings should be instead.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct LinkHabits {
    /// Ids in answers that are remembered.
    pub answers: usize,
    /// Receipts that are remembered, and those of them that name one of the answers.
    pub receipts: usize,
    pub matched: usize,
    /// Texts that tell alphabets apart.
    pub texts: usize,
    pub advice: Vec<LinkAdvice>,
}

/// One setting that contradicts what was seen.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LinkAdvice {
    pub seen: String,
    /// Keys of `[[smsc_link]]` with their values.
    pub set: String,
}

/// A configured link, up or not.
#[derive(Debug)]
pub struct LinkCard {
    pub name: SmolStr,
    pub group: SmolStr,
    pub address: String,
    pub binds: u32,
    pub window: AtomicU32,
    pub rate: AtomicU32,
    /// Long messages go in one piece, so that one receipt is all of them.
    pub sends_whole: AtomicBool,
    /// An operator may take a link down; it stays down until told otherwise.
    pub is_wanted: AtomicBool,
    /// Fires when `is_wanted` changes or a limit is retuned.
    pub changed: Notify,
    pub bound: AtomicU32,
    pub in_flight: AtomicU32,
    pub submitted: AtomicU64,
    pub received: AtomicU64,
    pub since: AtomicI64,
    /// Messages that it took in the last seconds.
    pub meter: Meter,
    pub last_error: ArcSwap<Option<String>>,
    /// When that was, microseconds UTC.
    pub last_error_at: AtomicI64,
    /// What holds the link back now (D35).
    pub binding_limit: ArcSwap<&'static str>,
    pub habits: ArcSwap<LinkHabits>,
    pub traces: DashMap<u64, mpsc::Sender<TraceLine>>,
}

impl LinkCard {
    pub fn new(name: SmolStr, group: SmolStr, address: String, binds: u32) -> Self {
        Self {
            name,
            group,
            address,
            binds,
            window: AtomicU32::new(10),
            rate: AtomicU32::new(0),
            sends_whole: AtomicBool::new(false),
            is_wanted: AtomicBool::new(true),
            changed: Notify::new(),
            bound: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            submitted: AtomicU64::new(0),
            received: AtomicU64::new(0),
            since: AtomicI64::new(0),
            meter: Meter::default(),
            last_error: ArcSwap::from_pointee(None),
            last_error_at: AtomicI64::new(0),
            binding_limit: ArcSwap::from_pointee("absent"),
            habits: ArcSwap::default(),
            traces: DashMap::new(),
        }
    }

    /// Takes new limits.
    pub fn retune(&self, window: u32, rate: u32) {
        self.window.store(window, Ordering::Release);
        self.rate.store(rate, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub fn failed(&self, error: String, at: i64) {
        self.last_error.store(Arc::new(Some(error)));
        self.last_error_at.store(at, Ordering::Relaxed);
    }

    /// `down` is what somebody wanted; `broken` is what nobody wanted.
    pub fn state(&self) -> &'static str {
        let is_wanted = self.is_wanted.load(Ordering::Acquire);
        let bound = self.bound.load(Ordering::Relaxed);
        match (is_wanted, bound) {
            (true, 0) => "broken",
            (true, some) if some < self.binds => "partly",
            (true, _) => "up",
            (false, 0) => "down",
            (false, _) => "closing",
        }
    }

    /// Takes the link up or down.
    pub fn want(&self, is_wanted: bool) {
        self.is_wanted.store(is_wanted, Ordering::Release);
        self.changed.notify_waiters();
    }
}

/// Everything that is connected, or should be.
#[derive(Debug, Default)]
pub struct Registry {
    sessions: DashMap<u64, Arc<SessionCard>>,
    links: DashMap<SmolStr, Arc<LinkCard>>,
    next_session: AtomicU64,
    /// By `system_id`; only of those that the catalog knows.
    accounts: DashMap<SmolStr, SeenAccount>,
    /// Who asked to be told when a subscriber's handset is back.
    alerts: DashMap<SmolStr, Vec<PartnerId>>,
}

/// Wishes for an alert remembered at once; they are a courtesy, and are forgotten first.
const ALERTS_MAX: usize = 10_000;

impl Registry {
    /// A number for a new session, unique since the start of the process.
    pub fn next_session(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn session_began(&self, card: Arc<SessionCard>) {
        self.sessions.insert(card.id, card);
    }

    pub fn session_ended(&self, id: u64, at: i64) {
        let Some((_, card)) = self.sessions.remove(&id) else { return };
        let mut account = self.accounts.entry(card.system_id.clone()).or_default();
        account.left_at = at;
        if let Some(error) = card.counters.last_error.load().as_ref() {
            account.error = Some(error.clone());
        }
    }

    /// A bind of a known account was turned away. Whoever guesses names must not fill the memory.
    pub fn bind_refused(&self, system_id: &SmolStr, code: &str, at: i64) {
        let mut account = self.accounts.entry(system_id.clone()).or_default();
        account.error = Some(SeenError { code: code.into(), at });
    }

    /// What is remembered of an account.
    pub fn account(&self, system_id: &str) -> SeenAccount {
        self.accounts.get(system_id).map(|account| account.clone()).unwrap_or_default()
    }

    /// The session of a name that [`SessionCard::name`] gave.
    pub fn session_named(&self, name: &str) -> Option<Arc<SessionCard>> {
        let id = name.split_once('-')?.0.parse().ok()?;
        self.session(id).filter(|card| card.name() == name)
    }

    pub fn session(&self, id: u64) -> Option<Arc<SessionCard>> {
        self.sessions.get(&id).map(|card| Arc::clone(&card))
    }

    /// Every bound session, oldest first.
    pub fn sessions(&self) -> Vec<Arc<SessionCard>> {
        let mut cards: Vec<_> = self.sessions.iter().map(|entry| Arc::clone(&entry)).collect();
        cards.sort_by_key(|card| card.id);
        cards
    }

    /// Whether deliveries can go to a partner now.
    pub fn has_receiver(&self, partner: PartnerId, mode: Mode) -> bool {
        self.sessions.iter().any(|card| card.receives(partner, mode))
    }

    /// Remembers that a partner wants an `alert_notification` for a subscriber (S121).
    pub fn wants_alert(&self, partner: PartnerId, subscriber: &crate::domain::Msisdn) {
        if self.alerts.len() >= ALERTS_MAX {
            self.alerts.clear();
        }
        let mut wishes = self.alerts.entry(subscriber.as_str().into()).or_default();
        if !wishes.contains(&partner) {
            wishes.push(partner);
        }
    }

    /// Tells whoever asked that a handset is back; one session of each partner (S139).
    pub fn alert(&self, subscriber: &str) {
        let Some((subscriber, partners)) = self.alerts.remove(subscriber) else { return };
        for partner in partners {
            let receives = |card: &&Arc<SessionCard>| card.receives(partner, Mode::Live);
            if let Some(card) = self.sessions().iter().find(receives) {
                // A session too busy for an order misses it; nothing hangs on an alert.
                drop(card.orders.try_send(SessionOrder::Alert(subscriber.clone())));
            }
        }
    }

    pub fn add_link(&self, card: Arc<LinkCard>) {
        self.links.insert(card.name.clone(), card);
    }

    pub fn link(&self, name: &str) -> Option<Arc<LinkCard>> {
        self.links.get(name).map(|card| Arc::clone(&card))
    }

    pub fn links(&self) -> Vec<Arc<LinkCard>> {
        let mut cards: Vec<_> = self.links.iter().map(|entry| Arc::clone(&entry)).collect();
        cards.sort_by(|one, other| one.name.cmp(&other.name));
        cards
    }
}
