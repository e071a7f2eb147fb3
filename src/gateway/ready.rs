//! Whether this node takes anything, how busy it is, and whether its clock can be believed.

use std::sync::atomic::Ordering;

use super::Gateway;
use crate::metrics;

impl Gateway {
    /// From now on submits are refused and nothing is claimed (P38).
    pub fn drain(&self) {
        self.inner.is_draining.store(true, Ordering::Release);
    }

    pub fn is_draining(&self) -> bool {
        self.inner.is_draining.load(Ordering::Acquire)
    }

    /// Ready to work: not draining, store up, disk not full.
    pub fn is_ready(&self) -> bool {
        !self.is_draining()
            && self.inner.store.is_up()
            && self.inner.disk.load(Ordering::Acquire) < 2
    }

    /// Whether the wall clock is believed. It looks at the clock itself, so that a step is seen
    /// before anything is done because of it (P37).
    pub fn believes_clock(&self) -> bool {
        self.inner.clock_watch.may_expire(|_| metrics::clock_jump())
    }

    /// Somebody looked at the clock and found it right: what waited for that goes on (P37).
    pub fn confirm_clock(&self) {
        self.inner.clock_watch.confirm();
    }

    /// How busy this node is, from 0 to 100: the worst of what could stop it (S096, P25).
    pub fn congestion(&self) -> u8 {
        if !self.inner.store.is_up() || self.inner.disk.load(Ordering::Acquire) > 0 {
            return 100;
        }
        self.inner.store.congestion()
    }
}
