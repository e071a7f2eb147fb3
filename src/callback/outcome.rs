//! What became of one attempt: yes, gone, or try again with a reason.
//!
//! Reads a status, a `Retry-After` and a piece of the answer; decides nothing about when.
//!
//! The surprise: a reason is shown to the partner and so must be safe. Of an answer it repeats
//! at most 200 characters, cleaned, with the digits of anything like an MSISDN hidden, because
//! an endpoint that echoes its input would otherwise print a subscriber's number. Logs take
//! `Reason::class`, never the excerpt.

use std::time::Duration;

use hyper::StatusCode;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{address::BadAddress, signature::BadSecret};

/// The longest wait that a partner can ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

const EXCERPT_CHARACTERS: usize = 200;
/// Runs of digits from this length on may be a subscriber's number.
const DIGITS_SHOWN_MAX: usize = 6;

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Any 2xx whose answer came whole. No magic word is looked for in it.
    Delivered { status: u16, took: Duration },
    /// 410: the partner wants no more; disable the endpoint.
    Gone,
    /// Everything else, redirects too. `after` is what the partner asked for, 24 h at most.
    Retry { reason: Reason, after: Option<Duration> },
}

impl Outcome {
    /// Reads a whole answer. `now` is in seconds since 1970 and serves the date in `Retry-After`.
    pub(super) fn of(answer: &Answer, took: Duration, now: i64) -> Self {
        let status = answer.status;
        if status.is_success() {
            return Self::Delivered { status: status.as_u16(), took };
        }
        if status == StatusCode::GONE {
            return Self::Gone;
        }
        let after = answer.retry_after.as_deref().and_then(|value| retry_after(value, now));
        let excerpt = excerpt(&answer.body);
        Self::Retry { reason: Reason::Status { status: status.as_u16(), excerpt }, after }
    }

    /// One word for logs and metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::Gone => "gone",
            Self::Retry { reason, .. } => reason.class(),
        }
    }

    /// For the partner's delivery log: the class, and its text where there is more to say.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Delivered { status, .. } => format!("delivered: answered {status}"),
            Self::Gone => "gone: answered 410".to_owned(),
            Self::Retry { reason, .. } => format!("{}: {reason}", reason.class()),
        }
    }

    /// The partner is alive but overloaded: the lane sends fewer at once.
    pub fn asks_to_slow_down(&self) -> bool {
        match self {
            Self::Retry { reason: Reason::Status { status, .. }, .. } => {
                matches!(status, 429 | 502 | 503 | 504)
            }
            _ => false,
        }
    }
}

/// Why there is no yes. Its text is for the partner's eyes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("{0}")]
    Address(#[from] BadAddress),
    /// Nothing is sent unsigned.
    #[error("{0}")]
    Secret(#[from] BadSecret),
    #[error("host name could not be resolved")]
    Unresolved,
    #[error("connection failed: {0}")]
    Connect(&'static str),
    /// The text of the TLS library, cleaned: it tells which name the certificate has.
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("connection was closed before the answer was complete")]
    Closed,
    #[error("answer is not valid HTTP/1.1")]
    Http,
    #[error("no complete answer in time")]
    Timeout,
    #[error("answered {status}{}{}", redirect_note(*.status), quoted(.excerpt))]
    Status { status: u16, excerpt: String },
}

impl Reason {
    /// One word for logs and metrics, without anything that the partner sent.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Address(_) => "address_refused",
            Self::Secret(_) => "secret_refused",
            Self::Unresolved => "unresolved",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Closed => "closed",
            Self::Http => "http",
            Self::Timeout => "timeout",
            Self::Status { status, .. } => match status {
                300..=399 => "redirect",
                429 => "throttled",
                400..=499 => "client_error",
                500..=599 => "server_error",
                _ => "other_status",
            },
        }
    }

    /// A few plain words per cause: the system's own text may name an address.
    pub(super) fn of_connect(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        Self::Connect(match error.kind() {
            ErrorKind::ConnectionRefused => "refused",
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => "reset",
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "unreachable",
            ErrorKind::TimedOut => "no answer",
            _ => "network error",
        })
    }

    pub(super) fn of_tls(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Self::Tls("closed during the handshake".into())
            }
            _ => Self::Tls(excerpt(error.to_string().as_bytes())),
        }
    }
}

fn redirect_note(status: u16) -> &'static str {
    if (300..400).contains(&status) { "; redirects are not followed" } else { "" }
}

fn quoted(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!(": \"{excerpt}\"") }
}

/// What came back, as far as it matters.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<String>,
    /// The first octets, up to the limit of the client.
    pub(super) body: Vec<u8>,
}

/// Reads `Retry-After`: seconds, or a date in any of the three forms that a recipient has to
/// take. [RFC 9110 s10.2.3, s5.6.7]
fn retry_after(value: &str, now: i64) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit()) {
        // More digits than a u64 holds is a very long wait, not nonsense.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    }
    let until = http_date(value)?;
    let seconds = u64::try_from(until.as_second().saturating_sub(now)).unwrap_or(0);
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn http_date(value: &str) -> Option<Timestamp> {
    const FORMS: [&str; 3] =
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    if value.len() > 64 {
        return None;
    }
    let civil = FORMS.iter().find_map(|form| DateTime::strptime(form, value).ok())?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// At most 200 characters of an answer, on one line, without control or direction characters,
/// markup quotes or long numbers.
fn excerpt(octets: &[u8]) -> String {
    // Four octets are the longest character, so that cutting first loses nothing shown.
    let head = &octets[..octets.len().min(EXCERPT_CHARACTERS * 4)];
    let text = String::from_utf8_lossy(head);
    let clean = text.chars().map(|c| {
        let is_safe =
            c.is_alphanumeric() || (c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>'));
        if is_safe { c } else { ' ' }
    });
    let clean: String = clean.collect();
    let mut line = String::new();
    for word in clean.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let line: String = line.chars().take(EXCERPT_CHARACTERS).collect();
    hide_numbers(&line)
}

fn hide_numbers(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut run = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_numeric() {
            run.push(c);
            continue;
        }
        let digits = run.chars().count();
        if digits > DIGITS_SHOWN_MAX {
            shown.extend(std::iter::repeat_n('*', digits));
        } else {
            shown.push_str(&run);
        }
        run.clear();
        if c != '\n' {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-11-21T10:00:00Z
    const NOW: i64 = 1_795_255_200;

    fn answer(status: u16, retry_after: Option<&str>, body: &[u8]) -> Outcome {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: retry_after.map(Into::into),
            body: body.to_vec(),
        };
        Outcome::of(&answer, Duration::from_millis(7), NOW)
    }

    #[test]
    fn any_2xx_is_yes_whatever_the_body_says() {
        for status in [200, 201, 202, 204, 299] {
            let took = Duration::from_millis(7);
            assert_eq!(answer(status, None, b"ERROR"), Outcome::Delivered { status, took });
        }
    }

    #[test]
    fn a_410_is_gone_and_everything_else_is_tried_again() {
        assert_eq!(answer(410, None, b""), Outcome::Gone);
        for (status, class) in [
            (101, "other_status"),
            (301, "redirect"),
            (307, "redirect"),
            (400, "client_error"),
            (404, "client_error"),
            (429, "throttled"),
            (500, "server_error"),
            (999, "other_status"),
        ] {
            let Outcome::Retry { reason, after: None } = answer(status, None, b"") else {
                panic!("{status} is not tried again")
            };
            assert_eq!(reason.class(), class, "{status}");
        }
    }

    #[test]
    fn a_busy_partner_is_told_from_a_broken_one() {
        for (status, slower) in [(429, true), (502, true), (504, true), (500, false), (404, false)]
        {
            assert_eq!(answer(status, None, b"").asks_to_slow_down(), slower, "{status}");
        }
        let timeout = Outcome::Retry { reason: Reason::Timeout, after: None };
        assert!(!timeout.asks_to_slow_down());
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms_and_capped_at_a_day() {
        let day = 86_400;
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("86401", Some(day)),
            ("99999999999999999999999999", Some(day)),
            ("Sat, 21 Nov 2026 10:01:00 GMT", Some(60)),
            ("Saturday, 21-Nov-26 10:01:00 GMT", Some(60)),
            ("Sat Nov 21 10:01:00 2026", Some(60)),
            ("Tue Dec  1 10:01:00 2026", Some(day)),
            ("Fri, 20 Nov 2026 10:00:00 GMT", Some(0)),
            ("Sat, 21 Nov 2099 10:00:00 GMT", Some(day)),
            ("Sat, 31 Feb 2026 10:00:00 GMT", None),
            ("-5", None),
            ("5.5", None),
            ("soon", None),
            ("", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(value, NOW), expected, "{value:?}");
            let Outcome::Retry { after, .. } = answer(503, Some(value), b"") else { panic!() };
            assert_eq!(after, expected);
        }
    }

    #[test]
    fn a_reason_repeats_little_of_an_answer_and_nothing_harmful() {
        for (body, expected) in [
            (&b"database\r\n\x1b[31m is\tdown"[..], "answered 500: \"database [31m is down\""),
            (b"", "answered 500"),
            (b"\x00\xff\n", "answered 500"),
            (b"<script>alert(\"x\")</script>", "answered 500: \"script alert( x ) /script\""),
            (b"from +48601123456 code 123456", "answered 500: \"from +*********** code 123456\""),
            ("\u{202e}zażółć".as_bytes(), "answered 500: \"zażółć\""),
        ] {
            let Outcome::Retry { reason, .. } = answer(500, None, body) else { panic!() };
            assert_eq!(reason.to_string(), expected);
        }
        assert_eq!(excerpt("ż".repeat(900).as_bytes()).chars().count(), 200);
        assert_eq!(excerpt(&b"x ".repeat(5000)).chars().count(), 200);
    }

    #[test]
    fn a_redirect_says_that_it_is_not_followed() {
        let Outcome::Retry { reason, .. } = answer(302, None, b"") else { panic!() };
        assert_eq!(reason.to_string(), "answered 302; redirects are not followed");
    }
}
