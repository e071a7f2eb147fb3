//! Every task of the daemon: named, waited for, and missed when it dies.
//!
//! It is the one place that starts tasks. It restarts none: a task that ends by itself ends the
//! daemon, because half a gateway is worse than none. The surprise: stopping has phases, and a
//! task is told to stop when its own phase begins, not before.

mod apart;
mod phase;
mod scope;
mod signals;
mod systemd;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use phase::{Phase, Stopping};
pub use scope::{Scope, ScopeFull};
pub use signals::{Signal, Signals};
pub use systemd::{Heartbeat, Systemd};

use crate::config::Shutdown;

/// How long a task may still work after the word `hard` before it is dropped.
const HARD_PATIENCE: Duration = Duration::from_secs(1);
/// What the writer gets of the grace whatever happened before: acknowledged is acknowledged.
const WRITER_SHARE: Duration = Duration::from_secs(5);

/// The tasks of one daemon. Clones are the same tasks.
#[derive(Clone)]
pub struct Tasks(Arc<Inner>);

type ReloadHook = Box<dyn FnMut() -> anyhow::Result<String> + Send>;

struct Inner {
    phases: BTreeMap<Phase, CancellationToken>,
    hard: CancellationToken,
    /// Ends what `hard` left alone: the writer, when even its share of the grace is over.
    abort: CancellationToken,
    // A std mutex: nothing awaits while it is held.
    board: Mutex<Board>,
    /// Counts changes of the board, so that nobody sleeps through one.
    changes: watch::Sender<u64>,
    signals: tokio::sync::Mutex<Signals>,
    reload: Mutex<Option<ReloadHook>>,
    systemd: Systemd,
    bounds: BTreeMap<Phase, Duration>,
}

#[derive(Default)]
struct Board {
    next_id: u64,
    running: BTreeMap<u64, (String, Phase)>,
    /// Tasks of scopes, which come and go, by phase.
    dynamic: BTreeMap<Phase, usize>,
    ended: VecDeque<Ended>,
    is_draining: bool,
}

struct Ended {
    name: String,
    how: How,
}

enum How {
    Returned,
    Failed(anyhow::Error),
    Panicked(String),
    Dropped,
}

impl Tasks {
    /// Tasks that hear the signals of this process and speak to systemd.
    pub fn new(shutdown: &Shutdown) -> anyhow::Result<Self> {
        let signals = Signals::system().context("listening for signals")?;
        Ok(Self::with(shutdown, signals, Systemd::Notify))
    }

    /// Tasks of a test: no signals, nobody to speak to.
    pub fn for_tests() -> Self {
        Self::with(&Shutdown::default(), Signals::none(), Systemd::Silent)
    }

    pub fn with(shutdown: &Shutdown, signals: Signals, systemd: Systemd) -> Self {
        let bounds = Phase::ALL.map(|phase| (phase, phase.bound(shutdown)));
        Self(Arc::new(Inner {
            phases: Phase::ALL.map(|phase| (phase, CancellationToken::new())).into(),
            hard: CancellationToken::new(),
            abort: CancellationToken::new(),
            board: Mutex::default(),
            changes: watch::Sender::new(0),
            signals: tokio::sync::Mutex::new(signals),
            reload: Mutex::default(),
            systemd,
            bounds: bounds.into(),
        }))
    }

    /// The signal that comes first: stop taking anything new.
    pub fn stopping(&self) -> Stopping {
        self.stopping_in(Phase::Doors)
    }

    /// The signal that comes when a phase begins.
    pub fn stopping_in(&self, phase: Phase) -> Stopping {
        let token = self.0.phases.get(&phase).expect("every phase has a token");
        Stopping::new(token.clone(), self.0.hard.clone())
    }

    /// Starts a task that ends with the first phase.
    pub fn spawn(
        &self,
        name: impl Into<String>,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.spawn_in(Phase::Doors, name, work);
    }

    /// Starts a task that is waited for in `phase`; give it [`Tasks::stopping_in`] of the same.
    pub fn spawn_in(
        &self,
        phase: Phase,
        name: impl Into<String>,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        start(self.enlist(phase, name.into(), work));
    }

    /// Puts work on the board; what comes back runs it and reports its end.
    fn enlist(
        &self,
        phase: Phase,
        name: String,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let tasks = self.clone();
        let id = {
            let mut board = self.board();
            board.next_id += 1;
            let id = board.next_id;
            board.running.insert(id, (name.clone(), phase));
            id
        };
        async move {
            let how = match tasks.unless_dropped(phase, work).await {
                Some(Ok(Ok(()))) => How::Returned,
                Some(Ok(Err(error))) => How::Failed(error),
                Some(Err(panic)) => How::Panicked(panic),
                None => How::Dropped,
            };
            tasks.change(|board| {
                board.running.remove(&id);
                board.ended.push_back(Ended { name, how });
            });
        }
    }

    /// Runs work, catching its panic, until it ends or its time is over.
    async fn unless_dropped<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = T>,
    ) -> Option<Result<T, String>> {
        let over = async {
            if phase == Phase::Writer {
                self.0.abort.cancelled().await;
            } else {
                self.0.hard.cancelled().await;
                tokio::time::sleep(HARD_PATIENCE).await;
            }
        };
        tokio::select! {
            biased;
            done = caught(work) => Some(done),
            () = over => None,
        }
    }

    /// What a SIGHUP does; the text it returns is shown by `systemctl status`.
    ///
    /// The hook runs on the task that waits for signals: it may read files, not wait for peers.
    pub fn on_reload(&self, hook: impl FnMut() -> anyhow::Result<String> + Send + 'static) {
        *lock(&self.0.reload) = Some(Box::new(hook));
    }

    /// Says "ready", then waits for the word to stop. A task that ended by itself is the error.
    pub async fn until_signal_or_death(&self) -> anyhow::Result<()> {
        let mut signals = self.0.signals.lock().await;
        self.0.systemd.ready("running");
        loop {
            tokio::select! {
                biased;
                death = self.death() => return Err(death),
                signal = signals.next() => match signal {
                    Signal::Reload => self.reload(),
                    Signal::Stop => return Ok(()),
                },
            }
        }
    }

    async fn death(&self) -> anyhow::Error {
        let mut changes = self.0.changes.subscribe();
        loop {
            if let Some(Ended { name, how }) = self.board().ended.pop_front() {
                return match how {
                    How::Returned => anyhow::anyhow!("task `{name}` ended by itself"),
                    How::Failed(error) => error.context(format!("task `{name}` failed")),
                    How::Panicked(text) => anyhow::anyhow!("task `{name}` panicked: {text}"),
                    How::Dropped => anyhow::anyhow!("task `{name}` was dropped"),
                };
            }
            if changes.changed().await.is_err() {
                return anyhow::anyhow!("the board of tasks is gone");
            }
        }
    }

    fn reload(&self) {
        self.0.systemd.reloading();
        // A failed reload leaves everything as it was, so the daemon is as ready as before.
        let status = match lock(&self.0.reload).as_mut().map(|hook| hook()) {
            Some(Ok(text)) => {
                tracing::info!("reloaded: {text}");
                format!("running; reloaded: {text}")
            }
            Some(Err(error)) => {
                tracing::error!("reload refused, everything stays as it was: {error:#}");
                "running; the last reload was refused, see the log".into()
            }
            None => "running; nothing can be reloaded".into(),
        };
        self.0.systemd.ready(&status);
    }

    /// Stops everything in order, each phase within its bound and all within the grace.
    ///
    /// A second signal skips the waits but never the writer (P38). The error names what had to be
    /// dropped.
    pub async fn drain(&self, grace: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + grace;
        let share = WRITER_SHARE.min(grace / 4);
        self.board().is_draining = true;
        self.0.systemd.stopping();
        let mut signals = self.0.signals.lock().await;
        for phase in Phase::ALL {
            let bound = self.0.bounds.get(&phase).copied().unwrap_or_default();
            let until = match phase {
                Phase::Writer => end.max(Instant::now() + share),
                _ => (end - share).min(Instant::now() + bound),
            };
            self.0.systemd.status(phase.status());
            self.0.phases.get(&phase).expect("every phase has a token").cancel();
            self.drain_phase(phase, until, &mut signals).await;
        }
        self.0.hard.cancel();
        self.0.abort.cancel();
        // What was told to drop does so without waiting for anything but its last poll.
        let last = Instant::now() + HARD_PATIENCE * 2;
        tokio::select! {
            () = self.ended_in(&Phase::ALL) => {}
            () = sleep_until(last) => {}
        }
        self.verdict()
    }

    async fn drain_phase(&self, phase: Phase, until: Instant, signals: &mut Signals) {
        let phases: Vec<Phase> = Phase::ALL.into_iter().filter(|other| *other <= phase).collect();
        loop {
            tokio::select! {
                biased;
                () = self.ended_in(&phases) => return,
                () = sleep_until(until) => {
                    let names = self.running_in(phase);
                    // Links that keep silent are ordinary; the next phase need not wait for them.
                    tracing::warn!(phase = phase.name(), tasks = names, "not finished in time");
                    return;
                }
                signal = signals.next() => if signal == Signal::Stop && !self.0.hard.is_cancelled() {
                    tracing::warn!("second signal: not waiting for peers any more");
                    self.0.hard.cancel();
                },
            }
        }
    }

    async fn ended_in(&self, phases: &[Phase]) {
        let mut changes = self.0.changes.subscribe();
        loop {
            let is_empty = {
                let board = self.board();
                let none_runs = !board.running.values().any(|(_, phase)| phases.contains(phase));
                none_runs && phases.iter().all(|p| board.dynamic.get(p).is_none_or(|n| *n == 0))
            };
            if is_empty || changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn running_in(&self, last: Phase) -> String {
        let board = self.board();
        let until_last = board.running.values().filter(|(_, phase)| *phase <= last);
        let mut names: Vec<String> = until_last.map(|(name, _)| name.clone()).collect();
        let dynamic: usize =
            board.dynamic.iter().filter(|(p, _)| **p <= last).map(|(_, n)| n).sum();
        if dynamic > 0 {
            names.push(format!("{dynamic} of scopes"));
        }
        names.join(", ")
    }

    /// What went wrong while stopping.
    fn verdict(&self) -> anyhow::Result<()> {
        let still = self.running_in(Phase::Writer);
        let mut wrong: Vec<String> = Vec::new();
        if !still.is_empty() {
            wrong.push(format!("{still} did not end"));
        }
        for Ended { name, how } in std::mem::take(&mut self.board().ended) {
            match how {
                How::Returned => {}
                How::Failed(error) => wrong.push(format!("`{name}` failed: {error:#}")),
                How::Panicked(text) => wrong.push(format!("`{name}` panicked: {text}")),
                How::Dropped => wrong.push(format!("`{name}` was dropped")),
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(anyhow::anyhow!("stopping: {}", wrong.join("; ")))
        }
    }

    /// A heartbeat for the loop whose life means that the daemon lives.
    ///
    /// systemd is patted only when the loop has beaten since the last time. Not while stopping:
    /// then the loop is gone on purpose, and `TimeoutStopSec` watches instead.
    pub fn watchdog(&self) -> Heartbeat {
        let heartbeat = Heartbeat::new(self.0.systemd.watchdog());
        let (watched, systemd) = (heartbeat.clone(), self.0.systemd.clone());
        let (stopping, last) = (self.stopping(), self.stopping_in(Phase::Writer));
        self.spawn_in(Phase::Writer, "watchdog", async move {
            watched.pat(&systemd, &stopping, &last).await;
            Ok(())
        });
        heartbeat
    }

    /// One line of `systemctl status`.
    pub fn status(&self, text: &str) {
        self.0.systemd.status(text);
    }

    /// Whether the stop has begun: readiness is false from here on (P38).
    pub fn is_draining(&self) -> bool {
        self.board().is_draining
    }

    /// Names of the tasks that run, for the health page.
    pub fn names(&self) -> Vec<String> {
        self.board().running.values().map(|(name, _)| name.clone()).collect()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.0.board)
    }

    fn change(&self, change: impl FnOnce(&mut Board)) {
        change(&mut self.board());
        self.0.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts tasks; all are waited for"
)]
fn start(work: impl Future<Output = ()> + Send + 'static) {
    // The handle is not needed: the work reports its own end to the board.
    drop(tokio::spawn(work));
}

/// Runs work and turns its panic into text.
async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = Box::pin(work);
    poll_fn(move |cx| {
        // Unwind safe: after a panic the work is dropped and never looked at again.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(payload) => Poll::Ready(Err(panic_text(payload.as_ref()))),
        }
    })
    .await
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no text").to_owned()
}
