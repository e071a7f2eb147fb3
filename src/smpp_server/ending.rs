//! How a partner's connection ends: last answers, places, and what nobody can be sure of.
//!
//! What surprises: an end is not over when the socket is closed. What the partner may not have seen
//! is remembered, so that a repeat gets the same answer (P5, P11).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    delivery::Token,
    session::{SIDE, Talk},
};
use crate::metrics;

/// How long an end waits for its last octets to leave.
const FLUSH: Duration = Duration::from_secs(5);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    /// Leaves: last answers, places, and what nobody can be sure of.
    pub(super) async fn end(mut self) {
        let reason = self.ends.unwrap_or("unknown");
        self.finish_work().await;
        // A peer that took nothing for so long takes the rest no sooner (P28).
        let patience = if reason == "slow_reader" { Duration::ZERO } else { FLUSH };
        let flushed = tokio::time::timeout(patience, self.connection.flush()).await;
        if matches!(flushed, Ok(Ok(()))) {
            self.settle_flushed();
            // The peer may be gone already; the socket is closed anyway.
            drop(tokio::time::timeout(FLUSH, self.connection.shutdown()).await);
        }
        self.leave_promises();
        let gateway = self.host.gateway.clone();
        metrics::session_closed(SIDE, reason);
        let Some(bound) = self.bound.take() else { return };
        metrics::session(SIDE, bound.kind.as_str(), "bound", -1.0);
        gateway.registry().session_ended(bound.card.id, gateway.now());
        tracing::info!(session.id = bound.card.id, session.peer = %self.peer,
            partner = %bound.card.partner_name, system_id = %bound.card.system_id, reason,
            submitted = bound.card.counters.submitted.load(Ordering::Relaxed),
            delivered = bound.card.counters.delivered.load(Ordering::Relaxed), "session ended");
        let orderly = matches!(reason, "unbound" | "inactive" | "slow_reader");
        let mut lost: Vec<Token> = Vec::new();
        for outstanding in self.session.close() {
            let is_back = outstanding.token.is_given_up.load(Ordering::Acquire);
            if !is_back && !lost.iter().any(|token| Arc::ptr_eq(token, &outstanding.token)) {
                lost.push(outstanding.token);
            }
        }
        let is_suspect = !orderly && lost.len() == 1;
        for token in lost {
            if token.is_again() {
                token.tell(None);
                continue;
            }
            let item = token.item.clone();
            if let Err(error) = gateway.delivery_lost(item, &bound.who, is_suspect).await {
                tracing::error!(%error, "a lost delivery could not be noted");
            }
        }
        if let Some(outlet) = &bound.outlet {
            outlet.wake_another();
        }
    }

    /// Answers that the partner may not have seen: a repeat gets the same again (P11).
    fn leave_promises(&mut self) {
        let gateway = &self.host.gateway;
        for (_, promise) in self.unflushed.drain(..) {
            gateway.unanswered(promise.id, promise.likeness, promise.held);
        }
        for (id, likeness) in self.unheard.drain(..) {
            gateway.unanswered(id, likeness, None);
        }
    }
}

/// After a panic nothing may stay behind in a task that is gone. In an orderly end all of this is
/// empty by now.
impl<S> Drop for Talk<S> {
    fn drop(&mut self) {
        let gateway = &self.host.gateway;
        for (_, promise) in self.unflushed.drain(..) {
            gateway.unanswered(promise.id, promise.likeness, promise.held);
        }
        if let Some(bound) = self.bound.take() {
            gateway.registry().session_ended(bound.card.id, gateway.now());
        }
        let mut back: Vec<Token> = Vec::new();
        for outstanding in self.session.close() {
            let is_back = outstanding.token.is_given_up.swap(true, Ordering::AcqRel);
            if !is_back {
                back.push(outstanding.token);
            }
        }
        // What goes a second time belongs to no lane; whoever waits for it learns of the end.
        let of_lanes = back.into_iter().filter(|token| !token.is_again());
        gateway.not_sent(of_lanes.map(|token| token.item.clone()).collect());
    }
}
