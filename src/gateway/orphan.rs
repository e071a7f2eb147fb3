//! Receipts whose message is not known, or not yet: kept, tried again, and given up in their time.
//!
//! What surprises: most of them are early, not lost. An SMSC may deliver a receipt before the
//! answer that says which message it is about (P15).

use std::collections::HashSet;

use smol_str::SmolStr;

use super::{
    Error, Gateway,
    receipt::{Matched, NewReceipt},
    recent::Lone,
    submit::LinkSeat,
};
use crate::{
    domain::{GroupId, MtMessage},
    metrics,
    store::{
        Change,
        change::{Orphan, Rare},
    },
};

/// Orphans that are read back at a start.
const LEFT_ORPHANS_MAX: i64 = 100_000;

impl Gateway {
    pub(super) async fn keep_orphan(
        &self,
        seat: &LinkSeat,
        new: NewReceipt,
    ) -> Result<Matched, Error> {
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
        let id = new.smsc_message_id.clone();
        // Remember before the commit: the answer it waits for may be stored in the same group.
        let max = self.settings().orphans_max;
        let lone = Lone { row: orphan.id, received_at: orphan.received_at, receipt: new.clone() };
        let too_many = self.inner.recent.keep_orphan(seat.group, lone, max);
        // That answer may also have come since this receipt looked for it. Then nobody looks for
        // the orphan any more, unless this does: whoever takes it from the memory has it.
        if self.inner.recent.get(seat.group, &id).is_some()
            && self.inner.recent.take_orphan(seat.group, &id, orphan.id)
        {
            self.drop_orphans(too_many).await;
            return Box::pin(self.receipt(seat, new)).await;
        }
        let change = Change { rare: vec![Rare::KeepOrphan(Box::new(orphan))], ..Change::default() };
        self.inner.store.save(change).await?;
        self.drop_orphans(too_many).await;
        Ok(Matched::Orphan)
    }

    /// Gives up receipts that no message claimed in their time, or that are the oldest of too many.
    pub(super) async fn drop_orphans(&self, rows: Vec<i64>) {
        if rows.is_empty() {
            return;
        }
        tracing::warn!(count = rows.len(), "receipts without a message are given up");
        let rare = rows.into_iter().map(Rare::DropOrphan).collect();
        if let Err(error) = self.inner.store.note(Change { rare, ..Change::default() }).await {
            // Their rows are read again at the next start.
            tracing::warn!(%error, "old receipts could not be dropped");
        }
    }

    /// After an answer is stored: receipts that came before it (P15).
    pub(super) async fn match_orphans(&self, seat: &LinkSeat, ids: &[SmolStr]) {
        for id in ids {
            for lone in self.inner.recent.take_orphans(seat.group, id) {
                self.try_orphan(seat, lone).await;
            }
        }
    }

    /// After a message became unknown: its receipt may have come while its answer was waited for.
    /// Only if all that came between the two numbers since are about one message (P8 a).
    pub(super) async fn match_orphans_of(&self, link: &SmolStr, message: &MtMessage) {
        let Some(group) = self.group(&message.link_group) else { return };
        let (subscriber, number) = (message.recipient.as_str(), message.sender.as_str());
        let found = self.inner.recent.orphans_between(group, subscriber, number, message.id.0);
        let mut names: Vec<&SmolStr> =
            found.iter().map(|lone| &lone.receipt.smsc_message_id).collect();
        names.sort_unstable();
        names.dedup();
        // Each part has a name of its own.
        if names.is_empty() || names.len() > usize::from(self.pieces(link, message)) {
            return;
        }
        let seat = LinkSeat { name: link.clone(), group, epoch: 0 };
        for lone in found {
            if self.inner.recent.take_orphan(group, &lone.receipt.smsc_message_id, lone.row) {
                self.try_orphan(&seat, lone).await;
            }
        }
    }

    /// Remembers one that has its row already, for as long as it would have waited anyway.
    pub(super) async fn wait_on(&self, group: GroupId, lone: Lone) {
        let max = self.settings().orphans_max;
        let too_many = self.inner.recent.keep_orphan(group, lone, max);
        self.drop_orphans(too_many).await;
    }

    async fn try_orphan(&self, seat: &LinkSeat, lone: Lone) {
        let row = lone.row;
        let matched = match self.receipt(seat, lone.receipt.clone()).await {
            Ok(matched) => matched,
            Err(error) => {
                // The SMSC was told that it is kept, and does not send it again: whoever looks for
                // receipts of this message next finds it.
                tracing::warn!(%error, link = %seat.name, "an orphan receipt waits on");
                self.wait_on(seat.group, lone).await;
                return;
            }
        };
        // If it matched nothing again, it was kept again, under a row of its own.
        let change = Change { rare: vec![Rare::DropOrphan(row)], ..Change::default() };
        if self.inner.store.save(change).await.is_ok() && matched != Matched::Orphan {
            metrics::orphan_matched();
        }
    }

    /// Loads what the last run left unmatched, so that it is tried again. What its answer was
    /// stored for, or what proves an unknown message to be sent, is tried now: the last run ended
    /// between the two.
    pub(super) async fn load_orphans(&self) -> Result<(), crate::store::Error> {
        let answered = self.inner.store.answered_orphans().await?;
        // Between these numbers a message was proved sent just now; later parts come behind.
        let mut proved_now: HashSet<(SmolStr, SmolStr)> = HashSet::new();
        for orphan in self.inner.store.orphans(LEFT_ORPHANS_MAX).await? {
            let Some(group) = self.group(&orphan.link_group) else { continue };
            let (row, link) = (orphan.id, orphan.link.clone());
            let lone = lone_of(orphan);
            let new = &lone.receipt;
            let proves = self.inner.recent.unknown_between(&new.sender, &new.recipient, None);
            let numbers = (new.sender.clone(), new.recipient.clone());
            let is_proof = proves.is_some_and(|proved| proved.0 < row);
            if answered.contains(&row) || is_proof || proved_now.contains(&numbers) {
                if is_proof {
                    proved_now.insert(numbers);
                }
                let seat = LinkSeat { name: link, group, epoch: 0 };
                self.try_orphan(&seat, lone).await;
            } else {
                self.wait_on(group, lone).await;
            }
        }
        Ok(())
    }
}

pub(super) fn lone_of(orphan: Orphan) -> Lone {
    let receipt = NewReceipt {
        smsc_message_id: orphan.smsc_message_id,
        state: orphan.state,
        network_error: orphan.network_error,
        done_at: orphan.done_at,
        sender: orphan.sender,
        recipient: orphan.recipient,
        reference: None,
    };
    Lone { row: orphan.id, received_at: orphan.received_at, receipt }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, receipt::NewReceipt, submit::LinkSeat};
    use crate::{control::tests::daemon, domain::message::ReceiptState, store::Change};

    #[tokio::test]
    async fn beyond_its_number_the_oldest_orphans_are_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = daemon(folder.path()).await;
        let gateway = &daemon.gateway;
        gateway.tune(Settings { orphans_max: 3, ..Settings::default() });
        let group = gateway.group("main").unwrap();
        let seat = LinkSeat { name: "north".into(), group, epoch: 1 };
        // The SMSC's id may be the same: each receipt counts.
        for id in ["0", "1", "1", "2", "3"] {
            let receipt = NewReceipt {
                smsc_message_id: id.into(),
                state: ReceiptState::Delivered,
                network_error: None,
                done_at: gateway.now(),
                sender: "48600100200".into(),
                recipient: "7455".into(),
                reference: None,
            };
            gateway.receipt(&seat, receipt).await.unwrap();
        }
        // Nobody waits for what was dropped; this comes after it.
        gateway.store().save(Change::default()).await.unwrap();
        let kept = gateway.store().orphans(100).await.unwrap();
        let kept: Vec<_> = kept.iter().map(|orphan| orphan.smsc_message_id.as_str()).collect();
        assert_eq!(kept, ["1", "2", "3"]);
    }
}
