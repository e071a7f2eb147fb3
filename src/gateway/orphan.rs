//! Receipts whose message is not known, or not yet: kept, tried again, and given up in their time.
//!
//! What surprises: most of them are early, not lost. An SMSC may deliver a receipt before the
//! answer that says which message it is about (P15).

use smol_str::SmolStr;

use super::{
    Error, Gateway,
    receipt::{Matched, NewReceipt},
    submit::LinkSeat,
};
use crate::{
    domain::MtMessage,
    metrics,
    store::{
        Change,
        change::{Orphan, Rare},
    },
};

/// Orphans that are tried again at a start; each costs a look into the store.
const LEFT_ORPHANS_MAX: i64 = 10_000;

impl Gateway {
    pub(super) async fn keep_orphan(&self, seat: &LinkSeat, new: NewReceipt) -> Result<(), Error> {
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
        self.inner.recent.keep_orphan(seat.group, orphan.id, orphan.received_at, new);
        let change = Change { rare: vec![Rare::KeepOrphan(Box::new(orphan))], ..Change::default() };
        self.inner.store.save(change).await?;
        Ok(())
    }

    /// After an answer is stored: receipts that came before it (P15).
    pub(super) async fn match_orphans(&self, seat: &LinkSeat, ids: &[SmolStr]) {
        for id in ids {
            for (row, new) in self.inner.recent.take_orphans(seat.group, id) {
                self.try_orphan(seat, row, new).await;
            }
        }
    }

    /// After a message became unknown: its receipt may have come while its answer was waited for.
    pub(super) async fn match_orphans_of(&self, link: &SmolStr, message: &MtMessage) {
        let Some(group) = self.group(&message.link_group) else { return };
        let seat = LinkSeat { name: link.clone(), group, epoch: 0 };
        let (subscriber, number) = (message.recipient.as_str(), message.sender.as_str());
        for (row, new) in self.inner.recent.take_orphans_between(group, subscriber, number) {
            self.try_orphan(&seat, row, new).await;
        }
    }

    async fn try_orphan(&self, seat: &LinkSeat, row: i64, new: NewReceipt) {
        let Ok(matched) = self.receipt(seat, new).await else { return };
        // If it matched nothing again, it was kept again, under a row of its own.
        let change = Change { rare: vec![Rare::DropOrphan(row)], ..Change::default() };
        if self.inner.store.note(change).await.is_ok() && matched != Matched::Orphan {
            metrics::orphan_matched();
        }
    }

    /// Loads what the last run left unmatched, so that it is tried again.
    pub(super) async fn load_orphans(&self) -> Result<(), crate::store::Error> {
        for orphan in self.inner.store.orphans(100_000).await? {
            let Some(group) = self.group(&orphan.link_group) else { continue };
            let (row, received_at) = (orphan.id, orphan.received_at);
            self.inner.recent.keep_orphan(group, row, received_at, receipt_of(orphan));
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
