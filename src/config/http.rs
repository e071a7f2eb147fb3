//! `[http]` and `[callback]`: what comes in over HTTP and what goes out.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::machine::secs;
use super::range::{between, each, lasting, sized};

use super::smpp_server::is_near;
use super::units::Size;
use super::walk::section;

section! {
    /// Portal and API.
    pub struct Http {
        /// Addresses without TLS; off this machine only behind `trusted_proxies`.
        fixed listen: Vec<SocketAddr> = vec![([127, 0, 0, 1], 8080).into()], each(0, 16, |_| Ok(()));
        /// Lets browsers and partners come without TLS on any address.
        fixed insecure_plain_listen: bool = false;
        /// The name in the head of every page.
        fixed brand: String = "Bramka".to_owned(), short_text;
        /// Lets cookies travel without TLS to hosts other than localhost, for tests.
        fixed insecure_cookies: bool = false;
        /// Addresses with TLS.
        fixed listen_tls: Vec<SocketAddr> = Vec::new(), each(0, 16, |_| Ok(()));
        /// Certificate chain in PEM, leaf first; read again on SIGHUP and when the file changes.
        live certificate_file: Option<PathBuf> = None;
        /// Private key in PEM.
        live key_file: Option<PathBuf> = None;
        /// Metrics and health in detail, for the operator's own monitoring only (S-58).
        fixed admin_listen: Vec<SocketAddr> = vec![([127, 0, 0, 1], 9464).into()], each(0, 4, |_| Ok(()));
        /// Lets metrics be read from other machines.
        fixed insecure_admin_listen: bool = false;
        /// Octets of a request's header (S-59).
        fixed header_octets_max: Size = Size::kib(16), sized(Size::kib(4), Size::mib(1));
        /// Octets of a request's body (S-59).
        fixed body_octets_max: Size = Size::mib(1), sized(Size::kib(1), Size::mib(64));
        /// Time for a request's header, against slow senders (S-59).
        fixed header_timeout: Duration = secs(10), lasting(secs(1), secs(120));
        /// Time for a whole request (S-59).
        fixed request_timeout: Duration = secs(30), lasting(secs(1), secs(600));
        /// Time for a TLS handshake.
        fixed tls_handshake: Duration = secs(5), lasting(secs(1), secs(60));
        /// All connections of this node.
        fixed connections_max: u32 = 1024, between(1, 100_000);
        /// Connections from one address; those of a trusted proxy are not counted.
        fixed connections_per_address: u32 = 64, between(1, 100_000);
        /// Proxies whose forwarded address is believed (S-60).
        fixed trusted_proxies: Vec<IpNet> = Vec::new();
    }
}

section! {
    /// MO and receipts to partners over HTTP.
    pub struct Callback {
        /// Time for a partner to answer.
        fixed timeout: Duration = secs(15), lasting(secs(1), secs(120));
        /// Callbacks in flight in all.
        fixed concurrency: u32 = 256, between(1, 10_000);
        /// Callbacks in flight to one endpoint: a slow one must not take all (P27).
        fixed per_endpoint_concurrency: u32 = 8, between(1, 1000);
        /// Pauses before each try, jittered; after the last the endpoint is disabled.
        fixed schedule: Vec<Duration> = schedule(), each(1, 32, lasting(Duration::ZERO, secs(604_800)));
        /// Octets read of an answer; the rest is not waited for (S-54).
        fixed body_octets_max: Size = Size::kib(64), sized(Size::kib(1), Size::mib(4));
        /// Authority for partners' certificates; empty trusts those of the system.
        fixed ca_file: Option<PathBuf> = None;
        /// Allows http: URLs, for tests and the demo.
        fixed insecure_http: bool = false;
        /// Allows private and loopback addresses, for tests and the demo (S-54).
        fixed insecure_private_addresses: bool = false;
    }
}

#[expect(clippy::ptr_arg, reason = "the kind of the key is `String`")]
fn short_text(text: &String) -> Result<(), String> {
    let is_fine = (1..=40).contains(&text.chars().count());
    if is_fine { Ok(()) } else { Err("must be 1 to 40 characters".into()) }
}

/// The schedule that the Standard Webhooks specification gives as its example.
fn schedule() -> Vec<Duration> {
    [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map(secs).to_vec()
}

impl Http {
    /// Whether a peer may come without TLS: this machine and the trusted proxies.
    pub fn allows_plain(&self, peer: IpAddr) -> bool {
        self.insecure_plain_listen || is_near(peer, &self.trusted_proxies)
    }
}
