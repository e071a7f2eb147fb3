//! What the API says of a message: the JSON of its answers.
//!
//! The timeline has no links, no operators and no details: those are the operator's. The
//! surprise: a field without a value is `null` and never absent, so that every answer of a kind
//! has the same fields.

use serde::Serialize;

pub(super) use crate::domain::deadline::moment;
use crate::{
    domain::{Content, Item, MtMessage},
    gateway::{Gateway, query::Status},
    partnership::AsPdu,
};

/// What was accepted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AcceptedMessage)]
pub(crate) struct AcceptedMessage {
    /// Name of the message in every later question and receipt.
    #[schema(example = "912345678901234567")]
    pub(super) id: String,
    /// Short messages that it takes on the air.
    #[schema(minimum = 1)]
    pub(super) parts: u8,
    /// What the subscriber pays for it; null if it is not charged itself.
    #[schema(required)]
    pub(super) price: Option<PriceBody>,
    /// `accepted`, or for a repeat the state of the earlier message.
    pub(super) state: &'static str,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Price)]
pub(crate) struct PriceBody {
    pub(super) tariff: String,
    /// Gross amount in minor units (grosze).
    pub(super) amount_minor: i64,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub(super) currency: String,
}

/// A message and what became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageBody {
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) is_final: bool,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) parts: u8,
    #[schema(required)]
    pub(super) price: Option<PriceBody>,
    #[schema(format = DateTime)]
    pub(super) accepted_at: String,
    #[schema(format = DateTime)]
    pub(super) valid_until: String,
    /// Moment before which nothing is sent; null is "at once".
    #[schema(required, format = DateTime)]
    pub(super) deliver_after: Option<String>,
    /// When the final state was reached.
    #[schema(required, format = DateTime)]
    pub(super) final_at: Option<String>,
    /// The network's cause, as `kind:code`, or a status name.
    #[schema(required)]
    pub(super) error: Option<String>,
    /// Your own word for it.
    #[schema(required)]
    pub(super) reference: Option<String>,
    /// The fields of its PDU in one line, without its text and the middle of its number.
    #[schema(example = "submit_sm service_type= source_addr=7455 destination_addr=48600***200")]
    pub(super) pdu: String,
    /// Every step, oldest first.
    pub(super) events: Vec<EventBody>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MessageEvent)]
pub(crate) struct EventBody {
    #[schema(format = DateTime)]
    pub(super) at: String,
    pub(super) what: String,
    /// Which try it was; 0 if it was none.
    pub(super) attempt: i64,
}

pub(super) fn price_of_item(item: &Item) -> Option<PriceBody> {
    match &item.content {
        Content::Mt(message) => price(message),
        _ => None,
    }
}

pub(super) fn price(message: &MtMessage) -> Option<PriceBody> {
    message.charge.as_ref().map(|(price, _)| PriceBody {
        tariff: price.code.to_string(),
        amount_minor: price.gross.amount_minor,
        currency: price.gross.currency.as_str().to_owned(),
    })
}

pub(super) fn described(gateway: &Gateway, status: &Status, events: Vec<EventBody>) -> MessageBody {
    let message = &status.message;
    MessageBody {
        id: gateway.visible_id(message).to_string(),
        state: status.state.as_str(),
        is_final: status.state.is_final(),
        from: message.sender.as_str().to_owned(),
        to: message.recipient.as_str().to_owned(),
        parts: message.parts,
        price: price(message),
        accepted_at: moment(message.accepted_at),
        valid_until: moment(message.valid_until),
        deliver_after: (message.deliver_after > 0).then(|| moment(message.deliver_after)),
        final_at: status.final_at.map(moment),
        error: status.error.clone(),
        reference: message.partner_reference.as_ref().map(ToString::to_string),
        pdu: AsPdu::of_mt(message).to_string(),
        events,
    }
}
