//! WAP push: a service indication (SI) or service loading (SL) as a handset wants it.
//!
//! Writes WBXML, puts the WSP push header before it and the port header before that, and cuts the
//! whole into parts. It reads nothing back: handsets do not send these.
//!
//! The surprise: an SL opens its page without asking, so handsets block it, and it must never
//! lead to a charge. And few modern phones show an SI at all: a text with a link is the default.
//! [WAP-167 for SI, WAP-168 for SL; token tables as Kannel has them]

use jiff::Timestamp;

use super::{
    Alphabet, Reference,
    parts::{self, NotSplit},
    udh::{Element, Ports, Udh},
};

/// Longest `href` and `si-id`, in octets.
pub const HREF_OCTETS_MAX: usize = 512;
/// Longest text, in octets of UTF-8.
pub const TEXT_OCTETS_MAX: usize = 1_024;
/// `data_coding` of the user data; the UDH indicator is always set.
pub const DATA_CODING: u8 = 0x04;

/// Connectionless push, from connectionless WSP.
const PORTS: Ports = Ports { destination: 2_948, source: 9_200, is_16_bit: true };

const END: u8 = 0x01;
const STR_I: u8 = 0x03;
const OPAQUE: u8 = 0xC3;
const WITH_CONTENT: u8 = 0x40;
const WITH_ATTRIBUTES: u8 = 0x80;
/// Attribute values that stand for the end of a host, together with the slash behind it.
const HOST_ENDS: [(&str, u8); 4] =
    [(".com/", 0x85), (".edu/", 0x86), (".net/", 0x87), (".org/", 0x88)];

/// What is pushed. `si_id` and `href` borrow, as a push is made and forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WapPush<'a> {
    Indication(Indication<'a>),
    Loading(Loading<'a>),
}

/// "There is something at `href`." The handset asks before it opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indication<'a> {
    pub href: &'a str,
    pub text: &'a str,
    /// A newer indication of the same id replaces an older one, by `created`. `href` if absent.
    pub si_id: Option<&'a str>,
    pub created: Option<Timestamp>,
    pub expires: Option<Timestamp>,
    pub action: Signal,
}

/// "Open `href`."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loading<'a> {
    pub href: &'a str,
    pub action: Load,
}

/// How much an indication disturbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signal {
    None,
    Low,
    #[default]
    Medium,
    High,
    /// Takes an earlier indication away; needs its `si_id`.
    Delete,
}

/// How a page is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Load {
    #[default]
    ExecuteLow,
    ExecuteHigh,
    Cache,
}

/// The header of the WSP push PDU. Handsets differ in which they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WspForm {
    /// Content type with its charset, UTF-8.
    #[default]
    Charset,
    /// Bare content type, application id `wml.ua`, push flag 0.
    ApplicationId,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPush {
    #[error("href does not begin with `http://` or `https://` and a host")]
    NotAnAddress,
    #[error("{what} has {octets} octets; at most {max} are allowed")]
    TooLong { what: &'static str, octets: usize, max: usize },
    #[error("{what} has a character that cannot be pushed; write addresses in printable ASCII")]
    BadCharacter { what: &'static str },
    #[error("action `delete` needs the si-id of what to delete")]
    DeleteWithoutId,
    #[error("`{0}` is not a date like `2026-01-31T12:00:00Z`")]
    BadDate(String),
    #[error("si-expires is not later than created")]
    ExpiresBeforeCreated,
    #[error("action `{0}` is not one of {1}")]
    UnknownAction(String, &'static str),
    #[error(transparent)]
    NotSplit(#[from] NotSplit),
}

impl Signal {
    pub fn parse(word: &str) -> Result<Self, BadPush> {
        match word {
            "signal-none" => Ok(Self::None),
            "signal-low" => Ok(Self::Low),
            "signal-medium" => Ok(Self::Medium),
            "signal-high" => Ok(Self::High),
            "delete" => Ok(Self::Delete),
            _ => Err(BadPush::UnknownAction(
                clip(word),
                "signal-none, signal-low, signal-medium, signal-high, delete",
            )),
        }
    }

    /// The attribute, or none for the default that handsets assume.
    fn token(self) -> Option<u8> {
        match self {
            Self::None => Some(0x05),
            Self::Low => Some(0x06),
            Self::Medium => None,
            Self::High => Some(0x08),
            Self::Delete => Some(0x09),
        }
    }
}

impl Load {
    pub fn parse(word: &str) -> Result<Self, BadPush> {
        match word {
            "execute-low" => Ok(Self::ExecuteLow),
            "execute-high" => Ok(Self::ExecuteHigh),
            "cache" => Ok(Self::Cache),
            _ => Err(BadPush::UnknownAction(clip(word), "execute-low, execute-high, cache")),
        }
    }

    fn token(self) -> Option<u8> {
        match self {
            Self::ExecuteLow => None,
            Self::ExecuteHigh => Some(0x06),
            Self::Cache => Some(0x07),
        }
    }
}

/// Reads a date of an SI, with its offset; the SI carries it in UTC, to the second.
pub fn parse_date(text: &str) -> Result<Timestamp, BadPush> {
    let bad = || BadPush::BadDate(clip(text));
    let date: Timestamp = text.parse().map_err(|_| bad())?;
    date_digits(date).map(|_| date).ok_or_else(bad)
}

impl WapPush<'_> {
    /// The document in WBXML.
    pub fn to_wbxml(&self) -> Result<Vec<u8>, BadPush> {
        match self {
            Self::Indication(indication) => indication.to_wbxml(),
            Self::Loading(loading) => loading.to_wbxml(),
        }
    }

    /// The WSP push PDU: transaction id, push, header, document.
    pub fn to_wsp(&self, form: WspForm) -> Result<Vec<u8>, BadPush> {
        const TRANSACTION: u8 = 0x01;
        const PUSH: u8 = 0x06;
        let content_type = match self {
            Self::Indication(_) => 0xAE,
            Self::Loading(_) => 0xB0,
        };
        let mut pdu = match form {
            // header length, value length, type, charset: utf-8
            WspForm::Charset => vec![TRANSACTION, PUSH, 0x04, 0x03, content_type, 0x81, 0xEA],
            // header length, type, X-Wap-Application-Id: wml.ua, Push-Flag: 0
            WspForm::ApplicationId => {
                vec![TRANSACTION, PUSH, 0x05, content_type, 0xAF, 0x82, 0xB4, 0x80]
            }
        };
        pdu.extend(self.to_wbxml()?);
        Ok(pdu)
    }

    /// User data ready to submit, one or several parts, each with its port header.
    pub fn to_user_data(
        &self,
        form: WspForm,
        reference: Reference,
        max_parts: u8,
    ) -> Result<Vec<Vec<u8>>, BadPush> {
        let pdu = self.to_wsp(form)?;
        Ok(parts::split_under(&ports(), &pdu, Alphabet::Binary, reference, max_parts)?)
    }

    /// The port header and the push in one piece, however long, and how many parts it will be
    /// cut into (with references of 8 bits).
    pub fn to_whole(&self, form: WspForm, max_parts: u8) -> Result<(Vec<u8>, u8), BadPush> {
        let parts = self.to_user_data(form, Reference::Bits8(0), max_parts)?.len();
        let mut octets = ports().to_octets().map_err(NotSplit::Header)?;
        octets.extend(self.to_wsp(form)?);
        Ok((octets, u8::try_from(parts).expect("at most `max_parts`")))
    }
}

fn ports() -> Udh {
    Udh { elements: vec![Element::Ports(PORTS)] }
}

impl Indication<'_> {
    fn check(&self) -> Result<(), BadPush> {
        // Only an SI that deletes may go without an address.
        let needs_href = self.action != Signal::Delete || !self.href.is_empty();
        if self.action == Signal::Delete && self.si_id.is_none_or(str::is_empty) {
            return Err(BadPush::DeleteWithoutId);
        }
        if needs_href {
            check_href(self.href)?;
        }
        if let Some(si_id) = self.si_id {
            check_ascii("si-id", si_id)?;
        }
        check_length("text", self.text, TEXT_OCTETS_MAX)?;
        // A NUL would end the text early; other controls only confuse handsets.
        if self.text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(BadPush::BadCharacter { what: "text" });
        }
        match (self.created, self.expires) {
            (Some(created), Some(expires)) if expires <= created => {
                Err(BadPush::ExpiresBeforeCreated)
            }
            _ => Ok(()),
        }
    }

    fn to_wbxml(self) -> Result<Vec<u8>, BadPush> {
        self.check()?;
        let mut out = prologue(0x05);
        out.push(0x05 | WITH_CONTENT); // si
        let content = if self.text.is_empty() { 0 } else { WITH_CONTENT };
        out.push(0x06 | content | WITH_ATTRIBUTES); // indication
        if !self.href.is_empty() {
            write_href(&mut out, self.href, 0x0B);
        }
        if let Some(si_id) = self.si_id {
            out.push(0x11);
            write_string(&mut out, si_id);
        }
        for (token, date) in [(0x0A, self.created), (0x10, self.expires)] {
            if let Some(date) = date {
                out.push(token);
                write_date(&mut out, date)?;
            }
        }
        out.extend(self.action.token());
        out.push(END); // of the attributes
        if !self.text.is_empty() {
            write_string(&mut out, self.text);
            out.push(END); // of indication
        }
        out.push(END); // of si
        Ok(out)
    }
}

impl Loading<'_> {
    fn to_wbxml(self) -> Result<Vec<u8>, BadPush> {
        check_href(self.href)?;
        let mut out = prologue(0x06);
        // Without content, so the attributes' END is the last octet.
        out.push(0x05 | WITH_ATTRIBUTES); // sl
        write_href(&mut out, self.href, 0x08);
        out.extend(self.action.token());
        out.push(END);
        Ok(out)
    }
}

/// Version 1.2, document type, charset UTF-8 (IANA 106), empty string table.
fn prologue(public_id: u8) -> Vec<u8> {
    vec![0x02, public_id, 0x6A, 0x00]
}

/// Writes `href` with the tokens of its beginning and of the end of its host.
///
/// The five attribute tokens stand in a row in both documents, plain `href` first.
fn write_href(out: &mut Vec<u8>, href: &str, first_token: u8) {
    const BEGINNINGS: [&str; 5] = ["", "http://", "http://www.", "https://", "https://www."];
    // The longest that fits is the last: `http://www.` stands after `http://`.
    let found = (0..).zip(BEGINNINGS).filter(|(_, start)| href.starts_with(start)).last();
    let (step, beginning) = found.expect("the empty beginning always fits");
    out.push(first_token + step);
    let rest = &href[beginning.len()..];
    let host_len = rest.find('/').map_or(0, |slash| slash + 1);
    let (host, path) = rest.split_at(host_len);
    let ending =
        HOST_ENDS.iter().find_map(|(ending, token)| Some((host.strip_suffix(ending)?, token)));
    match ending {
        Some((host, token)) => {
            write_string(out, host);
            out.push(*token);
            write_string(out, path);
        }
        None => write_string(out, rest),
    }
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    if !text.is_empty() {
        out.push(STR_I);
        out.extend(text.bytes());
        out.push(0);
    }
}

/// Digits two to an octet; zero octets at the end are left out.
fn write_date(out: &mut Vec<u8>, date: Timestamp) -> Result<(), BadPush> {
    let digits = date_digits(date).ok_or_else(|| BadPush::BadDate(date.to_string()))?;
    let len = digits.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    out.push(OPAQUE);
    out.push(u8::try_from(len).expect("at most seven"));
    out.extend(&digits[..len]);
    Ok(())
}

fn date_digits(date: Timestamp) -> Option<[u8; 7]> {
    let date = jiff::tz::TimeZone::UTC.to_datetime(date);
    let year = u16::try_from(date.year()).ok().filter(|year| *year >= 1970)?;
    let bcd = |value: u8| ((value / 10) << 4) | (value % 10);
    let two = |value: i8| bcd(value.unsigned_abs());
    let [century, year] = [year / 100, year % 100].map(|v| bcd(u8::try_from(v).unwrap_or(0)));
    let [month, day] = [two(date.month()), two(date.day())];
    Some([century, year, month, day, two(date.hour()), two(date.minute()), two(date.second())])
}

fn check_href(href: &str) -> Result<(), BadPush> {
    check_ascii("href", href)?;
    let rest = href.strip_prefix("https://").or_else(|| href.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':', '@']) => Ok(()),
        _ => Err(BadPush::NotAnAddress),
    }
}

fn check_ascii(what: &'static str, text: &str) -> Result<(), BadPush> {
    check_length(what, text, HREF_OCTETS_MAX)?;
    if text.bytes().all(|octet| octet.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(BadPush::BadCharacter { what })
    }
}

fn check_length(what: &'static str, text: &str, max: usize) -> Result<(), BadPush> {
    let octets = text.len();
    if octets > max { Err(BadPush::TooLong { what, octets, max }) } else { Ok(()) }
}

fn clip(text: &str) -> String {
    text.chars().take(32).collect()
}

#[cfg(test)]
#[path = "wap_push_tests.rs"]
mod tests;
