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
        ChargeAt, MessageId, MessageState, MtMessage, NetworkError, Receipt, message::ReceiptState,
    },
    metrics,
    store::{Change, Stored, change::Rare},
};

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
        let matched = match self.match_receipt(seat, &new).await? {
            Some(matched) => matched,
            None => self.keep_orphan(seat, new).await?,
        };
        metrics::receipt(&seat.name, matched.as_str());
        Ok(matched)
    }

    /// Finds the message of a receipt and moves it; none if no message is found.
    pub(super) async fn match_receipt(
        &self,
        seat: &LinkSeat,
        new: &NewReceipt,
    ) -> Result<Option<Matched>, Error> {
        Ok(match self.find_flight(seat, &new.smsc_message_id).await? {
            Found::Flying(flight, part) => Some(self.apply(seat, &flight, part, new).await?),
            Found::Ended(message, state) => Some(self.late(seat, &message, state, new).await?),
            Found::Nothing => match self.proved(seat, new).await? {
                Some((flight, part)) => Some(self.apply(seat, &flight, part, new).await?),
                None => None,
            },
        })
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
        let flight = self.stored_flight(&group, &message).await?;
        self.inner.recent.add(seat.group, id.clone(), Arc::clone(&flight), part);
        Ok(Found::Flying(flight, part))
    }

    /// What is known of the parts of a message that is not in memory.
    pub(super) async fn stored_flight(
        &self,
        group: &str,
        message: &Arc<MtMessage>,
    ) -> Result<Arc<Flight>, Error> {
        // Keys are found by id, not by message: only a message of several parts is worth it.
        if message.parts <= 1 {
            return Ok(Arc::new(Flight::new(Arc::clone(message), 0, 1)));
        }
        let parts = self.inner.store.part_states(message.id).await?;
        let is_of_strangers = self.awaits_strangers(group, message).await?;
        let awaited = if is_of_strangers { usize::from(message.parts) } else { parts.len() };
        let flight = Arc::new(Flight::new(Arc::clone(message), 0, awaited));
        flight.named(parts.len());
        for (done, state) in parts {
            if let Some(state) = state {
                flight.part_done(done, state);
            }
        }
        Ok(flight)
    }

    async fn apply(
        &self,
        seat: &LinkSeat,
        flight: &Arc<Flight>,
        part: u8,
        new: &NewReceipt,
    ) -> Result<Matched, Error> {
        drop(flight.turn().await);
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
                        .saying(format!("part {part} {}", new.state.stat())),
                );
                self.saved_or_undone(change, flight, part).await?;
                Ok(Matched::Part)
            }
            PartDone::Whole(state) => self.settle(seat, flight, (part, state), new).await,
        }
    }

    /// The end of a message: state, ledger row and receipt in one change.
    async fn settle(
        &self,
        seat: &LinkSeat,
        flight: &Arc<Flight>,
        (part, state): (u8, ReceiptState),
        new: &NewReceipt,
    ) -> Result<Matched, Error> {
        let message = &flight.message;
        let event = state.event().expect("only final states settle");
        let next =
            MessageState::Submitted.after(event).expect("a receipt ends a submitted message");
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
        self.saved_or_undone(change, flight, part).await?;
        self.inner.recent.remove(seat.group, &new.smsc_message_id);
        if let Some(item) = item {
            self.inner.lanes.push(item);
        }
        metrics::message("mt", next.as_str());
        self.count_end(message, next);
        metrics::duration("mt", self.now() - message.accepted_at);
        Ok(Matched::Final)
    }

    /// A receipt that could not be stored is refused, and its repeat must not look like one.
    async fn saved_or_undone(
        &self,
        change: Change,
        flight: &Flight,
        part: u8,
    ) -> Result<(), Error> {
        self.save_with_items(change).await.inspect_err(|_| flight.part_undone(part))?;
        Ok(())
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
        self.save_with_items(change).await?;
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
}

/// The `user_message_reference` that goes with a message where a link's profile wants one.
pub fn reference_of(id: MessageId) -> u16 {
    // The low bits count, the next ones are the node; fold both with the milliseconds.
    let value = id.0 ^ (id.0 >> 22);
    u16::try_from(value & 0xffff).expect("masked to 16 bits")
}

enum Found {
    Flying(Arc<Flight>, u8),
    Ended(Arc<MtMessage>, MessageState),
    Nothing,
}
