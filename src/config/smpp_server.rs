//! `[smpp_server]`: partners bind to us.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::machine::secs;
use super::range::{ascii, between, each, lasting, off_or, sized};
use super::scalar::{Tag, words};
use super::secret::SecretFile;
use super::units::Size;
use super::walk::section;

words! {
    /// Highest `interface_version` that is offered.
    pub enum SmppVersion { V33 = "3.3", V34 = "3.4", V50 = "5.0" }
}

words! {
    /// What a bind with wrong credentials is answered.
    pub enum BindAuthError {
        /// `ESME_RBINDFAIL`: unknown name and wrong password look alike (S-35).
        BindFail = "0x0D",
        /// `ESME_RINVPASWD`, or `ESME_RINVSYSID` for an unknown name: some partners' software
        /// insists on it, and it tells names apart.
        InvalidPassword = "0x0E",
    }
}

words! {
    /// Whose name a partner's certificate must bear.
    pub enum ClientNames {
        /// Any certificate of the authority opens the door; name and password do the rest.
        Off = "off",
        /// Its common name, or one of its alternative names, is the `system_id` of the bind.
        SystemId = "system_id",
    }
}

words! {
    /// What a bind over the limit is answered.
    pub enum BindLimitError {
        /// `ESME_RBINDFAIL`.
        BindFail = "0x0D",
        /// `ESME_RALYBND` (P33).
        AlreadyBound = "0x05",
    }
}

impl BindLimitError {
    pub const fn code(self) -> u32 {
        match self {
            Self::BindFail => 0x0D,
            Self::AlreadyBound => 0x05,
        }
    }
}

section! {
    /// Partners bind to this node here; partners themselves are in the database.
    pub struct SmppServer {
        /// Addresses without TLS; off this machine only from `plain_from` (S-32, S-33).
        fixed listen: Vec<SocketAddr> = vec![([127, 0, 0, 1], 2775).into()], each(0, 16, |_| Ok(()));
        /// Networks that may bind without TLS, because an SMPP password travels in the clear.
        fixed plain_from: Vec<IpNet> = Vec::new();
        /// Lets anybody bind without TLS on any address.
        fixed insecure_plain_listen: bool = false;
        /// Addresses with TLS; they open once `certificate_file` is set (S-32), `[]` closes them.
        fixed listen_tls: Vec<SocketAddr> = vec![([0, 0, 0, 0], 3550).into()], each(0, 16, |_| Ok(()));
        /// Certificate chain in PEM, leaf first; read again on SIGHUP and when the file changes.
        live certificate_file: Option<PathBuf> = None;
        /// Private key in PEM.
        live key_file: Option<PathBuf> = None;
        /// With it, a partner must show a certificate of this authority (mutual TLS).
        live client_ca_file: Option<PathBuf> = None;
        /// `"system_id"`: over TLS a partner binds only with the name in its certificate (S-32).
        fixed client_names: ClientNames = ClientNames::Off;
        /// Key of the HMAC under which partners' passwords are stored (S-31).
        fixed pepper_file: SecretFile = SecretFile::default();
        /// Our own name in bind responses.
        fixed system_id: String = "bramka".into(), ascii(1, 15);
        /// Highest SMPP version offered; a partner that binds lower is spoken to in its own.
        fixed version_max: SmppVersion = SmppVersion::V50;
        /// Time from the connection to a successful bind (P30).
        fixed session_init: Duration = secs(10), lasting(secs(1), secs(300));
        /// Silence after which the peer is asked for a sign of life (P32).
        fixed enquire_link: Duration = secs(30), lasting(secs(1), secs(3600));
        /// Time for an answer to a request of ours (P32).
        fixed response: Duration = secs(10), lasting(secs(1), secs(600));
        /// Unanswered signs of life that close a session (P32).
        fixed enquire_link_misses: u32 = 2, between(1, 10);
        /// Closes a session without messages for this long; most partners expect to stay bound.
        fixed inactivity: Option<Duration> = None, off_or(lasting(secs(10), secs(604_800)));
        /// Whether an `enquire_link` of the partner counts as activity.
        fixed enquire_link_keeps: bool = true;
        /// Requests we send a partner before its first answer, where its account says nothing.
        fixed window: u32 = 10, between(1, 1000);
        /// Requests of one session in work before its socket is no longer read (P26).
        fixed window_in: u32 = 100, between(1, 10_000);
        /// Largest PDU of a bound session: 64 KiB of payload and its headers (P31).
        fixed pdu_octets_max: u32 = 70_000, between(1024, 1_000_000);
        /// Largest PDU before the bind (P30).
        fixed pdu_octets_max_unbound: u32 = 256, between(64, 4096);
        /// A PDU is complete this long after its first octet, or the session ends (P31).
        fixed pdu_complete_within: Duration = secs(10), lasting(secs(1), secs(120));
        /// Octets waiting for a slow reader (P28).
        fixed write_buffer: Size = Size::kib(256), sized(Size::kib(4), Size::mib(16));
        /// A reader that takes nothing for this long is closed; its messages stay stored (P28).
        fixed write_stall: Duration = secs(30), lasting(secs(1), secs(600));
        /// All sessions of this node; each costs a file descriptor and about 20 KiB.
        fixed connections_max: u32 = 4096, between(1, 100_000);
        /// Connections from one address, bound or not (P30).
        fixed connections_per_address: u32 = 16, between(1, 100_000);
        /// Connections that are not bound yet (P30).
        fixed unbound_max: u32 = 256, between(1, 10_000);
        /// Binds per second; a storm is refused cheaply beyond it (P34).
        fixed bind_rate: u32 = 100, between(1, 100_000);
        /// A refused bind is answered after a random time between these (P34, S-34).
        fixed bind_fail_delay: Vec<Duration> = vec![secs(1), secs(3)], |delays| shortest_and_longest(delays);
        /// How long a silent session has to prove itself when a new bind wants its place (P33).
        fixed bind_probe: Duration = secs(5), lasting(secs(1), secs(60));
        /// Time for a TLS handshake (P30).
        fixed tls_handshake: Duration = secs(5), lasting(secs(1), secs(60));
        /// Handshakes at once, so that a flood cannot starve bound sessions; 0 is two per core.
        fixed tls_handshakes_max: u32 = 0, between(0, 10_000);
        /// `"0x0D"` hides whether the name exists; `"0x0E"` is for software that insists (S-35).
        fixed bind_auth_error: BindAuthError = BindAuthError::BindFail;
        /// Answer to a bind over the limit: `"0x05"` or `"0x0D"` (P33).
        fixed bind_limit_error: BindLimitError = BindLimitError::AlreadyBound;
        /// Says in a vendor TLV why a request was refused.
        fixed refusal_reason_tlv: bool = true;
        /// Takes `data_sm` on a session bound as receiver, which 3.4 leaves open.
        fixed data_sm_on_receiver: bool = false;
        /// Calls partners whose account has an outbind address while messages wait for them.
        fixed outbind: bool = false;
        /// Pause between two calls to one partner.
        fixed outbind_retry: Duration = secs(60), lasting(secs(5), secs(86_400));
        /// Time for the connection of a call.
        fixed outbind_connect: Duration = secs(10), lasting(secs(1), secs(60));
        /// Tags of our own TLVs.
        table vendor_tlv: VendorTlv = VendorTlv::default();
    }
}

section! {
    /// Tags of the TLVs of our own; the vendor range of SMPP is 0x1400 to 0x3FFF.
    pub struct VendorTlv {
        /// Partner to us: the tariff of an MT.
        fixed tariff: Tag = Tag(0x1D01);
        /// Partner to us: which service an MT belongs to.
        fixed service_ref: Tag = Tag(0x1D02);
        /// Joins messages that are paid for together.
        fixed charge_session: Tag = Tag(0x1D03);
        /// Us to partner, in a receipt: whether the subscriber paid.
        fixed charge_result: Tag = Tag(0x1D04);
        /// Us to partner: the subscriber's network.
        fixed operator: Tag = Tag(0x1D05);
        /// Partner to us: the same id within a day is the same message (P11).
        fixed idempotency: Tag = Tag(0x1D06);
        /// Us to partner: how often this was delivered before (A2.2).
        fixed redelivery: Tag = Tag(0x1D07);
        /// Us to partner: why a request was refused, in words.
        fixed reason: Tag = Tag(0x1D08);
        /// Us to partner: our id of an MO, the same on every repeat.
        fixed message_id: Tag = Tag(0x1D09);
    }
}

impl SmppServer {
    /// Addresses with TLS that are to be opened; none as long as there is no certificate to show.
    pub fn tls_addresses(&self) -> &[SocketAddr] {
        if self.certificate_file.is_some() { &self.listen_tls } else { &[] }
    }

    /// Whether a peer may bind without TLS (S-32). The account's own list (S-33) comes on top.
    pub fn allows_plain(&self, peer: IpAddr) -> bool {
        self.insecure_plain_listen || is_near(peer, &self.plain_from)
    }

    /// How long a refused bind waits for its answer: the shortest and the longest.
    pub fn bind_fail_delay(&self) -> (Duration, Duration) {
        let shortest = self.bind_fail_delay.first().copied().unwrap_or_default();
        (shortest, self.bind_fail_delay.last().copied().unwrap_or(shortest))
    }
}

/// Whether an address is this machine or in one of the networks.
pub(crate) fn is_near(peer: IpAddr, networks: &[IpNet]) -> bool {
    // A socket for both families shows IPv4 peers as IPv6 ones.
    let peer = peer.to_canonical();
    peer.is_loopback() || networks.iter().any(|network| network.contains(&peer))
}

impl VendorTlv {
    /// Every tag with its key.
    pub fn all(&self) -> [(&'static str, Tag); 9] {
        [
            ("tariff", self.tariff),
            ("service_ref", self.service_ref),
            ("charge_session", self.charge_session),
            ("charge_result", self.charge_result),
            ("operator", self.operator),
            ("idempotency", self.idempotency),
            ("redelivery", self.redelivery),
            ("reason", self.reason),
            ("message_id", self.message_id),
        ]
    }
}

fn shortest_and_longest(delays: &[Duration]) -> Result<(), String> {
    match delays {
        [shortest, longest] if shortest <= longest && *longest <= secs(30) => Ok(()),
        _ => Err("must be two durations, the shorter first, at most [\"0s\", \"30s\"]".into()),
    }
}
