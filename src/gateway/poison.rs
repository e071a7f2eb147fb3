//! What became of messages that were put aside: a person gives them another try, or up (P21).
//!
//! A message in quarantine has no row in a lane, only its octets and the reason beside it; both
//! decisions take that row away. What surprises: another try begins with a clean record. If the
//! message ends sessions again, it comes back here by itself.

use std::sync::{Arc, atomic::Ordering};

use smol_str::SmolStr;

use super::{Error, Gateway, mo, mt::micros, unknown::Resolution};
use crate::{
    domain::{
        Item, MessageEvent, MessageId, MessageState, MoMessage, MtMessage, Receipt, Refusal,
        message::ReceiptState,
    },
    metrics,
    store::{
        Change, Stored,
        change::{ChargeRow, Rare, StateRow},
    },
};

impl Gateway {
    /// Does what two people decided about a message in quarantine.
    pub(super) async fn resolve_quarantined(
        &self,
        stored: &Stored,
        resolution: Resolution,
        who: &SmolStr,
    ) -> Result<MessageState, Error> {
        match (stored, resolution) {
            (Stored::Mt(message, _), Resolution::Release) => {
                let item = self.mt_again(message)?;
                self.backlog(message.partner).fetch_add(1, Ordering::AcqRel);
                let done = self.try_again(message.id, item, who).await;
                if done.is_err() {
                    self.backlog(message.partner).fetch_sub(1, Ordering::AcqRel);
                }
                done
            }
            (Stored::Mo(message, _), Resolution::Release) => {
                let item = self.mo_again(message)?;
                self.try_again(message.id, item, who).await
            }
            (Stored::Mt(message, _), Resolution::WriteOff) => {
                let receipt = self.receipt_item(
                    message,
                    Receipt {
                        message: message.id,
                        state: ReceiptState::of(MessageState::Rejected),
                        network_error: None,
                        done_at: self.now(),
                    },
                    message.receipts.wants(MessageState::Rejected),
                );
                metrics::message("mt", MessageState::Rejected.as_str());
                let done = self.give_up(message.id, receipt, None, who).await?;
                self.count_end(message, done);
                Ok(done)
            }
            (Stored::Mo(message, _), Resolution::WriteOff) => {
                metrics::message("mo", MessageState::Rejected.as_str());
                // The subscriber paid for an answer that will never come.
                let reversal = self.mo_reversal(message, "written_off").await?;
                self.give_up(message.id, None, reversal, who).await
            }
            (_, Resolution::Sent) => Err(Refusal::BadField(
                "a message in quarantine is released or written off".to_owned(),
            )
            .into()),
        }
    }

    async fn try_again(
        &self,
        id: MessageId,
        item: Item,
        who: &SmolStr,
    ) -> Result<MessageState, Error> {
        let mut change = self.let_out(id, MessageEvent::LetGo, MessageState::Accepted, who);
        change.items_in.push(item.clone());
        self.inner.store.save(change).await?;
        self.inner.lanes.push(item);
        Ok(MessageState::Accepted)
    }

    async fn give_up(
        &self,
        id: MessageId,
        receipt: Option<Item>,
        reversal: Option<Box<ChargeRow>>,
        who: &SmolStr,
    ) -> Result<MessageState, Error> {
        let mut change = self.let_out(id, MessageEvent::Reject, MessageState::Rejected, who);
        change.charge = reversal;
        change.items_in.extend(receipt.clone());
        self.inner.store.save(change).await?;
        if let Some(receipt) = receipt {
            self.inner.lanes.push(receipt);
        }
        Ok(MessageState::Rejected)
    }

    fn let_out(
        &self,
        id: MessageId,
        event: MessageEvent,
        state: MessageState,
        who: &SmolStr,
    ) -> Change {
        let rare = vec![Rare::LeaveQuarantine(id)];
        let row = StateRow { message: id, state, at: self.now(), error: None };
        Change { rare, ..Change::default() }
            .event(self.step(id, event, who.clone()).saying("out of quarantine"))
            .state(row)
    }

    /// An MT as it stood in its link's lane before it was put aside.
    fn mt_again(&self, message: &Arc<MtMessage>) -> Result<Item, Error> {
        let mut item = self.released(message)?;
        item.valid_until = item.valid_until.max(message.valid_until);
        Ok(item)
    }

    fn mo_again(&self, message: &Arc<MoMessage>) -> Result<Item, Error> {
        let catalog = self.catalog();
        let service = message.service.and_then(|(_, service, _)| catalog.service(service));
        let service = service.ok_or_else(|| Refusal::UnknownService("of this text".into()))?;
        let mut item = mo::deliver_item(service, message);
        let at_least = self.now() + micros(self.settings().validity_mo);
        item.valid_until = item.valid_until.max(at_least);
        Ok(item)
    }
}
