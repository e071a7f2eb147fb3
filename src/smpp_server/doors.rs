//! Who may come in: places by address, unbound places, the rate of binds, the places of an
//! account. Every place is given back when its holder is dropped, so an abrupt end frees it (S030).

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use smol_str::SmolStr;
use tokio::sync::Notify;

use crate::gateway::throttle::Bucket;

/// Failures remembered at once; a flood of made-up names must not grow memory.
const FAILURES_MAX: usize = 10_000;

/// Counters of places; one for all listeners.
#[derive(Debug)]
pub(crate) struct Doors {
    by_address: DashMap<IpAddr, u32>,
    per_address: u32,
    unbound: Arc<AtomicU32>,
    unbound_max: u32,
    binds: Bucket,
    accounts: DashMap<SmolStr, Arc<Account>>,
    failures: DashMap<(SmolStr, IpAddr), u32>,
}

/// The sessions of one `system_id`.
#[derive(Debug, Default)]
pub(crate) struct Account {
    bound: AtomicU32,
    /// Fires when a place is given back.
    pub(crate) freed: Notify,
}

/// A connection from an address.
#[derive(Debug)]
pub(crate) struct AddressPlace {
    doors: Arc<Doors>,
    address: IpAddr,
}

/// A connection that has not bound yet.
#[derive(Debug)]
pub(crate) struct UnboundPlace(Arc<AtomicU32>);

/// A bind of an account.
#[derive(Debug)]
pub(crate) struct BindPlace(Arc<Account>);

impl Doors {
    pub(crate) fn new(settings: &crate::config::SmppServer) -> Self {
        Self {
            by_address: DashMap::new(),
            per_address: settings.connections_per_address,
            unbound: Arc::default(),
            unbound_max: settings.unbound_max,
            binds: Bucket::new(settings.bind_rate, settings.bind_rate),
            accounts: DashMap::new(),
            failures: DashMap::new(),
        }
    }

    /// A place for a new connection; none is the reason why not, a metric label.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
    ) -> Result<(AddressPlace, UnboundPlace), &'static str> {
        let unbound = UnboundPlace(Arc::clone(&self.unbound));
        if self.unbound.fetch_add(1, Ordering::AcqRel) >= self.unbound_max {
            return Err("unbound_max");
        }
        let mut count = self.by_address.entry(address).or_default();
        if *count >= self.per_address {
            return Err("connections_per_address");
        }
        *count += 1;
        drop(count);
        Ok((AddressPlace { doors: Arc::clone(self), address }, unbound))
    }

    /// Whether a bind may be looked at now (P34).
    pub(crate) fn admits_bind(&self, now: i64) -> bool {
        self.binds.take(now).is_ok()
    }

    pub(crate) fn account(&self, system_id: &SmolStr) -> Arc<Account> {
        if let Some(account) = self.accounts.get(system_id) {
            return Arc::clone(&account);
        }
        Arc::clone(&self.accounts.entry(system_id.clone()).or_default())
    }

    /// Remembers a failed bind and answers how many there were in a row from this address. Others
    /// that use the same name from elsewhere are not held up by it (S-34).
    pub(crate) fn failed(&self, system_id: &SmolStr, address: IpAddr) -> u32 {
        if self.failures.len() >= FAILURES_MAX {
            self.failures.clear();
        }
        let mut count = self.failures.entry((system_id.clone(), address)).or_default();
        *count = count.saturating_add(1);
        *count
    }

    pub(crate) fn succeeded(&self, system_id: &SmolStr, address: IpAddr) {
        self.failures.remove(&(system_id.clone(), address));
    }
}

impl Account {
    /// A place among at most `max`.
    pub(crate) fn take(self: &Arc<Self>, max: u32) -> Option<BindPlace> {
        self.bound
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |bound| {
                (bound < max).then_some(bound + 1)
            })
            .ok()
            .map(|_| BindPlace(Arc::clone(self)))
    }

    /// A place, or one that is freed within `patience`.
    pub(crate) async fn take_within(
        self: &Arc<Self>,
        max: u32,
        patience: Duration,
    ) -> Option<BindPlace> {
        let waiting = async {
            loop {
                let freed = self.freed.notified();
                if let Some(place) = self.take(max) {
                    return place;
                }
                freed.await;
            }
        };
        tokio::time::timeout(patience, waiting).await.ok()
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let left = self.doors.by_address.get_mut(&self.address).map(|mut count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == Some(0) {
            self.doors.by_address.remove_if(&self.address, |_, count| *count == 0);
        }
    }
}

impl Drop for UnboundPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for BindPlace {
    fn drop(&mut self) {
        self.0.bound.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_waiters();
    }
}
