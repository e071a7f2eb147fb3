//! One thing that waits in a lane, with the content it carries.

use std::sync::Arc;

use super::{
    lane::LaneId,
    message::{MessageId, MoMessage, MtMessage, Receipt},
};

/// Where an item stands: the key of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey {
    pub lane: LaneId,
    /// 0 for "as soon as possible", else not before this moment (microseconds UTC).
    pub due_at: i64,
    pub seq: i64,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub key: ItemKey,
    pub valid_until: i64,
    /// Tries so far; durable, because it is written with every plan for another try (P22).
    pub attempt: u32,
    /// Sessions that ended while it was in flight. It is then sent alone, and once more is one
    /// too many (P21).
    pub deaths: u32,
    pub content: Content,
}

#[derive(Debug, Clone)]
pub enum Content {
    Mt(Arc<MtMessage>),
    Mo(Arc<MoMessage>),
    /// A receipt for the partner, with the message that it is about.
    Receipt(Arc<MtMessage>, Receipt),
}

impl Content {
    pub fn message_id(&self) -> MessageId {
        match self {
            Self::Mt(message) | Self::Receipt(message, _) => message.id,
            Self::Mo(message) => message.id,
        }
    }

    /// The word in the store's `what` column.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Mt(_) => "mt",
            Self::Mo(_) => "mo",
            Self::Receipt(..) => "receipt",
        }
    }
}
