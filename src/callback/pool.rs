//! Idle connections, kept for a short while because MO traffic comes in bursts of thousands and
//! a TLS handshake costs more than the callback itself.
//!
//! A bounded rack and nothing else: it neither dials nor looks whether a connection is alive.
//!
//! The surprise: no task watches the rack. A partner that closes an idle connection is noticed
//! when somebody takes it, or when `sweep` throws it away.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Idle connections of one endpoint.
    pub(super) idle_max: usize,
    /// Idle connections of all endpoints, which are open files.
    pub(super) total_max: usize,
    pub(super) idle_for: Duration,
}

#[derive(Debug)]
pub(super) struct Pool<K, C> {
    limits: Limits,
    // A std mutex, not the async one: nothing awaits while it is held.
    rack: Mutex<Rack<K, C>>,
}

#[derive(Debug)]
struct Rack<K, C> {
    idle: HashMap<K, Vec<(Instant, C)>>,
    total: usize,
}

impl<K: Eq + Hash, C> Pool<K, C> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, rack: Mutex::new(Rack { idle: HashMap::new(), total: 0 }) }
    }

    /// The connection that was used last, so that the others get old and go when traffic falls.
    pub(super) fn take(&self, key: &K, now: Instant) -> Option<C> {
        let mut rack = self.lock();
        let (since, connection) = rack.idle.get_mut(key)?.pop()?;
        rack.total -= 1;
        // The newest is too old, so the rest is as well; `sweep` will find them.
        (now.duration_since(since) < self.limits.idle_for).then_some(connection)
    }

    /// Keeps a connection, or drops it if there is no room.
    pub(super) fn put(&self, key: K, kept: C, now: Instant) {
        let mut rack = self.lock();
        if rack.total >= self.limits.total_max {
            // Old connections of partners that went quiet must not take the room of the busy.
            rack.sweep(now, self.limits.idle_for);
        }
        if rack.total >= self.limits.total_max {
            return;
        }
        let idle = rack.idle.entry(key).or_default();
        if idle.len() < self.limits.idle_max {
            idle.push((now, kept));
            rack.total += 1;
        }
    }

    /// Drops what was idle for too long.
    pub(super) fn sweep(&self, now: Instant) {
        self.lock().sweep(now, self.limits.idle_for);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().total
    }

    /// A panic elsewhere cannot leave the rack half changed: no code in here panics.
    fn lock(&self) -> MutexGuard<'_, Rack<K, C>> {
        self.rack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, C> Rack<K, C> {
    fn sweep(&mut self, now: Instant, idle_for: Duration) {
        self.idle.retain(|_, idle| {
            idle.retain(|&(since, _)| now.duration_since(since) < idle_for);
            !idle.is_empty()
        });
        self.total = self.idle.values().map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> (Pool<&'static str, u32>, Instant) {
        let limits = Limits { idle_max: 2, total_max: 3, idle_for: Duration::from_secs(30) };
        (Pool::new(limits), Instant::now())
    }

    #[test]
    fn the_last_used_connection_comes_back_first_and_only_to_its_endpoint() {
        let (pool, now) = pool();
        pool.put("a", 1, now);
        pool.put("a", 2, now);
        assert_eq!(pool.take(&"b", now), None);
        assert_eq!(pool.take(&"a", now), Some(2));
        assert_eq!(pool.take(&"a", now), Some(1));
        assert_eq!(pool.take(&"a", now), None);
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn the_rack_is_bounded_for_one_endpoint_and_for_all() {
        let (pool, now) = pool();
        for connection in 1..=9 {
            pool.put("a", connection, now);
        }
        assert_eq!(pool.len(), 2);
        pool.put("b", 10, now);
        pool.put("c", 11, now);
        assert_eq!(pool.len(), 3);
        assert_eq!(pool.take(&"c", now), None);

        let later = now + Duration::from_secs(31);
        pool.put("c", 12, later);
        assert_eq!(pool.take(&"c", later), Some(12));
    }

    #[test]
    fn a_connection_idle_for_thirty_seconds_is_not_used_again() {
        let (pool, now) = pool();
        pool.put("a", 1, now);
        pool.put("a", 2, now + Duration::from_secs(10));
        pool.sweep(now + Duration::from_secs(29));
        assert_eq!(pool.len(), 2);
        pool.sweep(now + Duration::from_secs(30));
        assert_eq!(pool.len(), 1);
        assert_eq!(pool.take(&"a", now + Duration::from_secs(40)), None);
        assert_eq!(pool.len(), 0);
    }
}
