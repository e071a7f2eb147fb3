//! Septets: the GSM 7-bit default alphabet, its extension table, and packing for the radio side.
//!
//! National shift tables are absent: there is none for Polish, and no Polish network asks for the
//! others. [3GPP 23.038]
//!
//! The surprise: seven septets in seven octets leave seven spare bits that read as one more `@`.
//! A length must travel beside packed septets, or the CR rule of USSD must be agreed.

/// Leads to the extension table; the pair counts as two septets and is never cut.
pub const ESCAPE: u8 = 0x1B;

const CARRIAGE_RETURN: u8 = 0x0D;

/// The default alphabet, sixteen to a row. 0x09 is the capital `Ç`; ASCII's grave has no code.
const BASE: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// The extension table. Its 0x0D and 0x1B are control codes and are never sent.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// One character as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Septets {
    One(u8),
    /// Follows an [`ESCAPE`].
    Escaped(u8),
}

/// ASCII to septets, worked out by the compiler: nearly all traffic takes this way.
const ASCII: [Option<Septets>; 128] = {
    let mut table = [None; 128];
    let mut code = 0;
    while code < BASE.len() {
        let c = BASE[code] as usize;
        if c < table.len() && c != ESCAPE as usize {
            #[expect(clippy::cast_possible_truncation, reason = "the base table has 128 rows")]
            let septet = code as u8;
            table[c] = Some(Septets::One(septet));
        }
        code += 1;
    }
    let mut row = 0;
    while row < EXTENSION.len() {
        let (septet, c) = EXTENSION[row];
        if (c as usize) < table.len() {
            table[c as usize] = Some(Septets::Escaped(septet));
        }
        row += 1;
    }
    table
};

/// How a character is sent, if the alphabet has it.
pub fn of(c: char) -> Option<Septets> {
    if let Some(known) = ASCII.get(c as usize) {
        return *known;
    }
    if c == '€' {
        return Some(Septets::Escaped(0x65));
    }
    let code = BASE.iter().position(|&base| base == c)?;
    Some(Septets::One(u8::try_from(code).expect("the base table has 128 rows")))
}

/// The character of a septet of the default alphabet. The high bit is not looked at.
pub fn base(septet: u8) -> char {
    BASE[usize::from(septet & 0x7F)]
}

/// The character of a septet after [`ESCAPE`].
///
/// A code without a meaning shows its base character, as handsets do; a second escape would lead
/// to a further table that does not exist and shows a space. [3GPP 23.038 6.2.1.1]
pub fn extended(septet: u8) -> char {
    let septet = septet & 0x7F;
    if septet == ESCAPE {
        return ' ';
    }
    EXTENSION.iter().find(|(code, _)| *code == septet).map_or_else(|| base(septet), |(_, c)| *c)
}

/// Bits that move the text behind a header to the next septet boundary.
///
/// `header_octets` counts the length octet too: 6 for the usual header of a part, which gives 1.
pub fn fill_bits(header_octets: usize) -> u8 {
    let over = u8::try_from(header_octets % 7).expect("a rest of seven");
    // 8 * n mod 7 is n mod 7.
    (7 - over) % 7
}

/// Packs septets, the first in the lowest bits, after `fill` zero bits.
pub fn pack(septets: &[u8], fill: u8) -> Vec<u8> {
    let fill = u32::from(fill % 7);
    let mut packed = Vec::with_capacity(septets.len() - septets.len() / 8 + 1);
    let (mut bits, mut held) = (0_u32, fill);
    for septet in septets {
        bits |= u32::from(septet & 0x7F) << held;
        held += 7;
        while held >= 8 {
            packed.push(low_octet(bits));
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 && !septets.is_empty() {
        packed.push(low_octet(bits));
    }
    packed
}

/// Unpacks at most `count` septets after `fill` bits; fewer when the octets hold fewer.
pub fn unpack(octets: &[u8], count: usize, fill: u8) -> Vec<u8> {
    let fill = u32::from(fill % 7);
    let count = count.min(septets_in(octets.len(), fill));
    let mut septets = Vec::with_capacity(count);
    let (mut bits, mut held, mut skip) = (0_u32, 0_u32, fill);
    for octet in octets {
        bits |= u32::from(*octet) << held;
        held += 8;
        if skip > 0 {
            bits >>= skip;
            held -= skip;
            skip = 0;
        }
        while held >= 7 && septets.len() < count {
            septets.push(low_octet(bits & 0x7F));
            bits >>= 7;
            held -= 7;
        }
        if septets.len() == count {
            break;
        }
    }
    septets
}

/// Packs where no length travels along: a CR takes the place of the spare seven bits, and a CR at
/// an octet boundary is doubled so that the reader keeps it. [3GPP 23.038 6.1.2.3.1]
pub fn pack_with_return(septets: &[u8]) -> Vec<u8> {
    let ends_in_return = septets.last() == Some(&CARRIAGE_RETURN);
    let mut padded = septets.to_vec();
    if septets.len() % 8 == 7 || (septets.len().is_multiple_of(8) && ends_in_return) {
        padded.push(CARRIAGE_RETURN);
    }
    pack(&padded, 0)
}

/// Unpacks all there is and takes off the CR of [`pack_with_return`].
pub fn unpack_with_return(octets: &[u8]) -> Vec<u8> {
    let mut septets = unpack(octets, usize::MAX, 0);
    if septets.len().is_multiple_of(8) && septets.last() == Some(&CARRIAGE_RETURN) {
        septets.pop();
    }
    septets
}

fn septets_in(octets: usize, fill: u32) -> usize {
    // Seven septets to seven octets and one more in the spare bits; split so as not to overflow.
    let whole = octets / 7 * 8;
    let rest = octets % 7 * 8;
    let fill = fill as usize;
    (whole + rest / 7).saturating_sub(usize::from(fill > rest % 7))
}

fn low_octet(bits: u32) -> u8 {
    bits.to_le_bytes()[0]
}

#[cfg(test)]
#[path = "septet_tests.rs"]
mod tests;
