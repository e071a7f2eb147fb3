//! What happens to every request, whatever it asks: an id, a time limit, a caught panic, safe
//! headers, the body of a problem, one line in the log and one in the metrics.
//!
//! The log has no body, no address with a number or an id in it, and no key: the route's pattern
//! and the key's public name are enough (S-37). The surprise: the order. A panic and a time-out
//! become problems inside, so that they leave with the same headers and log line as any answer.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use smol_str::SmolStr;
use tokio::time::Instant;
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use super::{
    App,
    auth::ApiCaller,
    error::{Fault, Problem},
    portal::failure,
};
use crate::{gateway::Gateway, metrics};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// An id of a peer that is longer is replaced by one of ours.
const REQUEST_ID_OCTETS_MAX: usize = 64;

/// Pages need their own stylesheet, script and pictures and nothing else; nothing inline, no frames
/// (S-50). `data:` is for pictures that are drawn into a page, such as a QR code.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Whom a port answers: only one for people has a stylesheet to show a problem with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    People,
    Machines,
}

/// Puts everything around the routes; the last layer is the outermost.
pub(super) fn around(routes: Router<App>, app: &App, answers: Answers) -> Router<App> {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let limit = app.limits.request_timeout;
    let timed = move |request: Request, next: Next| async move {
        match tokio::time::timeout(limit, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::from(Fault::RequestTimeout).into_response(),
        }
    };
    let app = app.clone();
    let finished = move |request: Request, next: Next| finish(app.clone(), answers, request, next);
    routes
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(timed))
        .layer(middleware::from_fn(finished))
        // Outside of what writes the pages of problems: those need the headers as well (S-50).
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(fixed(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
        // With no-referrer browsers would call our own forms' origin `null`, and the guard refuse it.
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .layer(fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
}

/// The caller as the log line names it; a handler that knows one leaves it in the response.
#[derive(Clone)]
pub(super) struct LoggedAs(pub(super) SmolStr);

impl From<&ApiCaller> for LoggedAs {
    fn from(caller: &ApiCaller) -> Self {
        Self(caller.key.clone())
    }
}

async fn finish(app: App, answers: Answers, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&app.gateway, &request);
    let is_looked_at =
        answers == Answers::People && failure::wants_page(request.headers(), request.uri());
    let asked = is_looked_at.then(|| (request.headers().clone(), request.uri().clone()));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| Arc::from("unmatched"), |path| Arc::<str>::from(path.as_str()));
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| {
        // The router itself answers a wrong method; its Allow header is kept.
        (response.status() == StatusCode::METHOD_NOT_ALLOWED)
            .then(|| Fault::MethodNotAllowed.into())
    });
    let code = problem.as_ref().map(|problem| problem.code);
    if let Some(problem) = problem {
        response = match asked {
            Some((headers, uri)) => {
                failure::page(&app, (&headers, &uri), &problem, response, &id).await
            }
            None => problem.render(response, &id),
        };
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let caller = response.extensions().get::<LoggedAs>().map(|caller| caller.0.as_str());
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    metrics::http_request(&route, status);
    tracing::info!(
        request_id = %id, method = %method, route = %route, status, ms, code, caller,
        "http request"
    );
    response
}

/// The peer's own id if it is harmless in a log, else a new one.
fn request_id(gateway: &Gateway, request: &Request) -> SmolStr {
    request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| {
            (1..=REQUEST_ID_OCTETS_MAX).contains(&text.len())
                && text
                    .bytes()
                    .all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet))
        })
        .map_or_else(
            || smol_str::format_smolstr!("{:016x}", gateway.clock().random()),
            SmolStr::from,
        )
}

// The layer asks for this signature.
#[expect(clippy::needless_pass_by_value, reason = "tower-http hands the panic over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words");
    tracing::error!("a request handler panicked: {text}");
    Problem::from(Fault::Internal).into_response()
}
