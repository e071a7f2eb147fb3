//! Handing over once more what a partner's callback has answered already, because a person asks.
//!
//! A partner that lost what it was given gets it again under the same webhook id, with its
//! `redelivery` counted on. What has not been handed over is not meant: it waits in its lane and
//! goes by itself.
//!
//! The surprise: nothing is written into a lane. The message is final and stays what it is, and a
//! charge made at its hand-over cannot be made a second time; only the try is on record.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Error, Gateway};
use crate::{
    domain::{
        Content, Delivery, Item, ItemKey, Lane, MessageEvent, MessageId, MessageState, PartnerId,
        Receipt, Refusal, ServiceId, message::ReceiptState,
    },
    store::{Change, EventLine, Stored},
};

/// Orders that wait for a post; one more is told to come again.
const WAITING_MAX: usize = 100;
/// The step in a message's history.
const REDELIVERED: &str = "redelivered";

/// One order, for whoever posts to callbacks.
#[derive(Debug)]
pub struct Redelivery {
    pub service: ServiceId,
    pub item: Item,
    pub answer: oneshot::Sender<Redelivered>,
}

/// What the partner's callback answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivered {
    /// A 2xx.
    pub is_delivered: bool,
    /// The class of the outcome and its text, as the log of deliveries has it.
    pub outcome: String,
}

impl Gateway {
    /// Where orders come out, for the one that posts to callbacks. A second call takes them over.
    pub fn redeliveries(&self) -> mpsc::Receiver<Redelivery> {
        let (orders, out) = mpsc::channel(WAITING_MAX);
        self.inner.redeliveries.store(Some(Arc::new(orders)));
        out
    }

    /// Posts a text or the receipt of a message to its callback once more, and waits for the
    /// answer (complaint 14). `partner` limits it to the partner's own messages: another's is
    /// unknown, in the same words (S-28).
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
        let (message, owner, service, content) = match stored.ok_or_else(unknown)? {
            Stored::Mo(message, state) => {
                let (owner, service, _) = message.service.ok_or_else(unknown)?;
                if partner.is_none_or(|partner| partner == owner) {
                    is_handed(state == MessageState::Delivered)?;
                    has_text(message.body.octets.is_empty())?;
                }
                (message.id, owner, service, Content::Mo(message))
            }
            Stored::Mt(message, state) => {
                if partner.is_none_or(|partner| partner == message.partner) {
                    is_handed(state.is_final())?;
                }
                let receipt = self.last_receipt(message.id, state).await?;
                let (owner, service) = (message.partner, message.service);
                (message.id, owner, service, Content::Receipt(message, receipt))
            }
        };
        if partner.is_some_and(|partner| partner != owner) {
            return Err(unknown());
        }
        let catalog = self.catalog();
        let open = catalog.service(service).is_some_and(
            |service| matches!(&service.delivery, Delivery::Callback(callback) if callback.is_enabled),
        );
        if !open {
            return Err(wrong("its service has no callback, or the callback is disabled"));
        }
        let tries = self.tries_before(message).await?;
        if tries == 0 {
            return Err(wrong("its callback was given nothing of it yet"));
        }
        let item = Item {
            key: ItemKey { lane: Lane::Callback { service }.id(), due_at: 0, seq: self.next_id() },
            valid_until: i64::MAX,
            attempt: tries,
            deaths: 0,
            content,
        };
        let mut row = self.note_row(message, REDELIVERED, by);
        row.attempt = tries.saturating_add(1);
        self.inner.store.save(Change::default().event(row)).await?;
        let (answer, answered) = oneshot::channel();
        let order = Redelivery { service, item, answer };
        let orders = self.inner.redeliveries.load_full();
        let orders = orders.ok_or_else(|| wrong("this node posts to no callbacks"))?;
        orders.try_send(order).map_err(|_| {
            wrong("as many others as may wait are being handed over again; try in a minute")
        })?;
        let answered = answered.await.map_err(|_| Refusal::Draining)?;
        Ok((message, answered))
    }

    /// How often a callback was posted to up to its yes, and after it. 0: there was no yes.
    async fn tries_before(&self, id: MessageId) -> Result<u32, Error> {
        let events = self.inner.store.events(id).await?;
        let steps = [MessageEvent::Deliver.as_str(), "receipt_handed"];
        let is_yes = |event: &&EventLine| {
            event.who.starts_with("callback:") && steps.contains(&&*event.kind)
        };
        let yes = events.iter().filter(is_yes).map(|event| event.attempt).max().unwrap_or(0);
        let after = events.iter().filter(|event| event.kind == REDELIVERED).count();
        Ok(match u32::try_from(yes) {
            Ok(0) | Err(_) => 0,
            Ok(yes) => yes.saturating_add(u32::try_from(after).unwrap_or(u32::MAX)),
        })
    }

    /// The receipt of a final message, made of what is known of it now.
    async fn last_receipt(&self, id: MessageId, state: MessageState) -> Result<Receipt, Error> {
        let line = self.inner.store.message_line(id).await?;
        let (done_at, error) = line.map_or((self.now(), None), |line| (line.state_at, line.error));
        let network_error = error.as_deref().and_then(crate::store::network_error);
        Ok(Receipt { message: id, state: ReceiptState::of(state), network_error, done_at })
    }
}

fn is_handed(is_final: bool) -> Result<(), Error> {
    if is_final { Ok(()) } else { Err(wrong("it is not final: it goes to the callback by itself")) }
}

/// An erased text is as long as one that was empty, and neither is worth a repeat (S-45).
fn has_text(is_empty: bool) -> Result<(), Error> {
    if is_empty { Err(wrong("its text was empty, or is erased by now")) } else { Ok(()) }
}

fn wrong(why: &str) -> Error {
    Refusal::WrongState(format!("not handed over again: {why}")).into()
}
