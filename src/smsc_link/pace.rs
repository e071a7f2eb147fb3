//! How fast a session sends: what it may claim now, and what holds it back.
//!
//! What surprises: claiming runs beside reading. A claim waits for a commit, and an SMSC's
//! `enquire_link` must not wait for our disk (C024).

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::session::Talk;
use crate::{domain::Item, metrics};

pub(super) type Claiming = Pin<Box<dyn Future<Output = Vec<Item>> + Send>>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    pub(super) fn tune(&mut self) {
        let window = self.link.card.window.load(Ordering::Acquire);
        self.session.limits_mut().window = window as usize;
        self.link.tune();
    }

    /// How many may be claimed now.
    pub(super) fn may_claim(&self, now: Instant) -> usize {
        let is_paused = self.paused_until.is_some_and(|until| now < until);
        let is_suspect = self.ready.front().is_some_and(|item| item.deaths > 0) || self.is_alone;
        let is_stopping = self.stop_by.is_some();
        if is_stopping || is_paused || is_suspect || self.claiming.is_some() {
            return 0;
        }
        if self.outlet.is_none() || !self.connection.has_room() {
            return 0;
        }
        let free = self.session.free().saturating_sub(self.ready.len());
        self.link.rate.room(self.link.gateway.clock().monotonic_nanos(), free)
    }

    /// When sending may go on, if only time holds it back.
    pub(super) fn resume_at(&self, now: Instant) -> Option<Instant> {
        let pause = self.paused_until.filter(|until| *until > now);
        let part = self.later.front().map(|(at, ..)| *at);
        let rate = if self.session.free() > 0 && self.stop_by.is_none() {
            let wait = self.link.rate.wait(self.link.gateway.clock().monotonic_nanos());
            (wait > Duration::ZERO).then(|| now + wait)
        } else {
            None
        };
        let next = [pause.or(rate), part].into_iter().flatten().min();
        next.map(|at| at.max(now + Duration::from_millis(1)))
    }

    /// Sends what is claimed and claims what fits.
    pub(super) async fn pump(&mut self) {
        let now = Instant::now();
        if self.paused_until.is_some_and(|until| now >= until) {
            self.paused_until = None;
        }
        self.is_alone &= self.is_busy();
        self.send_later(now);
        self.send_ready(now).await;
        let free = self.may_claim(now);
        if free > 0
            && let Some(outlet) = self.outlet.clone()
        {
            let link = Arc::clone(&self.link);
            let mut claim: Claiming =
                Box::pin(async move { link.gateway.claim(&link.seat, &outlet, free).await });
            match (&mut claim).now_or_never() {
                // Nothing had to be written first: no need to wait.
                Some(items) if items.is_empty() => {}
                Some(items) => {
                    self.ready.extend(items);
                    self.send_ready(now).await;
                }
                None => self.claiming = Some(claim),
            }
        }
        self.send_all();
        self.note_limit(now);
    }

    /// Whether an answer is waited for in time.
    pub(super) fn is_busy(&self) -> bool {
        self.session.in_flight() > self.session.timed_out()
    }

    async fn send_ready(&mut self, now: Instant) {
        while self.session.free() > 0 && !self.is_alone && self.stop_by.is_none() {
            let Some(item) = self.ready.front() else { break };
            let is_suspect = item.deaths > 0;
            if is_suspect && self.is_busy() {
                break;
            }
            let Some(item) = self.ready.pop_front() else { break };
            self.send_item(item, now).await;
            self.is_alone = is_suspect && self.is_busy();
        }
    }

    /// What holds this link back now (D35).
    pub(super) fn note_limit(&self, now: Instant) {
        let card = &self.link.card;
        let limit = if self.paused_until.is_some_and(|until| now < until) {
            "smsc_throttle"
        } else if self.session.is_bound() && self.session.free() == 0 {
            "window"
        } else if self.link.rate.wait(self.link.gateway.clock().monotonic_nanos()) > Duration::ZERO
        {
            "rate"
        } else if self.claiming.is_some() {
            "store"
        } else {
            "none"
        };
        if **card.binding_limit.load() != limit {
            card.binding_limit.store(Arc::new(limit));
            metrics::binding_limit("link", &card.name, limit);
        }
    }
}
