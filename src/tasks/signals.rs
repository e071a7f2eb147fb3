//! The signals of the process, or those that a test sends.

use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// Where signals come from.
pub enum Signals {
    System {
        terminate: unix::Signal,
        interrupt: unix::Signal,
        hangup: unix::Signal,
    },
    /// A test's; when its sender is gone no signal comes any more.
    Scripted(mpsc::Receiver<Signal>),
}

impl Signals {
    pub fn system() -> std::io::Result<Self> {
        Ok(Self::System {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    /// Signals that never come.
    pub fn none() -> Self {
        Self::Scripted(mpsc::channel(1).1)
    }

    pub fn scripted() -> (mpsc::Sender<Signal>, Self) {
        let (sender, receiver) = mpsc::channel(8);
        (sender, Self::Scripted(receiver))
    }

    /// The next one. Safe to drop while it waits.
    pub(crate) async fn next(&mut self) -> Signal {
        match self {
            Self::System { terminate, interrupt, hangup } => tokio::select! {
                _ = terminate.recv() => Signal::Stop,
                _ = interrupt.recv() => Signal::Stop,
                _ = hangup.recv() => Signal::Reload,
            },
            Self::Scripted(receiver) => match receiver.recv().await {
                Some(signal) => signal,
                None => std::future::pending().await,
            },
        }
    }
}
