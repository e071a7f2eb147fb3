//! The bodies of PDUs as structs. Fields are slices of the frame they came in: reading one copies
//! nothing. Texts are octets, for peers send Latin-1 where ASCII is asked for.

use bytes::Bytes;

use super::{
    tlv::{Tlvs, tag},
    values::{BindKind, CommandId, CommandStatus},
};

/// One PDU with its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub status: CommandStatus,
    pub sequence: u32,
    pub pdu: Pdu,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pdu {
    Bind(BindKind, Box<Bind>),
    BindResp(BindKind, BindResp),
    Outbind(Outbind),
    Unbind,
    UnbindResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSm(Box<ShortMessage>),
    SubmitSmResp(MessageResp),
    SubmitMulti(Box<SubmitMulti>),
    SubmitMultiResp(SubmitMultiResp),
    DeliverSm(Box<ShortMessage>),
    DeliverSmResp(MessageResp),
    DataSm(Box<DataSm>),
    DataSmResp(MessageResp),
    QuerySm(QuerySm),
    QuerySmResp(QuerySmResp),
    CancelSm(Box<CancelSm>),
    CancelSmResp,
    ReplaceSm(Box<ReplaceSm>),
    ReplaceSmResp,
    AlertNotification(Box<AlertNotification>),
    /// Anything else, with its body as it came: broadcast operations, vendors', unknown ones.
    Other(CommandId, Bytes),
}

/// An address with its type and plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    pub ton: u8,
    pub npi: u8,
    pub digits: Bytes,
}

impl Address {
    pub fn new(ton: u8, npi: u8, digits: impl Into<Bytes>) -> Self {
        Self { ton, npi, digits: digits.into() }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bind {
    pub system_id: Bytes,
    pub password: Bytes,
    pub system_type: Bytes,
    pub interface_version: u8,
    pub address_range: Address,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BindResp {
    pub system_id: Bytes,
    pub tlvs: Tlvs,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbind {
    pub system_id: Bytes,
    pub password: Bytes,
}

/// `submit_sm` and `deliver_sm`: one layout. [34 s4.4.1, s4.6.1]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShortMessage {
    pub service_type: Bytes,
    pub source: Address,
    pub destination: Address,
    pub esm_class: u8,
    pub protocol_id: u8,
    pub priority: u8,
    pub schedule_delivery_time: Bytes,
    pub validity_period: Bytes,
    pub registered_delivery: u8,
    pub replace_if_present: u8,
    pub data_coding: u8,
    pub default_message_id: u8,
    pub short_message: Bytes,
    pub tlvs: Tlvs,
}

/// `submit_sm_resp`, `deliver_sm_resp`, `data_sm_resp`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageResp {
    pub message_id: Bytes,
    pub tlvs: Tlvs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Sme(Address),
    /// A distribution list by name.
    List(Bytes),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubmitMulti {
    pub destinations: Vec<Destination>,
    /// Everything else; `destination` is unused.
    pub message: ShortMessage,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccess {
    pub address: Address,
    pub status: CommandStatus,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubmitMultiResp {
    pub message_id: Bytes,
    pub unsuccess: Vec<Unsuccess>,
    pub tlvs: Tlvs,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSm {
    pub service_type: Bytes,
    pub source: Address,
    pub destination: Address,
    pub esm_class: u8,
    pub registered_delivery: u8,
    pub data_coding: u8,
    pub tlvs: Tlvs,
}

/// What a `data_sm` carries stands in its `message_payload`, and stays there.
impl From<DataSm> for ShortMessage {
    fn from(data: DataSm) -> Self {
        Self {
            service_type: data.service_type,
            source: data.source,
            destination: data.destination,
            esm_class: data.esm_class,
            registered_delivery: data.registered_delivery,
            data_coding: data.data_coding,
            tlvs: data.tlvs,
            ..Self::default()
        }
    }
}

/// A `data_sm` has no `short_message`: it becomes the `message_payload`, unless there is one.
impl From<ShortMessage> for DataSm {
    fn from(message: ShortMessage) -> Self {
        let mut tlvs = message.tlvs;
        if tlvs.get(tag::MESSAGE_PAYLOAD).is_none() {
            tlvs.push(tag::MESSAGE_PAYLOAD, message.short_message);
        }
        Self {
            service_type: message.service_type,
            source: message.source,
            destination: message.destination,
            esm_class: message.esm_class,
            registered_delivery: message.registered_delivery,
            data_coding: message.data_coding,
            tlvs,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuerySm {
    pub message_id: Bytes,
    pub source: Address,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuerySmResp {
    pub message_id: Bytes,
    pub final_date: Bytes,
    pub message_state: u8,
    pub error_code: u8,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CancelSm {
    pub service_type: Bytes,
    pub message_id: Bytes,
    pub source: Address,
    pub destination: Address,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplaceSm {
    pub message_id: Bytes,
    pub source: Address,
    pub schedule_delivery_time: Bytes,
    pub validity_period: Bytes,
    pub registered_delivery: u8,
    pub default_message_id: u8,
    pub short_message: Bytes,
    pub tlvs: Tlvs,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertNotification {
    pub source: Address,
    pub esme: Address,
    pub tlvs: Tlvs,
}

impl Pdu {
    pub fn command_id(&self) -> CommandId {
        match self {
            Self::Bind(kind, _) => kind.command(),
            Self::BindResp(kind, _) => kind.command().response(),
            Self::Outbind(_) => CommandId::OUTBIND,
            Self::Unbind => CommandId::UNBIND,
            Self::UnbindResp => CommandId::UNBIND_RESP,
            Self::EnquireLink => CommandId::ENQUIRE_LINK,
            Self::EnquireLinkResp => CommandId::ENQUIRE_LINK_RESP,
            Self::GenericNack => CommandId::GENERIC_NACK,
            Self::SubmitSm(_) => CommandId::SUBMIT_SM,
            Self::SubmitSmResp(_) => CommandId::SUBMIT_SM_RESP,
            Self::SubmitMulti(_) => CommandId::SUBMIT_MULTI,
            Self::SubmitMultiResp(_) => CommandId::SUBMIT_MULTI_RESP,
            Self::DeliverSm(_) => CommandId::DELIVER_SM,
            Self::DeliverSmResp(_) => CommandId::DELIVER_SM_RESP,
            Self::DataSm(_) => CommandId::DATA_SM,
            Self::DataSmResp(_) => CommandId::DATA_SM_RESP,
            Self::QuerySm(_) => CommandId::QUERY_SM,
            Self::QuerySmResp(_) => CommandId::QUERY_SM_RESP,
            Self::CancelSm(_) => CommandId::CANCEL_SM,
            Self::CancelSmResp => CommandId::CANCEL_SM_RESP,
            Self::ReplaceSm(_) => CommandId::REPLACE_SM,
            Self::ReplaceSmResp => CommandId::REPLACE_SM_RESP,
            Self::AlertNotification(_) => CommandId::ALERT_NOTIFICATION,
            Self::Other(id, _) => *id,
        }
    }

    pub fn name(&self) -> &'static str {
        self.command_id().name()
    }
}

impl Command {
    pub fn new(sequence: u32, pdu: Pdu) -> Self {
        Self { status: CommandStatus::ROK, sequence, pdu }
    }

    /// An answer without a body: an error, or one that has none anyway.
    pub fn bare(id: CommandId, status: CommandStatus, sequence: u32) -> Self {
        Self { status, sequence, pdu: Pdu::Other(id, Bytes::new()) }
    }
}
