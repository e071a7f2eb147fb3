//! Whether this node takes anything, and how busy it is.

use std::sync::atomic::Ordering;

use super::Gateway;

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

    /// Expiry pauses while the clock is in doubt (P37).
    pub fn doubt_clock(&self, is_in_doubt: bool) {
        self.inner.clock_in_doubt.store(is_in_doubt, Ordering::Release);
    }

    /// How busy this node is, from 0 to 100: the worst of what could stop it (S096, P25).
    pub fn congestion(&self) -> u8 {
        if !self.inner.store.is_up() || self.inner.disk.load(Ordering::Acquire) > 0 {
            return 100;
        }
        self.inner.store.congestion()
    }
}
