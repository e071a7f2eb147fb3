//! Who asks, when it is a person: the session in `Authorization: Bearer bs_...`.
//!
//! The API takes no cookie, so that no foreign page can act for anybody through it (S-11); pages
//! look their cookie up with the same [`of_token`]. The surprise: there is no cache. The store is
//! read for each request, or a disabled account would live on for a while.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request},
};
use smol_str::format_smolstr;

use super::{
    App, auth,
    edge::LoggedAs,
    error::{Fault, Problem},
    rate,
};
use crate::{
    domain::Refusal,
    partnership::{Signed, Visitor},
};

/// Octets of a browser's name that are looked at.
const AGENT_OCTETS_MAX: usize = 512;

/// A person with a session that lives.
#[derive(Debug, Clone)]
pub struct SignedCaller(pub Signed);

impl FromRequestParts<App> for SignedCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, Problem> {
        let wrong = || Fault::Unauthorized.says("no session; log in with POST /api/v1/session");
        let token = bearer(&parts.headers).ok_or_else(wrong)?;
        let signed = of_token(app, token).await?.ok_or_else(wrong)?;
        let is_reading = matches!(parts.method, Method::GET | Method::HEAD);
        if signed.view.is_some() && !is_reading {
            return Err(Refusal::ViewOnly.into());
        }
        Ok(Self(signed))
    }
}

/// The person behind a token, from a header or from the cookie of a page.
pub async fn of_token(app: &App, token: &str) -> Result<Option<Signed>, Problem> {
    let signed = app.partnership.caller_of(token).await?;
    if signed.is_some() {
        rate::remember(app, token);
    }
    Ok(signed)
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Where a request comes from, in words that outlive it.
#[derive(Debug, Clone)]
pub struct Origin {
    address: String,
    agent: String,
}

impl Origin {
    pub fn visitor(&self) -> Visitor<'_> {
        Visitor { address: &self.address, agent: &self.agent }
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, Problem> {
        let proxies = &app.limits.trusted_proxies;
        let address = auth::address(&parts.extensions, &parts.headers, proxies).to_string();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let agent = agent.filter(|agent| agent.len() <= AGENT_OCTETS_MAX).unwrap_or_default();
        Ok(Self { address, agent: agent.to_owned() })
    }
}

impl From<&SignedCaller> for LoggedAs {
    fn from(caller: &SignedCaller) -> Self {
        Self(format_smolstr!("{}", caller.0.person))
    }
}
