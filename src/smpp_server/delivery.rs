//! What goes to a partner: taken from its lane, sent within the window, settled by its answer.
//!
//! It decides nothing about retries; the gateway does. What surprises: the parts of a long message
//! are one delivery, and the first refused part refuses it whole.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use smol_str::SmolStr;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
    time::Instant,
};

use super::session::Talk;
use crate::{
    domain::{Content, Item},
    gateway::{
        again::{Redelivered, Redelivery, Taken},
        deliver::DeliveryRefused,
        lane::Outlet,
    },
    smpp::{Command, CommandId, CommandStatus, Pdu},
};

/// A delivery under way; a long one has several PDUs.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) item: Item,
    pub(super) left: AtomicU32,
    /// Its time was over and it went back to its lane; a late answer changes nothing.
    pub(super) is_given_up: AtomicBool,
    again: Option<Again>,
}

/// Whoever waits for the answer to what goes a second time. Dropped, it says that there was none.
type Again = Mutex<Option<oneshot::Sender<Redelivered>>>;

impl Delivery {
    fn new(item: Item, parts: usize, again: Option<Again>) -> Self {
        let left = AtomicU32::new(u32::try_from(parts).unwrap_or(1));
        Self { item, left, is_given_up: AtomicBool::new(false), again }
    }

    /// Its item stands in no lane, and must never be put into one.
    pub(super) fn is_again(&self) -> bool {
        self.again.is_some()
    }

    /// Tells whoever waits for it what the partner said, or that it said nothing.
    pub(super) fn tell(&self, answer: Option<(Taken, String)>) {
        let Some(again) = &self.again else { return };
        let waiting = again.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(waiting), Some((taken, outcome))) = (waiting, answer) {
            // Nobody may wait any more; the partner has it all the same.
            drop(waiting.send(Redelivered { taken, outcome }));
        }
    }
}

pub(super) type Token = Arc<Delivery>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    /// Sends what waits, up to the window (S168); a suspect goes alone (P21).
    pub(super) async fn deliver(&mut self) {
        let free = self.free();
        let Some(bound) = &self.bound else { return };
        let Some(outlet) = bound.outlet.clone().filter(|_| free > 0) else { return };
        let mut items = self.host.gateway.deliveries(&outlet, free).await.into_iter();
        let now = Instant::now();
        while let Some(item) = items.next() {
            let is_suspect = item.deaths > 0;
            if is_suspect && self.session.in_flight() > self.session.timed_out() {
                // Nothing is taken before an answer comes, or it would be taken and given back
                // as fast as this task can.
                if let Some(bound) = &mut self.bound {
                    bound.is_alone = true;
                }
                self.host.gateway.not_sent(std::iter::once(item).chain(items).collect());
                return;
            }
            self.put_in_flight(item, None, now);
            if is_suspect {
                if let Some(bound) = &mut self.bound {
                    bound.is_alone = true;
                }
                self.host.gateway.not_sent(items.collect());
                break;
            }
        }
        self.deliver_again(&outlet, now);
        self.count_window();
        Box::pin(self.perform()).await;
    }

    /// What goes a second time waits behind everything that goes the first time, and half of the
    /// window stays free for what comes meanwhile.
    fn deliver_again(&mut self, outlet: &Outlet, now: Instant) {
        let kept_free = self.session.limits_mut().window / 2;
        while self.free() > kept_free {
            let Some(Redelivery { item, answer }) = outlet.take_order() else { return };
            self.put_in_flight(item, Some(Mutex::new(Some(answer))), now);
        }
    }

    fn put_in_flight(&mut self, item: Item, again: Option<Again>, now: Instant) {
        let pdus = self.pdus_of(&item);
        let token = Arc::new(Delivery::new(item, pdus.len(), again));
        let in_flight = self.session.in_flight();
        let limits = self.session.limits_mut();
        let window = limits.window;
        // The parts of one message go together, even where they are more than the window.
        limits.window = window.max(in_flight + pdus.len());
        for pdu in pdus {
            let sent = self.session.request(pdu, Arc::clone(&token), now, &mut self.actions);
            debug_assert!(sent.is_ok(), "the window was checked above");
        }
        self.session.limits_mut().window = window;
    }

    fn pdus_of(&self, item: &Item) -> Vec<Pdu> {
        let Some(bound) = &self.bound else { return Vec::new() };
        let visible = match &item.content {
            Content::Receipt(message, _) => self.host.gateway.visible_id(message),
            Content::Mo(_) | Content::Mt(_) => SmolStr::default(),
        };
        bound.writing.delivery(item, &visible)
    }

    fn count_window(&self) {
        if let Some(bound) = &self.bound {
            let in_use = u32::try_from(self.session.in_flight()).unwrap_or(u32::MAX);
            bound.card.counters.window_in_use.store(in_use, Ordering::Relaxed);
        }
    }

    /// The partner answered a delivery (S159 to S164).
    pub(super) async fn answered(&mut self, token: &Token, command: &Command) {
        let Some(bound) = &mut self.bound else { return };
        bound.is_alone = false;
        if token.is_given_up.load(Ordering::Acquire) {
            return;
        }
        let who = bound.who.clone();
        let gateway = self.host.gateway.clone();
        let status = command.status;
        let outcome = if status.is_ok() && command.pdu.command_id() != CommandId::GENERIC_NACK {
            if token.left.fetch_sub(1, Ordering::AcqRel) > 1 {
                return;
            }
            bound.card.counters.delivered.fetch_add(1, Ordering::Relaxed);
            bound.pause = None;
            if token.is_again() {
                token.tell(Some((Taken::Yes, status.to_string())));
                self.count_window();
                return;
            }
            gateway.handed(&token.item, &who).await
        } else {
            // One refused part refuses the whole.
            token.is_given_up.store(true, Ordering::Release);
            let refused = refused_how(status);
            let word = status.to_string();
            bound.card.counters.failed(&word, self.host.gateway.now());
            if status == CommandStatus::RX_P_APPN {
                bound.hold_back(&gateway);
            }
            if token.is_again() {
                token.tell(Some((refused_again(status), word)));
                self.count_window();
                return;
            }
            gateway.delivery_refused(&token.item, &who, refused, &word).await
        };
        if let Err(error) = outcome {
            tracing::error!(%error, message.id = %token.item.content.message_id(),
                "an answer of a partner could not be noted");
        }
        self.count_window();
    }

    /// S164: it goes again, marked, perhaps over another session.
    pub(super) async fn timed_out(&mut self, token: &Token) {
        let Some(bound) = &mut self.bound else { return };
        bound.is_alone = false;
        if token.is_given_up.swap(true, Ordering::AcqRel) {
            return;
        }
        let who = bound.who.clone();
        tracing::warn!(session.id = bound.card.id, message.id = %token.item.content.message_id(),
            "no answer to a delivery in time");
        if token.is_again() {
            token.tell(None);
            return;
        }
        let item = token.item.clone();
        if let Err(error) = self.host.gateway.delivery_lost(item, &who, false).await {
            tracing::error!(%error, "a lost delivery could not be noted");
        }
    }
}

/// S160 to S163, S041: what an error answer to a delivery means.
fn refused_how(status: CommandStatus) -> DeliveryRefused {
    match status {
        CommandStatus::RX_R_APPN | CommandStatus::RX_P_APPN => DeliveryRefused::Never,
        _ => DeliveryRefused::Later,
    }
}

/// The same of what goes a second time. An application that is broken for good is not asked for a
/// decision about each message: it was given each before and took it.
fn refused_again(status: CommandStatus) -> Taken {
    if status == CommandStatus::RX_R_APPN { Taken::Never } else { Taken::Later }
}
