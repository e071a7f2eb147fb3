//! Towards the operator: claiming what may go, and recording what came of it.
//!
//! For a message that parks when its outcome is unknown the order is: intent committed, octets
//! sent, answer recorded (P6). Whatever stands between the first and the last of these when a
//! process or a link dies is `Unknown`, and for a charged message that is never "try again".

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use smol_str::SmolStr;

use super::{
    Gateway, by_itself,
    lane::Outlet,
    nameless,
    recent::{Flight, PartDone},
};
use crate::{
    domain::{
        ChargeAt, Content, Item, ItemKey, Lane, MessageEvent, MessageState, Mode, MtMessage,
        Receipt, message::ReceiptState, service::Pause, story::NO_ANSWER,
    },
    metrics,
    store::{
        self, Applied, Change,
        change::{ChargeRow, Claim, Rare, ReceiptKey, StateRow},
    },
};

/// A link as the verbs know it: its name, its group, and the epoch of its lease.
#[derive(Debug, Clone)]
pub struct LinkSeat {
    pub name: SmolStr,
    pub group: crate::domain::GroupId,
    pub epoch: i64,
}

/// Stands for the id of a part that the SMSC refused while it took a sister.
pub const PART_REFUSED: &str = "!";

/// Why an SMSC did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// It certainly was not accepted, and may be later.
    Later { status: SmolStr },
    /// It certainly was not accepted and never will be.
    Never { status: SmolStr },
}

impl Gateway {
    /// Takes up to `max` messages for a link. Those that must not be sent twice come back only
    /// after their claim is durable; nothing comes back while draining or while the store is away.
    pub async fn claim(&self, seat: &LinkSeat, outlet: &Outlet, max: usize) -> Vec<Item> {
        let mut items = Vec::new();
        if max == 0 || self.is_draining() || !self.inner.store.is_up() {
            return items;
        }
        self.inner.lanes.take(outlet, max, &mut items);
        self.drop_expired(&mut items).await;
        let guarded: Vec<ItemKey> =
            items.iter().filter(|item| is_guarded(item)).map(|item| item.key).collect();
        if guarded.is_empty() {
            return items;
        }
        let mut change = Change {
            claim: Some(Box::new(Claim {
                items: guarded,
                link: seat.name.clone(),
                epoch: seat.epoch,
            })),
            ..Change::default()
        };
        for item in items.iter().filter(|item| is_guarded(item)) {
            change.events.push(
                self.step(item.content.message_id(), MessageEvent::Claim, by_itself())
                    .over(&seat.name, item.attempt + 1),
            );
        }
        match self.inner.store.save(change).await {
            Ok(Applied::Done) => items,
            Ok(Applied::Stale(keys)) => {
                for key in &keys {
                    tracing::warn!(message.id = key.seq, link = %seat.name,
                        "an item was ready that the store does not have; it is not sent");
                    self.inner.lanes.forget(*key);
                }
                items.retain(|item| !keys.contains(&item.key));
                items
            }
            outcome => {
                if let Ok(Applied::Fenced) = outcome {
                    tracing::error!(link = %seat.name, epoch = seat.epoch,
                        "the lease of this link belongs to somebody else; nothing is sent");
                }
                for item in items {
                    self.inner.lanes.put_back(item);
                }
                Vec::new()
            }
        }
    }

    /// Gives back what was claimed and not sent (P38). The claims go before the items return.
    pub async fn unclaim(&self, seat: &LinkSeat, items: Vec<Item>) {
        if items.is_empty() {
            return;
        }
        let guarded: Vec<ItemKey> =
            items.iter().filter(|item| is_guarded(item)).map(|item| item.key).collect();
        let mut change =
            Change { rare: vec![Rare::Unclaim { items: guarded }], ..Change::default() };
        for item in items.iter().filter(|item| is_guarded(item)) {
            change.events.push(
                self.step(item.content.message_id(), MessageEvent::Release, by_itself())
                    .over(&seat.name, item.attempt + 1),
            );
        }
        if self.inner.store.save(change).await.is_ok() {
            for item in items {
                self.inner.lanes.put_back(item);
            }
        }
    }

    /// The SMSC took the message, under one id for each part.
    pub async fn submitted(
        &self,
        seat: &LinkSeat,
        item: &Item,
        ids: &[SmolStr],
    ) -> Result<(), store::Error> {
        let Content::Mt(message) = &item.content else { return Ok(()) };
        if !nameless::has_name(ids) {
            return self.submitted_nameless(seat, item, message, ids).await;
        }
        let attempt = item.attempt + 1;
        let awaited = nameless::awaited(ids);
        let flight = Arc::new(Flight::new(Arc::clone(message), attempt, awaited));
        let turn = flight.turn().await;
        let mut change = Change { items_out: smallvec::smallvec![item.key], ..Change::default() }
            .event(
                self.step(message.id, MessageEvent::Submit, by_itself())
                    .over(&seat.name, attempt)
                    .saying(ids.join(",")),
            )
            .state(self.state(message, MessageState::Submitted, None));
        self.await_receipts(seat, &flight, ids, &mut change);
        if let Some((_, ChargeAt::Submitted)) = &message.charge
            && ids.first().is_some_and(|id| id != PART_REFUSED)
        {
            change.charge = self.charge_row(message, "submitted");
        }
        if message.is_charged() && attempt > 1 {
            self.look_for_a_second_charge(message.id).await;
        }
        self.backlog(message.partner).fetch_sub(1, Ordering::AcqRel);
        self.inner.store.note(change).await?;
        drop(turn);
        self.inner.lanes.done(item.key);
        metrics::message("mt", "submitted");
        self.match_orphans(seat, ids).await;
        Ok(())
    }

    /// Notes under which ids receipts will come. A refused part has its end already.
    fn await_receipts(
        &self,
        seat: &LinkSeat,
        flight: &Arc<Flight>,
        ids: &[SmolStr],
        change: &mut Change,
    ) {
        let message = &flight.message;
        let first = u8::from(ids.len() > 1);
        for (part, id) in (first..=u8::MAX).zip(ids).filter(|(_, id)| !id.is_empty()) {
            let smsc_message_id = if id == PART_REFUSED {
                // The first refusal cannot complete the message: a sister was taken.
                let _: PartDone = flight.part_done(part, ReceiptState::Rejected);
                smol_str::format_smolstr!("{PART_REFUSED}{}.{part}", message.id)
            } else {
                self.inner.recent.add(seat.group, id.clone(), Arc::clone(flight), part);
                id.clone()
            };
            change.receipt_keys.push(ReceiptKey {
                link_group: message.link_group.clone(),
                smsc_message_id,
                message: message.id,
                part,
            });
        }
    }

    /// A yes that came after its time was over, on a session that still lived: it is known now
    /// that the message was sent (P7). Of a message that went again in the meantime it is only
    /// noted.
    pub async fn submitted_late(
        &self,
        seat: &LinkSeat,
        message: &Arc<MtMessage>,
        ids: &[SmolStr],
    ) -> Result<(), store::Error> {
        let is_unknown = matches!(
            self.inner.store.message(message.id).await?,
            Some(store::Stored::Mt(_, MessageState::Unknown))
        );
        if !is_unknown {
            let row = self.note_row(message.id, "late_response", by_itself()).over(&seat.name, 0);
            return self.inner.store.note(Change::default().event(row)).await;
        }
        if !nameless::has_name(ids) {
            return self.submitted_late_nameless(seat, message, ids).await;
        }
        let flight = Arc::new(Flight::new(Arc::clone(message), 0, nameless::awaited(ids)));
        let turn = flight.turn().await;
        let mut change = Change::default()
            .event(
                self.step(message.id, MessageEvent::ProveSent, by_itself())
                    .over(&seat.name, 0)
                    .saying(format!("late response {}", ids.join(","))),
            )
            .state(self.state(message, MessageState::Submitted, None));
        self.await_receipts(seat, &flight, ids, &mut change);
        if let Some((_, ChargeAt::Submitted)) = &message.charge
            && ids.first().is_some_and(|id| id != PART_REFUSED)
        {
            change.charge = self.charge_row(message, "late_response");
        }
        self.inner.store.save(change).await.map_err(|error| unshare(&error))?;
        drop(turn);
        self.inner.recent.unknown_solved(message.id);
        self.match_orphans(seat, ids).await;
        Ok(())
    }

    /// A no that came after its time was over: an unknown message was certainly not taken.
    pub async fn refused_late(
        &self,
        seat: &LinkSeat,
        message: &Arc<MtMessage>,
        status: &SmolStr,
    ) -> Result<(), store::Error> {
        let is_unknown = matches!(
            self.inner.store.message(message.id).await?,
            Some(store::Stored::Mt(_, MessageState::Unknown))
        );
        if is_unknown {
            self.inner.recent.unknown_solved(message.id);
            let why = Some(status.clone());
            return self.finish(message, None, MessageEvent::Reject, why, Some(&seat.name)).await;
        }
        let row = self
            .note_row(message.id, "late_response", by_itself())
            .over(&seat.name, 0)
            .saying(status.as_str());
        self.inner.store.note(Change::default().event(row)).await
    }

    /// The SMSC said no.
    pub async fn not_taken(
        &self,
        seat: &LinkSeat,
        item: &Item,
        why: NotTaken,
    ) -> Result<(), store::Error> {
        let Content::Mt(message) = &item.content else { return Ok(()) };
        match why {
            NotTaken::Later { status } => match self.own_pause(message, item.attempt + 1) {
                Pause::Usual => self.plan_again(item, &seat.name, &status).await,
                Pause::Seconds(seconds) => {
                    let pause = self.jittered(Duration::from_secs(seconds.into()));
                    self.plan_in(pause, item, &seat.name, &status).await
                }
                Pause::NoMore => self.reject(seat, item, message, status).await,
            },
            NotTaken::Never { status } => self.reject(seat, item, message, status).await,
        }
    }

    /// Read when it is needed and not frozen into the message: it is no part of what was agreed
    /// with the subscriber, and a partner that mends it in an outage means what waits, too.
    fn own_pause(&self, message: &MtMessage, tries: u32) -> Pause {
        let catalog = self.inner.catalog.load();
        let service = catalog.service(message.service);
        service.map_or(Pause::Usual, |service| service.limits.pause_after(tries))
    }

    async fn reject(
        &self,
        seat: &LinkSeat,
        item: &Item,
        message: &Arc<MtMessage>,
        status: SmolStr,
    ) -> Result<(), store::Error> {
        let link = Some(&seat.name);
        self.finish(message, Some(item), MessageEvent::Reject, Some(status), link).await
    }

    /// Sent and never answered: the session ended, or the process did.
    ///
    /// A message that parks becomes `Unknown`; any other goes again, marked (P7, P8).
    pub async fn outcome_lost(
        &self,
        link: &SmolStr,
        items: Vec<Item>,
        is_death: bool,
    ) -> Result<(), store::Error> {
        for mut item in items {
            let Content::Mt(message) = item.content.clone() else { continue };
            item.attempt += 1;
            if message.parks_when_unknown() {
                let change =
                    Change { items_out: smallvec::smallvec![item.key], ..Change::default() }
                        .event(
                            self.step(message.id, MessageEvent::LoseOutcome, by_itself())
                                .over(link, item.attempt),
                        )
                        .state(self.state(&message, MessageState::Unknown, Some(NO_ANSWER.into())));
                self.backlog(message.partner).fetch_sub(1, Ordering::AcqRel);
                // Awaited: a receipt that proves it sent must find it unknown.
                self.inner.store.save(change).await.map_err(|error| unshare(&error))?;
                self.inner.lanes.done(item.key);
                self.inner.unknown_seen(&message);
                metrics::message("mt", "unknown");
                self.match_orphans_of(link, &message).await;
                continue;
            }
            if is_death {
                item.deaths += 1;
            }
            if item.deaths >= self.settings().quarantine_after {
                self.quarantine(&item, link, ended_sessions(&item)).await?;
                continue;
            }
            let counted = vec![item.key];
            let rare = if is_death {
                Rare::CountDeath { items: counted }
            } else {
                Rare::CountTry { items: counted }
            };
            let change = Change { rare: vec![rare], ..Change::default() }.event(
                self.step(message.id, MessageEvent::Resend, by_itself()).over(link, item.attempt),
            );
            self.inner.store.note(change).await?;
            self.inner.lanes.put_back(item);
        }
        Ok(())
    }

    /// Puts a message aside with its octets, for a person (P21).
    pub(super) async fn quarantine(
        &self,
        item: &Item,
        link: &SmolStr,
        reason: String,
    ) -> Result<(), store::Error> {
        let id = item.content.message_id();
        let (octets, state) = match &item.content {
            Content::Mt(message) | Content::Receipt(message, _) => {
                (message.body.octets.to_vec(), self.state(message, MessageState::Quarantined, None))
            }
            Content::Mo(message) => (
                message.body.octets.to_vec(),
                StateRow {
                    message: id,
                    state: MessageState::Quarantined,
                    at: self.now(),
                    error: None,
                },
            ),
        };
        tracing::warn!(message.id = %id, link = %link, reason, "quarantined");
        let mut change = Change {
            items_out: smallvec::smallvec![item.key],
            rare: vec![Rare::Quarantine { message: id, at: self.now(), reason, pdu: octets }],
            ..Change::default()
        }
        .event(self.step(id, MessageEvent::Quarantine, by_itself()).over(link, item.attempt));
        // A receipt in quarantine does not change what is known of its message.
        if !matches!(item.content, Content::Receipt(..)) {
            change = change.state(state);
        }
        if let Content::Mt(message) = &item.content {
            self.backlog(message.partner).fetch_sub(1, Ordering::AcqRel);
        }
        metrics::quarantined(1);
        self.inner.store.note(change).await?;
        self.inner.lanes.done(item.key);
        Ok(())
    }

    /// Sends a session's suspects to quarantine or back, for the partner side.
    pub(super) async fn suspect(&self, mut item: Item, who: &SmolStr) -> Result<(), store::Error> {
        item.attempt += 1;
        item.deaths += 1;
        if item.deaths >= self.settings().quarantine_after.max(3) {
            return self.quarantine(&item, who, ended_sessions(&item)).await;
        }
        let rare = vec![
            Rare::CountDeath { items: vec![item.key] },
            Rare::CountTry { items: vec![item.key] },
        ];
        self.inner.store.note(Change { rare, ..Change::default() }).await?;
        self.inner.lanes.put_back(item);
        Ok(())
    }

    /// Moves an item to a later moment, with back-off and jitter (P19).
    pub(super) async fn plan_again(
        &self,
        item: &Item,
        who: &SmolStr,
        why: &str,
    ) -> Result<(), store::Error> {
        self.plan_in(self.back_off(item.attempt + 1), item, who, why).await
    }

    /// `pause` is in microseconds.
    async fn plan_in(
        &self,
        pause: i64,
        item: &Item,
        who: &SmolStr,
        why: &str,
    ) -> Result<(), store::Error> {
        let attempt = item.attempt + 1;
        let due_at = self.now() + pause;
        let mut later = item.clone();
        later.attempt = attempt;
        later.key.due_at = due_at;
        let change = Change {
            items_out: smallvec::smallvec![item.key],
            items_in: smallvec::smallvec![later],
            ..Change::default()
        }
        .event(
            self.step(item.content.message_id(), MessageEvent::Retry, by_itself())
                .over(who, attempt)
                .saying(why),
        );
        self.inner.store.note(change).await?;
        self.inner.lanes.planned(item.key, due_at);
        metrics::retried(item.content.what());
        Ok(())
    }

    /// Microseconds until the next try: the schedule's step, full jitter in its upper half.
    fn back_off(&self, attempt: u32) -> i64 {
        let settings = self.settings();
        let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = settings.retry.len().saturating_sub(1);
        self.jittered(settings.retry.get(step.min(last)).copied().unwrap_or_default())
    }

    fn jittered(&self, pause: Duration) -> i64 {
        let whole = super::mt::micros(pause).max(2);
        whole / 2 + self.inner.clock.random() % (whole / 2)
    }

    /// Ends a message: state, receipt to its partner, and the item's row, in one change.
    pub(super) async fn finish(
        &self,
        message: &Arc<MtMessage>,
        item: Option<&Item>,
        event: MessageEvent,
        error: Option<SmolStr>,
        link: Option<&SmolStr>,
    ) -> Result<(), store::Error> {
        let state = match event {
            MessageEvent::Expire => MessageState::Expired,
            MessageEvent::Delete => MessageState::Deleted,
            MessageEvent::WriteOff => MessageState::UnknownFinal,
            _ => MessageState::Rejected,
        };
        let mut row = self.step(message.id, event, by_itself());
        if let Some(link) = link {
            row = row.over(link, item.map_or(0, |item| item.attempt + 1));
        }
        if let Some(error) = &error {
            row = row.saying(error.as_str());
        }
        let receipt = self.receipt_item(
            message,
            Receipt {
                message: message.id,
                state: ReceiptState::of(state),
                network_error: None,
                done_at: self.now(),
            },
            message.receipts.wants(state),
        );
        let mut change = Change::default().event(row).state(self.state(message, state, error));
        change.items_out.extend(item.map(|item| item.key));
        change.items_in.extend(receipt.clone());
        self.save_with_items(change).await.map_err(|error| unshare(&error))?;
        if let Some(item) = item {
            self.backlog(message.partner).fetch_sub(1, Ordering::AcqRel);
            self.inner.lanes.done(item.key);
        }
        if let Some(receipt) = receipt {
            self.inner.lanes.push(receipt);
        }
        metrics::message("mt", state.as_str());
        self.count_end(message, state);
        Ok(())
    }

    /// The receipt as an item of the lane that leads to its partner.
    pub(super) fn receipt_item(
        &self,
        message: &Arc<MtMessage>,
        receipt: Receipt,
        is_wanted: bool,
    ) -> Option<Item> {
        if !is_wanted {
            return None;
        }
        let lane = self.receipt_lane(message);
        Some(Item {
            key: ItemKey { lane: lane.id(), due_at: 0, seq: self.next_id() },
            valid_until: self.now() + super::mt::micros(self.settings().validity_receipt),
            attempt: 0,
            deaths: 0,
            content: Content::Receipt(Arc::clone(message), receipt),
        })
    }

    /// A receipt goes back the way its message came; that of a test to a test session.
    pub(super) fn receipt_lane(&self, message: &MtMessage) -> Lane {
        let mode = Mode::of(&message.link_group);
        let catalog = self.inner.catalog.load();
        let has_callback = catalog
            .service(message.service)
            .is_some_and(|s| matches!(s.delivery, crate::domain::Delivery::Callback(_)));
        if message.caller.starts_with("api:") && has_callback && mode == Mode::Live {
            Lane::Callback { service: message.service }
        } else {
            Lane::Receipt { partner: message.partner, mode }
        }
    }

    pub(super) fn state(
        &self,
        message: &MtMessage,
        state: MessageState,
        error: Option<SmolStr>,
    ) -> StateRow {
        StateRow { message: message.id, state, at: self.now(), error }
    }

    pub(super) fn charge_row(
        &self,
        message: &MtMessage,
        reason: &'static str,
    ) -> Option<Box<ChargeRow>> {
        let (price, _) = message.charge.as_ref()?;
        metrics::charge(price);
        Some(Box::new(ChargeRow {
            id: self.next_id(),
            message: message.id,
            line: 0,
            partner: message.partner,
            service: message.service,
            service_version: message.service_version,
            direction: "mt",
            price: price.clone(),
            msisdn: message.recipient.as_str().into(),
            at: self.now(),
            reason,
        }))
    }
}

fn ended_sessions(item: &Item) -> String {
    format!("{} sessions ended while it was in flight", item.deaths)
}

/// Needs a durable claim before its octets leave.
fn is_guarded(item: &Item) -> bool {
    matches!(&item.content, Content::Mt(message) if message.parks_when_unknown())
}

/// A shared store error as one of our own; the detail was logged by the writer.
pub(super) fn unshare(error: &store::Error) -> store::Error {
    match error {
        store::Error::Stopped => store::Error::Stopped,
        other => store::Error::Unavailable(other.to_string()),
    }
}
