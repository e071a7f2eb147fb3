//! Posts once more, when somebody asks for it, what a partner has taken before.
//!
//! The surprise: nothing waits for the answer but the person who asked. A failure is told and
//! written to the log of tries, and never tried again by itself.

use std::{sync::Arc, time::Duration};

use smol_str::format_smolstr;

use super::{
    outcome::Outcome,
    worker::{Host, Posted},
};
use crate::{
    domain::Lane,
    gateway::again::{Redelivered, Redelivery, Taken},
    metrics,
};

impl Host {
    /// Posts once what was answered with yes before. Its lane knows nothing of it, and neither do
    /// the schedule and the window: a no to a repeat does not speak against the endpoint.
    pub(super) async fn redeliver(self: Arc<Self>, order: Redelivery) {
        let Ok(_place) = self.places.acquire().await else { return };
        let item = &order.item;
        let Some(Lane::Callback { service }) = Lane::of(item.key.lane) else { return };
        let Some(service) = self.open(service) else { return };
        let who = format_smolstr!("callback:{}", service.name);
        let (outcome, taken, took) = match self.post(item, &service, &who).await {
            Ok(Posted::Answered(outcome, took)) => {
                metrics::callback(outcome.class());
                let taken = match outcome {
                    Outcome::Delivered { .. } => Taken::Yes,
                    Outcome::Gone | Outcome::Retry { .. } => Taken::Later,
                };
                (outcome.said(), taken, took)
            }
            Ok(Posted::Unfit(why)) => (format!("unfit: {why}"), Taken::Never, Duration::ZERO),
            Ok(Posted::CutOff) => return,
            Err(error) => (format!("not tried: {error}"), Taken::Later, Duration::ZERO),
        };
        let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        let noted = self.gateway.callback_tried(item, service.id, outcome.clone(), took_ms).await;
        if let Err(error) = noted {
            tracing::warn!(%error, %who, "a try at a callback is missing in its log");
        }
        drop(order.answer.send(Redelivered { taken, outcome }));
    }
}
