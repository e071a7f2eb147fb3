//! The order of a stop, and the signal a task hears.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::Shutdown;

/// What a stop waits for, in this order (P38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Listeners close, lanes stop claiming, readiness is false.
    Doors,
    /// Links wait for the responses of their SMSCs: what is given up here becomes UNKNOWN.
    Links,
    /// Sessions of partners answer what was read, unbind and close.
    Sessions,
    /// HTTP requests and callbacks that have begun end.
    Requests,
    /// The writer commits what it holds; the store closes.
    Writer,
}

impl Phase {
    pub const ALL: [Self; 5] =
        [Self::Doors, Self::Links, Self::Sessions, Self::Requests, Self::Writer];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Doors => "doors",
            Self::Links => "links",
            Self::Sessions => "sessions",
            Self::Requests => "requests",
            Self::Writer => "writer",
        }
    }

    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Doors => "stopping: closing the doors",
            Self::Links => "stopping: waiting for responses of SMSCs",
            Self::Sessions => "stopping: unbinding partners",
            Self::Requests => "stopping: finishing requests",
            Self::Writer => "stopping: writing the last records",
        }
    }

    pub(crate) const fn bound(self, shutdown: &Shutdown) -> Duration {
        match self {
            Self::Doors => Duration::from_secs(2),
            Self::Links => shutdown.links,
            Self::Sessions => shutdown.sessions,
            Self::Requests => shutdown.requests,
            Self::Writer => shutdown.grace,
        }
    }
}

/// The word to stop, as one task hears it. Clones hear the same.
#[derive(Clone, Debug)]
pub struct Stopping {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Stopping {
    pub(crate) fn new(soft: CancellationToken, hard: CancellationToken) -> Self {
        Self { soft, hard }
    }

    /// A signal of its own, for tests of a part without its daemon.
    pub fn manual() -> (Self, CancellationToken, CancellationToken) {
        let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
        (Self::new(soft.clone(), hard.clone()), soft, hard)
    }

    /// Waits for the word. Safe to drop and call again: a word once said stays said.
    pub async fn cancelled(&self) {
        tokio::select! {
            () = self.soft.cancelled() => {}
            () = self.hard.cancelled() => {}
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.soft.is_cancelled() || self.hard.is_cancelled()
    }

    /// The second level: wait for no peer any more, a second remains.
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }
}
