//! A process of the demo, as its parent holds it.
//!
//! What surprises: it is in a process group of its own. Ctrl-C on the terminal goes to a whole
//! group, and must reach the parent only, which ends the others in order.

use std::{fs::File, path::Path, process::Stdio, time::Duration};

use anyhow::Context as _;
use serde::Serialize;
use tokio::{
    io::AsyncWriteExt as _,
    process::{ChildStdin, Command},
    time::timeout,
};

/// What a child may know of this environment; settings of another gateway are none of it.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "TZ", "RUST_BACKTRACE"];
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    /// Closing it is the order to end; for the gateway, to die.
    stdin: Option<ChildStdin>,
}

impl Child {
    /// Starts this very program with other arguments. What it says is added to `log`.
    pub(super) fn start(arguments: &[&str], log: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let log = File::options().create(true).append(true).open(log).context("opening a log")?;
        let kept = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut process = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(kept)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().context("opening a log")?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("starting a process of the demo")?;
        let stdin = process.stdin.take();
        Ok(Self { process, stdin })
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Sends one line.
    pub(super) async fn tell(&mut self, what: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(what).context("an order")?;
        line.push(b'\n');
        let stdin = self.stdin.as_mut().context("it was told to end")?;
        timeout(PATIENCE, stdin.write_all(&line)).await.context("it does not listen")??;
        Ok(())
    }

    /// SIGKILL: it gets no chance to do anything.
    pub(super) fn kill(&mut self) {
        // It fails only for a process that has ended already.
        drop(self.process.start_kill());
    }

    /// Waits for its end. Cancel-safe.
    pub(super) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Asks it to end in order; kills it if it takes longer than `patience`.
    pub(super) async fn stop(&mut self, patience: Duration) -> bool {
        if let Some(id) = self.process.id()
            && let Some(pid) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ended_already = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        self.wait_or_kill(patience).await
    }

    /// Closes its standard input, and kills it if that does not end it.
    pub(super) async fn dismiss(&mut self, patience: Duration) -> bool {
        self.stdin = None;
        self.wait_or_kill(patience).await
    }

    async fn wait_or_kill(&mut self, patience: Duration) -> bool {
        if let Ok(waited) = timeout(patience, self.process.wait()).await {
            return waited.is_ok_and(|status| status.success());
        }
        self.kill();
        drop(self.process.wait().await);
        false
    }
}
