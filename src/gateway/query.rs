//! Asking about, cancelling and replacing what a partner submitted.
//!
//! Another partner's id is answered exactly as an unknown one (S-28).

use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::{Error, Gateway, lane::Withdrawn};
use crate::{
    domain::{
        Body, Content, Item, ItemKey, Lane, MessageEvent, MessageId, MessageState, Mode, Msisdn,
        MtMessage, PartnerId, Refusal, story::REPLACED,
    },
    store::{Change, Stored, change::Rare},
};

/// Whose messages: a partner's, and those of one mode. Those of the other mode are unknown, so that
/// a test run can neither see nor stop what subscribers wait for.
pub type Whose = (PartnerId, Mode);

/// What `query_sm` and the API answer.
#[derive(Debug, Clone)]
pub struct Status {
    pub message: Arc<MtMessage>,
    pub state: MessageState,
    /// Microseconds UTC; only of a final state.
    pub final_at: Option<i64>,
    /// The network's cause, as `kind:code`, or a status name.
    pub error: Option<String>,
    pub is_scheduled: bool,
}

/// New values for a waiting message; `None` keeps the old one (S134).
#[derive(Debug, Clone)]
pub struct Replacement {
    pub octets: Bytes,
    pub deliver_after: Option<i64>,
    pub valid_until: Option<i64>,
}

impl Gateway {
    /// The state of one message of this partner.
    pub async fn query(
        &self,
        whose: Whose,
        id: &str,
        sender: Option<&str>,
    ) -> Result<Status, Error> {
        let (message, state) = self.own_message(whose, id, sender).await?;
        let line = self.inner.store.message_line(message.id).await?;
        let line = line.ok_or_else(|| Refusal::UnknownMessage(id.into()))?;
        Ok(Status {
            final_at: state.is_final().then_some(line.state_at),
            error: line.error,
            is_scheduled: state == MessageState::Accepted && message.deliver_after > self.now(),
            message,
            state,
        })
    }

    /// Takes a waiting message back. One that is on its way or final cannot be (S128).
    pub async fn cancel(&self, whose: Whose, id: &str, sender: Option<&str>) -> Result<(), Error> {
        let too_late = || Refusal::TooLateToCancel(id.into());
        let (message, state) = self.own_message(whose, id, sender).await?;
        if state != MessageState::Accepted {
            return Err(too_late().into());
        }
        let item = self.take_out(&message).await?.ok_or_else(too_late)?;
        self.finish(&message, Some(&item), MessageEvent::Delete, None, None).await?;
        Ok(())
    }

    /// Takes back everything that waits between two numbers, of one service type if given (S129).
    pub async fn cancel_between(
        &self,
        whose: Whose,
        sender: &str,
        recipient: &Msisdn,
        service_type: &str,
    ) -> Result<usize, Error> {
        let mut count = 0;
        for message in self.waiting_between(whose, sender, recipient).await? {
            if !service_type.is_empty() && message.service_type != service_type {
                continue;
            }
            if let Some(item) = self.take_out(&message).await? {
                self.finish(&message, Some(&item), MessageEvent::Delete, None, None).await?;
                count += 1;
            }
        }
        if count == 0 { Err(Refusal::NothingToCancel.into()) } else { Ok(count) }
    }

    /// Gives a waiting message another text. Its encoding stays (`replace_sm` carries none).
    pub async fn replace(
        &self,
        whose: Whose,
        id: &str,
        sender: Option<&str>,
        new: Replacement,
    ) -> Result<(), Error> {
        let cannot = || Refusal::CannotReplace(id.into());
        let (message, state) =
            self.own_message(whose, id, sender).await.map_err(|error| match error {
                Error::Refused(_) => cannot().into(),
                away @ Error::Store(_) => away,
            })?;
        if state != MessageState::Accepted || message.body.has_udh || message.parts > 1 {
            return Err(cannot().into());
        }
        let item = self.take_out(&message).await?.ok_or_else(cannot)?;
        let mut replaced = MtMessage::clone(&message);
        replaced.body = Body { octets: new.octets.clone(), ..message.body.clone() };
        replaced.valid_until = new.valid_until.unwrap_or(message.valid_until);
        replaced.deliver_after = new.deliver_after.unwrap_or(message.deliver_after);
        let mut later = Item {
            content: Content::Mt(Arc::new(replaced)),
            valid_until: new.valid_until.unwrap_or(message.valid_until),
            ..item.clone()
        };
        later.key.due_at = new.deliver_after.unwrap_or(item.key.due_at);
        let change = Change {
            rare: vec![Rare::Replace {
                message: message.id,
                item: item.key,
                due_at: later.key.due_at,
                body: new.octets.to_vec(),
                valid_until: new.valid_until,
                deliver_after: new.deliver_after,
            }],
            ..Change::default()
        }
        .event(self.note_row(message.id, "replaced", message.caller.clone()));
        if let Err(error) = self.inner.store.save(change).await {
            self.inner.lanes.put_back(item);
            return Err(error.into());
        }
        if later.key.due_at > 0 {
            self.inner.lanes.planned(item.key, later.key.due_at);
        } else {
            self.inner.lanes.put_back(later);
        }
        Ok(())
    }

    /// For `replace_if_present`: the earlier message between the same numbers goes (S136).
    pub(super) async fn withdraw_replaced(&self, new: &MtMessage) -> Result<(), Error> {
        let whose = (new.partner, Mode::of(&new.link_group));
        let earlier = self.waiting_between(whose, new.sender.as_str(), &new.recipient).await?;
        for message in earlier.iter().filter(|old| old.service_type == new.service_type) {
            if let Some(item) = self.take_out(message).await? {
                self.finish(
                    message,
                    Some(&item),
                    MessageEvent::Delete,
                    Some(REPLACED.into()),
                    None,
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn own_message(
        &self,
        (partner, mode): Whose,
        id: &str,
        sender: Option<&str>,
    ) -> Result<(Arc<MtMessage>, MessageState), Error> {
        let unknown = || Refusal::UnknownMessage(SmolStr::from(id));
        let number = self.number_of(partner, id).await?.ok_or_else(unknown)?;
        match self.inner.store.message(number).await? {
            Some(Stored::Mt(message, state))
                if message.partner == partner
                    && Mode::of(&message.link_group) == mode
                    && sender.is_none_or(|sender| sender == message.sender.as_str()) =>
            {
                Ok((message, state))
            }
            _ => Err(unknown().into()),
        }
    }

    /// Reads an id in any of the forms that this partner was given.
    pub(super) async fn number_of(
        &self,
        partner: PartnerId,
        id: &str,
    ) -> Result<Option<MessageId>, Error> {
        use crate::domain::partner::MessageIdForm;
        let form = self
            .catalog()
            .partner(partner)
            .map_or(MessageIdForm::Decimal, |partner| partner.habits.message_id_form);
        let number = match form {
            MessageIdForm::Decimal => id.parse().ok(),
            MessageIdForm::Hex => i64::from_str_radix(id, 16).ok(),
        };
        if id.len() == 8
            && let Some(found) = self.inner.store.by_short_id(partner, id).await?
        {
            return Ok(Some(found));
        }
        Ok(number.map(MessageId))
    }

    async fn waiting_between(
        &self,
        (partner, mode): Whose,
        sender: &str,
        recipient: &Msisdn,
    ) -> Result<Vec<Arc<MtMessage>>, Error> {
        let mut waiting =
            self.inner.store.waiting_between(partner, sender, recipient.as_str()).await?;
        waiting.retain(|message| Mode::of(&message.link_group) == mode);
        Ok(waiting)
    }

    /// Takes the message out of its lane, wherever it waits; none if it is on its way.
    async fn take_out(&self, message: &Arc<MtMessage>) -> Result<Option<Item>, Error> {
        let Some(group) = self.group(&message.link_group) else { return Ok(None) };
        let lane = Lane::Mt { group, partner: message.partner, is_charged: message.is_charged() };
        let Some(stored) = self.inner.store.item_of(message.id, lane.id()).await? else {
            return Ok(None);
        };
        if stored.claim.is_some() {
            return Ok(None);
        }
        self.withdraw(stored.item.key).await
    }

    /// Takes an item whose row was read out of its lane; none if it is on its way or gone.
    pub(super) async fn withdraw(&self, key: ItemKey) -> Result<Option<Item>, Error> {
        match self.inner.lanes.withdraw(key) {
            Withdrawn::Taken(item) => Ok(Some(item)),
            Withdrawn::OnItsWay => Ok(None),
            Withdrawn::NotHere => {
                let found = self.still_waiting(key).await;
                if !matches!(found, Ok(Some(_))) {
                    self.inner.lanes.forget(key);
                }
                found
            }
        }
    }

    /// The item as the store has it once everything noted so far is there. A row that was read
    /// earlier may be of a message that was sent since: a link notes that and does not wait.
    async fn still_waiting(&self, key: ItemKey) -> Result<Option<Item>, Error> {
        self.inner.store.save(Change::default()).await?;
        let row = self.inner.store.lane_page(key, 1).await?.into_iter().next();
        Ok(row.filter(|row| row.item.key == key && row.claim.is_none()).map(|row| row.item))
    }

    /// Holds a waiting message for a person, or lets a held one go.
    pub async fn hold(&self, id: MessageId, who: &SmolStr) -> Result<(), Error> {
        let unknown = || Refusal::UnknownMessage(smol_str::format_smolstr!("{id}"));
        let Some(Stored::Mt(message, MessageState::Accepted)) =
            self.inner.store.message(id).await?
        else {
            return Err(unknown().into());
        };
        let item = self
            .take_out(&message)
            .await?
            .ok_or_else(|| Refusal::TooLateToCancel(smol_str::format_smolstr!("{id}")))?;
        let change = Change { items_out: smallvec::smallvec![item.key], ..Change::default() }
            .event(self.step(id, MessageEvent::Hold, who.clone()))
            .state(self.state(&message, MessageState::Held, None));
        self.inner.store.save(change).await?;
        self.backlog(message.partner).fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
        self.inner.lanes.done(item.key);
        Ok(())
    }
}
