//! What is inside a short message: its letters, its user data header, its parts, a WAP push.
//!
//! Everything here is arithmetic on octets: no clock, no socket, no configuration, no price.
//! It does not know SMPP either; a caller brings `data_coding` and the UDH indicator with it.
//!
//! The surprise: a GSM text travels here *unpacked*, one septet per octet, and an octet 0x00 in it
//! is `@`, never the end. Only [`septet::pack`] makes the seven-bit form of the radio side.
//!
//! * [`alphabet`] which alphabet a `data_coding` names; octets to text and back
//! * [`coding`]   how a text is made to fit: transliterated, UCS-2, whichever is cheaper
//! * [`septet`]   the GSM table and its packing
//! * [`udh`]      the header that numbers parts and names ports
//! * [`parts`]    long texts, cut and joined
//! * [`wap_push`] service indication and service loading
//! * [`preview`]  a few harmless characters of a body, for people

pub mod alphabet;
pub mod coding;
mod letter;
pub mod parts;
pub mod preview;
pub mod septet;
pub mod udh;
pub mod wap_push;

#[cfg(test)]
mod rough;

use std::borrow::Cow;

pub use alphabet::{Alphabet, Unencodable};
pub use coding::{Coding, Encoded, prepare};
pub use parts::Reference;
pub use preview::preview;
pub use udh::{Concat, Udh};
pub use wap_push::WapPush;

/// Folds a text for comparing keywords: diacritics off, upper case, every white space a space.
///
/// Nothing is trimmed or collapsed, so that a keyword with a stray space stays a bad keyword;
/// a subscriber's text goes through [`opening`] first. Folding twice changes nothing.
pub fn fold(text: &str) -> Cow<'_, str> {
    let is_folded = |b: u8| matches!(b, b' '..=b'~') && !b.is_ascii_lowercase();
    if text.bytes().all(is_folded) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(if c.is_ascii_whitespace() { ' ' } else { c.to_ascii_uppercase() });
            continue;
        }
        // Upper case first: `ß` and ligatures become two letters, some Greek ones gain marks.
        for upper in c.to_uppercase() {
            match letter::plain(upper) {
                Some(plain) => folded.extend(plain.chars().map(|c| c.to_ascii_uppercase())),
                None if letter::is_invisible(upper) => {}
                None if upper.is_whitespace() => folded.push(' '),
                None => folded.push(upper),
            }
        }
    }
    Cow::Owned(folded)
}

/// The text from its first letter or digit on: `" !Win now"` opens with `Win`.
pub fn opening(text: &str) -> &str {
    text.trim_start_matches(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords_match_however_they_are_typed() {
        for (typed, folded) in [
            ("pomoc", "POMOC"),
            ("Pomóc", "POMOC"),
            ("zażółć gęślą jaźń", "ZAZOLC GESLA JAZN"),
            ("ZAŻÓŁĆ GĘŚLĄ JAŹŃ", "ZAZOLC GESLA JAZN"),
            // Some handsets send the mark as a character of its own.
            ("pomo\u{301}c", "POMOC"),
            ("straße", "STRASSE"),
            ("Ærø", "AERO"),
            ("win\tnow\u{a0}!", "WIN NOW !"),
            ("wi\u{200b}n", "WIN"),
            ("ап", "АП"),
        ] {
            assert_eq!(fold(typed), folded, "{typed:?}");
        }
    }

    #[test]
    fn a_folded_text_is_not_copied() {
        assert!(matches!(fold("AP.ABC 12"), Cow::Borrowed("AP.ABC 12")));
        assert!(matches!(fold("ap.abc"), Cow::Owned(_)));
        assert!(matches!(fold("A\tB"), Cow::Owned(_)));
    }

    #[test]
    fn a_text_opens_with_its_first_letter_or_digit() {
        for (text, opening_of_it) in
            [(" !Win now", "Win now"), ("Żaba", "Żaba"), ("... ?", ""), ("", ""), ("\n7 x", "7 x")]
        {
            assert_eq!(opening(text), opening_of_it);
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }
    }
}
