//! Receipts that a person has to look at: those that no message claims, and those that were put
//! aside because they ended their partner's sessions. Each is tried again or dropped.
//!
//! It decides nothing about messages: a stray receipt moves its message only by the rules that
//! every receipt is held to (`receipt`, `proof`).
//!
//! The surprise: a receipt in quarantine has no row of its own beyond that of its message, so it is
//! made again of the state that the message has now. That is what the partner must know.

use smol_str::{SmolStr, ToSmolStr};

use super::{Error, Gateway, orphan::lone_of, receipt::Matched, submit::LinkSeat};
use crate::{
    domain::{Caller, MessageId, Receipt, Refusal, message::ReceiptState},
    metrics,
    store::{
        Change, Stored,
        change::{Orphan, Rare},
    },
};

/// What another try came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// An orphan found its message.
    Matched(Matched),
    /// Still no message is found; the orphan waits on.
    Waits,
    /// On its way to its partner once more.
    Sent,
}

impl Retried {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matched(matched) => matched.as_str(),
            Self::Waits => "waits",
            Self::Sent => "sent",
        }
    }
}

impl Gateway {
    /// Tries a stray receipt again. `id` is that of the orphan, or of the message whose receipt is
    /// in quarantine.
    pub async fn retry_receipt(&self, id: i64, by: &str) -> Result<Retried, Error> {
        let _one = self.inner.deciding.lock().await;
        if let Some(orphan) = self.inner.store.orphan(id).await? {
            return self.retry_orphan(orphan).await;
        }
        let message = self.in_quarantine(id).await?;
        let Some(Stored::Mt(message, state)) = self.inner.store.message(message).await? else {
            return Err(unknown(id));
        };
        let receipt = Receipt {
            message: message.id,
            state: ReceiptState::of(state),
            network_error: None,
            done_at: self.now(),
        };
        let item = self.receipt_item(&message, receipt, true).ok_or_else(|| unknown(id))?;
        let row = self.note_row(message.id, "receipt_released", who(by));
        let mut change =
            Change { rare: vec![Rare::LeaveQuarantine(message.id)], ..Change::default() }
                .event(row);
        change.items_in.push(item.clone());
        self.save_with_items(change).await?;
        self.inner.lanes.push(item);
        Ok(Retried::Sent)
    }

    /// Gives a stray receipt up. What its message is known to be stays as it is.
    pub async fn drop_receipt(&self, id: i64, by: &str, reason: &str) -> Result<(), Error> {
        let _one = self.inner.deciding.lock().await;
        if let Some(orphan) = self.inner.store.orphan(id).await? {
            if let Some(group) = self.group(&orphan.link_group) {
                self.inner.recent.take_orphan(group, &orphan.smsc_message_id, id);
            }
            let change = Change { rare: vec![Rare::DropOrphan(id)], ..Change::default() };
            self.inner.store.save(change).await?;
            return Ok(());
        }
        let message = self.in_quarantine(id).await?;
        let row = self.note_row(message, "receipt_dropped", who(by)).saying(reason);
        let change = Change { rare: vec![Rare::LeaveQuarantine(message)], ..Change::default() };
        self.inner.store.save(change.event(row)).await?;
        Ok(())
    }

    async fn retry_orphan(&self, orphan: Orphan) -> Result<Retried, Error> {
        let group = self.group(&orphan.link_group).ok_or_else(|| unknown(orphan.id))?;
        let row = orphan.id;
        let seat = LinkSeat { name: orphan.link.clone(), group, epoch: 0 };
        let lone = lone_of(orphan);
        self.inner.recent.take_orphan(group, &lone.receipt.smsc_message_id, row);
        let matched = self.match_receipt(&seat, &lone.receipt).await;
        let Ok(Some(matched)) = matched else {
            self.wait_on(group, lone).await;
            return matched.map(|_| Retried::Waits);
        };
        let change = Change { rare: vec![Rare::DropOrphan(row)], ..Change::default() };
        self.inner.store.save(change).await?;
        metrics::receipt(&seat.name, matched.as_str());
        metrics::orphan_matched();
        Ok(Retried::Matched(matched))
    }

    /// The message whose receipt, not itself, is in quarantine.
    async fn in_quarantine(&self, id: i64) -> Result<MessageId, Error> {
        let found = self.inner.store.quarantined_receipt(MessageId(id)).await?;
        found.map(|line| MessageId(line.message_id)).ok_or_else(|| unknown(id))
    }
}

fn who(by: &str) -> SmolStr {
    Caller::Operator { name: by.into() }.to_smolstr()
}

fn unknown(id: i64) -> Error {
    Refusal::UnknownMessage(id.to_smolstr()).into()
}
