//! The fake operator: a message centre on a port, for tests, load and the demonstration.
//!
//! It takes any number of binds, answers submits, sends receipts and MOs and notes all of it. It
//! routes nothing and stores nothing on disk but its journal. One task serves one connection and
//! there is no task per message, because it is also the peer of the load tests.
//!
//! What surprises: a delivery belongs to an account, not to a connection. It waits while nobody
//! is bound, moves to another bind when one breaks, and is only done when it is acknowledged.

mod delivery;
mod line;
mod script;
mod state;
mod submit;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use self::{
    delivery::{Delivery, What},
    state::{Shared, State},
};
pub use self::{
    script::{CloseAfter, Closing, IdFormat, Nack, ReceiptForm, Receipts, Rule, Script},
    state::{BoundLine, Journal, Submitted},
};
use super::subscribers::{self, Plan};
use crate::smpp::{Address, BindKind, CommandStatus, ShortMessage};

/// How long a `wait_...` waits before it says what it saw instead.
const DEADLINE: Duration = Duration::from_secs(10);
/// Ids begin here or above, so that decimal and hexadecimal never look alike.
pub(crate) const FIRST_ID: u64 = 3_000_000_001;

/// What does not change while it runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `system_id` and password of each account; empty: everybody may bind.
    pub accounts: Vec<(String, String)>,
    /// Where each event is appended.
    pub journal: Option<PathBuf>,
    /// Submits kept in memory; older ones are only counted.
    pub submits_kept: usize,
    /// Deliveries that may wait; a submit or an MO beyond is refused as queue full.
    pub deliveries_max: usize,
    /// Open connections; one more is reset.
    pub connections_max: usize,
    pub enquire_link: Duration,
    /// A `deliver_sm` unanswered for so long ends its connection and goes to the next bind.
    pub response: Duration,
    /// The TLV that carries a charge.
    pub tariff_tag: u16,
    /// Where message ids begin. One that is started again beside a store that remembers must
    /// begin above those it gave out before.
    pub first_id: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            accounts: Vec::new(),
            journal: None,
            submits_kept: 100_000,
            deliveries_max: 1_000_000,
            connections_max: 1_000,
            enquire_link: Duration::from_secs(30),
            response: Duration::from_mins(1),
            tariff_tag: 0x1d01,
            first_id: FIRST_ID,
        }
    }
}

/// The condition that did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("not seen within {DEADLINE:?}; the fake SMSC has {seen}")]
pub struct Late {
    seen: String,
}

/// The MO was not queued because too many deliveries wait.
#[derive(Debug, thiserror::Error)]
#[error("too many deliveries wait")]
pub struct Full;

/// A running message centre; it ends when this is dropped.
#[derive(Debug)]
pub struct FakeSmsc {
    shared: Arc<Shared>,
    address: SocketAddr,
    _listener: JoinSet<()>,
}

impl FakeSmsc {
    /// A polite one on a free port that lets everybody bind.
    pub async fn start() -> io::Result<Self> {
        Self::with(Options::default(), Script::default()).await
    }

    pub async fn with(options: Options, script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options, script)?);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, _listener: tasks })
    }

    /// Runs as a process of its own until `stop`; with a plan, subscribers text meanwhile.
    pub async fn run(self, plan: Option<Plan>, stop: impl Future<Output = ()>) {
        let texting = async {
            match &plan {
                Some(plan) => subscribers::text(&self, plan).await,
                None => 0,
            }
        };
        tokio::pin!(stop);
        tokio::select! {
            () = &mut stop => {}
            // All has been texted; receipts and answers still come.
            _ = texting => stop.await,
        }
        self.shared.lock().flush();
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the behaviour from now on; what is held back is looked at again.
    pub fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        let mut state = self.shared.lock();
        let result = change(&mut state.script);
        state.wake_all();
        result
    }

    /// Looks at what was seen so far.
    pub fn journal<T>(&self, look: impl FnOnce(&Journal) -> T) -> T {
        look(&self.shared.lock().journal)
    }

    /// The submits still in memory, oldest first.
    pub fn submits(&self) -> Vec<Submitted> {
        self.journal(|journal| journal.submits.iter().cloned().collect())
    }

    pub fn binds(&self) -> Vec<BoundLine> {
        self.shared.lock().binds()
    }

    /// Deliveries that wait or are unacknowledged on a live bind.
    pub fn deliveries_open(&self) -> u64 {
        self.journal(|journal| journal.deliveries_made - journal.deliveries_done)
    }

    /// Waits for something in the journal. Never polls: it looks after every change. Under
    /// tokio's paused time the deadline may fire while a socket is busy.
    pub async fn wait_until(&self, is_true: impl Fn(&Journal) -> bool) -> Result<(), Late> {
        self.wait(|state| is_true(&state.journal)).await
    }

    /// Waits until so many submits came since the start, whatever they were answered.
    pub async fn wait_for_submits(&self, count: u64) -> Result<Vec<Submitted>, Late> {
        self.wait_until(|journal| journal.submits_seen >= count).await?;
        Ok(self.submits())
    }

    /// Waits until exactly so many connections are bound.
    pub async fn wait_for_binds(&self, count: usize) -> Result<Vec<BoundLine>, Late> {
        self.wait(|state| state.binds().len() == count).await?;
        Ok(self.binds())
    }

    async fn wait(&self, is_true: impl Fn(&State) -> bool) -> Result<(), Late> {
        let mut changed = self.shared.changed.subscribe();
        let deadline = Instant::now() + DEADLINE;
        loop {
            changed.mark_unchanged();
            if is_true(&self.shared.lock()) {
                return Ok(());
            }
            if !matches!(timeout_at(deadline, changed.changed()).await, Ok(Ok(()))) {
                return Err(Late { seen: self.shared.lock().summary() });
            }
        }
    }

    /// A subscriber texts; answers with the status of the `deliver_sm_resp`, however many binds
    /// that takes.
    pub async fn mo(&self, from: &str, to: &str, text: &str) -> Result<CommandStatus, Full> {
        self.deliver(None, delivery::mo(from, to, text)).await
    }

    /// The same without waiting.
    pub fn queue_mo(&self, from: &str, to: &str, text: &str) -> Result<(), Full> {
        self.queue(None, delivery::mo(from, to, text), None)
    }

    /// Any `deliver_sm`: parts, WAP, alphabets. With an account, only its binds get it.
    pub async fn deliver(
        &self,
        account: Option<&str>,
        message: ShortMessage,
    ) -> Result<CommandStatus, Full> {
        let (tell, told) = oneshot::channel();
        self.queue(account, message, Some(tell))?;
        // The state lives as long as this handle, and with it the sender.
        Ok(told.await.unwrap_or(CommandStatus::RSYSERR))
    }

    fn queue(
        &self,
        account: Option<&str>,
        message: ShortMessage,
        tell: Option<oneshot::Sender<CommandStatus>>,
    ) -> Result<(), Full> {
        let mut state = self.shared.lock();
        let account = account.map(|name| Bytes::copy_from_slice(name.as_bytes()));
        let is_queued = state.queue(account, Instant::now(), message, What::Mo, tell);
        state.flush();
        drop(state);
        self.shared.tell_changed();
        if is_queued { Ok(()) } else { Err(Full) }
    }

    /// Sends a receipt for a submit now, in the form that the script says.
    pub fn send_receipt_for(&self, submit: &Submitted, message_state: u8) -> Result<(), Full> {
        let mut state = self.shared.lock();
        let Some(number) = submit.number else { return Ok(()) };
        let system_id = submit.system_id.clone();
        let is_queued = state.queue_receipts(
            &system_id,
            &submit.message,
            number,
            message_state,
            Instant::now(),
        );
        drop(state);
        self.shared.tell_changed();
        if is_queued { Ok(()) } else { Err(Full) }
    }

    /// Writes octets as they are to every connection.
    pub fn send_raw(&self, octets: &[u8]) {
        self.shared.lock().send_raw(octets);
    }

    /// Closes every connection; new ones are welcome.
    pub fn close_all(&self, how: Closing) {
        self.shared.lock().close_all(how);
    }

    /// An address as a subscriber's handset has it.
    pub fn subscriber(digits: &str) -> Address {
        Address::new(1, 1, digits.as_bytes().to_vec())
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut lines = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = lines.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors: the next try must not spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let is_welcome = shared.lock().script.accepts_connections;
        if !is_welcome || lines.len() >= shared.options.connections_max {
            reset(&stream);
            continue;
        }
        lines.spawn(line::Line::new(stream, peer, Arc::clone(&shared)).run());
    }
}

/// Makes the coming drop of the stream an RST.
fn reset(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "a connection will close in order instead of being reset");
    }
}
