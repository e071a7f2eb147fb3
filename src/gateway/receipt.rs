//! Taking a receipt from the operator: match it, move the message, charge, tell the partner. All
//! of it is one commit, and the SMSC is answered after that commit (P2).

use std::sync::Arc;

use smol_str::SmolStr;

use super::{
    Error, Gateway, by_itself,
    recent::{Flight, PartDone},
    submit::LinkSeat,
};
use crate::{
    domain::{
        ChargeAt, MessageEvent, MessageId, MessageState, MtMessage, NetworkError, Receipt,
        message::ReceiptState,
    },
    metrics,
    store::{
        Change, Stored,
        change::{Orphan, Rare, ReceiptKey},
    },
};

/// Orphans that are tried again at a start; each costs a look into the store.
const LEFT_ORPHANS_MAX: i64 = 10_000;

/// A receipt as a link read it: ids normalised by the link's profile (P14).
#[derive(Debug, Clone)]
pub struct NewReceipt {
    pub smsc_message_id: SmolStr,
    pub state: ReceiptState,
    pub network_error: Option<NetworkError>,
    /// Microseconds UTC.
    pub done_at: i64,
    /// Address the receipt comes from (the subscriber) and goes to (our number), as sent.
    pub sender: SmolStr,
    pub recipient: SmolStr,
    /// `user_message_reference`, where the operator echoes it.
    pub reference: Option<u16>,
}

/// What became of a receipt; a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    Final,
    Intermediate,
    Part,
    Repeated,
    Contradicts,
    Orphan,
}

impl Matched {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Intermediate => "intermediate",
            Self::Part => "part",
            Self::Repeated => "repeated",
            Self::Contradicts => "contradicts",
            Self::Orphan => "orphan",
        }
    }
}

impl Gateway {
    /// Takes a receipt. When this returns `Ok`, it is durable, matched or not.
    pub async fn receipt(&self, seat: &LinkSeat, new: NewReceipt) -> Result<Matched, Error> {
        let matched = if let Some(matched) = self.take_receipt(seat, &new).await? {
            matched
        } else {
            let id = new.smsc_message_id.clone();
            self.keep_orphan(seat, new).await?;
            // The answer may have come after the first look and before this was kept. Boxed,
            // because a matched orphan is a receipt again.
            if self.inner.recent.get(seat.group, &id).is_some() {
                Box::pin(self.match_orphans(seat, &[id])).await;
            }
            Matched::Orphan
        };
        metrics::receipt(&seat.name, matched.as_str());
        Ok(matched)
    }

    /// None if nothing is known that it could belong to.
    async fn take_receipt(
        &self,
        seat: &LinkSeat,
        new: &NewReceipt,
    ) -> Result<Option<Matched>, Error> {
        Ok(Some(match self.find_flight(seat, &new.smsc_message_id).await? {
            Found::Flying(flight, part) => self.apply(seat, &flight, part, new).await?,
            Found::Ended(message, state) => self.late(seat, &message, state, new).await?,
            Found::Nothing => match self.unknown_sent(seat, new).await? {
                Some(flight) => self.apply(seat, &flight, 0, new).await?,
                None => return Ok(None),
            },
        }))
    }

    /// Memory first; the store knows what is older or was pushed out.
    async fn find_flight(&self, seat: &LinkSeat, id: &SmolStr) -> Result<Found, Error> {
        if let Some((flight, part)) = self.inner.recent.get(seat.group, id) {
            return Ok(Found::Flying(flight, part));
        }
        if id.is_empty() {
            return Ok(Found::Nothing);
        }
        let group = self.group_name(seat.group);
        let Some((message, part)) = self.inner.store.by_smsc_id(&group, id).await? else {
            return Ok(Found::Nothing);
        };
        let Some(Stored::Mt(message, state)) = self.inner.store.message(message).await? else {
            return Ok(Found::Nothing);
        };
        if state != MessageState::Submitted {
            return Ok(Found::Ended(message, state));
        }
        let flight = Arc::new(Flight::new(Arc::clone(&message), 0));
        // Keys are found by id, not by message: only a message of several parts is worth it.
        if message.parts > 1 {
            for (done, state) in self.inner.store.part_states(message.id).await? {
                flight.part_done(done, state);
            }
        }
        self.inner.recent.add(seat.group, id.clone(), Arc::clone(&flight), part);
        Ok(Found::Flying(flight, part))
    }

    async fn apply(
        &self,
        seat: &LinkSeat,
        flight: &Arc<Flight>,
        part: u8,
        new: &NewReceipt,
    ) -> Result<Matched, Error> {
        let Some(_) = new.state.event() else {
            return self.intermediate(seat, flight, new).await;
        };
        match flight.part_done(part, new.state) {
            PartDone::Repeated => Ok(Matched::Repeated),
            PartDone::Waiting => {
                let change = Change {
                    rare: vec![Rare::PartState {
                        link_group: flight.message.link_group.clone(),
                        smsc_message_id: new.smsc_message_id.clone(),
                        state: new.state,
                    }],
                    ..Change::default()
                }
                .event(
                    self.note_row(flight.message.id, "part_receipt", by_itself())
                        .over(&seat.name, flight.attempt)
                        .saying(format!("part {} {}", part + 1, new.state.stat())),
                );
                self.inner.store.save(change).await?;
                Ok(Matched::Part)
            }
            PartDone::Whole(state) => self.settle(seat, flight, state, new).await,
        }
    }

    /// The end of a message: state, ledger row and receipt in one change.
    async fn settle(
        &self,
        seat: &LinkSeat,
        flight: &Arc<Flight>,
        state: ReceiptState,
        new: &NewReceipt,
    ) -> Result<Matched, Error> {
        let message = &flight.message;
        let event = state.event().expect("only final states settle");
        let next = MessageState::Submitted.after(event).expect("a receipt ends a submitted message");
        let receipt = Receipt {
            message: message.id,
            state: ReceiptState::of(next),
            network_error: new.network_error,
            done_at: new.done_at,
        };
        let item = self.receipt_item(message, receipt, message.receipts.wants(next));
        let error = new
            .network_error
            .filter(|_| next != MessageState::Delivered)
            .map(|error| smol_str::format_smolstr!("{}:{}", error.kind, error.code));
        let mut change = Change::default()
            .event(
                self.step(message.id, event, by_itself())
                    .over(&seat.name, flight.attempt)
                    .saying(new.state.stat()),
            )
            .state(self.state(message, next, error));
        if next == MessageState::Delivered
            && matches!(&message.charge, Some((_, ChargeAt::Delivered)))
        {
            change.charge = self.charge_row(message, "delivered");
        }
        change.items_in.extend(item.clone());
        self.inner.store.save(change).await?;
        self.inner.recent.remove(seat.group, &new.smsc_message_id);
        if let Some(item) = item {
            self.inner.lanes.push(item);
        }
        metrics::message("mt", next.as_str());
        metrics::duration("mt", self.now() - message.accepted_at);
        Ok(Matched::Final)
    }

    async fn intermediate(
        &self,
        seat: &LinkSeat,
        flight: &Arc<Flight>,
        new: &NewReceipt,
    ) -> Result<Matched, Error> {
        let message = &flight.message;
        let receipt = Receipt {
            message: message.id,
            state: ReceiptState::Enroute,
            network_error: new.network_error,
            done_at: new.done_at,
        };
        let item = self.receipt_item(message, receipt, message.receipts.intermediate);
        let mut change = Change::default().event(
            self.note_row(message.id, "intermediate", by_itself())
                .over(&seat.name, flight.attempt)
                .saying(new.state.stat()),
        );
        change.items_in.extend(item.clone());
        self.inner.store.save(change).await?;
        if let Some(item) = item {
            self.inner.lanes.push(item);
        }
        Ok(Matched::Intermediate)
    }

    /// A receipt for a message that has ended: the same state again, or a contradiction, which is
    /// recorded and changes nothing without a person (P16).
    async fn late(
        &self,
        seat: &LinkSeat,
        message: &MtMessage,
        state: MessageState,
        new: &NewReceipt,
    ) -> Result<Matched, Error> {
        let said = new.state.event().and_then(|event| MessageState::Submitted.after(event));
        if said.is_none() || said == Some(state) {
            return Ok(Matched::Repeated);
        }
        let change = Change::default().event(
            self.note_row(message.id, "late_receipt", by_itself())
                .over(&seat.name, 0)
                .saying(format!("{} after {}", new.state.stat(), state.as_str())),
        );
        self.inner.store.save(change).await?;
        tracing::warn!(message.id = %message.id, link = %seat.name, said = new.state.stat(),
            state = state.as_str(), "a receipt contradicts a final state");
        metrics::charge_mismatch();
        Ok(Matched::Contradicts)
    }

    async fn keep_orphan(&self, seat: &LinkSeat, new: NewReceipt) -> Result<(), Error> {
        let orphan = Orphan {
            id: self.next_id(),
            link: seat.name.clone(),
            link_group: self.group_name(seat.group),
            smsc_message_id: new.smsc_message_id.clone(),
            sender: new.sender.clone(),
            recipient: new.recipient.clone(),
            state: new.state,
            network_error: new.network_error,
            done_at: new.done_at,
            received_at: self.now(),
        };
        // Remember before the commit: the answer it waits for may be stored in the same group.
        let max = self.settings().orphans_max;
        self.inner.recent.keep_orphan(seat.group, orphan.id, new, max);
        let change =
            Change { rare: vec![Rare::KeepOrphan(Box::new(orphan))], ..Change::default() };
        self.inner.store.save(change).await?;
        Ok(())
    }

    /// After an answer is stored: receipts that came before it (P15).
    pub(super) async fn match_orphans(&self, seat: &LinkSeat, ids: &[SmolStr]) {
        for id in ids {
            for (orphan, new) in self.inner.recent.take_orphans(seat.group, id) {
                let outcome = self.receipt(seat, new).await;
                if outcome.is_err() {
                    continue;
                }
                let change =
                    Change { rare: vec![Rare::DropOrphan(orphan)], ..Change::default() };
                if self.inner.store.note(change).await.is_ok() {
                    metrics::orphan_matched();
                }
            }
        }
    }

    /// Loads what the last run left unmatched, so that it is tried again.
    pub(super) async fn load_orphans(&self) -> Result<(), crate::store::Error> {
        let max = self.settings().orphans_max;
        for orphan in self.inner.store.orphans(i64::try_from(max).unwrap_or(i64::MAX)).await? {
            let Some(group) = self.group(&orphan.link_group) else { continue };
            self.inner.recent.keep_orphan(group, orphan.id, receipt_of(orphan), max);
        }
        Ok(())
    }

    /// Tries once more what the last run left unmatched: it may have ended between storing the
    /// answer and matching, or before the answer, and then the message is unknown by now. Run
    /// once, when lanes can be pushed to.
    pub async fn match_left_orphans(&self) -> Result<usize, Error> {
        let mut count = 0;
        for orphan in self.inner.store.orphans(LEFT_ORPHANS_MAX).await? {
            let Some(group) = self.group(&orphan.link_group) else { continue };
            let seat = LinkSeat { name: orphan.link.clone(), group, epoch: 0 };
            let id = orphan.id;
            let new = receipt_of(orphan);
            if self.take_receipt(&seat, &new).await?.is_none() {
                continue;
            }
            self.inner.recent.forget_orphan(group, &new.smsc_message_id, id);
            let change = Change { rare: vec![Rare::DropOrphan(id)], ..Change::default() };
            self.inner.store.save(change).await?;
            metrics::orphan_matched();
            count += 1;
        }
        Ok(count)
    }

    /// An unknown message that this receipt proves to have been sent: by the reference that the
    /// operator echoes, or as the only unknown one between the two numbers (P8 a).
    async fn unknown_sent(
        &self,
        seat: &LinkSeat,
        new: &NewReceipt,
    ) -> Result<Option<Arc<Flight>>, Error> {
        let Some(id) = self.inner.recent.unknown_between(&new.sender, &new.recipient, new.reference)
        else {
            return Ok(None);
        };
        let Some(Stored::Mt(message, MessageState::Unknown)) = self.inner.store.message(id).await?
        else {
            return Ok(None);
        };
        let mut change = Change::default()
            .event(
                self.step(message.id, MessageEvent::ProveSent, by_itself())
                    .over(&seat.name, 0)
                    .saying("a receipt for it arrived"),
            )
            .state(self.state(&message, MessageState::Submitted, None));
        // With the SMSC's name for it: if the process ends before the receipt itself is stored,
        // the SMSC repeats the receipt, and the message is not unknown any more.
        if !new.smsc_message_id.is_empty() {
            change.receipt_keys.push(ReceiptKey {
                link_group: self.group_name(seat.group),
                smsc_message_id: new.smsc_message_id.clone(),
                message: message.id,
                part: 0,
            });
        }
        if let Some((_, ChargeAt::Submitted)) = &message.charge {
            change.charge = self.charge_row(&message, "proved_sent");
        }
        self.inner.store.save(change).await?;
        self.inner.recent.unknown_solved(id);
        Ok(Some(Arc::new(Flight::new(message, 0))))
    }
}

impl super::Inner {
    /// A message became unknown: a receipt may still prove that it was sent.
    pub(super) fn unknown_seen(&self, message: &MtMessage) {
        self.recent.unknown_seen(
            message.id,
            message.recipient.as_str(),
            message.sender.as_str(),
            reference_of(message.id),
        );
    }
}

/// The `user_message_reference` that goes with a message where a link's profile wants one.
pub fn reference_of(id: MessageId) -> u16 {
    // The low bits count, the next ones are the node; fold both with the milliseconds.
    let value = id.0 ^ (id.0 >> 22);
    u16::try_from(value & 0xffff).expect("masked to 16 bits")
}

fn receipt_of(orphan: Orphan) -> NewReceipt {
    NewReceipt {
        smsc_message_id: orphan.smsc_message_id,
        state: orphan.state,
        network_error: orphan.network_error,
        done_at: orphan.done_at,
        sender: orphan.sender,
        recipient: orphan.recipient,
        reference: None,
    }
}

enum Found {
    Flying(Arc<Flight>, u8),
    Ended(Arc<MtMessage>, MessageState),
    Nothing,
}
