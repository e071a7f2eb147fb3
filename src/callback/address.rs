//! The guard on addresses that partners give (S-54): a callback must never become a way into
//! the operator's own network.
//!
//! Reads the URL strictly, resolves its host, and answers with the addresses to dial. It dials
//! nothing and knows no HTTP.
//!
//! The surprise: checking the name is not enough. A name may answer with a public address now
//! and a private one a second later, or with both at once; so *every* address must be public,
//! and the client dials exactly the ones that were checked, never the name again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;
use ipnet::IpNet;

use super::range::{self, Range};

const URL_MAX: usize = 2048;
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;
/// Addresses of one name that are looked at. A name with more is refused rather than half read.
const ADDRESSES_MAX: usize = 32;

/// Ends of names that only mean something inside a network or a machine.
const LOCAL_ENDS: [&str; 11] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "arpa",
    "onion",
];

/// What may be called. The default is for production; the two exceptions are for a laboratory
/// and carry their danger in their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guard {
    /// Also `http://`, which anybody on the way can read and change.
    pub insecure_http: bool,
    /// Also loopback and the private ranges. Link-local, metadata and disguised addresses stay
    /// refused even then: no partner application lives there.
    pub insecure_private_addresses: bool,
    /// Networks refused on top of everything: the operator's own public addresses, behind which
    /// its SMSCs and offices live, and its own NAT64 prefix. No table can know these.
    pub refused_networks: Vec<IpNet>,
}

/// Why an address is refused. The text is for the partner, who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("callback address has more than 2048 characters")]
    TooLong,
    #[error("callback address has a character outside plain printable ASCII")]
    Character,
    #[error("callback address must begin with `https://`")]
    Scheme,
    #[error("callback address must not carry a user name or password")]
    UserInfo,
    #[error("callback address must not have a `#` part")]
    Fragment,
    #[error("callback address has no valid host name")]
    Host,
    #[error("host looks like an address in an unusual form; write it as four decimal numbers")]
    UnusualAddress,
    #[error("port must be 443 or 1024 to 65535")]
    Port,
    #[error("path or query has a character that must be percent-encoded")]
    Target,
    #[error("host is a name of a local network")]
    LocalName,
    #[error("host name has no address")]
    NoAddress,
    #[error("host name has too many addresses")]
    TooManyAddresses,
    #[error("host leads to an address that is not public ({0})")]
    NotPublic(&'static str),
}

/// A callback URL that was read strictly. Prints as its origin only: partners hide tokens in
/// paths and queries.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    origin: Origin,
    target: Uri,
}

/// Scheme, host and port: what connections are shared by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) is_tls: bool,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// A lower-case host name, or an address that needs no look-up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

impl Endpoint {
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query, as they go into the request line.
    pub(super) fn target(&self) -> &Uri {
        &self.target
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.origin.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.origin.authority())
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl Origin {
    /// The value of the `host` header: the port only if it is not the scheme's own.
    pub(super) fn authority(&self) -> String {
        let host = match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        let usual = if self.is_tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

impl Guard {
    /// Reads a URL as strictly as this file can. Call it when a partner saves the address, to
    /// tell at once what is wrong; the client calls it again before every attempt.
    ///
    /// Written by hand on purpose: general URL parsers forgive (`https:\\`, tabs, `0x7f.1`), and
    /// what one parser forgives and the next reads differently is how such guards are passed.
    pub fn parse(&self, url: &str) -> Result<Endpoint, BadAddress> {
        if url.len() > URL_MAX {
            return Err(BadAddress::TooLong);
        }
        if !url.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'\\') {
            return Err(BadAddress::Character);
        }
        let (is_tls, rest) = self.scheme(url)?;
        if rest.contains('#') {
            return Err(BadAddress::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(BadAddress::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let host = self.host(host)?;
        let port = port_of(port, is_tls)?;
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let target = Uri::try_from(target).map_err(|_| BadAddress::Target)?;
        Ok(Endpoint { origin: Origin { is_tls, host, port }, target })
    }

    fn scheme<'u>(&self, url: &'u str) -> Result<(bool, &'u str), BadAddress> {
        let (scheme, rest) = url.split_once("://").ok_or(BadAddress::Scheme)?;
        if scheme.eq_ignore_ascii_case("https") {
            Ok((true, rest))
        } else if self.insecure_http && scheme.eq_ignore_ascii_case("http") {
            Ok((false, rest))
        } else {
            Err(BadAddress::Scheme)
        }
    }

    fn host(&self, text: &str) -> Result<Host, BadAddress> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(BadAddress::Host)?;
            let address: Ipv6Addr = inner.parse().map_err(|_| BadAddress::Host)?;
            self.admit(address.into())?;
            return Ok(Host::Address(address.into()));
        }
        let name = text.to_ascii_lowercase();
        check_name(&name)?;
        let last = name.rsplit('.').next().unwrap_or_default();
        // Resolvers read `2130706433`, `0x7f.1` and `0177.0.0.1` as 127.0.0.1. Whatever ends
        // like a number is an address in the one usual form, or nothing.
        if last.bytes().all(|octet| octet.is_ascii_digit()) || last.starts_with("0x") {
            let address: Ipv4Addr = name.parse().map_err(|_| BadAddress::UnusualAddress)?;
            self.admit(address.into())?;
            return Ok(Host::Address(address.into()));
        }
        let is_local = !name.contains('.') || LOCAL_ENDS.contains(&last);
        if is_local && !self.insecure_private_addresses {
            return Err(BadAddress::LocalName);
        }
        Ok(Host::Name(name))
    }

    /// Whether this address may be dialled.
    pub fn admit(&self, address: IpAddr) -> Result<(), BadAddress> {
        if self.refused_networks.iter().any(|network| network.contains(&address)) {
            return Err(BadAddress::NotPublic("refused network"));
        }
        match range::of(address) {
            Range::Public => Ok(()),
            Range::Private(_) if self.insecure_private_addresses => Ok(()),
            Range::Private(name) | Range::Never(name) => Err(BadAddress::NotPublic(name)),
        }
    }

    /// Every address that a name gave, if every single one may be dialled. One private address
    /// among public ones is an attempt at rebinding, or a mistake; both are refused.
    pub(super) fn admit_all(
        &self,
        addresses: &[IpAddr],
        port: u16,
    ) -> Result<Vec<SocketAddr>, BadAddress> {
        if addresses.is_empty() {
            return Err(BadAddress::NoAddress);
        }
        if addresses.len() > ADDRESSES_MAX {
            return Err(BadAddress::TooManyAddresses);
        }
        for &address in addresses {
            self.admit(address)?;
        }
        Ok(addresses.iter().map(|&address| SocketAddr::new(address, port)).collect())
    }
}

/// Host and port text. A colon outside brackets begins the port, and there is one at most.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), BadAddress> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(BadAddress::Host)? + 1;
        let (host, rest) = authority.split_at(end);
        return match rest.strip_prefix(':') {
            Some(port) if !port.is_empty() => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            _ => Err(BadAddress::Host),
        };
    }
    match authority.split_once(':') {
        Some((_, "")) => Err(BadAddress::Port),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

/// Ports below 1024 other than the scheme's own belong to services that are not HTTP.
fn port_of(text: Option<&str>, is_tls: bool) -> Result<u16, BadAddress> {
    let Some(text) = text else { return Ok(if is_tls { 443 } else { 80 }) };
    // `parse` would take a sign.
    if !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(BadAddress::Port);
    }
    match text.parse() {
        Ok(port @ (443 | 1024..)) => Ok(port),
        Ok(80) if !is_tls => Ok(80),
        _ => Err(BadAddress::Port),
    }
}

/// Letters, digits and inner hyphens in labels. A dot at the end is refused: `localhost.` is
/// the same host under a name that comparisons miss.
fn check_name(name: &str) -> Result<(), BadAddress> {
    if name.is_empty() || name.len() > NAME_MAX {
        return Err(BadAddress::Host);
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_MAX
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.split('.').all(is_label) { Ok(()) } else { Err(BadAddress::Host) }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
