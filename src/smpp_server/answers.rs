//! Requests of a partner in work, and their answers until the kernel has them.
//!
//! What surprises: an answer that was written is not an answer that was read. Only what the partner
//! sends afterwards proves that, and until then the promise is remembered (P5, P11).

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    request::{self, Done},
    session::Talk,
};
use crate::smpp::{Action, Command};

pub(super) type Work = FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send>>>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    /// Puts a request to work; its answer comes by itself.
    pub(super) fn begin(&mut self, command: Command) {
        let Some(bound) = &self.bound else { return };
        let gateway = self.host.gateway.clone();
        let asking = Arc::clone(&bound.asking);
        self.work.push(Box::pin(request::handle(gateway, asking, command)));
    }

    pub(super) fn answer(&mut self, done: Done) {
        if let Some(bound) = &self.bound {
            let counters = &bound.card.counters;
            match done.refused {
                None => counters.submitted.fetch_add(1, Ordering::Relaxed),
                Some(_) => counters.refused.fetch_add(1, Ordering::Relaxed),
            };
            let now = self.host.gateway.now();
            counters.meter.count(now);
            if let Some(code) = done.refused {
                counters.failed(code, now);
                if code == "throttled" {
                    counters.throttled.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        if done.is_uncertain {
            for promise in done.promises {
                self.host.gateway.unanswered(promise.id, promise.likeness, promise.held);
            }
            self.ends = Some("store_failed");
            return;
        }
        let mut actions = Vec::new();
        self.session.respond(done.answer, &mut actions);
        for action in actions {
            match action {
                Action::Send(command) => self.send(&command),
                // S024: that was the last answer of a peer that wants to go.
                Action::Close(reason) => self.ends = Some(reason.as_str()),
                _ => {}
            }
        }
        let mark = self.connection.queued_total();
        self.unflushed.extend(done.promises.into_iter().map(|promise| (mark, promise)));
    }

    /// Answers that left: what was held for them may go (P5).
    pub(super) fn settle_flushed(&mut self) {
        let written = self.connection.written_total();
        while self.unflushed.front().is_some_and(|(mark, _)| *mark <= written) {
            let Some((_, promise)) = self.unflushed.pop_front() else { return };
            self.unheard.push((promise.id, promise.likeness));
            self.host.gateway.answered(promise.held);
        }
    }

    pub(super) async fn finish_work(&mut self) {
        while let Some(done) = self.work.next().await {
            self.answer(done);
        }
    }
}
