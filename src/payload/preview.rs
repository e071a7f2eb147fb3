//! Preview: a few harmless characters of a body, for a page that lists messages.
//!
//! It says nothing in words, so that it needs no translation: `[2/3]` is a part, `:2948` a port,
//! `0x0106` octets. Who may see it, and who the whole text, is decided elsewhere.
//!
//! The surprise: a subscriber writes what staff will read. Line ends, other controls and the marks
//! that turn the direction of writing are taken out; the page still has to escape HTML.

use std::fmt::Write as _;

use super::{
    alphabet::{Alphabet, decode_lenient},
    letter,
    udh::{self, Udh},
};

/// Characters of a preview, with the dots at its end.
pub const CHARS_MAX: usize = 24;
/// Characters of a whole text: 255 parts of 153 septets.
pub const FULL_CHARS_MAX: usize = 39_015;

const WRITES: &str = "a string takes what is written";

/// The beginning of a body. `data_coding` 0 is read as GSM.
pub fn preview(octets: &[u8], data_coding: u8, has_udh: bool) -> String {
    shown(octets, data_coding, has_udh, CHARS_MAX)
}

/// The whole body, for those who have the right to it.
pub fn full(octets: &[u8], data_coding: u8, has_udh: bool) -> String {
    shown(octets, data_coding, has_udh, FULL_CHARS_MAX)
}

fn shown(octets: &[u8], data_coding: u8, has_udh: bool, max: usize) -> String {
    // Four octets are the most that a character takes, and 256 the most of a header.
    let octets = &octets[..octets.len().min(256 + 4 * (max + 1))];
    let (udh, body) = match has_udh.then(|| udh::split(octets)) {
        None => (Udh::default(), octets),
        Some(Ok(split)) => split,
        Some(Err(_)) => return clip(&hex(octets, max), max),
    };
    let mut text = String::new();
    if let Some(part) = udh.concat() {
        write!(text, "[{}/{}] ", part.number, part.total).expect(WRITES);
    }
    if let Some(ports) = udh.ports() {
        write!(text, ":{} ", ports.destination).expect(WRITES);
    }
    match Alphabet::of(data_coding, Alphabet::Gsm7) {
        Ok(Alphabet::Binary) | Err(_) => text += &hex(body, max),
        Ok(alphabet) => text.extend(decode_lenient(body, alphabet).chars().filter_map(harmless)),
    }
    clip(&text, max)
}

fn harmless(c: char) -> Option<char> {
    // `'\u{301}'` and its like stay: a name may be written with them.
    let is_mark = ('\u{300}'..='\u{36f}').contains(&c);
    match c {
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        c if letter::is_invisible(c) && !is_mark => None,
        c => Some(c),
    }
}

fn hex(octets: &[u8], max: usize) -> String {
    let mut text = String::from("0x");
    for octet in octets.iter().take(max) {
        write!(text, "{octet:02X}").expect(WRITES);
    }
    text
}

/// At most `max` characters; a cut is shown by dots that are counted.
fn clip(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::alphabet::encode_ucs2;

    #[test]
    fn a_body_shows_its_first_characters() {
        for (octets, data_coding, has_udh, text) in [
            (&b"WIN PLEASE"[..], 0x00, false, "WIN PLEASE"),
            (b"", 0x00, false, ""),
            (b"123456789012345678901234", 0x00, false, "123456789012345678901234"),
            (b"1234567890123456789012345", 0x00, false, "12345678901234567890123…"),
            (b"a\nb\x1Bec", 0xF0, false, "a b€c"),
            (b"\xF3", 0x03, false, "ó"),
            (b"\x00\x7A\x01\x42", 0x08, false, "zł"),
            // part 2 of 3, text
            (b"\x05\x00\x03\xAB\x03\x02Ala", 0x00, true, "[2/3] Ala"),
            // port 2948, a push
            (b"\x06\x05\x04\x0B\x84\x23\xF0\x01\x06\x04", 0x04, true, ":2948 0x010604"),
            // An alphabet without a reader, and a header that runs over its text.
            (b"\x83\x40", 0x05, false, "0x8340"),
            (b"\x7FAla", 0x00, true, "0x7F416C61"),
        ] {
            assert_eq!(preview(octets, data_coding, has_udh), text);
        }
    }

    #[test]
    fn nothing_that_turns_or_breaks_a_line_is_shown() {
        let octets = encode_ucs2("a\u{202e}b\r\u{2028}c\u{200b}d\u{85}e\u{301}");
        assert_eq!(preview(&octets, 0x08, false), "ab  cd e\u{301}");
    }

    #[test]
    fn the_whole_text_has_a_limit_too() {
        let text = vec![b'a'; 200_000];
        assert_eq!(full(&text[..1_000], 0x00, false).len(), 1_000);
        assert_eq!(full(&text, 0x00, false).chars().count(), FULL_CHARS_MAX);
        assert_eq!(preview(&text, 0x04, false).chars().count(), CHARS_MAX);
    }
}
