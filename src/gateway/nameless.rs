//! An SMSC that says yes and gives no `message_id`.
//!
//! It took the message, so nobody sends it again, charged or free: that would be a second one for
//! certain. But no receipt can name it, so `Submitted` would be its state for ever. It is `Unknown`
//! instead, with all that P8 has for that: a receipt that can only be about it proves it (by the
//! echoed reference or the two numbers), people resolve it, and `unknown_ttl` ends it with a
//! receipt that says UNKNOWN.
//!
//! The surprise is the money. A message that is charged when it is delivered is not charged, for
//! nobody knows that it was. One that is charged when the SMSC takes it is charged here: the yes is
//! all that its price waits for, and the ledger row stands whatever becomes of it.

use std::sync::{Arc, atomic::Ordering};

use smol_str::SmolStr;

use super::{
    Gateway, by_itself,
    submit::{LinkSeat, PART_REFUSED, unshare},
};
use crate::{
    domain::{ChargeAt, Item, MessageEvent, MessageState, MtMessage, story::NO_ID},
    metrics,
    store::{self, Change},
};

/// Whether receipts can come under one of these at least. Where some parts have names and others
/// have none, those that have decide.
pub(super) fn has_name(ids: &[SmolStr]) -> bool {
    ids.iter().any(|id| !id.is_empty() && id != PART_REFUSED)
}

/// Parts of which the end will be heard, or was.
pub(super) fn awaited(ids: &[SmolStr]) -> usize {
    ids.iter().filter(|id| !id.is_empty()).count()
}

/// The price stands on the first part: it is due if the SMSC took that.
fn is_due_now(message: &MtMessage, ids: &[SmolStr]) -> bool {
    matches!(&message.charge, Some((_, ChargeAt::Submitted)))
        && ids.first().is_some_and(|id| id != PART_REFUSED)
}

impl Gateway {
    /// The SMSC took it and said no name.
    pub(super) async fn submitted_nameless(
        &self,
        seat: &LinkSeat,
        item: &Item,
        message: &Arc<MtMessage>,
        ids: &[SmolStr],
    ) -> Result<(), store::Error> {
        let attempt = item.attempt + 1;
        let step = |event| self.step(message.id, event, by_itself()).over(&seat.name, attempt);
        let mut change = Change { items_out: smallvec::smallvec![item.key], ..Change::default() }
            .event(step(MessageEvent::Submit).saying(NO_ID))
            .event(step(MessageEvent::LoseOutcome).saying(NO_ID))
            .state(self.state(message, MessageState::Unknown, Some(NO_ID.into())));
        if is_due_now(message, ids) {
            change.charge = self.charge_row(message, "submitted");
        }
        tracing::debug!(message.id = %message.id, link = %seat.name, "{NO_ID}");
        self.backlog(message.partner).fetch_sub(1, Ordering::AcqRel);
        // Awaited: a receipt that proves it sent must find it unknown.
        self.inner.store.save(change).await.map_err(|error| unshare(&error))?;
        self.inner.lanes.done(item.key);
        self.inner.unknown_seen(message);
        metrics::message("mt", "unknown");
        self.match_orphans_of(&seat.name, message).await;
        Ok(())
    }

    /// The yes came late and nameless: the message stays unknown, which it is already.
    pub(super) async fn submitted_late_nameless(
        &self,
        seat: &LinkSeat,
        message: &MtMessage,
        ids: &[SmolStr],
    ) -> Result<(), store::Error> {
        let row = self
            .note_row(message.id, "late_response", by_itself())
            .over(&seat.name, 0)
            .saying(NO_ID);
        let mut change = Change::default().event(row);
        if is_due_now(message, ids) {
            change.charge = self.charge_row(message, "late_response");
        }
        self.inner.store.note(change).await
    }
}
