//! The link that plays the operator for test messages: inside the process, on no wire.
//!
//! It takes what waits for its group with the same verbs as a real link, gives each message the fate
//! of its number, and sends receipts and answers when the clock says so. What surprises: nothing of
//! it needs saving. What it still owes is read from the store at the start, because the fate of a
//! message is in its number and its time is in its row.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

use smol_str::{SmolStr, ToSmolStr, format_smolstr};
use tokio::time::MissedTickBehavior;

use super::{
    Gateway, by_itself,
    receipt::NewReceipt,
    sandbox::TestText,
    submit::{LinkSeat, NotTaken},
};
use crate::{
    domain::{
        Content, Fate, Item, Keyword, MessageId, MessageState, MtMessage, NetworkError,
        ReceiptState, SANDBOX, Sender, story::NO_ANSWER,
    },
    store::{self, Change, Stored},
};

/// Messages taken at once.
const TAKEN_MAX: usize = 100;
/// Ends that are owed at once; what is beyond goes again when there is room.
const OWED_MAX: usize = 10_000;
/// What an operator says that cannot take it now, and that never will.
const BUSY: &str = "ESME_RMSGQFUL";
const NEVER: &str = "ESME_RINVDSTADR";
/// The cause in the receipt of what did not arrive: absent subscriber, of GSM. [34 s5.3.2.31]
const ABSENT: NetworkError = NetworkError { kind: 3, code: 27 };

/// What it still owes: the moment, and the message whose end is due.
type Owed = BinaryHeap<Reverse<(i64, MessageId)>>;

impl Gateway {
    /// Plays the operator until the stop.
    pub async fn play_operator(self, stop: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let mut stop = std::pin::pin!(stop);
        let seat = self.test_seat(self.lease(SANDBOX).await?);
        let outlet = self.to_links(seat.group);
        let mut owed = Owed::new();
        for (id, at, fate) in self.inner.store.sandbox_owed(OWED_MAX).await? {
            owed.push(Reverse((at.saturating_add(fate.ends_after()), id)));
        }
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let woken = outlet.woken();
            let room = OWED_MAX.saturating_sub(owed.len()).min(TAKEN_MAX);
            let items = self.claim(&seat, &outlet, room).await;
            if items.is_empty() {
                tokio::select! {
                    () = &mut stop => return Ok(()),
                    () = woken, if room > 0 => {}
                    _ = ticks.tick() => {}
                }
            }
            for item in items {
                if let Err(error) = self.take_test(&seat, item, &mut owed).await {
                    tracing::warn!(%error, "a test message could not be answered");
                }
            }
            while owed.peek().is_some_and(|Reverse((at, _))| *at <= self.now()) {
                let Some(Reverse((_, id))) = owed.pop() else { break };
                if let Err(error) = self.end_test(&seat, id).await {
                    tracing::warn!(%error, message.id = %id, "the end of a test is put off");
                    owed.push(Reverse((self.now() + Fate::Delivered.ends_after(), id)));
                    break;
                }
            }
        }
    }

    /// What an operator's answer to the submit would be.
    async fn take_test(
        &self,
        seat: &LinkSeat,
        item: Item,
        owed: &mut Owed,
    ) -> Result<(), store::Error> {
        let Content::Mt(message) = &item.content else { return Ok(()) };
        let (id, fate) = (message.id, Fate::of(&message.recipient));
        // Counted from the submit, as after a restart: what is noted of it comes later.
        let due = self.now().saturating_add(fate.ends_after());
        match fate {
            Fate::Rejected => {
                let why = NotTaken::Never { status: NEVER.into() };
                return self.not_taken(seat, &item, why).await;
            }
            Fate::Retried if item.attempt == 0 => {
                let why = NotTaken::Later { status: BUSY.into() };
                return self.not_taken(seat, &item, why).await;
            }
            Fate::Unknown => self.outcome_lost(&seat.name, vec![item], false).await?,
            _ => self.submitted(seat, &item, &[name_of(id)]).await?,
        }
        owed.push(Reverse((due, id)));
        Ok(())
    }

    /// The end of a message: its receipt, or that nobody knows, and what follows from it.
    async fn end_test(&self, seat: &LinkSeat, id: MessageId) -> Result<(), super::Error> {
        // Its submit is noted and nobody waited: what is read must be what came of it.
        self.inner.store.save(Change::default()).await?;
        let Some(Stored::Mt(message, state)) = self.inner.store.message(id).await? else {
            return Ok(());
        };
        let fate = Fate::of(&message.recipient);
        match state {
            // What a restart left without an answer ends like that too.
            MessageState::Unknown => {
                self.write_off(&message, &by_itself(), NO_ANSWER).await?;
                self.inner.recent.unknown_solved(id);
                return Ok(());
            }
            MessageState::Submitted => {}
            _ => return Ok(()),
        }
        let (state, network_error) = match fate {
            Fate::Undeliverable => (ReceiptState::Undeliverable, Some(ABSENT)),
            Fate::Expired => (ReceiptState::Expired, Some(ABSENT)),
            _ => (ReceiptState::Delivered, None),
        };
        let receipt = NewReceipt {
            smsc_message_id: name_of(id),
            state,
            network_error,
            done_at: self.now(),
            sender: message.recipient.as_str().into(),
            recipient: message.sender.as_str().into(),
            reference: None,
        };
        self.receipt(seat, receipt).await?;
        if matches!(fate, Fate::Reply | Fate::RepeatedMo) {
            self.answer_as_subscriber(&message).await;
        }
        Ok(())
    }

    /// The subscriber answers with the keyword of the service, where there is a number to answer to.
    async fn answer_as_subscriber(&self, message: &Arc<MtMessage>) {
        let Sender::ShortCode(recipient) = &message.sender else { return };
        let catalog = self.catalog();
        let Some(service) = catalog.service(message.service) else { return };
        let keyword = service.keywords.iter().find(|keyword| !keyword.is_catch_all());
        let text = format!("{} TEST", keyword.map_or("", Keyword::as_str)).trim().to_owned();
        let sender = message.recipient.clone();
        let new = TestText { sender, recipient: recipient.clone(), text };
        if let Err(error) = self.text_by_hand(message.partner, &new, SANDBOX).await {
            tracing::info!(%error, message.id = %message.id, "a test subscriber could not answer");
        }
    }
}

/// The operator's name of a test message.
fn name_of(id: MessageId) -> SmolStr {
    format_smolstr!("t{}", id.to_smolstr())
}
