//! `[replay]`: how much of what a partner was given it may have again, and how fast.
//!
//! What surprises: the pace is one for all partners. A replay has time; what comes for the first
//! time has none.

use std::time::Duration;

use super::machine::{days, secs};
use super::range::{between, lasting};
use super::walk::section;

section! {
    /// Handing over again what a partner lost.
    pub struct Replay {
        /// Messages a second, of all replays together.
        live rate: u32 = 100, between(1, 100_000);
        /// How long a replay waits for a partner that takes nothing; then it has failed.
        live wait: Duration = secs(3600), lasting(secs(10), days(7));
        /// The longest window. A text that is erased (`retention.text`) cannot be had again.
        fixed window_max: Duration = days(31), lasting(secs(60), days(366));
        /// Messages in one window, wanted or not.
        fixed messages_max: u32 = 100_000, between(1, 10_000_000);
    }
}
