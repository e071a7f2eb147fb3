//! Numbers of the protocol and their names. Values that nobody defined survive: they are kept and
//! shown, never turned into something else (K028).

use std::fmt;

/// What a PDU is. [34 s5.1.2.1] [50 s4.7.5]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId(pub u32);

macro_rules! commands {
    ($($name:ident = $id:literal, $text:literal;)*) => {
        impl CommandId {
            $(pub const $name: Self = Self($id);)*

            /// The specification's name; `unknown` for an id that has none.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    _ => "unknown",
                }
            }
        }
    };
}

commands! {
    BIND_RECEIVER = 0x01, "bind_receiver";
    BIND_TRANSMITTER = 0x02, "bind_transmitter";
    QUERY_SM = 0x03, "query_sm";
    SUBMIT_SM = 0x04, "submit_sm";
    DELIVER_SM = 0x05, "deliver_sm";
    UNBIND = 0x06, "unbind";
    REPLACE_SM = 0x07, "replace_sm";
    CANCEL_SM = 0x08, "cancel_sm";
    BIND_TRANSCEIVER = 0x09, "bind_transceiver";
    OUTBIND = 0x0b, "outbind";
    ENQUIRE_LINK = 0x15, "enquire_link";
    SUBMIT_MULTI = 0x21, "submit_multi";
    ALERT_NOTIFICATION = 0x102, "alert_notification";
    DATA_SM = 0x103, "data_sm";
    BROADCAST_SM = 0x111, "broadcast_sm";
    QUERY_BROADCAST_SM = 0x112, "query_broadcast_sm";
    CANCEL_BROADCAST_SM = 0x113, "cancel_broadcast_sm";
    GENERIC_NACK = 0x8000_0000, "generic_nack";
    BIND_RECEIVER_RESP = 0x8000_0001, "bind_receiver_resp";
    BIND_TRANSMITTER_RESP = 0x8000_0002, "bind_transmitter_resp";
    QUERY_SM_RESP = 0x8000_0003, "query_sm_resp";
    SUBMIT_SM_RESP = 0x8000_0004, "submit_sm_resp";
    DELIVER_SM_RESP = 0x8000_0005, "deliver_sm_resp";
    UNBIND_RESP = 0x8000_0006, "unbind_resp";
    REPLACE_SM_RESP = 0x8000_0007, "replace_sm_resp";
    CANCEL_SM_RESP = 0x8000_0008, "cancel_sm_resp";
    BIND_TRANSCEIVER_RESP = 0x8000_0009, "bind_transceiver_resp";
    ENQUIRE_LINK_RESP = 0x8000_0015, "enquire_link_resp";
    SUBMIT_MULTI_RESP = 0x8000_0021, "submit_multi_resp";
    DATA_SM_RESP = 0x8000_0103, "data_sm_resp";
    BROADCAST_SM_RESP = 0x8000_0111, "broadcast_sm_resp";
    QUERY_BROADCAST_SM_RESP = 0x8000_0112, "query_broadcast_sm_resp";
    CANCEL_BROADCAST_SM_RESP = 0x8000_0113, "cancel_broadcast_sm_resp";
}

impl CommandId {
    pub fn is_response(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }

    /// The id of the answer to this request.
    #[must_use]
    pub fn response(self) -> Self {
        Self(self.0 | 0x8000_0000)
    }
}

/// The result in a response. [34 table 5-2] [50 table 4-45]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($name:ident = $code:literal;)*) => {
        impl CommandStatus {
            $(pub const $name: Self = Self($code);)*
            /// Every status that a specification names.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            fn word(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    ROK = 0x00; RINVMSGLEN = 0x01; RINVCMDLEN = 0x02; RINVCMDID = 0x03; RINVBNDSTS = 0x04;
    RALYBND = 0x05; RINVPRTFLG = 0x06; RINVREGDLVFLG = 0x07; RSYSERR = 0x08; RINVSRCADR = 0x0a;
    RINVDSTADR = 0x0b; RINVMSGID = 0x0c; RBINDFAIL = 0x0d; RINVPASWD = 0x0e; RINVSYSID = 0x0f;
    RCANCELFAIL = 0x11; RREPLACEFAIL = 0x13; RMSGQFUL = 0x14; RINVSERTYP = 0x15;
    RINVNUMDESTS = 0x33; RINVDLNAME = 0x34; RINVDESTFLAG = 0x40; RINVSUBREP = 0x42;
    RINVESMCLASS = 0x43; RCNTSUBDL = 0x44; RSUBMITFAIL = 0x45; RINVSRCTON = 0x48;
    RINVSRCNPI = 0x49; RINVDSTTON = 0x50; RINVDSTNPI = 0x51; RINVSYSTYP = 0x53;
    RINVREPFLAG = 0x54; RINVNUMMSGS = 0x55; RTHROTTLED = 0x58; RINVSCHED = 0x61;
    RINVEXPIRY = 0x62; RINVDFTMSGID = 0x63; RX_T_APPN = 0x64; RX_P_APPN = 0x65;
    RX_R_APPN = 0x66; RQUERYFAIL = 0x67; RINVTLVSTREAM = 0xc0; RTLVNOTALLWD = 0xc1;
    RINVTLVLEN = 0xc2; RMISSINGTLV = 0xc3; RINVTLVVAL = 0xc4; RDELIVERYFAILURE = 0xfe;
    RUNKNOWNERR = 0xff; RSERTYPUNAUTH = 0x100; RPROHIBITED = 0x101; RSERTYPUNAVAIL = 0x102;
    RSERTYPDENIED = 0x103; RINVDCS = 0x104; RINVSRCADDRSUBUNIT = 0x105;
    RINVDSTADDRSUBUNIT = 0x106; RINVBCASTFREQINT = 0x107; RINVBCASTALIAS_NAME = 0x108;
    RINVBCASTAREAFMT = 0x109; RINVNUMBCAST_AREAS = 0x10a; RINVBCASTCNTTYPE = 0x10b;
    RINVBCASTMSGCLASS = 0x10c; RBCASTFAIL = 0x10d; RBCASTQUERYFAIL = 0x10e;
    RBCASTCANCELFAIL = 0x10f; RINVBCAST_REP = 0x110; RINVBCASTSRVGRP = 0x111;
    RINVBCASTCHANIND = 0x112;
}

impl CommandStatus {
    pub fn is_ok(self) -> bool {
        self == Self::ROK
    }

    /// Reads `ESME_RTHROTTLED`, `RTHROTTLED`, `0x58` or `88`.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.strip_prefix("ESME_").unwrap_or(text);
        if let Some(found) = Self::ALL.iter().find(|status| status.word() == Some(word)) {
            return Some(*found);
        }
        match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok().map(Self),
            None => text.parse().ok().map(Self),
        }
    }

    /// The status for a peer of an older version: codes above 0xFF are of 5.0 only. [smpp.md 5]
    #[must_use]
    pub fn for_version(self, version: Version) -> Self {
        if version >= Version::V50 {
            return self;
        }
        match self {
            Self::RSERTYPUNAUTH | Self::RSERTYPUNAVAIL | Self::RSERTYPDENIED => Self::RINVSERTYP,
            Self::RPROHIBITED | Self::RINVDCS => Self::RSUBMITFAIL,
            other if (0x105..=0x112).contains(&other.0) => Self::RSUBMITFAIL,
            other => other,
        }
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Some(word) => write!(f, "ESME_{word}"),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The version that both sides of a session speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    V33,
    V34,
    V50,
}

impl Version {
    /// What a bind's `interface_version` means: the highest known version at or below it.
    pub fn of_bind(octet: u8) -> Self {
        match octet {
            0x50.. => Self::V50,
            0x34.. => Self::V34,
            _ => Self::V33,
        }
    }

    pub fn octet(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::V33 => "3.3",
            Self::V34 => "3.4",
            Self::V50 => "5.0",
        }
    }

    pub fn takes_tlvs(self) -> bool {
        self >= Self::V34
    }
}

/// Which right a bind asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindKind {
    Transmitter,
    Receiver,
    Transceiver,
}

impl BindKind {
    pub fn command(self) -> CommandId {
        match self {
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }

    pub fn of(command: CommandId) -> Option<Self> {
        Some(match command {
            CommandId::BIND_TRANSMITTER => Self::Transmitter,
            CommandId::BIND_RECEIVER => Self::Receiver,
            CommandId::BIND_TRANSCEIVER => Self::Transceiver,
            _ => return None,
        })
    }

    pub fn transmits(self) -> bool {
        self != Self::Receiver
    }

    pub fn receives(self) -> bool {
        self != Self::Transmitter
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transmitter => "transmitter",
            Self::Receiver => "receiver",
            Self::Transceiver => "transceiver",
        }
    }
}

/// Bits of `esm_class`. [34 s5.2.12]
pub mod esm_class {
    pub const MODE: u8 = 0x03;
    pub const TYPE: u8 = 0x3c;
    pub const MODE_DATAGRAM: u8 = 0x01;
    pub const MODE_TRANSACTION: u8 = 0x02;
    pub const RECEIPT: u8 = 0x04;
    pub const DELIVERY_ACK: u8 = 0x08;
    pub const USER_ACK: u8 = 0x10;
    pub const INTERMEDIATE: u8 = 0x20;
    pub const UDHI: u8 = 0x40;
    pub const REPLY_PATH: u8 = 0x80;
}

/// Values of `message_state`; 0 and 9 are of 5.0 only. [34 s5.2.28] [50 s4.7.15]
pub mod message_state {
    pub const SCHEDULED: u8 = 0;
    pub const ENROUTE: u8 = 1;
    pub const DELIVERED: u8 = 2;
    pub const EXPIRED: u8 = 3;
    pub const DELETED: u8 = 4;
    pub const UNDELIVERABLE: u8 = 5;
    pub const ACCEPTED: u8 = 6;
    pub const UNKNOWN: u8 = 7;
    pub const REJECTED: u8 = 8;
    pub const SKIPPED: u8 = 9;
}

/// Type of number. [34 s5.2.5]
pub mod ton {
    pub const UNKNOWN: u8 = 0;
    pub const INTERNATIONAL: u8 = 1;
    pub const NATIONAL: u8 = 2;
    pub const NETWORK: u8 = 3;
    pub const ALPHANUMERIC: u8 = 5;
    pub const ABBREVIATED: u8 = 6;
}

/// Numbering plan. [34 s5.2.6]
pub mod npi {
    pub const UNKNOWN: u8 = 0;
    pub const ISDN: u8 = 1;

    /// Values that the specification defines.
    pub fn is_known(value: u8) -> bool {
        matches!(value, 0 | 1 | 3 | 4 | 6 | 8 | 9 | 10 | 14 | 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_back_from_their_names() {
        for status in CommandStatus::ALL {
            assert_eq!(CommandStatus::parse(&status.to_string()), Some(*status));
        }
        assert_eq!(CommandStatus::parse("0x58"), Some(CommandStatus::RTHROTTLED));
        assert_eq!(CommandStatus(0x0401).to_string(), "0x00000401");
        assert_eq!(CommandStatus::parse("nonsense"), None);
    }

    #[test]
    fn codes_of_5_0_are_mapped_for_older_peers() {
        let mapped = |status: CommandStatus| status.for_version(Version::V34);
        assert_eq!(mapped(CommandStatus::RINVDCS), CommandStatus::RSUBMITFAIL);
        assert_eq!(mapped(CommandStatus::RSERTYPUNAUTH), CommandStatus::RINVSERTYP);
        assert_eq!(mapped(CommandStatus::RTHROTTLED), CommandStatus::RTHROTTLED);
        assert_eq!(CommandStatus::RINVDCS.for_version(Version::V50), CommandStatus::RINVDCS);
    }

    #[test]
    fn a_reserved_version_is_the_highest_known_one_below() {
        let versions = [
            (0x00, "3.3"),
            (0x33, "3.3"),
            (0x34, "3.4"),
            (0x40, "3.4"),
            (0x50, "5.0"),
            (0x51, "5.0"),
        ];
        for (octet, version) in versions {
            assert_eq!(Version::of_bind(octet).as_str(), version);
        }
    }
}
