//! Cookies: names, reading, writing.
//!
//! Every name begins with `__Host-`, which makes browsers refuse the cookie unless it is Secure,
//! for this host only and for every path. The surprise: without TLS browsers take such cookies
//! from localhost alone, so `insecure_cookies` drops the prefix for tests on other hosts.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::App;

/// Longer values are not ours.
const VALUE_OCTETS_MAX: usize = 512;

/// The whole name of a cookie.
pub fn name(app: &App, short: &str) -> String {
    if app.limits.insecure_cookies { short.to_owned() } else { format!("__Host-{short}") }
}

/// The value of a cookie. None for one that is too long, or empty.
pub fn read<'h>(app: &App, headers: &'h HeaderMap, short: &str) -> Option<&'h str> {
    let wanted = name(app, short);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
        .filter(|value| (1..=VALUE_OCTETS_MAX).contains(&value.len()))
}

/// Sets a cookie. `seconds` is its age; none keeps it until the browser closes, 0 removes it.
///
/// Lax and not Strict: with Strict a person who follows a link in a letter would seem logged out.
pub fn write(app: &App, short: &str, value: &str, seconds: Option<u32>) -> HeaderValue {
    let secure = if app.limits.insecure_cookies { "" } else { "; Secure" };
    let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    let text = format!("{}={value}; Path=/{secure}; HttpOnly; SameSite=Lax{age}", name(app, short));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("refused=; Max-Age=0"))
}
