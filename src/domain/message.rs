//! The messages themselves and the one state machine that all of them follow.
//!
//! A message is complete when it is accepted: price, billing side, validity and what to do about
//! an unknown outcome are copied into it and no later change of a service touches them.

use bytes::Bytes;
use smol_str::SmolStr;

use super::{
    number::{Keyword, Msisdn, Sender, ShortCode},
    partner::PartnerId,
    service::{ChargeAt, OnUnknown, ServiceId},
    tariff::{Money, TariffId},
};

/// The identifier that a partner sees. Time-ordered, unique over all nodes, never reused:
/// 41 bits of milliseconds since 2020, 6 bits of node, 16 bits of count.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct MessageId(pub i64);

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a message is. `after` lists every legal move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    Accepted,
    Claimed,
    Submitted,
    Delivered,
    Undeliverable,
    Expired,
    Rejected,
    Deleted,
    /// Sent, and nobody can say whether it arrived. Never sent again by the machine if charged (P8).
    Unknown,
    /// Unknown for longer than `unknown_ttl`, without its receipt for longer than `receipt_ttl`, or
    /// written off by two people. No charge for a delivery.
    UnknownFinal,
    /// Set aside for a person: after a restore (P43) or on demand.
    Held,
    /// Its processing ended a session twice (P21). Its octets are kept.
    Quarantined,
    /// Stored, but its partner was told `ESME_RSYSERR` because the commit was ambiguous (P4).
    VoidUnacked,
    /// An MO that no keyword takes.
    Unrouted,
}

/// What can happen to a message. Every one of these is an event row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageEvent {
    /// The intent to send is durable.
    Claim,
    /// The intent is withdrawn before any octet left.
    Release,
    /// The SMSC answered with its id.
    Submit,
    /// The SMSC said "not accepted" in a way that makes another try safe.
    Retry,
    /// The SMSC, or a rule of the gateway, refused it for good.
    Reject,
    /// Sent and never answered, or the process died with the claim open, or answered without an id
    /// by which anything more could be learnt.
    LoseOutcome,
    /// An uncharged message of unknown outcome goes again, as its service wants.
    Resend,
    /// Evidence shows that an unknown message did reach the SMSC.
    ProveSent,
    /// `unknown_ttl` or `receipt_ttl` passed, or two people wrote it off.
    WriteOff,
    Deliver,
    Fail,
    Expire,
    Delete,
    Hold,
    /// Two people let a held or unknown message go again.
    LetGo,
    Quarantine,
    Void,
}

impl MessageState {
    pub const ALL: [Self; 14] = [
        Self::Accepted,
        Self::Claimed,
        Self::Submitted,
        Self::Delivered,
        Self::Undeliverable,
        Self::Expired,
        Self::Rejected,
        Self::Deleted,
        Self::Unknown,
        Self::UnknownFinal,
        Self::Held,
        Self::Quarantined,
        Self::VoidUnacked,
        Self::Unrouted,
    ];

    /// The state after `event`, or none if that cannot happen to a message in this state.
    #[must_use]
    pub fn after(self, event: MessageEvent) -> Option<Self> {
        use MessageEvent as E;
        Some(match (self, event) {
            (Self::Accepted, E::Claim) => Self::Claimed,
            // An uncharged message may go without a claim; its lost outcome sends it again.
            (Self::Claimed, E::Release | E::Retry)
            | (Self::Accepted | Self::Claimed, E::Resend)
            | (Self::Held | Self::Unknown | Self::Quarantined, E::LetGo) => Self::Accepted,
            (Self::Claimed | Self::Accepted, E::Submit) | (Self::Unknown, E::ProveSent) => {
                Self::Submitted
            }
            (
                Self::Claimed
                | Self::Accepted
                | Self::Submitted
                | Self::Unknown
                | Self::Quarantined,
                E::Reject,
            )
            | (Self::Accepted, E::Fail) => Self::Rejected,
            // From `Submitted` if the SMSC took it without a name for it.
            (Self::Claimed | Self::Submitted, E::LoseOutcome) => Self::Unknown,
            // From `Submitted` if the receipt that was to come never came.
            (Self::Unknown | Self::Submitted, E::WriteOff) => Self::UnknownFinal,
            // An MO is delivered from `Accepted`: the partner's answer is its only step.
            (Self::Accepted | Self::Submitted, E::Deliver) => Self::Delivered,
            (Self::Submitted, E::Fail) => Self::Undeliverable,
            (Self::Accepted | Self::Submitted | Self::Held, E::Expire) => Self::Expired,
            (Self::Accepted | Self::Submitted | Self::Held, E::Delete) => Self::Deleted,
            (Self::Accepted | Self::Claimed | Self::Unknown, E::Hold) => Self::Held,
            (Self::Accepted | Self::Claimed, E::Quarantine) => Self::Quarantined,
            (Self::Accepted, E::Void) => Self::VoidUnacked,
            _ => return None,
        })
    }

    /// Nothing more happens by itself; a final receipt is due or was given.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Delivered
                | Self::Undeliverable
                | Self::Expired
                | Self::Rejected
                | Self::Deleted
                | Self::UnknownFinal
                | Self::VoidUnacked
                | Self::Unrouted
        )
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Claimed => "claimed",
            Self::Submitted => "submitted",
            Self::Delivered => "delivered",
            Self::Undeliverable => "undeliverable",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
            Self::UnknownFinal => "unknown_final",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
            Self::VoidUnacked => "void_unacked",
            Self::Unrouted => "unrouted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl MessageEvent {
    pub const ALL: [Self; 17] = [
        Self::Claim,
        Self::Release,
        Self::Submit,
        Self::Retry,
        Self::Reject,
        Self::LoseOutcome,
        Self::Resend,
        Self::ProveSent,
        Self::WriteOff,
        Self::Deliver,
        Self::Fail,
        Self::Expire,
        Self::Delete,
        Self::Hold,
        Self::LetGo,
        Self::Quarantine,
        Self::Void,
    ];

    /// The word of the event row, in the past tense.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claimed",
            Self::Release => "released",
            Self::Submit => "submitted",
            Self::Retry => "retry_planned",
            Self::Reject => "rejected",
            Self::LoseOutcome => "outcome_lost",
            Self::Resend => "resend_planned",
            Self::ProveSent => "proved_sent",
            Self::WriteOff => "written_off",
            Self::Deliver => "delivered",
            Self::Fail => "failed",
            Self::Expire => "expired",
            Self::Delete => "deleted",
            Self::Hold => "held",
            Self::LetGo => "let_go",
            Self::Quarantine => "quarantined",
            Self::Void => "voided",
        }
    }
}

/// What is inside: the octets as they travel, and how to read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// GSM data coding octet.
    pub data_coding: u8,
    /// The octets begin with a user data header.
    pub has_udh: bool,
    pub octets: Bytes,
}

/// What a subscriber pays for this message, frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub tariff: TariffId,
    pub code: SmolStr,
    pub gross: Money,
    pub net: Money,
}

/// Which receipts the partner asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ReceiptWish {
    pub on_success: bool,
    pub on_failure: bool,
    pub intermediate: bool,
}

impl ReceiptWish {
    pub const NONE: Self = Self { on_success: false, on_failure: false, intermediate: false };
    pub const FINAL: Self = Self { on_success: true, on_failure: true, intermediate: false };

    /// One small number for the store.
    pub fn to_bits(self) -> i16 {
        i16::from(self.on_success)
            | i16::from(self.on_failure) << 1
            | i16::from(self.intermediate) << 2
    }

    pub fn from_bits(bits: i16) -> Self {
        Self { on_success: bits & 1 != 0, on_failure: bits & 2 != 0, intermediate: bits & 4 != 0 }
    }

    /// Whether a receipt is due for a message that ended in `state` (S154).
    pub fn wants(self, state: MessageState) -> bool {
        if state == MessageState::Delivered { self.on_success } else { self.on_failure }
    }
}

/// A message from a partner to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MtMessage {
    pub id: MessageId,
    pub partner: PartnerId,
    pub service: ServiceId,
    pub service_version: i64,
    /// Who submitted it, as `Caller` prints.
    pub caller: SmolStr,
    pub link_group: SmolStr,
    pub sender: Sender,
    pub recipient: Msisdn,
    pub body: Body,
    /// Parts on the air; receipts of all of them make one final state.
    pub parts: u8,
    /// Set only if this message itself is charged to the subscriber (MT-billed).
    pub charge: Option<(Price, ChargeAt)>,
    pub on_unknown: OnUnknown,
    /// Microseconds UTC, like every instant.
    pub accepted_at: i64,
    /// 0 is "at once".
    pub deliver_after: i64,
    pub valid_until: i64,
    pub receipts: ReceiptWish,
    /// `user_message_reference`, echoed in receipts (S089).
    pub reference: Option<u16>,
    /// The partner's own word for it, up to 80 characters, echoed.
    pub partner_reference: Option<SmolStr>,
    /// The id given to a peer whose ids have at most 8 octets (S006).
    pub short_id: Option<SmolStr>,
    pub service_type: SmolStr,
    pub priority: u8,
    pub protocol_id: u8,
    /// Vendor TLVs that the link's map lets through, `(tag, value)`, byte-exact (K018).
    pub tlvs: Vec<(u16, Bytes)>,
}

impl MtMessage {
    pub fn is_charged(&self) -> bool {
        self.charge.is_some()
    }

    /// A lost outcome parks it instead of sending it again.
    pub fn parks_when_unknown(&self) -> bool {
        self.is_charged() || self.on_unknown == OnUnknown::Park
    }

    /// The id as its partner knows it.
    pub fn visible_id(&self) -> SmolStr {
        self.short_id.clone().unwrap_or_else(|| smol_str::format_smolstr!("{}", self.id))
    }
}

/// A message from a subscriber to a short code, already joined from its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoMessage {
    pub id: MessageId,
    /// None while no keyword takes it.
    pub service: Option<(PartnerId, ServiceId, i64)>,
    pub link: SmolStr,
    pub link_group: SmolStr,
    pub sender: Msisdn,
    pub recipient: ShortCode,
    pub keyword: Option<Keyword>,
    pub body: Body,
    pub parts: u8,
    /// Set if sending it was charged to the subscriber (MO-billed).
    pub charge: Option<Price>,
    pub accepted_at: i64,
    pub valid_until: i64,
    pub tlvs: Vec<(u16, Bytes)>,
}

impl MoMessage {
    /// Whose it is, once a keyword took it.
    pub fn partner(&self) -> Option<PartnerId> {
        self.service.map(|(partner, ..)| partner)
    }
}

/// What the operator's SMSC, or the gateway, says became of an MT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub message: MessageId,
    pub state: ReceiptState,
    pub network_error: Option<NetworkError>,
    /// Microseconds UTC.
    pub done_at: i64,
}

/// The states that a receipt can carry, in the words of SMPP's `message_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    Enroute,
    Delivered,
    Expired,
    Deleted,
    Undeliverable,
    Accepted,
    Unknown,
    Rejected,
}

impl ReceiptState {
    pub const ALL: [Self; 8] = [
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Accepted,
        Self::Unknown,
        Self::Rejected,
    ];

    /// SMPP's octet. [34 s5.2.28]
    pub fn code(self) -> u8 {
        match self {
            Self::Enroute => 1,
            Self::Delivered => 2,
            Self::Expired => 3,
            Self::Deleted => 4,
            Self::Undeliverable => 5,
            Self::Accepted => 6,
            Self::Unknown => 7,
            Self::Rejected => 8,
        }
    }

    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The word in a receipt's text. [34 app. B]
    pub fn stat(self) -> &'static str {
        match self {
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
        }
    }

    /// The move that this receipt makes; none for a state that is not an end.
    pub fn event(self) -> Option<MessageEvent> {
        Some(match self {
            Self::Enroute | Self::Accepted => return None,
            Self::Delivered => MessageEvent::Deliver,
            Self::Expired => MessageEvent::Expire,
            Self::Deleted => MessageEvent::Delete,
            Self::Undeliverable | Self::Unknown => MessageEvent::Fail,
            Self::Rejected => MessageEvent::Reject,
        })
    }

    /// What the partner is told of a message in this state.
    pub fn of(state: MessageState) -> Self {
        match state {
            MessageState::Delivered => Self::Delivered,
            MessageState::Undeliverable | MessageState::Unrouted => Self::Undeliverable,
            MessageState::Expired => Self::Expired,
            MessageState::Rejected | MessageState::VoidUnacked => Self::Rejected,
            MessageState::Deleted => Self::Deleted,
            MessageState::Unknown | MessageState::UnknownFinal => Self::Unknown,
            MessageState::Accepted
            | MessageState::Claimed
            | MessageState::Submitted
            | MessageState::Held
            | MessageState::Quarantined => Self::Enroute,
        }
    }
}

/// The network's cause: type 3 is GSM. [34 s5.3.2.31]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkError {
    pub kind: u8,
    pub code: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, so that a new move is a decision and not an accident.
    #[test]
    fn only_the_listed_moves_are_legal() {
        let mut table = Vec::new();
        for state in MessageState::ALL {
            for event in MessageEvent::ALL {
                if let Some(next) = state.after(event) {
                    table.push(format!("{} {} {}", state.as_str(), event.as_str(), next.as_str()));
                }
            }
        }
        let expected = "\
accepted claimed claimed
accepted submitted submitted
accepted rejected rejected
accepted resend_planned accepted
accepted delivered delivered
accepted failed rejected
accepted expired expired
accepted deleted deleted
accepted held held
accepted quarantined quarantined
accepted voided void_unacked
claimed released accepted
claimed submitted submitted
claimed retry_planned accepted
claimed rejected rejected
claimed outcome_lost unknown
claimed resend_planned accepted
claimed held held
claimed quarantined quarantined
submitted rejected rejected
submitted outcome_lost unknown
submitted written_off unknown_final
submitted delivered delivered
submitted failed undeliverable
submitted expired expired
submitted deleted deleted
unknown rejected rejected
unknown proved_sent submitted
unknown written_off unknown_final
unknown held held
unknown let_go accepted
held expired expired
held deleted deleted
held let_go accepted
quarantined rejected rejected
quarantined let_go accepted";
        assert_eq!(table.join("\n"), expected);
    }

    #[test]
    fn a_final_state_never_moves_again() {
        for state in MessageState::ALL.into_iter().filter(|state| state.is_final()) {
            for event in MessageEvent::ALL {
                assert_eq!(state.after(event), None, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn words_of_states_and_receipts_read_back() {
        for state in MessageState::ALL {
            assert_eq!(MessageState::parse(state.as_str()), Some(state));
        }
        for state in ReceiptState::ALL {
            assert_eq!(ReceiptState::from_code(state.code()), Some(state));
        }
        for bits in 0..8 {
            assert_eq!(ReceiptWish::from_bits(bits).to_bits(), bits);
        }
    }
}
