//! Looking for messages, and the biography of one (D1): for partners their own, for the staff all.
//!
//! Numbers come masked and texts not at all; [`Partnership::reveal_message`] shows both to those
//! with the rights, and leaves a record each time (S-23, S-44). What surprises: whoever may not
//! see whole numbers may not look for them either, or questions would tell what masks hide.

use serde_json::json;

use super::{AsPdu, Error, Partnership, Signed};
use crate::{
    domain::{
        Body, Facts, MessageId, MessageState, NumberPattern, PartnerId, Refusal, Right, ServiceId,
        Story, number::mask, story,
    },
    store::{
        CallbackAttempt, EventLine, FoundMessage, FoundMessages, MessageFilter, MessageLine, Stored,
    },
};

/// Rows of one page at most.
const PAGE_MAX: usize = 1000;
/// Octets of a name that are looked for.
const NAME_MAX: usize = 80;
/// Steps of one message that are read out; retries of a whole week are fewer.
const STEPS_MAX: usize = 500;

/// One message with all that is known of it.
#[derive(Debug, Clone)]
pub struct MessageView {
    /// The subscriber's number is masked unless [`Self::is_open`].
    pub line: MessageLine,
    pub state: MessageState,
    /// Not before this moment; 0 is at once.
    pub deliver_after: i64,
    pub partner: Option<String>,
    pub service: Option<String>,
    /// The service in the portal, and the number of the description that held then.
    pub described: Option<(i64, Option<i64>)>,
    /// Links, doers and details are the operator's: a partner sees its own systems alone.
    pub events: Vec<EventLine>,
    /// Line, gross in minor units, currency, reason.
    pub charges: Vec<(i64, i64, String, String)>,
    pub tries: Vec<CallbackAttempt>,
    pub story: Story,
    /// A word of `story::CAUSES`.
    pub cause: Option<&'static str>,
    /// Its partner took it once, so that it can be handed over again.
    pub is_handed: bool,
    /// Whether the number is whole.
    pub is_open: bool,
    pub pdu: AsPdu,
    /// The content, for whoever may see it and asked.
    pub body: Option<Body>,
}

impl Partnership {
    /// A page of messages, the newest first: of a partner its own.
    pub async fn find_messages(
        &self,
        signed: &Signed,
        wish: &MessageFilter,
    ) -> Result<FoundMessages, Error> {
        self.require(signed, Right::SeeTraffic)?;
        let mut wish = wish.clone();
        wish.partner = signed.whose(wish.partner)?;
        if !signed.may(Right::SeeFullNumbers) {
            wish.number = wish.number.map(|number| number.blurred());
        }
        let mut found = self.page_of(wish).await?;
        found.rows.iter_mut().for_each(hide);
        Ok(found)
    }

    /// Messages that somebody calls by a name: an id in any form, or the partner's own word.
    pub async fn messages_called(
        &self,
        signed: &Signed,
        name: &str,
    ) -> Result<Vec<FoundMessage>, Error> {
        self.require(signed, Right::SeeTraffic)?;
        let partner = signed.whose(None)?;
        let mut rows = self.called(partner, name).await?;
        rows.iter_mut().for_each(hide);
        Ok(rows)
    }

    /// The same for a partner's own system, which knows the numbers that it sent to.
    pub async fn find_own_messages(
        &self,
        partner: PartnerId,
        wish: &MessageFilter,
    ) -> Result<FoundMessages, Error> {
        self.page_of(MessageFilter { partner: Some(partner), ..wish.clone() }).await
    }

    pub async fn own_messages_called(
        &self,
        partner: PartnerId,
        name: &str,
    ) -> Result<Vec<FoundMessage>, Error> {
        self.called(Some(partner), name).await
    }

    async fn page_of(&self, wish: MessageFilter) -> Result<FoundMessages, Error> {
        let limit = wish.limit.clamp(1, PAGE_MAX);
        Ok(self.store.find_messages(&MessageFilter { limit, ..wish }).await?)
    }

    async fn called(
        &self,
        partner: Option<PartnerId>,
        name: &str,
    ) -> Result<Vec<FoundMessage>, Error> {
        if name.is_empty() || name.len() > NAME_MAX {
            return Ok(Vec::new());
        }
        Ok(self.store.messages_called(partner, name).await?)
    }

    /// The biography of one message. Another partner's is unknown (S-20).
    pub async fn message_view(&self, signed: &Signed, id: MessageId) -> Result<MessageView, Error> {
        self.require(signed, Right::SeeTraffic)?;
        let (mut view, _) = self.biography(signed, id).await?;
        close(&mut view.line);
        Ok(view)
    }

    /// The same with the whole number and the text, as far as the rights go; on record each time.
    pub async fn reveal_message(
        &self,
        signed: &Signed,
        id: MessageId,
    ) -> Result<MessageView, Error> {
        self.require(signed, Right::SeeTraffic)?;
        if signed.view.is_some() {
            return Err(Refusal::ViewOnly.into());
        }
        let (number, text) = (signed.may(Right::SeeFullNumbers), signed.may(Right::SeeTexts));
        if !number && !text {
            return Err(Refusal::NotAllowed.into());
        }
        let (mut view, body) = self.biography(signed, id).await?;
        // The record comes first: what was shown was noted, whatever happens to the answer.
        let detail = json!({ "number": number, "text": text });
        let (by, now) = (signed.caller(), self.now());
        self.store.audit_message(&by, now, "message.reveal", id, &detail).await?;
        view.is_open = number;
        view.body = text.then_some(body);
        if !number {
            close(&mut view.line);
        }
        Ok(view)
    }

    /// Whether somebody may have a message handed over again: the right, and the message is theirs.
    pub async fn may_redeliver(&self, signed: &Signed, id: MessageId) -> Result<(), Error> {
        self.require(signed, Right::RedeliverMessages)?;
        self.reached_message(signed, id).await?;
        Ok(())
    }

    async fn reached_message(&self, signed: &Signed, id: MessageId) -> Result<MessageLine, Error> {
        let line = self.store.message_line(id).await?;
        let reached = line.filter(|line| signed.reaches(line.partner_id.map(PartnerId)));
        Ok(reached.ok_or_else(|| Refusal::UnknownMessage(smol_str::format_smolstr!("{id}")))?)
    }

    async fn biography(
        &self,
        signed: &Signed,
        id: MessageId,
    ) -> Result<(MessageView, Body), Error> {
        let line = self.reached_message(signed, id).await?;
        let unknown = || Refusal::UnknownMessage(smol_str::format_smolstr!("{id}"));
        let stored = self.store.message(id).await?.ok_or_else(unknown)?;
        let (body, deliver_after, state) = match &stored {
            Stored::Mt(message, state) => (message.body.clone(), message.deliver_after, *state),
            Stored::Mo(message, state) => (message.body.clone(), 0, *state),
        };
        let mut events = self.store.events(id).await?;
        events.truncate(STEPS_MAX);
        let steps = events.iter().map(|event| (&*event.kind, event.detail.as_deref()));
        let mut facts = Facts::read(line.direction == "mo", line.error.as_deref(), steps);
        facts.is_planned = deliver_after > self.now();
        let story = Story::of(state, &facts);
        let is_handed = events.iter().any(|event| {
            ["callback:", "smpp:"].iter().any(|side| event.who.starts_with(side))
                && matches!(&*event.kind, "delivered" | "receipt_handed")
        });
        if !signed.is_operator() {
            events.iter_mut().for_each(blind);
        }
        let names = self.store.found_message(id).await?;
        let described = match line.service_id {
            Some(service) => {
                let version = line.service_version.unwrap_or_default();
                self.store.described_by(ServiceId(service), version).await?
            }
            None => None,
        };
        let view = MessageView {
            state,
            deliver_after,
            partner: names.as_ref().and_then(|row| row.partner.clone()),
            service: names.and_then(|row| row.service),
            described,
            charges: self.store.charges(id).await?,
            tries: self.store.message_tries(id).await?,
            story,
            cause: line.error.as_deref().and_then(cause_of),
            is_handed,
            is_open: false,
            pdu: AsPdu::from(&stored),
            body: None,
            events,
            line,
        };
        Ok((view, body))
    }
}

/// Reads a pattern; a person learns at once that it is none.
pub fn number_pattern(text: &str) -> Result<Option<NumberPattern>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let why = "a number has its country's prefix, or stars in place of digits: 48600***200";
    NumberPattern::parse(text).map(Some).ok_or_else(|| Refusal::BadField(why.to_owned()))
}

fn cause_of(error: &str) -> Option<&'static str> {
    story::cause(crate::store::network_error(error)?)
}

fn hide(row: &mut FoundMessage) {
    let subscriber = if row.direction == "mo" { &mut row.sender } else { &mut row.recipient };
    *subscriber = mask(subscriber);
}

fn close(line: &mut MessageLine) {
    let subscriber = if line.direction == "mo" { &mut line.sender } else { &mut line.recipient };
    *subscriber = mask(subscriber);
}

/// What a step tells a partner.
fn blind(event: &mut EventLine) {
    let is_own = ["smpp:", "api:", "callback:"].iter().any(|side| event.who.starts_with(side));
    if !is_own {
        event.who = String::new();
    }
    event.link = None;
    event.detail = None;
}
