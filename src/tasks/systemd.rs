//! Word to systemd: ready, reloading, stopping, alive.
//!
//! Without systemd every word goes nowhere. The surprise: `RELOADING=1` must come with the
//! monotonic time in the same message, or systemd 253 and newer kill the service.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;

use super::{Stopping, lock};

/// Who hears the words.
#[derive(Clone, Debug)]
pub enum Systemd {
    /// The socket named in `$NOTIFY_SOCKET`, if there is one.
    Notify,
    Silent,
    /// A test, with the watchdog period it wants.
    Kept {
        words: Arc<Mutex<Vec<String>>>,
        watchdog: Option<Duration>,
    },
}

impl Systemd {
    pub(crate) fn ready(&self, status: &str) {
        self.say(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    pub(crate) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.say(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!("no monotonic time for systemd: {error}"),
        }
    }

    pub(crate) fn stopping(&self) {
        self.say(&[NotifyState::Stopping]);
    }

    pub(crate) fn status(&self, text: &str) {
        self.say(&[NotifyState::Status(text)]);
    }

    fn alive(&self) {
        self.say(&[NotifyState::Watchdog]);
    }

    /// How often systemd wants to hear from us.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        match self {
            Self::Notify => sd_notify::watchdog_enabled(),
            Self::Silent => None,
            Self::Kept { watchdog, .. } => *watchdog,
        }
    }

    fn say(&self, words: &[NotifyState<'_>]) {
        match self {
            Self::Notify => {
                if let Err(error) = sd_notify::notify(words) {
                    tracing::debug!("systemd does not listen: {error}");
                }
            }
            Self::Silent => {}
            Self::Kept { words: kept, .. } => {
                lock(kept).extend(words.iter().map(ToString::to_string));
            }
        }
    }
}

/// The pulse of one loop. Clones are the same pulse.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    has_beaten: Arc<AtomicBool>,
    period: Option<Duration>,
}

impl Heartbeat {
    pub(crate) fn new(period: Option<Duration>) -> Self {
        // The start counts as a beat: the loop may not have come round yet.
        Self { has_beaten: Arc::new(AtomicBool::new(true)), period }
    }

    /// The loop has come round.
    pub fn beat(&self) {
        self.has_beaten.store(true, Ordering::Relaxed);
    }

    /// The loop must come round at least this often, even when it has nothing to do.
    pub fn interval(&self) -> Duration {
        self.pause().unwrap_or(Duration::from_secs(5)) / 2
    }

    // A third of what systemd allows: one late pat is then no death.
    fn pause(&self) -> Option<Duration> {
        self.period.map(|period| period / 3).filter(|pause| !pause.is_zero())
    }

    pub(crate) async fn pat(&self, systemd: &Systemd, stopping: &Stopping, last: &Stopping) {
        let Some(pause) = self.pause() else {
            return last.cancelled().await;
        };
        let mut every = tokio::time::interval(pause);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_alive = true;
        loop {
            tokio::select! {
                biased;
                () = last.cancelled() => return,
                _ = every.tick() => {}
            }
            let is_alive =
                self.has_beaten.swap(false, Ordering::Relaxed) || stopping.is_cancelled();
            if is_alive {
                systemd.alive();
            } else if was_alive {
                tracing::error!(
                    "the dispatcher loop stands still; systemd will restart the daemon"
                );
            }
            was_alive = is_alive;
        }
    }
}
