//! Handing over once more what a partner was given already, because a person asks (`redeliver`) or
//! because a whole window of it was lost (`replay`).
//!
//! A partner that lost what it was given gets it again under the same id, with its `redelivery`
//! counted on, by the way that its service has now. What has not been handed over is not meant: it
//! waits in its lane and goes by itself.
//!
//! The surprise: nothing is written into a lane. The message is final and stays what it is, and a
//! charge made at its hand-over cannot be made a second time; only the try is on record.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    Error, Gateway,
    lane::{Exit, Outlet},
    mo::deliver_lane,
};
use crate::{
    domain::{
        Content, Delivery, Item, ItemKey, Lane, MessageEvent, MessageId, MessageState, Mode,
        PartnerId, Receipt, Refusal, ServiceState, message::ReceiptState,
    },
    store::{Change, EventLine, Stored},
};

/// Orders that wait for a post, or for the sessions of one partner; one more is told to come again.
const WAITING_MAX: usize = 100;
/// What nobody took to its partner by then is asked back. Longer than an answer may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often is looked whether somebody is there at all.
const LOOK: Duration = Duration::from_secs(1);
/// The step in a message's history.
pub(super) const REDELIVERED: &str = "redelivered";

/// One order, for whoever posts to callbacks or talks to sessions. Dropped without an answer, it
/// was not carried out, or its answer got lost.
#[derive(Debug)]
pub struct Redelivery {
    pub item: Item,
    pub answer: oneshot::Sender<Redelivered>,
}

/// What the partner answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivered {
    pub taken: Taken,
    /// The class of the outcome and its text, as the log of deliveries has it.
    pub outcome: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Yes,
    /// Not now; it may be another time.
    Later,
    /// Never this one.
    Never,
}

impl Redelivered {
    pub fn is_delivered(&self) -> bool {
        self.taken == Taken::Yes
    }
}

/// Orders for the sessions of one partner, behind everything that its lanes hold.
#[derive(Debug, Default)]
pub(super) struct Orders(Mutex<VecDeque<Redelivery>>);

impl Orders {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Redelivery>> {
        // A std mutex: nothing awaits while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet {
    /// The next order for which somebody still waits. Ask for one when the lanes have nothing left:
    /// what is live goes first.
    pub fn take_order(&self) -> Option<Redelivery> {
        let mut waiting = self.orders.waiting();
        while let Some(order) = waiting.pop_front() {
            if !order.answer.is_closed() {
                return Some(order);
            }
        }
        None
    }

    /// Gives the order back if too many wait.
    fn order(&self, order: Redelivery) -> Result<(), Redelivery> {
        let mut waiting = self.orders.waiting();
        waiting.retain(|order| !order.answer.is_closed());
        if waiting.len() >= WAITING_MAX {
            return Err(order);
        }
        waiting.push_back(order);
        drop(waiting);
        self.wake_another();
        Ok(())
    }
}

impl Gateway {
    /// Where orders come out, for the one that posts to callbacks. A second call takes them over.
    pub fn redeliveries(&self) -> mpsc::Receiver<Redelivery> {
        let (orders, out) = mpsc::channel(WAITING_MAX);
        self.inner.redeliveries.store(Some(Arc::new(orders)));
        out
    }

    /// Hands a text or the receipt of a message over once more, and waits for the answer
    /// (complaint 14). `partner` limits it to the partner's own messages: another's is unknown, in
    /// the same words (S-28).
    pub async fn redeliver(
        &self,
        id: &str,
        partner: Option<PartnerId>,
        by: &str,
    ) -> Result<(MessageId, Redelivered), Error> {
        let unknown = || Error::from(Refusal::UnknownMessage(id.into()));
        let number = match partner {
            Some(partner) => self.number_of(partner, id).await?,
            None => id.parse().ok().map(MessageId),
        };
        let stored = match number {
            Some(number) => self.inner.store.message(number).await?,
            None => None,
        };
        let (message, owner, content) = match stored.ok_or_else(unknown)? {
            Stored::Mo(message, state) => {
                let (owner, ..) = message.service.ok_or_else(unknown)?;
                if partner.is_none_or(|partner| partner == owner) {
                    is_handed(state == MessageState::Delivered)?;
                    has_text(message.body.octets.is_empty())?;
                }
                (message.id, owner, Content::Mo(message))
            }
            Stored::Mt(message, state) => {
                if partner.is_none_or(|partner| partner == message.partner) {
                    is_handed(state.is_final())?;
                }
                let receipt = self.last_receipt(message.id, state).await?;
                (message.id, message.partner, Content::Receipt(message, receipt))
            }
        };
        if partner.is_some_and(|partner| partner != owner) {
            return Err(unknown());
        }
        let lane = self.way_now(&content).ok_or_else(|| wrong("its service is closed"))?;
        if let Some(why) = self.hindrance(lane) {
            return Err(wrong(why));
        }
        let tries = self.tries_before(message).await?;
        if tries == 0 {
            return Err(wrong("its partner was given nothing of it yet"));
        }
        let mut row = self.note_row(message, REDELIVERED, by);
        row.attempt = tries.saturating_add(1);
        self.inner.store.save(Change::default().event(row)).await?;
        let answered = self.hand_again(lane, content, tries).await?;
        let answered = answered.ok_or_else(|| wrong("its partner did not answer"))?;
        Ok((message, answered))
    }

    /// The way that a message would go if it came today; none if it would go none.
    pub(super) fn way_now(&self, content: &Content) -> Option<Lane> {
        match content {
            Content::Mo(message) => {
                let (_, service, _) = message.service?;
                let catalog = self.catalog();
                let service = catalog.service(service)?;
                let is_closed = service.state == ServiceState::Closed;
                (!is_closed).then(|| deliver_lane(service, Mode::of(&message.link_group)))
            }
            Content::Receipt(message, _) => Some(self.receipt_lane(message)),
            Content::Mt(_) => None,
        }
    }

    /// Why nothing can be handed over on a way at this moment.
    pub(super) fn hindrance(&self, lane: Lane) -> Option<&'static str> {
        if self.inner.lanes.head(lane).is_paused() {
            return Some("deliveries are held by the operator");
        }
        match lane {
            Lane::Callback { service } => {
                let catalog = self.catalog();
                let is_open = catalog.service(service).is_some_and(|service| {
                    matches!(&service.delivery, Delivery::Callback(one) if one.is_enabled)
                });
                (!is_open).then_some("the callback of its service is disabled")
            }
            Lane::Mo { partner, mode } | Lane::Receipt { partner, mode } => {
                let is_bound = self.inner.registry.has_receiver(partner, mode);
                (!is_bound).then_some("no session of its partner takes deliveries")
            }
            Lane::Mt { .. } => Some("it leads to the operator"),
        }
    }

    /// Hands something over that may have been there `tries` times, and waits for the answer. None:
    /// there will be none, and nobody knows whether it came.
    pub(super) async fn hand_again(
        &self,
        lane: Lane,
        content: Content,
        tries: u32,
    ) -> Result<Option<Redelivered>, Error> {
        let item = Item {
            key: ItemKey { lane: lane.id(), due_at: 0, seq: self.next_id() },
            valid_until: i64::MAX,
            attempt: tries,
            deaths: 0,
            content,
        };
        let (answer, answered) = oneshot::channel();
        let order = Redelivery { item, answer };
        let is_full =
            || wrong("as many others as may wait are being handed over again; try in a minute");
        if leads_to_sessions(lane) {
            let outlet = self.inner.lanes.outlet(Exit::of(lane));
            outlet.order(order).map_err(|_| is_full())?;
        } else {
            let orders = self.inner.redeliveries.load_full();
            let orders = orders.ok_or_else(|| wrong("this node posts to no callbacks"))?;
            orders.try_send(order).map_err(|_| is_full())?;
        }
        self.answer_of(lane, answered).await
    }

    /// Waits for an answer, but not for a partner that has gone.
    async fn answer_of(
        &self,
        lane: Lane,
        mut answered: oneshot::Receiver<Redelivered>,
    ) -> Result<Option<Redelivered>, Error> {
        let until = Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                biased;
                answer = &mut answered => return Ok(answer.ok()),
                _ = look.tick() => {}
            }
            if let (Some(why), true) = (self.hindrance(lane), leads_to_sessions(lane)) {
                return Err(wrong(why));
            }
            if Instant::now() >= until {
                return Err(wrong("what comes for the first time leaves no room for it"));
            }
        }
    }

    /// How often a partner was given something up to its yes, and after it. 0: there was no yes.
    pub(super) async fn tries_before(&self, id: MessageId) -> Result<u32, Error> {
        let events = self.inner.store.events(id).await?;
        let steps = [MessageEvent::Deliver.as_str(), "receipt_handed"];
        let is_yes = |event: &&EventLine| {
            let is_partner = ["callback:", "smpp:"].iter().any(|side| event.who.starts_with(side));
            is_partner && steps.contains(&&*event.kind)
        };
        let yes = events.iter().filter(is_yes).map(|event| event.attempt).max().unwrap_or(0);
        let after = events.iter().filter(|event| event.kind == REDELIVERED).count();
        Ok(match u32::try_from(yes) {
            Ok(0) | Err(_) => 0,
            Ok(yes) => yes.saturating_add(u32::try_from(after).unwrap_or(u32::MAX)),
        })
    }

    /// The receipt of a final message, made of what is known of it now.
    pub(super) async fn last_receipt(
        &self,
        id: MessageId,
        state: MessageState,
    ) -> Result<Receipt, Error> {
        let line = self.inner.store.message_line(id).await?;
        let (done_at, error) = line.map_or((self.now(), None), |line| (line.state_at, line.error));
        let network_error = error.as_deref().and_then(crate::store::network_error);
        Ok(Receipt { message: id, state: ReceiptState::of(state), network_error, done_at })
    }
}

/// A post that has begun has an answer of its own, whatever becomes of its callback.
fn leads_to_sessions(lane: Lane) -> bool {
    !matches!(lane, Lane::Callback { .. })
}

fn is_handed(is_final: bool) -> Result<(), Error> {
    if is_final { Ok(()) } else { Err(wrong("it is not final: it goes to its partner by itself")) }
}

/// An erased text is as long as one that was empty, and neither is worth a repeat (S-45).
fn has_text(is_empty: bool) -> Result<(), Error> {
    if is_empty { Err(wrong("its text was empty, or is erased by now")) } else { Ok(()) }
}

fn wrong(why: &str) -> Error {
    Refusal::WrongState(format!("not handed over again: {why}")).into()
}
