//! A task with a thread of its own.
//!
//! A task that takes many short steps, each an answer of another thread, waits before each of them
//! behind whatever else is ready on its runtime. The writer takes some forty steps for a group, and
//! every message waits for its group: what pages and requests cost made all groups longer. The
//! surprise: a thread of its own makes the writer no faster on a quiet machine; it only makes it
//! indifferent to what the others do.

use anyhow::Context as _;

use super::{Phase, Tasks};

impl Tasks {
    /// Starts a task that is waited for in `phase`, on a thread that runs nothing else. Fails if the
    /// machine gives no thread.
    pub fn spawn_apart(
        &self,
        phase: Phase,
        name: &'static str,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> anyhow::Result<()> {
        let failed = || format!("starting a thread for `{name}`");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .with_context(failed)?;
        let work = self.enlist(phase, name.to_owned(), work);
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || runtime.block_on(work)).with_context(failed)?;
        Ok(())
    }
}
