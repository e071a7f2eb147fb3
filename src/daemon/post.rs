//! Starts the worker that sends letters.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    config::Config,
    domain::Caller,
    gateway::Gateway,
    http::portal::letters::{CaughtLetter, Letters},
    mail::{Attachment, Attachments, NoAttachment, Post, Sink},
    partnership::{FileFault, Partnership},
    tasks::Tasks,
};

/// Starts it, and gives back the sink where letters go to that.
pub(super) fn start(
    config: &Config,
    gateway: &Gateway,
    partnership: &Partnership,
    tasks: &Tasks,
) -> anyhow::Result<Option<Sink>> {
    let settings = config.resolved_mail();
    if settings.server.is_empty() && !settings.sink {
        tracing::info!("no mail server is configured: letters wait in the outbox");
    }
    let (store, clock) = (gateway.store().clone(), gateway.clock().clone());
    let files = files(partnership.clone());
    let post = Post::new(store, clock, settings, &config.portal, files).context("letters")?;
    let sink = post.sink();
    post.start(tasks);
    Ok(sink)
}

/// What the sink caught, as a page shows it.
pub(super) fn shelf(sink: Sink) -> Letters {
    Arc::new(move || {
        let letters = sink.letters();
        let caught = letters.iter().map(|letter| CaughtLetter {
            id: letter.id,
            at: letter.at,
            recipient: letter.recipient.clone(),
            subject: letter.subject.clone(),
            language: letter.language.clone(),
            text: letter.text.clone(),
            link: letter.link().map(str::to_owned),
            files: letter.attachments.iter().map(|file| file.name.clone()).collect(),
        });
        caught.collect()
    })
}

/// Files as they go with letters: each opening leaves its row in the trail.
fn files(partnership: Partnership) -> Attachments {
    Arc::new(move |id| {
        let partnership = partnership.clone();
        Box::pin(async move {
            match partnership.open_file(&Caller::Gateway, &id).await {
                Ok(file) => Ok(Attachment {
                    name: file.line.name,
                    media_type: file.line.media_type,
                    octets: file.octets,
                }),
                Err(FileFault::Unknown | FileFault::Broken(_)) => Err(NoAttachment::Gone),
                Err(fault) => Err(NoAttachment::Later(fault.to_string())),
            }
        })
    })
}
