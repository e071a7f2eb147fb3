//! How many requests a minute one address without an account, one person's session or one API key
//! may make (S-56).
//!
//! It runs before any handler, once for each request, and finds out who asks on the way. Health
//! is left out: whoever watches this node must not be told that it is busy.
//!
//! The surprise: after a pause the whole of a minute may come at once. A limit that also smooths
//! would punish a page with a stylesheet. And the first request of a session counts for its
//! address: only a token that was found to live gets a count of its own, or made-up tokens would
//! be a way round the limit.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use dashmap::DashMap;
use smol_str::SmolStr;

use super::{
    App, auth,
    error::{Fault, Problem},
    portal::{cookies, person::SESSION},
    signed,
};
use crate::{gateway::throttle::Bucket, metrics};

/// Addresses and keys remembered at once.
const REMEMBERED_MAX: usize = 10_000;
/// Buckets count by the second; here a minute is their second.
const SECONDS: i64 = 60;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Key(SmolStr),
    /// A token's hash under a key of this process.
    Session(u64),
}

/// One bucket for each that asked lately.
#[derive(Debug, Default)]
pub struct Rates(DashMap<Who, Bucket>, RandomState);

impl Rates {
    /// Counts one request; the time to wait if there are too many.
    fn take(&self, who: Who, a_minute: u32, now: i64) -> Result<(), Duration> {
        let now = now / SECONDS;
        if !self.has_room(&who, now) {
            // A flood from everywhere: the limit of connections holds it, not this one.
            return Ok(());
        }
        let bucket = self.0.entry(who).or_insert_with(|| Bucket::new(a_minute, a_minute));
        if bucket.rate() != a_minute {
            bucket.tune(a_minute, a_minute);
        }
        let seconds = u32::try_from(SECONDS).unwrap_or(1);
        bucket.take(now).map_err(|wait| wait.saturating_mul(seconds))
    }

    fn has_room(&self, who: &Who, now: i64) -> bool {
        if self.0.len() >= REMEMBERED_MAX && !self.0.contains_key(who) {
            // A bucket that is full again knows nothing that a new one would not.
            self.0.retain(|_, bucket| !bucket.is_full(now));
        }
        self.0.len() < REMEMBERED_MAX || self.0.contains_key(who)
    }

    /// A session lives: from now on it has a count of its own.
    pub(super) fn know(&self, token: &str, a_minute: u32, now: i64) {
        let who = self.session(token);
        if self.has_room(&who, now / SECONDS) {
            self.0.entry(who).or_insert_with(|| Bucket::new(a_minute, a_minute));
        }
    }

    /// The count of a session that was found to live, and has not been forgotten since.
    fn known(&self, token: &str) -> Option<Who> {
        Some(self.session(token)).filter(|who| self.0.contains_key(who))
    }

    fn session(&self, token: &str) -> Who {
        Who::Session(self.1.hash_one(token))
    }
}

/// Lets a request in, or says when to come again. Who asks is left for the handlers.
pub(super) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let settings = app.gateway.settings();
    let known = auth::known(&app, request.headers());
    let (who, a_minute) = if let Ok(caller) = &known {
        (Who::Key(caller.key.clone()), settings.key_requests_minute)
    } else if let Some(session) = session(&app, request.headers()) {
        (session, settings.session_requests_minute)
    } else {
        let proxies = &app.limits.trusted_proxies;
        let address = auth::address(request.extensions(), request.headers(), proxies);
        (Who::Address(address), settings.anonymous_requests_minute)
    };
    let now = app.gateway.clock().monotonic_nanos();
    if let Err(wait) = app.rates.take(who, a_minute, now) {
        metrics::refusal("http", Fault::TooManyRequests.code());
        let detail = format!("more than {a_minute} requests a minute");
        let problem = Problem { retry_after: Some(wait), ..Fault::TooManyRequests.says(detail) };
        return problem.into_response();
    }
    request.extensions_mut().insert(auth::Known(known));
    next.run(request).await
}

fn session(app: &App, headers: &HeaderMap) -> Option<Who> {
    let token = cookies::read(app, headers, SESSION).or_else(|| signed::bearer(headers))?;
    app.rates.known(token)
}

/// Remembers that a session lives, so that its requests count for it and not for its address.
pub(super) fn remember(app: &App, token: &str) {
    let a_minute = app.gateway.settings().session_requests_minute;
    app.rates.know(token, a_minute, app.gateway.clock().monotonic_nanos());
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn address(number: u32) -> Who {
        Who::Address(IpAddr::V4(number.into()))
    }

    #[test]
    fn a_minute_gives_what_is_allowed_and_each_has_its_own_count() {
        let rates = Rates::default();
        for _ in 0..6 {
            assert_eq!(rates.take(address(1), 6, SECOND), Ok(()));
        }
        let wait = rates.take(address(1), 6, SECOND).unwrap_err();
        assert!(
            (9..=10).contains(&wait.as_millis().div_ceil(1000)),
            "one in ten seconds: {wait:?}"
        );
        assert_eq!(rates.take(address(2), 6, SECOND), Ok(()));
        assert_eq!(rates.take(Who::Key("bk_1".into()), 6, SECOND), Ok(()));
        assert_eq!(rates.take(address(1), 6, SECOND + 10 * SECOND), Ok(()));
    }

    #[test]
    fn a_session_that_lives_has_a_count_of_its_own_and_a_made_up_one_has_none() {
        let rates = Rates::default();
        assert!(rates.known("bs_anna").is_none());
        rates.know("bs_anna", 2, SECOND);
        let anna = rates.known("bs_anna").unwrap();
        assert_ne!(Some(&anna), rates.known("bs_ewa").as_ref());
        assert_eq!(rates.take(address(1), 1, SECOND), Ok(()));
        assert!(rates.take(address(1), 1, SECOND).is_err(), "the address is exhausted");
        for _ in 0..2 {
            assert_eq!(rates.take(anna.clone(), 2, SECOND), Ok(()), "its people are not");
        }
        assert!(rates.take(anna, 2, SECOND).is_err());
    }

    #[test]
    fn a_limit_that_is_raised_holds_from_the_next_request_on() {
        let rates = Rates::default();
        assert_eq!(rates.take(address(1), 1, SECOND), Ok(()));
        assert!(rates.take(address(1), 1, SECOND).is_err());
        assert_eq!(rates.take(address(1), 1000, 2 * SECOND), Ok(()));
    }

    #[test]
    fn the_memory_of_addresses_has_an_end() {
        let rates = Rates::default();
        for number in 0..20_000 {
            assert_eq!(rates.take(address(number), 6, SECOND), Ok(()));
        }
        assert_eq!(rates.0.len(), REMEMBERED_MAX);
        assert_eq!(rates.take(address(50_000), 6, 61 * SECOND), Ok(()));
        assert_eq!(rates.0.len(), 1, "what is full again makes place for what is new");
    }
}
