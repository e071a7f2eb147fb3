//! Alphabets: which one a `data_coding` names, octets to text, text to octets.
//!
//! It does not choose an alphabet for a text (that is [`super::coding`]) and does not pack septets.
//!
//! The surprise: `data_coding` 0 names no alphabet at all, only "what this link is used to", so the
//! caller brings it. And "UCS-2" is read and written as UTF-16, because handsets do: an emoji is
//! two units, and half of one is shown as U+FFFD rather than refused.

use super::septet::{self, ESCAPE, Septets};

/// How octets stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// One septet per octet.
    Gsm7,
    /// Also reads IA5, which is its lower half.
    Latin1,
    /// Big-endian, without a byte order mark, surrogate pairs allowed.
    Ucs2,
    /// Never on a radio; the default alphabet of some HTTP-minded message centres.
    Utf8,
    /// No characters at all.
    Binary,
}

/// A `data_coding` that names no alphabet of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCoding {
    #[error("data_coding 0x{0:02X} is reserved")]
    Reserved(u8),
    #[error("data_coding 0x{0:02X} is compressed text; send it uncompressed")]
    Compressed(u8),
    #[error("data_coding 0x{0:02X} names an alphabet that is not supported; use UCS-2 (0x08)")]
    Unsupported(u8),
}

/// Octets that cannot be text of their alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("octet {at} is above 0x7F; GSM text has one septet per octet")]
    NotASeptet { at: usize },
    #[error("the text ends in an escape; the octet after it is missing")]
    EndsInEscape,
    #[error("UCS-2 text has {octets} octets; the number must be even")]
    OddLength { octets: usize },
    #[error("octet {at} is not UTF-8")]
    NotUtf8 { at: usize },
    #[error("binary content is not text")]
    NotText,
}

/// A character that an alphabet does not have. `at` counts characters from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("character {at} (U+{:04X}) is not in the alphabet", u32::from(*char))]
pub struct Unencodable {
    pub char: char,
    pub at: usize,
}

impl Alphabet {
    /// Reads a `data_coding`: SMPP's own values below 0x10, the GSM groups from there on.
    /// [34 s5.2.19] [3GPP 23.038 s4]
    pub fn of(data_coding: u8, default: Self) -> Result<Self, UnknownCoding> {
        match data_coding {
            0x00 => Ok(default),
            // In the GSM general group 0x01 and 0x03 are reserved, so SMPP's meaning is safe.
            0x01 | 0x03 => Ok(Self::Latin1),
            0x02 | 0x04 => Ok(Self::Binary),
            // The high group: a message is waiting, store it.
            0x08 | 0xE0..=0xEF => Ok(Self::Ucs2),
            0x05..=0x07 | 0x09 | 0x0A | 0x0D | 0x0E => Err(UnknownCoding::Unsupported(data_coding)),
            0x0B | 0x0C | 0x0F | 0x80..=0xBF => Err(UnknownCoding::Reserved(data_coding)),
            // With a message class, and the same with automatic deletion.
            0x10..=0x1F | 0x40..=0x5F => Self::of_general_group(data_coding),
            0x20..=0x3F | 0x60..=0x7F => Err(UnknownCoding::Compressed(data_coding)),
            // A message is waiting: discard this one, store this one.
            0xC0..=0xDF => Ok(Self::Gsm7),
            // Bit 3 is reserved and not looked at.
            0xF0..=0xFF => Ok(if data_coding & 0x04 == 0 { Self::Gsm7 } else { Self::Binary }),
        }
    }

    fn of_general_group(data_coding: u8) -> Result<Self, UnknownCoding> {
        match (data_coding >> 2) & 0b11 {
            0b00 => Ok(Self::Gsm7),
            0b01 => Ok(Self::Binary),
            0b10 => Ok(Self::Ucs2),
            _ => Err(UnknownCoding::Reserved(data_coding)),
        }
    }
}

/// Reads octets as text and refuses what is not.
pub fn decode(octets: &[u8], alphabet: Alphabet) -> Result<String, DecodeError> {
    match alphabet {
        Alphabet::Gsm7 => {
            if let Some(at) = octets.iter().position(|&octet| octet > 0x7F) {
                return Err(DecodeError::NotASeptet { at });
            }
            let (text, escape_is_open) = read_septets(octets);
            if escape_is_open { Err(DecodeError::EndsInEscape) } else { Ok(text) }
        }
        Alphabet::Latin1 => Ok(octets.iter().map(|&octet| char::from(octet)).collect()),
        Alphabet::Ucs2 if octets.len() % 2 == 1 => {
            Err(DecodeError::OddLength { octets: octets.len() })
        }
        Alphabet::Ucs2 => Ok(read_units(octets)),
        Alphabet::Utf8 => std::str::from_utf8(octets)
            .map(str::to_owned)
            .map_err(|error| DecodeError::NotUtf8 { at: error.valid_up_to() }),
        Alphabet::Binary => Err(DecodeError::NotText),
    }
}

/// Reads octets as text whatever they are; U+FFFD stands where [`decode`] would refuse.
///
/// Of binary content only printable ASCII is shown. A byte order mark is taken off.
pub fn decode_lenient(octets: &[u8], alphabet: Alphabet) -> String {
    match alphabet {
        Alphabet::Gsm7 => {
            let (mut text, escape_is_open) = read_septets(octets);
            if escape_is_open {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            text
        }
        Alphabet::Latin1 => octets.iter().map(|&octet| char::from(octet)).collect(),
        Alphabet::Ucs2 => {
            let octets = octets.strip_prefix(b"\xFE\xFF").unwrap_or(octets);
            let mut text = read_units(octets);
            if octets.len() % 2 == 1 {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            text
        }
        Alphabet::Utf8 => {
            let text = String::from_utf8_lossy(octets);
            text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
        }
        Alphabet::Binary => octets
            .iter()
            .map(|&octet| match octet {
                b' '..=b'~' => char::from(octet),
                _ => char::REPLACEMENT_CHARACTER,
            })
            .collect(),
    }
}

/// Septets to text, and whether an escape waits for its second half.
fn read_septets(octets: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(octets.len());
    let mut is_escaped = false;
    for &octet in octets {
        if octet > 0x7F {
            is_escaped = false;
            text.push(char::REPLACEMENT_CHARACTER);
        } else if is_escaped {
            is_escaped = false;
            text.push(septet::extended(octet));
        } else if octet == ESCAPE {
            is_escaped = true;
        } else {
            text.push(septet::base(octet));
        }
    }
    (text, is_escaped)
}

/// UTF-16 to text; an odd last octet is left out.
fn read_units(octets: &[u8]) -> String {
    let units = octets.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Writes text in the alphabet named, for links whose default is not GSM.
///
/// [`Alphabet::Binary`] has no characters and refuses the first one.
pub fn encode(text: &str, alphabet: Alphabet) -> Result<Vec<u8>, Unencodable> {
    match alphabet {
        Alphabet::Gsm7 => encode_gsm7(text),
        Alphabet::Latin1 => encode_latin1(text),
        Alphabet::Ucs2 => Ok(encode_ucs2(text)),
        Alphabet::Utf8 => Ok(text.as_bytes().to_vec()),
        Alphabet::Binary => {
            text.chars().next().map_or(Ok(Vec::new()), |char| Err(Unencodable { char, at: 0 }))
        }
    }
}

/// Writes GSM text, one septet per octet; an extended character takes two.
pub fn encode_gsm7(text: &str) -> Result<Vec<u8>, Unencodable> {
    let mut octets = Vec::with_capacity(text.len());
    for (at, char) in text.chars().enumerate() {
        match septet::of(char) {
            Some(septets) => push_septets(&mut octets, septets),
            None => return Err(Unencodable { char, at }),
        }
    }
    Ok(octets)
}

pub(crate) fn push_septets(octets: &mut Vec<u8>, septets: Septets) {
    match septets {
        Septets::One(septet) => octets.push(septet),
        Septets::Escaped(septet) => octets.extend([ESCAPE, septet]),
    }
}

/// Writes ISO 8859-1.
pub fn encode_latin1(text: &str) -> Result<Vec<u8>, Unencodable> {
    text.chars()
        .enumerate()
        .map(|(at, char)| u8::try_from(char).map_err(|_| Unencodable { char, at }))
        .collect()
}

/// Writes UTF-16, big-endian, without a byte order mark. Every text can be written so.
pub fn encode_ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
#[path = "alphabet_tests.rs"]
mod tests;
