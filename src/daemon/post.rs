//! Starts the worker that sends letters.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    config::Config,
    gateway::Gateway,
    mail::{Attachments, NoAttachment, Post, Sink},
    tasks::Tasks,
};

/// Starts it, and gives back the sink where letters go to that.
pub(super) fn start(
    config: &Config,
    gateway: &Gateway,
    tasks: &Tasks,
) -> anyhow::Result<Option<Sink>> {
    // A letter with files waits until something can read them.
    let attachments: Attachments = Arc::new(|id| {
        Box::pin(async move { Err(NoAttachment::Later(format!("nothing reads file {id} yet"))) })
    });
    let settings = config.resolved_mail();
    if settings.server.is_empty() && !settings.sink {
        tracing::info!("no mail server is configured: letters wait in the outbox");
    }
    let (store, clock) = (gateway.store().clone(), gateway.clock().clone());
    let post = Post::new(store, clock, settings, attachments).context("letters")?;
    let sink = post.sink();
    post.start(tasks);
    Ok(sink)
}
