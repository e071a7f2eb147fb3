//! `[[smsc_link]]`: one operator's SMSC that we dial, and its habits.
//!
//! The surprise: nearly every key exists because two operators do the same thing differently.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::machine::secs;
use super::range::{ascii, between, digits, each, lasting};
use super::scalar::{HostPort, Tag, words};
use super::secret::SecretFile;
use super::smpp_server::SmppVersion;
use super::status;
use super::walk::section;

words! {
    /// Which sessions a link opens.
    pub enum LinkBind {
        Transceiver = "transceiver",
        /// One session each way, for SMSCs of SMPP 3.3 and those that sell them apart.
        TransmitterAndReceiver = "transmitter+receiver",
        Transmitter = "transmitter",
        Receiver = "receiver",
    }
}

words! {
    /// How an SMSC writes message ids in one place.
    pub enum IdForm {
        Hex = "hex",
        Decimal = "decimal",
        /// Compared octet by octet.
        Opaque = "opaque",
    }
}

words! {
    /// What an SMSC means by `data_coding` 0.
    pub enum DefaultAlphabet { Gsm7 = "gsm7", Latin1 = "latin1", Ia5 = "ia5", Utf8 = "utf8" }
}

words! {
    /// How the tariff of a charged MT is told to the operator.
    pub enum TariffWay { None = "none", ServiceType = "service_type", Tlv = "tlv" }
}

words! {
    /// How a TLV's value is encoded.
    pub enum TlvType {
        Int1 = "int1",
        Int2 = "int2",
        Int4 = "int4",
        /// ASCII with a NUL at the end.
        CString = "cstring",
        Octets = "octets",
    }
}

words! {
    /// On which messages a TLV stands.
    pub enum TlvDirection { Mt = "mt", Mo = "mo", Receipt = "receipt", Any = "any" }
}

words! {
    /// When optional parameters may be sent.
    pub enum TlvsAllowed {
        /// By the version the SMSC shows in its bind response.
        Auto = "auto",
        Always = "always",
        Never = "never",
    }
}

words! {
    /// How a long MT is sent.
    pub enum LongMessages { Udh = "udh", Sar = "sar", Payload = "payload" }
}

words! {
    /// What happens to a long MO when a part never comes.
    pub enum OnMissingPart { Deliver = "deliver", Drop = "drop" }
}

section! {
    /// One SMSC that this node dials; repeat the table for each.
    pub struct SmscLink {
        /// Stands in logs, metrics and routes.
        fixed name: String = String::new(), |name| link_name(name);
        /// Links of one group share a lane and receipts; empty is the name of the link.
        fixed group: String = String::new(), ascii(0, 32);
        /// Host and port of the SMSC.
        fixed address: HostPort = HostPort::default();
        /// Speaks TLS, where the way to the operator is not a private line.
        fixed tls: bool = false;
        /// Name the certificate must have; empty is the host of `address`.
        fixed tls_name: String = String::new(), ascii(0, 253);
        /// Authority of the SMSC's certificate; empty trusts those of the system.
        fixed tls_ca_file: Option<PathBuf> = None;
        /// The name the operator gave us.
        fixed system_id: String = String::new(), ascii(1, 15);
        /// File with the password the operator gave us, never the password itself (S-38).
        fixed password_file: SecretFile = SecretFile::default();
        /// `interface_version` of the bind; SMPP 5.0 only where the operator asks for it.
        fixed version: SmppVersion = SmppVersion::V34;
        /// Asked for by some SMSCs.
        fixed system_type: String = String::new(), ascii(0, 12);
        /// Type of number in the bind.
        fixed address_ton: u8 = 0, between(0, 6);
        /// Numbering plan in the bind.
        fixed address_npi: u8 = 0, between(0, 18);
        /// Which short codes this bind serves, in the operator's notation.
        fixed address_range: String = String::new(), ascii(0, 40);
        /// Which sessions to open.
        fixed bind: LinkBind = LinkBind::Transceiver;
        /// Sessions of each kind.
        fixed binds: u32 = 1, between(1, 64);
        /// Requests before the first answer: also what one crash can leave UNKNOWN (P9).
        live window: u32 = 10, between(1, 1000);
        /// Messages per second that the contract allows; 0 is no limit of ours.
        live rate: u32 = 0, between(0, 100_000);
        /// An unanswered charged MT becomes UNKNOWN after this (P7).
        fixed response: Duration = secs(60), lasting(secs(1), secs(600));
        /// Silence after which the SMSC is asked for a sign of life (P32).
        fixed enquire_link: Duration = secs(30), lasting(secs(1), secs(3600));
        /// Time for a connection and for the answer to a bind.
        fixed connect: Duration = secs(10), lasting(secs(1), secs(120));
        /// First pause before dialling again; it doubles up to the longest (P20).
        fixed reconnect_min: Duration = secs(1), lasting(Duration::from_millis(10), secs(600));
        /// Longest pause before dialling again (P20).
        fixed reconnect_max: Duration = secs(60), lasting(secs(1), secs(3600));
        /// Pause after refused credentials, or the operator locks our account (P20).
        fixed credentials_retry: Duration = secs(300), lasting(secs(10), secs(86_400));
        /// How message ids are written in `submit_sm_resp` (P14).
        fixed message_id_response: IdForm = IdForm::Opaque;
        /// How message ids are written in receipts (P14).
        fixed message_id_receipt: IdForm = IdForm::Opaque;
        /// Compares ids without their leading zeros (P14).
        fixed strip_leading_zeros: bool = false;
        /// Takes receipts from the text too, for SMSCs that do not set `esm_class`.
        fixed receipt_by_text: bool = false;
        /// What `data_coding` 0 means to this SMSC.
        fixed alphabet: DefaultAlphabet = DefaultAlphabet::Gsm7;
        /// Seven bits packed into octets, which few SMSCs want.
        fixed packed_gsm7: bool = false;
        /// How a tariff reaches the operator.
        fixed tariff_way: TariffWay = TariffWay::None;
        /// Tag of the tariff when the way is `"tlv"`.
        fixed tariff_tlv_tag: Tag = Tag(0x1401);
        /// Encoding of that tariff.
        fixed tariff_tlv_type: TlvType = TlvType::CString;
        /// Statuses that mean "not accepted, try again", for charged MT too (P10).
        fixed safe_status: Vec<String> = statuses(&["ESME_RTHROTTLED", "ESME_RMSGQFUL"]), each(0, 64, ascii(1, 64));
        /// Statuses retried for uncharged messages only (P10).
        fixed retry_uncharged: Vec<String> = statuses(&["ESME_RSYSERR", "ESME_RX_T_APPN"]), each(0, 64, ascii(1, 64));
        /// Statuses that are final although a list above or our own table says otherwise.
        fixed permanent_status: Vec<String> = Vec::new(), each(0, 64, ascii(1, 64));
        /// Names for the vendor's own codes, usable in the lists above and shown in logs.
        fixed status_names: BTreeMap<String, u32> = BTreeMap::new(), status::vendor_names;
        /// When optional parameters may be sent.
        fixed tlvs_allowed: TlvsAllowed = TlvsAllowed::Auto;
        /// Sends `user_message_reference`, which lets a receipt solve an UNKNOWN (P8).
        fixed reference: bool = true;
        /// Type of number of senders; short codes are often 3 (network specific) or 0.
        fixed source_ton: u8 = 3, between(0, 6);
        /// Numbering plan of senders.
        fixed source_npi: u8 = 0, between(0, 18);
        /// Type of number of subscribers; 1 is international.
        fixed dest_ton: u8 = 1, between(0, 6);
        /// Numbering plan of subscribers; 1 is ISDN (E.164).
        fixed dest_npi: u8 = 1, between(0, 18);
        /// Country code put before subscribers' numbers that come in national form.
        fixed national_prefix: String = "48".into(), digits(0, 4);
        /// `registered_delivery` of every MT; 1 asks for the final receipt.
        fixed registered_delivery: u8 = 1, between(0, 31);
        /// How long messages are sent.
        fixed long_messages: LongMessages = LongMessages::Udh;
        /// How long the parts of a long MO are waited for.
        fixed reassembly_wait: Duration = secs(300), lasting(secs(1), secs(86_400));
        /// What happens then to the parts that came.
        fixed on_missing_part: OnMissingPart = OnMissingPart::Deliver;
        /// Waiting for outstanding responses at a stop (P38).
        fixed drain: Duration = secs(30), lasting(secs(0), secs(600));
        /// Time zone of the dates in receipts, which carry none.
        fixed receipt_time_zone: String = "UTC".into(), |name| time_zone(name);
        /// Largest PDU taken from this SMSC (P31).
        fixed pdu_octets_max: u32 = 70_000, between(1024, 1_000_000);
        /// The operator's own TLVs, one table each: `[smsc_link.tlvs.NAME]`.
        map tlvs: BTreeMap<String, LinkTlv> = BTreeMap::new();
    }
}

section! {
    /// One TLV of an operator's own, by the name that services use.
    pub struct LinkTlv {
        /// Tag in the operator's paper.
        fixed tag: Option<Tag> = None;
        /// Encoding of the value.
        fixed r#type: TlvType = TlvType::CString;
        /// On which messages it stands.
        fixed direction: TlvDirection = TlvDirection::Mt;
        /// Refuses an MT that has no value for it.
        fixed mandatory: bool = false;
        /// Value where the service sets none; numbers in decimal, octets in hexadecimal.
        fixed default: String = String::new(), ascii(0, 255);
    }
}

impl SmscLink {
    /// The group whose lane this link serves.
    pub fn group(&self) -> &str {
        if self.group.is_empty() { &self.name } else { &self.group }
    }

    /// The name a TLS certificate must have.
    pub fn tls_name(&self) -> &str {
        if self.tls_name.is_empty() { &self.address.host } else { &self.tls_name }
    }

    /// The code a status word of this link's lists stands for.
    pub fn status_code(&self, word: &str) -> Option<u32> {
        self.status_names.get(word).copied().or_else(|| status::code(word))
    }

    /// Codes after which even a charged MT may be sent again (P10).
    pub fn safe_codes(&self) -> Vec<u32> {
        self.codes(&self.safe_status)
    }

    /// Codes after which an uncharged MT may be sent again.
    pub fn retry_uncharged_codes(&self) -> Vec<u32> {
        self.codes(&self.retry_uncharged)
    }

    /// Codes that end a message whatever else is said about them.
    pub fn permanent_codes(&self) -> Vec<u32> {
        self.codes(&self.permanent_status)
    }

    fn codes(&self, words: &[String]) -> Vec<u32> {
        words.iter().filter_map(|word| self.status_code(word)).collect()
    }

    /// What the shipped sample shows: a link with everything that has no default.
    pub(crate) fn example() -> Self {
        Self {
            name: "smsc-a".into(),
            address: HostPort { host: "smsc.example".into(), port: 2775 },
            system_id: "bramka".into(),
            password_file: SecretFile {
                path: Some("smsc-a.password".into()),
                ..SecretFile::default()
            },
            tlvs: [(
                "content_class".into(),
                LinkTlv { tag: Some(Tag(0x1402)), ..LinkTlv::default() },
            )]
            .into(),
            ..Self::default()
        }
    }
}

fn statuses(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn link_name(name: &str) -> Result<(), String> {
    let fits = (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    fits.then_some(())
        .ok_or_else(|| "must be 1 to 32 lower case letters, digits, `-` or `_`".into())
}

fn time_zone(name: &str) -> Result<(), String> {
    jiff::tz::TimeZone::get(name)
        .map(drop)
        .map_err(|_| "must be a time zone such as \"UTC\" or \"Europe/Warsaw\"".into())
}
