//! No foreign page may act for a person (S-11): where a request comes from, and the token in it.
//!
//! Every request that may change something passes here. It must come from a page of ours as the
//! browser tells it, and its first field must be a token that only pages of ours hold. The
//! surprise: the body is read here and handed to handlers as a [`Form`], so that no handler can
//! forget the check.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq as _;

use super::{
    cookies, form,
    person::{self, SESSION},
};
use crate::{
    domain::Refusal,
    http::{
        App,
        error::{Fault, Problem},
    },
};

/// The cookie of somebody without a session; what the token is bound to.
pub const VISIT: &str = "visit";

/// The session, or the visit.
pub fn bound_to<'h>(app: &App, headers: &'h HeaderMap) -> Option<&'h str> {
    cookies::read(app, headers, SESSION).or_else(|| cookies::read(app, headers, VISIT))
}

/// The token of a session or visit: an HMAC, so that knowing one tells nothing of another.
pub fn token(app: &App, bound: &str) -> String {
    app.pepper.hash_hex(format!("form token\0{bound}").as_bytes())
}

/// The middleware of all pages.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    if !comes_from_us(request.headers()) {
        return Fault::ForeignPage.says("the request comes from another site").into_response();
    }
    // Whoever looks as a partner may end that and log out, and nothing else (S-27).
    let may_send = matches!(request.uri().path(), "/view/end" | "/logout");
    if !may_send
        && person::signed(&app, request.headers()).await.is_some_and(|one| one.is_viewing())
    {
        return Problem::from(Refusal::ViewOnly).into_response();
    }
    let wanted = bound_to(&app, request.headers()).map(|bound| token(&app, bound));
    let (mut parts, body) = request.into_parts();
    let checked = move |given: &str| {
        wanted.as_ref().is_some_and(|wanted| wanted.as_bytes().ct_eq(given.as_bytes()).into())
    };
    let request = Request::from_parts(parts.clone(), body);
    match form::read(&app, request, checked).await {
        Ok((form, _seat)) => {
            parts.extensions.insert(form);
            // `_seat` lives until the handler has answered: uploads are in memory until then.
            next.run(Request::from_parts(parts, axum::body::Body::empty())).await
        }
        Err(problem) => Problem::into_response(problem),
    }
}

/// Whether the browser says that a page of ours sent this. What says nothing is no browser of
/// this decade; the token alone decides then.
fn comes_from_us(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some() && host == text(header::HOST.as_str())
}
