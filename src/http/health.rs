//! Health and metrics. `/livez` says that requests are served at all, `/readyz` that messages
//! can be taken, `/startupz` that the start is over.
//!
//! It probes nothing: it reads flags that the parts keep. The surprise: an outage of the store
//! makes the gateway unready and never "not alive", because a restart would cure nothing and
//! would cut every session.

use std::{fmt::Write as _, sync::atomic::Ordering};

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::App;

const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

pub(super) async fn alive() -> Response {
    word(true)
}

/// One bland word: outsiders learn that it does not work, not why.
pub(super) async fn ready(State(app): State<App>) -> Response {
    word(app.gateway.is_ready())
}

pub(super) async fn started(State(app): State<App>) -> Response {
    word(app.has_started.load(Ordering::Acquire))
}

fn word(is_good: bool) -> Response {
    let (status, text) = if is_good {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable\n")
    };
    (status, [NO_STORE], text).into_response()
}

/// The names of the checks that fail, or with `?verbose` all of them.
pub(super) async fn ready_in_detail(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let is_verbose = query.is_some_and(|query| {
        query.split('&').any(|pair| pair.split('=').next() == Some("verbose"))
    });
    let is_ready = app.gateway.is_ready();
    let (is_up, is_draining) = (app.gateway.store().is_up(), app.gateway.is_draining());
    let checks = [
        ("started", app.has_started.load(Ordering::Acquire)),
        ("store", is_up),
        ("not_draining", !is_draining),
        // The gateway is unready for three reasons; the third is what the other two are not.
        ("disk", is_ready || !is_up || is_draining),
    ];
    let is_good = is_ready && checks[0].1;
    let mut text = String::new();
    for (name, is_passed) in checks.iter().filter(|(_, is_passed)| is_verbose || !is_passed) {
        let mark = if *is_passed { "+" } else { "-" };
        let word = if *is_passed { "ok" } else { "failed" };
        let _infallible = writeln!(text, "[{mark}] {name} {word}");
    }
    text.push_str(if is_good { "ok\n" } else { "unavailable\n" });
    let status = if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [NO_STORE], text).into_response()
}

pub(super) async fn metrics(State(app): State<App>) -> Response {
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([kind, NO_STORE], (app.render)()).into_response()
}
