//! Parts: a long text cut for the air and joined again.
//!
//! It cuts octets that are already encoded. It does not pick the reference number (that needs
//! memory per recipient) and does not wait for missing parts; the gateway does both.
//!
//! The surprise: a part may be shorter than the limit, because an escape pair or a surrogate pair
//! is never cut. So the number of parts is counted by cutting, not by dividing.

use super::{
    Alphabet,
    septet::ESCAPE,
    udh::{BadUdh, Concat, Element, Udh},
};

/// What a short message holds, in octets; 160 septets take as much.
const OCTETS_MAX: usize = 140;

/// The number that all parts of one message share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    Bits8(u8),
    /// One octet dearer, 256 times rarer to meet a stranger's part.
    Bits16(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSplit {
    #[error("message needs more than {max} parts")]
    TooManyParts { max: u8 },
    #[error("user data header leaves no room for text")]
    NoRoom,
    #[error(transparent)]
    Header(#[from] BadUdh),
}

/// Cuts an encoded text into user data, each with its header; a text that fits has none.
///
/// With more than one part in the answer, the UDH indicator of every part must be set.
pub fn split(
    encoded: &[u8],
    alphabet: Alphabet,
    reference: Reference,
    max_parts: u8,
) -> Result<Vec<Vec<u8>>, NotSplit> {
    split_under(&Udh::default(), encoded, alphabet, reference, max_parts)
}

/// The same below a header of the caller's own, which every part repeats before its number.
///
/// With a header that is not empty, even a single part carries it.
pub fn split_under(
    common: &Udh,
    encoded: &[u8],
    alphabet: Alphabet,
    reference: Reference,
    max_parts: u8,
) -> Result<Vec<Vec<u8>>, NotSplit> {
    if max_parts == 0 {
        return Err(NotSplit::TooManyParts { max: 0 });
    }
    let single = common.to_octets()?;
    if encoded.len() <= room(alphabet, single.len()) {
        return Ok(vec![[&single, encoded].concat()]);
    }
    // The length of the header does not depend on the numbers in it.
    let header_octets = numbered(common, reference, 1, 1).to_octets()?.len();
    let bodies: Vec<&[u8]> = Cuts { rest: encoded, alphabet, room: room(alphabet, header_octets) }
        .take(usize::from(max_parts) + 1)
        .collect();
    if bodies.is_empty() {
        return Err(NotSplit::NoRoom);
    }
    let too_many = NotSplit::TooManyParts { max: max_parts };
    let total = u8::try_from(bodies.len()).map_err(|_| too_many)?;
    if total > max_parts {
        return Err(too_many);
    }
    if bodies.iter().map(|body| body.len()).sum::<usize>() < encoded.len() {
        return Err(NotSplit::NoRoom);
    }
    (1..=total)
        .zip(bodies)
        .map(|(number, body)| {
            let mut user_data = numbered(common, reference, total, number).to_octets()?;
            user_data.extend(body);
            Ok(user_data)
        })
        .collect()
}

/// How many parts [`split`] would make, without a limit; what a subscriber or partner pays for.
pub fn count(encoded: &[u8], alphabet: Alphabet, reference: Reference) -> usize {
    if encoded.len() <= room(alphabet, 0) {
        return 1;
    }
    let header_octets = match reference {
        Reference::Bits8(_) => 6,
        Reference::Bits16(_) => 7,
    };
    Cuts { rest: encoded, alphabet, room: room(alphabet, header_octets) }.count()
}

/// Joins bodies in their order, headers already taken off.
///
/// Join before decoding: strangers do cut surrogate and escape pairs, and only the joined octets
/// show the character.
pub fn join<'a>(bodies: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    bodies.into_iter().flatten().copied().collect()
}

/// Octets of unpacked text that fit below a header.
fn room(alphabet: Alphabet, header_octets: usize) -> usize {
    let octets = OCTETS_MAX.saturating_sub(header_octets);
    match alphabet {
        // Rounding down leaves the fill bits behind the header out. [3GPP 23.040 s9.2.3.24]
        Alphabet::Gsm7 => octets * 8 / 7,
        Alphabet::Ucs2 => octets / 2 * 2,
        Alphabet::Latin1 | Alphabet::Utf8 | Alphabet::Binary => octets,
    }
}

fn numbered(common: &Udh, reference: Reference, total: u8, number: u8) -> Udh {
    let (reference, is_16_bit) = match reference {
        Reference::Bits8(reference) => (reference.into(), false),
        Reference::Bits16(reference) => (reference, true),
    };
    let mut udh = common.clone();
    udh.elements.push(Element::Concat(Concat { reference, total, number, is_16_bit }));
    udh
}

/// Cuts from the front, each as long as can be. It ends early if there is no room to go on.
struct Cuts<'a> {
    rest: &'a [u8],
    alphabet: Alphabet,
    room: usize,
}

impl<'a> Iterator for Cuts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut end = self.room.min(self.rest.len());
        if end < self.rest.len() {
            end -= torn(&self.rest[..end], self.rest, self.alphabet);
        }
        if end == 0 {
            return None;
        }
        let (body, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(body)
    }
}

/// How many octets at the end of `body` belong to a character that goes on behind it.
fn torn(body: &[u8], whole: &[u8], alphabet: Alphabet) -> usize {
    match alphabet {
        Alphabet::Gsm7 => {
            // `ESC ESC` is a pair of its own, so an even run of escapes is complete.
            let escapes = body.iter().rev().take_while(|&&octet| octet == ESCAPE).count();
            escapes % 2
        }
        Alphabet::Ucs2 => match body {
            [.., high, _] if (0xD8..0xDC).contains(high) => 2,
            _ => 0,
        },
        Alphabet::Utf8 => {
            // At most three octets stand before a continuation octet of the same character.
            let is_inside = |at: usize| whole.get(at).is_some_and(|octet| octet & 0xC0 == 0x80);
            (0..=3).find(|&back| back < body.len() && !is_inside(body.len() - back)).unwrap_or(0)
        }
        Alphabet::Latin1 | Alphabet::Binary => 0,
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
