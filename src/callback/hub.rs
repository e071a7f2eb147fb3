//! Tells listeners of the ticket hub what happened to tickets.
//!
//! It posts as callbacks are posted, under the same guard, signed the same way and tried again by
//! the same schedule; it knows nothing of tickets. What surprises: a listener hears one thing after
//! the other. What it does not take holds back what follows, and after the last try, or a 410, the
//! listener is disabled.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::MissedTickBehavior;

use super::{
    client::{Client, Delivery, Settings},
    outcome::{Outcome, Reason},
    schedule::{self, Step, Why},
    signature::{Secrets, WebhookId},
};
use crate::{
    config, metrics,
    partnership::{AddressGuard, DueNews, Error, HubAnswer, HubPost, Partnership},
    tasks::{Phase, Stopping, Tasks},
};

const LOOK: Duration = Duration::from_secs(1);
const SWEEP: Duration = Duration::from_secs(5);
/// Listeners that are posted to at once.
const AT_ONCE: usize = 8;
/// Events of one listener in one round: one that has much to hear must not hold up the others.
const IN_A_ROW: usize = 100;

/// The worker.
pub struct Hub {
    partnership: Partnership,
    client: Client,
    schedule: Vec<Duration>,
}

/// Whether somebody may be posted to under an address, for the verb that keeps it.
pub fn address_guard(settings: &config::Callback) -> AddressGuard {
    let guard = Settings::of(settings).guard;
    Arc::new(move |url| guard.parse(url).map(drop).map_err(|bad| bad.to_string()))
}

impl Hub {
    /// Starts the worker. Fails if the file of certificate authorities cannot be used.
    pub fn start(
        partnership: &Partnership,
        settings: &config::Callback,
        tasks: &Tasks,
    ) -> anyhow::Result<()> {
        let hub = Self::new(partnership, settings)?;
        let stopping = tasks.stopping();
        tasks.spawn_in(Phase::Requests, "ticket hub", async move {
            hub.run(&stopping).await;
            Ok(())
        });
        Ok(())
    }

    fn new(partnership: &Partnership, settings: &config::Callback) -> anyhow::Result<Self> {
        Ok(Self {
            partnership: partnership.clone(),
            client: Client::new(Settings::of(settings)).context("ticket hub")?,
            schedule: settings.schedule.clone(),
        })
    }

    async fn run(&self, stopping: &Stopping) {
        let mut look = tokio::time::interval(LOOK);
        let mut sweep = tokio::time::interval(SWEEP);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = sweep.tick() => self.client.sweep(),
                _ = look.tick() => {
                    tokio::select! {
                        () = self.round() => {}
                        // What is cut off was claimed: it goes again, under the same name.
                        () = stopping.cancelled() => return,
                    }
                }
            }
        }
    }

    /// One look at the outbox.
    async fn round(&self) {
        let due = match self.partnership.due_news().await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "events of tickets cannot be read");
                return;
            }
        };
        stream::iter(due)
            .for_each_concurrent(AT_ONCE, |first| async move {
                let listener = first.listener().to_owned();
                if let Err(error) = self.tell(first).await {
                    tracing::warn!(%error, listener, "a listener could not be told of tickets");
                }
            })
            .await;
    }

    /// Tells one listener everything that waits, as long as it takes it.
    async fn tell(&self, first: DueNews) -> Result<(), Error> {
        let listener = first.listener().to_owned();
        let mut next = Some(first);
        for _ in 0..IN_A_ROW {
            let Some(row) = next else { return Ok(()) };
            let Some(post) = self.partnership.claim_news(row).await? else { return Ok(()) };
            let answer = self.answer(&post).await;
            self.partnership.settle_news(&post, &answer).await?;
            if !matches!(answer, HubAnswer::Taken(_)) {
                return Ok(());
            }
            next = self.partnership.next_news(&listener).await?;
        }
        Ok(())
    }

    async fn answer(&self, post: &HubPost) -> HubAnswer {
        let outcome = self.post(post).await;
        metrics::ticket_news(outcome.class());
        let random = self.partnership.clock.random().unsigned_abs();
        match schedule::step(&self.schedule, &outcome, post.attempt(), random) {
            Step::Done => HubAnswer::Taken(outcome.said()),
            Step::Again(delay) => {
                let delay = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
                let at = self.partnership.now().saturating_add(delay);
                HubAnswer::Later(at, outcome.said())
            }
            Step::GiveUp(why) => {
                tracing::warn!(listener = post.row.listener_id, ?why, "a listener is disabled");
                HubAnswer::Over { is_gone: why == Why::Gone, said: outcome.said() }
            }
        }
    }

    async fn post(&self, post: &HubPost) -> Outcome {
        let unfit = |reason| Outcome::Retry { reason, after: None };
        let secrets = match Secrets::parse(&[post.secret.as_str()]) {
            Ok(secrets) => secrets,
            Err(bad) => return unfit(Reason::Secret(bad)),
        };
        // Made of the number of a ticket and the name of an event.
        let webhook_id = WebhookId::parse(&post.row.event_id)
            .expect("names of events are letters, digits, hyphens and underscores");
        let delivery = Delivery {
            url: &post.row.callback,
            webhook_id,
            timestamp: self.partnership.now().div_euclid(1_000_000),
            body: Bytes::copy_from_slice(post.row.body.as_bytes()),
            secrets: &secrets,
            attempt: post.attempt(),
            redelivered: post.attempt() - 1,
        };
        self.client.post(&delivery).await
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
