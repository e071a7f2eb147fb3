//! The gateway's process, which is killed and started again.
//!
//! What surprises: it is started again at once and by whoever looks next, and nobody waits until
//! it is ready. A plug may be pulled while it is starting; that is a case like any other.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{child::Child, figures, folder::Folder};

const LOG: &str = "gateway.log";
/// How often it is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// After so long without being ready something is wrong.
const START_MAX: Duration = Duration::from_mins(1);
/// Ends by itself before the demo gives up.
const FALLS_MAX: u32 = 10;
const FALL_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Gateway {
    process: Child,
    arguments: [String; 4],
    log: PathBuf,
    admin: SocketAddr,
    pub(super) kills: u32,
    /// Ends that nobody asked for.
    pub(super) falls: u32,
    /// How long it was away at the last kill, and at the worst.
    pub(super) away: Option<Duration>,
    pub(super) away_max: Duration,
    was_killed: bool,
    /// When it is started again after it fell.
    begin_at: Option<Instant>,
    /// Since when it is away; none while it is ready.
    away_since: Option<Instant>,
}

impl Gateway {
    pub(super) fn start(folder: &Folder, admin: SocketAddr) -> anyhow::Result<Self> {
        let config = folder.config().display().to_string();
        let arguments =
            ["--config".to_owned(), config, "run".to_owned(), "--die-with-stdin".to_owned()];
        let log = folder.file(LOG);
        Ok(Self {
            process: begin(&arguments, &log)?,
            arguments,
            log,
            admin,
            kills: 0,
            falls: 0,
            away: None,
            away_max: Duration::ZERO,
            was_killed: false,
            begin_at: None,
            away_since: Some(Instant::now()),
        })
    }

    pub(super) async fn wait_until_ready(&mut self, folder: &Folder) -> anyhow::Result<()> {
        while self.away_since.is_some() {
            if let Err(error) = self.next().await {
                anyhow::bail!("{error:#}\n{}", folder.last_words(LOG));
            }
            if self.falls > 0 {
                anyhow::bail!("the gateway does not start\n{}", folder.last_words(LOG));
            }
        }
        // That was its start and no outage.
        (self.away, self.away_max) = (None, Duration::ZERO);
        Ok(())
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    pub(super) const fn is_ready(&self) -> bool {
        self.away_since.is_none()
    }

    /// Kills it outright; [`Gateway::next`] starts it again. Answers with the process that it
    /// killed; none if there was none.
    pub(super) fn pull_plug(&mut self) -> Option<u32> {
        let id = self.process.id().filter(|_| !self.was_killed)?;
        self.process.kill();
        self.kills += 1;
        self.was_killed = true;
        self.away_since.get_or_insert_with(Instant::now);
        Some(id)
    }

    /// Waits for the next thing that happens to it: it is ready, or it ended and was started
    /// again. Cancel-safe.
    pub(super) async fn next(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            how = self.process.ended() => self.begin_again(&how).await,
            () = ready(self.admin, self.away_since.is_some() && !self.was_killed) => {
                let away = self.away_since.take().map(|since| since.elapsed()).unwrap_or_default();
                self.away = Some(away);
                self.away_max = self.away_max.max(away);
                Ok(())
            }
            () = overdue(self.away_since) => anyhow::bail!("the gateway does not become ready"),
        }
    }

    async fn begin_again(&mut self, how: &str) -> anyhow::Result<()> {
        if !self.was_killed {
            // The next call finds it ended again if this one is cancelled in its pause.
            if self.begin_at.is_none() {
                self.falls += 1;
                self.away_since.get_or_insert_with(Instant::now);
            }
            anyhow::ensure!(self.falls < FALLS_MAX, "the gateway ends by itself: {how}");
            let at = *self.begin_at.get_or_insert_with(|| Instant::now() + FALL_PAUSE);
            sleep_until(at).await;
            self.begin_at = None;
        }
        self.process = begin(&self.arguments, &self.log)?;
        self.was_killed = false;
        Ok(())
    }

    /// Asks it to end in order.
    pub(super) async fn stop(&mut self, patience: Duration) -> bool {
        self.process.stop(patience).await
    }
}

fn begin(arguments: &[String; 4], log: &std::path::Path) -> anyhow::Result<Child> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Child::start(&arguments, log)
}

async fn ready(admin: SocketAddr, is_wanted: bool) {
    if !is_wanted {
        return std::future::pending().await;
    }
    while !figures::is_ready(admin).await {
        sleep(ASK_EVERY).await;
    }
}

async fn overdue(away_since: Option<Instant>) {
    match away_since {
        Some(since) => sleep_until(since + START_MAX).await,
        None => std::future::pending().await,
    }
}
