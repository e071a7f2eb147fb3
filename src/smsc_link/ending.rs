//! How a session with an SMSC ends, and what it leaves: every message sent and never answered.
//!
//! What surprises: that list is the most important thing a session says. For charged messages it is
//! exactly the set whose fate is unknown (P7).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    sending::Sending,
    session::{SIDE, Talk, Token},
};
use crate::{domain::Item, metrics, smpp::CommandStatus};

/// How long an end waits for its last octets to leave.
const FLUSH: Duration = Duration::from_secs(5);

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The bind was refused with this status.
    Refused(CommandStatus),
    /// It ended for this reason, a metric label.
    Over(&'static str),
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    /// C028: nothing new goes; what is under way is waited for.
    pub(super) fn stop(&mut self) {
        let drain = self.link.profile.settings.drain;
        self.stop_by.get_or_insert(Instant::now() + drain);
    }

    /// Says goodbye once nothing is under way, and then waits for the answer to that.
    pub(super) async fn leave(&mut self, stop_by: Instant) {
        if !self.was_bound {
            self.ends.get_or_insert("unbound");
            return;
        }
        // What timed out is accounted for already; its answer would come as late next time.
        let is_under_way = self.is_busy() || !self.later.is_empty() || self.claiming.is_some();
        if is_under_way && Instant::now() < stop_by {
            return;
        }
        if self.session.is_bound() {
            self.finish_work().await;
            let limits = self.session.limits_mut();
            limits.response = limits.response.min(FLUSH);
            self.session.unbind(Instant::now(), &mut self.actions);
            self.send_all();
        }
    }

    pub(super) async fn end(mut self) -> Ended {
        let reason = self.ends.unwrap_or("unknown");
        if let Some(claiming) = self.claiming.take() {
            self.ready.extend(claiming.await);
        }
        self.finish_work().await;
        if matches!(tokio::time::timeout(FLUSH, self.connection.flush()).await, Ok(Ok(()))) {
            self.settle_flushed();
            drop(tokio::time::timeout(FLUSH, self.connection.shutdown()).await);
        }
        for (_, mo) in self.unflushed.drain(..) {
            self.link.gateway.mo_unanswered(&mo);
        }
        for mo in self.unheard.drain(..) {
            self.link.gateway.mo_unanswered(&mo);
        }
        let lost = self.take_lost();
        let is_death = matches!(reason, "broken" | "peer_closed" | "bad_length" | "nacked");
        self.lost(lost, is_death).await;
        let unsent: Vec<Item> = self.ready.drain(..).collect();
        self.link.gateway.unclaim(&self.link.seat, unsent).await;
        if self.was_bound {
            self.link.is_unbound(self.kind);
        }
        metrics::session_closed(SIDE, reason);
        match self.refused {
            Some(status) => Ended::Refused(status),
            None => Ended::Over(reason),
        }
    }

    /// Everything sent and never answered, each message once.
    fn take_lost(&mut self) -> Vec<Item> {
        let mut lost = Vec::new();
        let mut under_way: Vec<Arc<Sending>> = Vec::new();
        for waiting in self.session.close() {
            if let Token::Part(sending, _) = waiting.token {
                self.link.heard_of_one();
                under_way.push(sending);
            }
        }
        under_way.extend(self.later.drain(..).map(|(_, (sending, _), _)| sending));
        for sending in under_way {
            if !sending.is_given_up.swap(true, Ordering::AcqRel) {
                lost.push(sending.item.clone());
            }
        }
        lost
    }
}

/// A panic must not take claimed messages with it: what was sent is unknown, what was not goes
/// back. In an orderly end all of this is empty by now.
impl<S> Drop for Talk<S> {
    fn drop(&mut self) {
        let unsent: Vec<Item> = self.ready.drain(..).collect();
        self.link.gateway.not_sent(unsent);
        for waiting in self.session.close() {
            if let Token::Part(..) = waiting.token {
                self.link.heard_of_one();
            }
        }
    }
}
