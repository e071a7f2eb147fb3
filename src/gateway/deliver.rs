//! Towards the partner: MO and receipts to its sessions or its callback.

use std::sync::{Arc, atomic::Ordering};

use smol_str::SmolStr;

use super::{
    Gateway,
    lane::{Exit, Outlet},
};
use crate::{
    domain::{
        Caller, Content, Exercise, Item, Lane, MessageEvent, MessageState, Mode, PartnerId,
        ServiceId, story::REFUSED_BY_PARTNER,
    },
    metrics,
    store::{
        self, CallbackChange, Change,
        change::{Rare, StateRow},
    },
};

/// What the partner's application said to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryRefused {
    /// Try again later (`ESME_RX_T_APPN`, throttled, queue full, 5xx).
    Later,
    /// Never this one (`ESME_RX_R_APPN`).
    Never,
}

impl Gateway {
    /// The lanes that lead to a partner's sessions of one mode.
    pub fn to_sessions(&self, partner: PartnerId, mode: Mode) -> Arc<Outlet> {
        self.inner.lanes.outlet(Exit::Sessions(partner, mode))
    }

    /// Whether MO or receipts wait for a partner's sessions (S035).
    pub fn has_waiting(&self, partner: PartnerId, mode: Mode) -> bool {
        let waits = |lane| self.inner.lanes.head(lane).waiting.load(Ordering::Acquire) > 0;
        waits(Lane::Mo { partner, mode }) || waits(Lane::Receipt { partner, mode })
    }

    /// The lane that leads to a service's callback.
    pub fn to_callback(&self, service: ServiceId) -> Arc<Outlet> {
        self.inner.lanes.outlet(Exit::Callback(service))
    }

    /// The lanes that lead to a group of links.
    pub fn to_links(&self, group: crate::domain::GroupId) -> Arc<Outlet> {
        self.inner.lanes.outlet(Exit::Links(group))
    }

    /// Takes what may be delivered now; expired items end here instead.
    pub async fn deliveries(&self, outlet: &Outlet, max: usize) -> Vec<Item> {
        let mut items = Vec::new();
        if max == 0 {
            return items;
        }
        self.inner.lanes.take(outlet, max, &mut items);
        self.drop_expired(&mut items).await;
        items
    }

    /// The partner has it. Joins the next group; nobody waits.
    pub async fn handed(&self, item: &Item, who: &SmolStr) -> Result<(), store::Error> {
        let id = item.content.message_id();
        let mut change = Change { items_out: smallvec::smallvec![item.key], ..Change::default() };
        match &item.content {
            Content::Mo(message) => {
                let mut row = self.step(id, MessageEvent::Deliver, who.clone());
                row.attempt = item.attempt + 1;
                change.events.push(row);
                change.states.push(StateRow {
                    message: id,
                    state: MessageState::Delivered,
                    at: self.now(),
                    error: None,
                });
                self.exercised_by(&message.link_group, message.partner(), Exercise::Mo, id).await;
                metrics::message("mo", "delivered");
                metrics::duration("mo", self.now() - message.accepted_at);
            }
            Content::Receipt(message, receipt) => {
                let mut row = self.note_row(id, "receipt_handed", who.clone());
                row.attempt = item.attempt + 1;
                change.events.push(row);
                let partner = Some(message.partner);
                self.exercised_by(&message.link_group, partner, Exercise::Receipt, id).await;
                metrics::message("receipt", "delivered");
                metrics::duration("receipt", self.now() - receipt.done_at.max(message.accepted_at));
            }
            Content::Mt(_) => return Ok(()),
        }
        self.inner.store.note(change).await?;
        self.inner.lanes.done(item.key);
        Ok(())
    }

    /// The partner's application said no.
    pub async fn delivery_refused(
        &self,
        item: &Item,
        who: &SmolStr,
        refused: DeliveryRefused,
        why: &str,
    ) -> Result<(), store::Error> {
        match refused {
            DeliveryRefused::Later => self.plan_again(item, who, why).await,
            DeliveryRefused::Never => {
                let id = item.content.message_id();
                let mut change =
                    Change { items_out: smallvec::smallvec![item.key], ..Change::default() };
                if let Content::Mo(_) = &item.content {
                    change.events.push(self.step(id, MessageEvent::Fail, who.clone()).saying(why));
                    change.states.push(StateRow {
                        message: id,
                        state: MessageState::Rejected,
                        at: self.now(),
                        error: Some(REFUSED_BY_PARTNER.into()),
                    });
                    metrics::message("mo", "rejected");
                } else {
                    change
                        .events
                        .push(self.note_row(id, "receipt_refused", who.clone()).saying(why));
                }
                self.inner.store.note(change).await?;
                self.inner.lanes.done(item.key);
                Ok(())
            }
        }
    }

    /// Sent to the partner and not answered: it goes again, with its counter raised. If its
    /// session ended while it was the only suspect, that is remembered (P21).
    pub async fn delivery_lost(
        &self,
        item: Item,
        who: &SmolStr,
        is_suspect: bool,
    ) -> Result<(), store::Error> {
        if is_suspect {
            return self.suspect(item, who).await;
        }
        let change =
            Change { rare: vec![Rare::CountTry { items: vec![item.key] }], ..Change::default() };
        self.inner.store.note(change).await?;
        let mut item = item;
        item.attempt += 1;
        self.inner.lanes.put_back(item);
        Ok(())
    }

    /// Taken and not sent: it keeps its place and its count.
    pub fn not_sent(&self, items: Vec<Item>) {
        for item in items {
            self.inner.lanes.put_back(item);
        }
    }

    /// It can never be written in the form that the partner reads: a person has to look (P21).
    pub(crate) async fn delivery_unfit(
        &self,
        item: &Item,
        who: &SmolStr,
        why: &str,
    ) -> Result<(), store::Error> {
        self.quarantine(item, who, why.to_owned()).await
    }

    /// Notes one attempt at a callback, for the partner's delivery log.
    pub async fn callback_tried(
        &self,
        item: &Item,
        service: ServiceId,
        outcome: String,
        took_ms: i64,
    ) -> Result<(), store::Error> {
        let rare = vec![Rare::CallbackAttempt {
            message: item.content.message_id(),
            service,
            at: self.now(),
            attempt: item.attempt + 1,
            outcome,
            took_ms,
        }];
        self.inner.store.note(Change { rare, ..Change::default() }).await
    }

    /// 410, or the schedule is at its end: nothing goes there until somebody enables it.
    pub async fn disable_callback(
        &self,
        service: ServiceId,
        is_gone: bool,
    ) -> Result<(), store::Error> {
        let change = CallbackChange::GiveUp { is_gone };
        self.inner.store.set_callback(&Caller::Gateway, self.now(), service, &change).await?;
        self.reload_catalog().await
    }

    /// Plans an item for a given moment, as a callback's own schedule wants it.
    pub async fn deliver_at(
        &self,
        item: &Item,
        due_at: i64,
        who: &SmolStr,
        why: &str,
    ) -> Result<(), store::Error> {
        let attempt = item.attempt + 1;
        let mut later = item.clone();
        later.attempt = attempt;
        later.key.due_at = due_at;
        let change = Change {
            items_out: smallvec::smallvec![item.key],
            items_in: smallvec::smallvec![later],
            ..Change::default()
        }
        .event(
            self.step(item.content.message_id(), MessageEvent::Retry, who.clone())
                .over(who, attempt)
                .saying(why),
        );
        self.inner.store.note(change).await?;
        self.inner.lanes.planned(item.key, due_at);
        Ok(())
    }
}
