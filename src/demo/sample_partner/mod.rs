//! A content provider's system as it should be: answers each MO with a charged MT, and neither
//! loses nor doubles anything by itself.
//!
//! It keeps its notes in memory and in a journal, and prints nothing. It has no store: it is the
//! gateway that is killed in the demonstration, not the partner.
//!
//! What surprises: a reply whose `submit_sm_resp` did not come is sent again with the same text
//! after the next bind, though it may have been taken. That is what real partners do, and it is
//! the gateway's promise to see that it is the same one.

mod book;
mod session;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout_at},
};

pub use self::book::Counts;
use self::book::Shared;
use crate::smpp::Version;

/// How long a `wait_until` waits.
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Options {
    pub gateway: SocketAddr,
    pub system_id: String,
    pub password: String,
    pub version: Version,
    /// How many transceiver sessions it keeps.
    pub sessions: usize,
    /// Replies in flight on each.
    pub window: usize,
    /// The first whose keyword fits answers; the keyword `*` fits everything.
    pub answers: Vec<Answer>,
    pub journal: Option<PathBuf>,
    /// The TLV that carries a charge.
    pub tariff_tag: u16,
    /// The TLV that names a service.
    pub service_tag: u16,
    /// The first and the longest pause between two tries to bind.
    pub reconnect: (Duration, Duration),
    /// A reply unanswered for so long ends the session and is sent again.
    pub response: Duration,
    /// A reply that was refused for now is sent again so much later.
    pub retry_delay: Duration,
}

impl Options {
    pub fn new(gateway: SocketAddr, system_id: &str, password: &str) -> Self {
        Self {
            gateway,
            system_id: system_id.to_owned(),
            password: password.to_owned(),
            version: Version::V34,
            sessions: 1,
            window: 10,
            answers: vec![Answer::new("*", "Thank you", None)],
            journal: None,
            tariff_tag: 0x1d01,
            service_tag: 0x1d02,
            reconnect: (Duration::from_millis(100), Duration::from_secs(5)),
            response: Duration::from_secs(30),
            retry_delay: Duration::from_secs(1),
        }
    }
}

/// What an MO that begins with a keyword is answered with.
#[derive(Debug, Clone)]
pub struct Answer {
    pub keyword: String,
    /// The tag of the MO is put behind it.
    pub text: String,
    /// Sent in the tariff TLV; none: nothing is charged.
    pub tariff: Option<String>,
    /// Sent in the service TLV, where several services share a number.
    pub service: Option<String>,
}

impl Answer {
    pub fn new(keyword: &str, text: &str, tariff: Option<&str>) -> Self {
        Self {
            keyword: keyword.to_uppercase(),
            text: text.to_owned(),
            tariff: tariff.map(str::to_owned),
            service: None,
        }
    }

    #[must_use]
    pub fn of_service(self, name: &str) -> Self {
        Self { service: Some(name.to_owned()), ..self }
    }
}

/// The counts did not become true in time.
#[derive(Debug, thiserror::Error)]
#[error("not seen within {DEADLINE:?}; the partner has {0:?}")]
pub struct Late(Counts);

/// A running partner; it hangs up when it is dropped.
#[derive(Debug)]
pub struct PartnerApp {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    sessions: JoinSet<()>,
}

impl PartnerApp {
    /// Starts its sessions; must be called within a runtime.
    pub fn start(options: Options) -> io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let count = options.sessions.clamp(1, 100);
        let shared = Arc::new(Shared::new(options)?);
        let mut sessions = JoinSet::new();
        for _ in 0..count {
            sessions.spawn(session::keep(Arc::clone(&shared), stopping.clone()));
        }
        Ok(Self { shared, stop, sessions })
    }

    /// Runs as a process of its own until `stop`, then unbinds.
    pub async fn run(options: Options, stop: impl Future<Output = ()>) -> io::Result<()> {
        let app = Self::start(options)?;
        stop.await;
        app.stop().await;
        Ok(())
    }

    /// Unbinds every session and waits for that, not for replies.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + DEADLINE;
        while let Ok(Some(_)) = timeout_at(deadline, self.sessions.join_next()).await {}
    }

    pub fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// Waits for counts; looks after every change and never polls.
    pub async fn wait_until(&self, is_true: impl Fn(&Counts) -> bool) -> Result<Counts, Late> {
        let mut changed = self.shared.changed.subscribe();
        let deadline = Instant::now() + DEADLINE;
        loop {
            changed.mark_unchanged();
            let counts = self.counts();
            if is_true(&counts) {
                return Ok(counts);
            }
            if !matches!(timeout_at(deadline, changed.changed()).await, Ok(Ok(()))) {
                return Err(Late(self.counts()));
            }
        }
    }
}
