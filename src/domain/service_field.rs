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
const RETRIES_MAX: usize = 10;
const RETRY_SECONDS: std::ops::RangeInclusive<u32> = 1..=86_400;
const TLVS_MAX: usize = 16;
/// [34 s5.3.2] Tags that mean what a vendor says; no other goes on to the operator.
const VENDOR_TLVS: std::ops::RangeInclusive<u16> = 0x1400..=0x3fff;

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
    /// In which alphabet its texts travel. Octets that are no text go whatever is chosen.
    #[derive(Default)]
    TextCoding {
        /// GSM 7-bit where it has every letter of a text, and any other where it has not.
        #[default]
        Auto = "auto",
        /// GSM 7-bit alone; nothing is written in other letters to make it fit.
        Gsm7 = "gsm7",
        Ucs2 = "ucs2",
    }
}

impl TextCoding {
    /// For whoever sent a text in another: the alphabet, and how it is asked for.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Auto => "GSM 7-bit or UCS-2",
            Self::Gsm7 => "GSM 7-bit (data_coding 0x00; over HTTP, a text without other letters)",
            Self::Ucs2 => "UCS-2 (data_coding 0x08; over HTTP, `coding` ucs2)",
        }
    }

    /// How a text of the description is written.
    pub fn coding(self) -> Coding {
        match self {
            Self::Auto => Coding::Auto,
            Self::Gsm7 => Coding::Reject,
            Self::Ucs2 => Coding::Ucs2,
        }
    }
}

/// Pieces between spaces, commas and line ends.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).filter(|one| !one.is_empty())
}

/// Its length is that of its alphabet: 160 letters of GSM, 70 as soon as one has no place there.
pub(super) fn text(value: &str, coding: TextCoding, parts_max: u32) -> Result<(), BadValue> {
    let value = paragraphs(value, 1, TEXT_MAX)?;
    let encoded = prepare(&value, coding.coding())
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

/// Pauses between tries in seconds; none leaves the tries to the gateway.
pub(super) fn retry(text: &str) -> Result<Vec<u32>, BadValue> {
    let pauses = list(text).map(|pause| pause.parse().ok().filter(|s| RETRY_SECONDS.contains(s)));
    let pauses: Option<Vec<u32>> = pauses.take(RETRIES_MAX + 1).collect();
    pauses.filter(|pauses| pauses.len() <= RETRIES_MAX).ok_or_else(|| {
        let detail = "must be 10 pauses at most, each of 1 to 86400 seconds";
        BadValue::new("retry_form", detail)
    })
}

/// Tags as the vendor of the software writes them, in hex; none allows what the links let through.
pub(super) fn tlvs(text: &str) -> Result<Vec<u16>, BadValue> {
    let tag = |word: &str| {
        let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"))?;
        u16::from_str_radix(hex, 16).ok().filter(|tag| VENDOR_TLVS.contains(tag))
    };
    let tags: Option<Vec<u16>> = list(text).map(tag).take(TLVS_MAX + 1).collect();
    tags.filter(|tags| tags.len() <= TLVS_MAX).ok_or_else(|| {
        let detail = "must be 16 tags at most, each from `0x1400` to `0x3FFF`";
        BadValue::new("tlv_form", detail)
    })
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
