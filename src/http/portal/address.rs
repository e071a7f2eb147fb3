//! Addresses of ours: sending a browser on, and writing an address within another.
//!
//! What surprises: a way back that came with a request may lead anywhere, so only paths of this
//! host are followed.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use crate::domain::secret::hex;

/// 303: the browser comes back with GET, so that reloading sends nothing twice.
pub fn see_other(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    let headers =
        [(header::LOCATION, place), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// A path of ours, or the start. `//host` and `/\host` would lead away.
pub fn safe_back(back: Option<&str>) -> &str {
    back.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.len() <= 1024
            && path.bytes().all(|octet| (0x21..0x7f).contains(&octet) && octet != b'\\')
    })
    .unwrap_or("/")
}

/// Everything but letters, digits and the few marks that mean nothing in a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-_./~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push('%');
            out.push_str(&hex(&[octet]).to_uppercase());
        }
    }
    out
}
