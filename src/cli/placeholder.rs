//! Stands in for the daemon and the demo until they join: replace both calls in `cli::run` with
//! `crate::daemon::run` and `crate::demo::run`, and remove this file.

use super::args::Demo;
use crate::config::Config;

#[expect(clippy::unused_async, reason = "the daemon that takes this place waits")]
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    drop(config);
    anyhow::bail!("the daemon is not part of this build")
}

#[expect(clippy::unused_async, reason = "the demo that takes this place waits")]
pub(super) async fn demo(options: Demo) -> anyhow::Result<()> {
    drop(options);
    anyhow::bail!("the demo is not part of this build")
}
