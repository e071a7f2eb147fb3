//! Who asks: the API key in `Authorization: Bearer bk_...`.
//!
//! A key is a public name and a secret, `bk_<name>_<secret>`. The store has the name (with its
//! `bk_`) and an HMAC-SHA-256 of the secret under the pepper, as for bind passwords (S-12, S-31).
//! Keys are never taken from a cookie or an address.
//!
//! The surprise: an address with too many wrong keys still gets in with a right one. The secret
//! has 256 bits, so the limit is against noise, and nobody may lock a partner out (S-34).

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request},
};
use dashmap::DashMap;
use ipnet::IpNet;
use smol_str::SmolStr;

use super::{
    App,
    door::Peer,
    error::{Fault, Problem},
};
use crate::{
    domain::{Caller, Mode, PartnerId, Refusal},
    gateway::{mt::Submitter, query::Whose},
    metrics,
};

/// Octets of an Authorization header that are looked at.
const AUTHORIZATION_OCTETS_MAX: usize = 256;
/// Wrong keys of one address in one window that are answered 401; later ones 429.
const FAILURES_MAX: u32 = 30;
const FAILURES_WINDOW: Duration = Duration::from_mins(1);
/// Addresses remembered at once.
const ADDRESSES_MAX: usize = 10_000;

/// A partner's system that showed a valid key.
#[derive(Debug, Clone)]
pub struct ApiCaller {
    pub partner: PartnerId,
    /// The public part of the key, `bk_<name>`.
    pub key: SmolStr,
    pub mode: Mode,
}

impl ApiCaller {
    /// Whose messages it may ask about.
    pub fn whose(&self) -> Whose {
        (self.partner, self.mode)
    }

    pub fn submitter(&self) -> Submitter {
        Submitter {
            caller: Caller::ApiKey { partner: self.partner, key: self.key.clone() },
            partner: self.partner,
            mode: self.mode,
            default_sender: None,
            may_have_receipts: true,
            service_types: Vec::new(),
        }
    }
}

impl FromRequestParts<App> for ApiCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, Problem> {
        // `rate` found out already, on every route that has a limit.
        let known = match parts.extensions.remove::<Known>() {
            Some(Known(known)) => known,
            None => known(app, &parts.headers),
        };
        let caller = match known {
            Ok(caller) => caller,
            Err(why) => return Err(failed(app, parts, why)),
        };
        let catalog = app.gateway.catalog();
        let is_active = catalog.partner(caller.partner).is_some_and(|partner| partner.is_active);
        if !is_active {
            return Err(Refusal::PartnerSuspended.into());
        }
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

/// What [`known`] said of a request.
#[derive(Debug, Clone)]
pub(super) struct Known(pub(super) Result<ApiCaller, &'static str>);

/// The owner of the key, or what is wrong in words that tell nothing about other keys.
pub(super) fn known(app: &App, headers: &HeaderMap) -> Result<ApiCaller, &'static str> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or("no API key; send `Authorization: Bearer bk_...`")?
        .to_str()
        .ok()
        .filter(|value| value.len() <= AUTHORIZATION_OCTETS_MAX);
    let malformed = "the Authorization header is not `Bearer bk_<name>_<secret>`";
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).ok_or(malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(malformed);
    }
    let (prefix, secret) = token.trim().rsplit_once('_').ok_or(malformed)?;
    if !prefix.starts_with("bk_") {
        return Err(malformed);
    }
    let catalog = app.gateway.catalog();
    let key = catalog.api_key(prefix);
    // The hash is made for unknown names too: both answers take the same time (S-35).
    let stored = key.map_or(&[][..], |key| std::slice::from_ref(&key.secret));
    let is_same = app.pepper.matches(secret.as_bytes(), stored);
    let wrong = "the API key is not known, or no longer valid";
    let key = key.filter(|_| is_same).ok_or(wrong)?;
    if key.expires_at != 0 && key.expires_at <= app.gateway.now() {
        return Err(wrong);
    }
    Ok(ApiCaller { partner: key.partner, key: key.prefix.clone(), mode: key.mode })
}

fn failed(app: &App, parts: &request::Parts, why: &'static str) -> Problem {
    let address = address(&parts.extensions, &parts.headers, &app.limits.trusted_proxies);
    let now = app.gateway.clock().monotonic_nanos();
    // Who brings no key guesses none: those requests count among a stranger's.
    let guesses = parts.headers.contains_key(header::AUTHORIZATION);
    if let Some(wait) = guesses.then(|| app.failures.add(address, now)).flatten() {
        metrics::refusal("http", Fault::TooManyFailures.code());
        let mut problem = Problem::from(Fault::TooManyFailures);
        problem.retry_after = Some(wait);
        return problem;
    }
    metrics::refusal("http", Fault::Unauthorized.code());
    Fault::Unauthorized.says(why)
}

/// Counts wrong keys by address.
#[derive(Debug, Default)]
pub struct Failures(DashMap<IpAddr, (i64, u32)>);

impl Failures {
    /// Counts one more; the time to wait if there are too many.
    fn add(&self, address: IpAddr, now: i64) -> Option<Duration> {
        let window = i64::try_from(FAILURES_WINDOW.as_nanos()).unwrap_or(i64::MAX);
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&address) {
            self.0.retain(|_, (since, _)| now - *since < window);
            if self.0.len() >= ADDRESSES_MAX {
                // A flood from everywhere: nothing is remembered, and 401 costs as little as 429.
                return None;
            }
        }
        let mut entry = self.0.entry(address).or_insert((now, 0));
        if now - entry.0 >= window {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        let left = u64::try_from(entry.0 + window - now).unwrap_or_default();
        (entry.1 > FAILURES_MAX).then(|| Duration::from_nanos(left))
    }
}

/// Where a request comes from. A forwarded address is believed only from a trusted proxy, and
/// only its last hop that is not one of them (S-60). IPv6 is counted by its /64.
pub(super) fn address(
    extensions: &axum::http::Extensions,
    headers: &HeaderMap,
    proxies: &[IpNet],
) -> IpAddr {
    let peer = extensions.get::<Peer>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0);
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut found = peer.to_canonical();
    if is_proxy(&found) {
        let hops = headers.get_all("x-forwarded-for").iter().filter_map(|hop| hop.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|hops| hops.split(',')).map(str::trim).collect();
        for hop in hops.iter().rev().take(16) {
            let Ok(address) = hop.parse::<IpAddr>() else { break };
            found = address.to_canonical();
            if !is_proxy(&found) {
                break;
            }
        }
    }
    match found {
        IpAddr::V4(_) => found,
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    #[test]
    fn an_address_may_be_wrong_thirty_times_a_minute_and_others_are_not_touched() {
        let failures = Failures::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..30 {
            assert_eq!(failures.add(one, 1), None);
        }
        assert_eq!(failures.add(one, 1 + MINUTE / 2), Some(Duration::from_secs(30)));
        assert_eq!(failures.add(other, 1), None);
        assert_eq!(failures.add(one, 1 + MINUTE), None);
    }

    #[test]
    fn the_memory_of_wrong_keys_has_an_end() {
        let failures = Failures::default();
        for number in 0..20_000_u32 {
            failures.add(IpAddr::V4(number.into()), 1);
        }
        assert_eq!(failures.0.len(), ADDRESSES_MAX);
        failures.add(IpAddr::from([192, 0, 2, 1]), 1 + MINUTE);
        assert_eq!(failures.0.len(), 1, "what is old makes place for what is new");
    }

    #[test]
    fn a_forwarded_address_counts_only_when_a_trusted_proxy_says_it() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let of = |peer: [u8; 4], forwarded: &'static str| {
            let mut extensions = axum::http::Extensions::new();
            extensions.insert(Peer(peer.into()));
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            address(&extensions, &headers, &proxies).to_string()
        };
        assert_eq!(of([198, 51, 100, 7], "203.0.113.9"), "198.51.100.7");
        assert_eq!(of([10, 0, 0, 1], "203.0.113.9"), "203.0.113.9");
        assert_eq!(of([10, 0, 0, 1], "1.2.3.4, 203.0.113.9, 10.0.0.2"), "203.0.113.9");
        assert_eq!(of([10, 0, 0, 1], "rubbish"), "10.0.0.1");
        assert_eq!(of([10, 0, 0, 1], "2001:db8:1:2:3::4"), "2001:db8:1:2::");
    }
}
