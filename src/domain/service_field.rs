//! What can stand in a single field of a service's description: its choices, and how a text, an
//! address, a day or a figure is read.
//!
//! It knows no form. The surprise: how long a text may be is said by its alphabet, so that one
//! Polish letter takes more than half of the room.

use jiff::civil::Date;

use super::{
    agreement::words,
    company::{line, paragraphs},
    fields::BadValue,
    service::OnUnknown,
};
use crate::payload::{Coding, Reference, parts, prepare};

const ADDRESS_MAX: usize = 512;
const TEXT_MAX: usize = 1600;

words! {
    /// By what subscribers reach it.
    ServiceArea { Sms = "sms", Mms = "mms", Wap = "wap", Voice = "voice" }
}

words! {
    ServiceKind {
        OneOff = "one_off",
        /// It goes on until the subscriber stops it.
        Subscription = "subscription",
        Chat = "chat",
        Vote = "vote",
        Contest = "contest",
        Donation = "donation",
    }
}

words! {
    /// From which age on it is meant.
    AgeClass { All = "all", From16 = "16", From18 = "18" }
}

words! {
    /// How its texts travel.
    TextCoding { Auto = "auto", Translit = "gsm7", Ucs2 = "ucs2" }
}

/// Pieces between spaces, commas and line ends.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).filter(|one| !one.is_empty())
}

/// Its length is that of its alphabet: 160 letters of GSM, 70 as soon as one has no place there.
pub(super) fn text(value: &str, coding: TextCoding, parts_max: u32) -> Result<(), BadValue> {
    let value = paragraphs(value, 1, TEXT_MAX)?;
    let coding = match coding {
        TextCoding::Auto => Coding::Auto,
        TextCoding::Translit => Coding::Translit,
        TextCoding::Ucs2 => Coding::Ucs2,
    };
    let encoded = prepare(&value, coding)
        .map_err(|_| BadValue::new("text_alphabet", "has letters that its alphabet does not"))?;
    let parts = parts::count(&encoded.octets, encoded.alphabet, Reference::Bits8(0));
    if parts > parts_max as usize {
        let detail = format!("takes {parts} parts; at most {parts_max} are allowed");
        return Err(BadValue::new("text_parts", detail)
            .with("parts", parts.to_string())
            .with("most", parts_max.to_string()));
    }
    Ok(())
}

pub(super) fn address(text: &str) -> Result<String, BadValue> {
    let text = line(text, 1, ADDRESS_MAX)?;
    let host = text.strip_prefix("https://").map(|rest| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        &rest[..end]
    });
    let is_good = host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        && text.bytes().all(|octet| octet.is_ascii_graphic());
    if is_good {
        return Ok(text);
    }
    Err(BadValue::new("address_form", "must be an address that begins with `https://`"))
}

pub(super) fn day(text: &str) -> Result<Date, BadValue> {
    let read = text.trim().parse();
    read.map_err(|_| BadValue::new("date_form", "must be a day like 2026-11-21"))
}

pub(super) fn figure(least: u32, most: u32) -> impl FnOnce(&str) -> Result<u32, BadValue> {
    move |text| {
        let figure = text.trim().parse().ok().filter(|figure| (least..=most).contains(figure));
        figure.ok_or_else(|| {
            BadValue::new("figure", format!("must be {least} to {most}"))
                .with("least", least.to_string())
                .with("most", most.to_string())
        })
    }
}

pub(super) fn on_unknown(text: &str) -> Result<OnUnknown, BadValue> {
    word(match text {
        "park" => Some(OnUnknown::Park),
        "resend" => Some(OnUnknown::Resend),
        _ => None,
    })
}

pub(super) fn one_of(text: &str, words: &[&str]) -> Result<(), BadValue> {
    word(words.contains(&text).then_some(()))
}

pub(super) fn word<T>(known: Option<T>) -> Result<T, BadValue> {
    known.ok_or_else(|| BadValue::new("choice", "is none of the choices"))
}

pub(super) fn too_many(most: usize) -> BadValue {
    BadValue::new("too_many", format!("must be {most} at most")).with("most", most.to_string())
}
