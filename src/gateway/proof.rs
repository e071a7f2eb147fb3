//! Receipts that prove an unknown message to have been sent, though no answer ever named it.
//!
//! A receipt proves it by the reference that the operator echoes, or as the only unknown message
//! between the two numbers (P8 a). It does not guess: what could be about two messages is kept as
//! an orphan for a person.
//!
//! The surprise: a long message has a receipt for each of its parts, under names that nobody has
//! heard of, and after the first of them it is not unknown any more. So the first leaves two names
//! of our own among the SMSC's: between which numbers, and with which reference, more is to come.
//! They are rows, so that a start in between changes nothing.

use std::sync::{Arc, atomic::Ordering};

use smol_str::SmolStr;

use super::{
    Error, Gateway, by_itself,
    receipt::{NewReceipt, reference_of},
    recent::Flight,
    submit::LinkSeat,
};
use crate::{
    domain::{ChargeAt, MessageEvent, MessageId, MessageState, MtMessage},
    store::{
        Change, Stored,
        change::{Rare, ReceiptKey},
    },
};

/// The name under which later parts are looked for: `?` stands in no id of an SMSC that is read
/// as a number, and two numbers with a `>` between them in no other.
fn stranger(subscriber: &str, number: &str, reference: Option<u16>) -> SmolStr {
    let echoed = reference.map(|reference| smol_str::format_smolstr!("#{reference}"));
    smol_str::format_smolstr!("?{subscriber}>{number}{}", echoed.unwrap_or_default())
}

fn names_of(message: &MtMessage) -> [SmolStr; 2] {
    let (subscriber, number) = (message.recipient.as_str(), message.sender.as_str());
    let reference = Some(reference_of(message.id));
    [stranger(subscriber, number, reference), stranger(subscriber, number, None)]
}

impl Gateway {
    /// The message that a receipt of a strange name proves sent, or of which it is a later part.
    pub(super) async fn proved(
        &self,
        seat: &LinkSeat,
        new: &NewReceipt,
    ) -> Result<Option<(Arc<Flight>, u8)>, Error> {
        match self.unknown_sent(seat, new).await? {
            Some(found) => Ok(Some(found)),
            None => self.later_part(seat, new).await,
        }
    }

    /// Receipts that are to come for an unknown message: one for each part, or one for the whole
    /// where the link sends long messages in one piece.
    pub(super) fn pieces(&self, link: &str, message: &MtMessage) -> u8 {
        let is_whole = || {
            let card = self.inner.registry.link(link);
            card.is_some_and(|card| card.sends_whole.load(Ordering::Acquire))
        };
        if message.parts > 1 && (message.body.has_udh || !is_whole()) { message.parts } else { 1 }
    }

    async fn unknown_sent(
        &self,
        seat: &LinkSeat,
        new: &NewReceipt,
    ) -> Result<Option<(Arc<Flight>, u8)>, Error> {
        let found = self.inner.recent.unknown_between(&new.sender, &new.recipient, new.reference);
        let Some(id) = found else { return Ok(None) };
        let Some(Stored::Mt(message, MessageState::Unknown)) = self.inner.store.message(id).await?
        else {
            return Ok(None);
        };
        let pieces = self.pieces(&seat.name, &message);
        let part = u8::from(pieces > 1);
        let mut change = Change::default()
            .event(
                self.step(message.id, MessageEvent::ProveSent, by_itself())
                    .over(&seat.name, 0)
                    .saying("a receipt for it arrived"),
            )
            .state(self.state(&message, MessageState::Submitted, None));
        if let Some((_, ChargeAt::Submitted)) = &message.charge {
            change.charge = self.charge_row(&message, "proved_sent");
        }
        // With the SMSC's name for it: a further receipt comes under the same one. And if the
        // process ends before this receipt itself is stored, the SMSC repeats it, and the message
        // is not unknown any more.
        let key = |name: &SmolStr, part| ReceiptKey {
            link_group: self.group_name(seat.group),
            smsc_message_id: name.clone(),
            message: message.id,
            part,
        };
        if !new.smsc_message_id.is_empty() {
            change.receipt_keys.push(key(&new.smsc_message_id, part));
        }
        let flight = Arc::new(Flight::new(Arc::clone(&message), 0, usize::from(pieces)));
        flight.named(1);
        if pieces > 1 {
            let [by_reference, by_numbers] = names_of(&message);
            change.receipt_keys.push(key(&by_reference, 0));
            // The name may be left from a message that has ended. If it is in use, a second
            // message waits between the same numbers: from now on only the reference tells.
            change.rare.push(Rare::DropReceiptKey {
                link_group: self.group_name(seat.group),
                smsc_message_id: by_numbers.clone(),
            });
            if self.waiting_under(seat, &by_numbers).await?.is_none() {
                change.receipt_keys.push(key(&by_numbers, 0));
            }
        }
        self.inner.store.save(change).await?;
        self.inner.recent.unknown_solved(id);
        if pieces > 1 {
            self.inner.recent.add(
                seat.group,
                names_of(&message)[0].clone(),
                Arc::clone(&flight),
                0,
            );
        }
        if !new.smsc_message_id.is_empty() {
            let name = new.smsc_message_id.clone();
            self.inner.recent.add(seat.group, name, Arc::clone(&flight), part);
        }
        Ok(Some((flight, part)))
    }

    /// A part of a message that another part's receipt proved sent: it gets the next free number,
    /// for nobody can tell which it is, and nobody needs to.
    async fn later_part(
        &self,
        seat: &LinkSeat,
        new: &NewReceipt,
    ) -> Result<Option<(Arc<Flight>, u8)>, Error> {
        if new.smsc_message_id.is_empty() {
            return Ok(None);
        }
        let name = stranger(&new.sender, &new.recipient, new.reference);
        let Some(message) = self.waiting_under(seat, &name).await? else { return Ok(None) };
        let group = self.group_name(seat.group);
        // One flight for all its parts, whichever name led here.
        let [own, _] = names_of(&message);
        let flight = match self.inner.recent.get(seat.group, &own) {
            Some((flight, _)) => flight,
            None => self.stored_flight(&group, &message).await?,
        };
        let Some(part) = flight.next_name(message.parts) else { return Ok(None) };
        let key = ReceiptKey {
            link_group: group,
            smsc_message_id: new.smsc_message_id.clone(),
            message: message.id,
            part,
        };
        let change = Change { receipt_keys: smallvec::smallvec![key], ..Change::default() };
        self.inner.store.save(change).await.inspect_err(|_| flight.unname())?;
        let recent = &self.inner.recent;
        recent.add(seat.group, own, Arc::clone(&flight), 0);
        recent.add(seat.group, new.smsc_message_id.clone(), Arc::clone(&flight), part);
        Ok(Some((flight, part)))
    }

    /// The submitted message that waits for more under a name of ours.
    async fn waiting_under(
        &self,
        seat: &LinkSeat,
        name: &SmolStr,
    ) -> Result<Option<Arc<MtMessage>>, Error> {
        let group = self.group_name(seat.group);
        let Some((id, _)) = self.inner.store.by_smsc_id(&group, name).await? else {
            return Ok(None);
        };
        match self.inner.store.message(id).await? {
            Some(Stored::Mt(message, MessageState::Submitted)) => Ok(Some(message)),
            _ => Ok(None),
        }
    }

    /// Whether parts of a message may come under names that no answer told.
    pub(super) async fn awaits_strangers(
        &self,
        group: &str,
        message: &MtMessage,
    ) -> Result<bool, Error> {
        let [own, _] = names_of(message);
        let found: Option<(MessageId, u8)> = self.inner.store.by_smsc_id(group, &own).await?;
        Ok(found.is_some_and(|(id, _)| id == message.id))
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
