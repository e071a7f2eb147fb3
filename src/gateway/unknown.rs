//! What nobody knows the fate of: found at the start, kept visible, resolved by evidence or by two
//! people, and never by sending again.

use smol_str::SmolStr;

use super::{Error, Gateway, by_itself};
use crate::{
    domain::{
        Caller, Content, Item, ItemKey, Lane, MessageEvent, MessageId, MessageState, Receipt,
        Refusal, message::ReceiptState, story::NO_ANSWER,
    },
    store::{Change, Stored, change::Rare},
};

/// What a person may decide about an unknown, held or quarantined message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Send it (again). The subscriber may be charged twice if it had arrived.
    Release,
    /// Give it up: final, and an MT is never charged.
    WriteOff,
    /// The operator's records show that it was sent.
    Sent,
}

impl Resolution {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "release" => Self::Release,
            "write-off" => Self::WriteOff,
            "sent" => Self::Sent,
            _ => return None,
        })
    }

    fn proposal(self) -> &'static str {
        match self {
            Self::Release => "release_proposed",
            Self::WriteOff => "write_off_proposed",
            Self::Sent => "sent_proposed",
        }
    }
}

/// Steps after which a person has to decide.
fn brings_here(kind: &str) -> bool {
    [MessageEvent::LoseOutcome, MessageEvent::Hold, MessageEvent::Quarantine]
        .iter()
        .any(|event| event.as_str() == kind)
}

/// Four eyes: the first person proposes, another one carries it out (P8 c).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    Proposed,
    Done(MessageState),
}

impl Gateway {
    /// Looks at what the last process claimed and never reported on. Run once, before any link.
    pub async fn settle_open_claims(&self) -> Result<usize, crate::store::Error> {
        let open = self.inner.store.open_claims().await?;
        let count = open.len();
        for claimed in open {
            let Content::Mt(message) = &claimed.item.content else { continue };
            let link = claimed.claim.as_ref().map(|(link, _)| link.clone()).unwrap_or_default();
            // The claim raised the counter already.
            let attempt = claimed.item.attempt;
            let change = if message.parks_when_unknown() {
                Change { items_out: smallvec::smallvec![claimed.item.key], ..Change::default() }
                    .event(
                        self.step(message.id, MessageEvent::LoseOutcome, by_itself())
                            .over(&link, attempt)
                            .saying("the process ended while it was claimed"),
                    )
                    .state(self.state(message, MessageState::Unknown, Some(NO_ANSWER.into())))
            } else {
                let rare = vec![Rare::Unclaim { items: vec![claimed.item.key] }];
                Change { rare, ..Change::default() }.event(
                    self.step(message.id, MessageEvent::Resend, by_itself()).over(&link, attempt),
                )
            };
            self.inner.store.save(change).await.map_err(|error| super::submit::unshare(&error))?;
        }
        for line in self.inner.store.unknown(100_000).await? {
            if let Some(Stored::Mt(message, MessageState::Unknown)) =
                self.inner.store.message(MessageId(line.id)).await?
            {
                self.inner.unknown_seen(&message);
            }
        }
        self.load_orphans().await?;
        Ok(count)
    }

    /// Decides about an unknown, held or quarantined message. The first call proposes; a second one, by
    /// somebody else and to the same effect, does it.
    pub async fn resolve(
        &self,
        id: MessageId,
        resolution: Resolution,
        by: &str,
    ) -> Result<Resolved, Error> {
        let who = smol_str::ToSmolStr::to_smolstr(&Caller::Operator { name: by.into() });
        // One decision at a time: of two people at the same instant the second finds it done.
        let _one = self.inner.deciding.lock().await;
        let unknown = || Refusal::UnknownMessage(smol_str::format_smolstr!("{id}"));
        let Some(stored) = self.inner.store.message(id).await? else {
            return Err(unknown().into());
        };
        let (Stored::Mt(_, state) | Stored::Mo(_, state)) = &stored;
        match (state, resolution) {
            (MessageState::Quarantined, Resolution::Sent) => {
                let why = "a message in quarantine is released or written off".to_owned();
                return Err(Refusal::BadField(why).into());
            }
            (MessageState::Unknown | MessageState::Held | MessageState::Quarantined, _) => {}
            _ => return Err(unknown().into()),
        }
        let events = self.inner.store.events(id).await?;
        // What was proposed before it came here this time was about another trouble.
        let is_seconded = events
            .iter()
            .rev()
            .take_while(|event| !brings_here(&event.kind))
            .any(|event| event.kind == resolution.proposal() && event.who != who.as_str());
        if !is_seconded {
            let change =
                Change::default().event(self.note_row(id, resolution.proposal(), who.clone()));
            self.inner.store.save(change).await?;
            return Ok(Resolved::Proposed);
        }
        let next = match &stored {
            Stored::Mt(message, MessageState::Unknown | MessageState::Held) => {
                self.carry_out(message, resolution, &who).await?
            }
            _ => self.resolve_quarantined(&stored, resolution, &who).await?,
        };
        self.inner.recent.unknown_solved(id);
        Ok(Resolved::Done(next))
    }

    async fn carry_out(
        &self,
        message: &std::sync::Arc<crate::domain::MtMessage>,
        resolution: Resolution,
        who: &SmolStr,
    ) -> Result<MessageState, Error> {
        match resolution {
            Resolution::Release => {
                let item = self.released(message)?;
                let change =
                    Change { items_in: smallvec::smallvec![item.clone()], ..Change::default() }
                        .event(self.step(message.id, MessageEvent::LetGo, who.clone()))
                        .state(self.state(message, MessageState::Accepted, None));
                self.save_with_items(change).await?;
                self.backlog(message.partner).fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                self.inner.lanes.push(item);
                Ok(MessageState::Accepted)
            }
            Resolution::WriteOff => {
                self.write_off(message, who, "").await?;
                Ok(MessageState::UnknownFinal)
            }
            Resolution::Sent => {
                let change = Change::default()
                    .event(self.step(message.id, MessageEvent::ProveSent, who.clone()))
                    .state(self.state(message, MessageState::Submitted, None));
                self.save_with_items(change).await?;
                Ok(MessageState::Submitted)
            }
        }
    }

    /// A message that a person sends (again), with a clean record and time enough.
    pub(super) fn released(
        &self,
        message: &std::sync::Arc<crate::domain::MtMessage>,
    ) -> Result<Item, Error> {
        let group = self
            .group(&message.link_group)
            .ok_or_else(|| Refusal::UnknownService(message.link_group.clone()))?;
        let lane = Lane::Mt { group, partner: message.partner, is_charged: message.is_charged() };
        Ok(Item {
            key: ItemKey { lane: lane.id(), due_at: 0, seq: message.id.0 },
            valid_until: self.now() + super::mt::micros(self.settings().validity_charged),
            attempt: 0,
            deaths: 0,
            content: Content::Mt(std::sync::Arc::clone(message)),
        })
    }

    /// Final, with a receipt that says UNKNOWN and without a charge (P8 d).
    pub(super) async fn write_off(
        &self,
        message: &std::sync::Arc<crate::domain::MtMessage>,
        who: &SmolStr,
        why: &str,
    ) -> Result<(), Error> {
        let mut row = self.step(message.id, MessageEvent::WriteOff, who.clone());
        if !why.is_empty() {
            row = row.saying(why);
        }
        let receipt = Receipt {
            message: message.id,
            state: ReceiptState::Unknown,
            network_error: None,
            done_at: self.now(),
        };
        let item = self.receipt_item(message, receipt, message.receipts.on_failure);
        let mut change = Change::default().event(row).state(self.state(
            message,
            MessageState::UnknownFinal,
            None,
        ));
        change.items_in.extend(item.clone());
        self.save_with_items(change).await?;
        self.count_end(message, MessageState::UnknownFinal);
        if let Some(item) = item {
            self.inner.lanes.push(item);
        }
        Ok(())
    }
}
