//! A partner as traffic sees it: who may bind, from where, how fast, and how it likes its answers.
//!
//! Every limit has a value; none is hidden, and the bind's log line prints those in force.

use ipnet::IpNet;
use smol_str::SmolStr;

use super::{number::Sender, sandbox::Mode, user::UserId};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct PartnerId(pub i64);

/// A company that works with the operator.
#[derive(Debug, Clone)]
pub struct Partner {
    pub id: PartnerId,
    /// Short, unique, stable: it is a label in metrics and a word on the command line.
    pub name: SmolStr,
    pub is_active: bool,
    pub limits: PartnerLimits,
    pub habits: Habits,
}

/// The limits of a partner over all its binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerLimits {
    /// Messages a second it may submit; a long message counts once. 0 is no limit.
    pub rate: u32,
    /// Messages it may send at once after a pause, in messages.
    pub burst: u32,
    /// MT accepted and not yet final; above it submits are refused with `BacklogFull`.
    pub backlog_max: u64,
    /// MO and receipts that wait for it; above it the operator's SMSC keeps them (P29).
    pub waiting_max: u64,
}

/// How a partner's software likes things. All of it is data: peers differ.
#[expect(clippy::struct_excessive_bools, reason = "each habit is on or off by itself")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    pub message_id_form: MessageIdForm,
    /// Receipts print local time; `true` adds seconds (12 digits instead of 10).
    pub receipt_seconds: bool,
    /// IANA name of the zone in which receipts print their dates.
    pub receipt_zone: SmolStr,
    /// What `data_coding` 0 means to it.
    pub default_alphabet: DefaultAlphabet,
    pub strip_trailing_nul: bool,
    /// Answer `ESME_RX_T_APPN` instead of `ESME_RSYSERR` while the gateway cannot work (P24).
    pub prefers_rx_t_appn: bool,
    /// TLVs of our own come on sessions below 5.0 too: reasons of refusals (D7), ids of MO, marks
    /// of redelivery, what was charged. Widespread clients of 3.4 fall over a TLV that they do not
    /// know, or over any body of an error answer, so it must be asked for.
    pub vendor_tlvs: bool,
    /// Texts longer than one part are split by the gateway.
    pub splits_long: bool,
    /// Deliveries come as `data_sm` instead of `deliver_sm`.
    pub takes_data_sm: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            message_id_form: MessageIdForm::Decimal,
            receipt_seconds: false,
            receipt_zone: "UTC".into(),
            default_alphabet: DefaultAlphabet::Gsm7,
            strip_trailing_nul: false,
            prefers_rx_t_appn: false,
            vendor_tlvs: false,
            splits_long: true,
            takes_data_sm: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageIdForm {
    Decimal,
    Hex,
}

/// The alphabet behind `data_coding` 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultAlphabet {
    Gsm7,
    Latin1,
    Ia5,
}

/// The name in a bind, with everything that decides whether the bind is admitted.
#[expect(clippy::struct_excessive_bools, reason = "each right is given or not by itself")]
#[derive(Debug, Clone)]
pub struct Credential {
    pub system_id: SmolStr,
    pub partner: PartnerId,
    /// HMAC-SHA-256 of the password under the pepper; two while a rotation overlaps (S-30, S-31).
    pub secrets: Vec<[u8; 32]>,
    /// Empty allows every address, over TLS only (S-33).
    pub addresses: Vec<IpNet>,
    pub is_active: bool,
    pub tls_only: bool,
    pub may_transmit: bool,
    pub may_receive: bool,
    /// Sessions at once, per kind of bind.
    pub binds_max: u32,
    /// Requests of ours in flight towards this session.
    pub window: u32,
    /// `service_type` values it may use; empty allows all (S063).
    pub service_types: Vec<SmolStr>,
    /// Sender for an MT that names none (S060).
    pub default_sender: Option<Sender>,
    pub may_have_receipts: bool,
    pub pdu_octets_max: u32,
    /// Host and port where it is called while something waits for it (S035).
    pub outbind: Option<SmolStr>,
    pub mode: Mode,
}

/// Who does something, as it is written into events and the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A partner's SMPP session.
    Session { partner: PartnerId, system_id: SmolStr, session: u64 },
    /// A partner's API key.
    ApiKey { partner: PartnerId, key: SmolStr },
    /// A person with a session in the portal; `partner` is none for the operator's staff.
    User { partner: Option<PartnerId>, user: UserId, name: SmolStr },
    /// Somebody who follows the mailed link of an application and has no account.
    Applicant { application: i64 },
    /// Somebody at the command line of the host.
    Operator { name: SmolStr },
    /// The gateway by itself.
    Gateway,
}

impl Caller {
    pub fn partner(&self) -> Option<PartnerId> {
        match self {
            Self::Session { partner, .. } | Self::ApiKey { partner, .. } => Some(*partner),
            Self::User { partner, .. } => *partner,
            Self::Applicant { .. } | Self::Operator { .. } | Self::Gateway => None,
        }
    }
}

impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session { system_id, session, .. } => write!(f, "smpp:{system_id}#{session}"),
            Self::ApiKey { key, .. } => write!(f, "api:{key}"),
            Self::User { user, name, .. } => write!(f, "user:{}:{name}", user.0),
            Self::Applicant { application } => write!(f, "applicant:{application}"),
            Self::Operator { name } => write!(f, "operator:{name}"),
            Self::Gateway => f.write_str("gateway"),
        }
    }
}
