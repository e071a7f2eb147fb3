//! Rough handling: octets from a small generator through everything that reads octets.
//!
//! The seed is fixed, so a failure repeats. Nothing may panic, and nothing may grow beyond what
//! its input allows.

use super::{
    Alphabet, Reference, alphabet, fold, opening, parts,
    preview::{self, preview},
    septet, udh,
};

/// Marsaglia's xorshift, 64 bits.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).expect("small")).expect("small")
    }

    fn octet(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    /// Octets with a liking for what steers a decoder: lengths, escapes, surrogates, marks.
    fn octets(&mut self, max: usize) -> Vec<u8> {
        const STEERING: [u8; 16] =
            [0, 1, 2, 3, 4, 5, 6, 8, 0x1B, 0x65, 0x7F, 0x80, 0xD8, 0xDC, 0xFE, 0xFF];
        let len = self.below(max + 1);
        let is_random = self.below(2) == 0;
        (0..len).map(|_| if is_random { self.octet() } else { STEERING[self.below(16)] }).collect()
    }
}

const ALPHABETS: [Alphabet; 5] =
    [Alphabet::Gsm7, Alphabet::Latin1, Alphabet::Ucs2, Alphabet::Utf8, Alphabet::Binary];
const ROUNDS: usize = 20_000;

#[test]
fn no_octets_upset_the_header_reader() {
    let mut rng = Xorshift(0x5EED);
    let mut read = 0;
    for _ in 0..ROUNDS {
        let mut octets = rng.octets(300);
        // Half of the headers end soon, or hardly any would be well framed.
        if let Some(first) = octets.first_mut()
            && rng.below(2) == 0
        {
            *first = rng.octet() % 16;
        }
        let Ok((header, body)) = udh::split(&octets) else { continue };
        read += 1;
        assert!(header.elements.len() <= 127);
        assert_eq!(body.len() + 1 + usize::from(octets[0]), octets.len());
        if let Some(part) = header.concat() {
            assert!((1..=part.total).contains(&part.number));
        }
        if let Ok(again) = header.to_octets() {
            assert!(again.len() <= udh::OCTETS_MAX);
            assert!(header.is_empty() || octets.starts_with(&again));
        }
    }
    assert!(read > ROUNDS / 20, "the generator reaches the inside: {read}");
}

#[test]
fn no_octets_upset_a_text_reader() {
    let mut rng = Xorshift(0x5EED_0001);
    for _ in 0..ROUNDS {
        let octets = rng.octets(200);
        for alphabet in ALPHABETS {
            let shown = alphabet::decode_lenient(&octets, alphabet);
            assert!(shown.chars().count() <= octets.len());
            if let Ok(text) = alphabet::decode(&octets, alphabet) {
                assert!(text.len() <= octets.len() * 3);
            }
        }
        let text = String::from_utf8_lossy(&octets);
        let folded = fold(&text);
        assert!(folded.len() <= text.len() * 3);
        assert!(opening(&text).len() <= text.len());
    }
}

#[test]
fn no_octets_upset_the_packer() {
    let mut rng = Xorshift(0x5EED_0002);
    for _ in 0..ROUNDS {
        let octets = rng.octets(200);
        let fill = rng.octet();
        let most = octets.len() * 8 / 7;
        assert!(septet::unpack(&octets, usize::MAX, fill).len() <= most);
        assert!(septet::unpack_with_return(&octets).len() <= most);
        assert!(septet::pack(&octets, fill).len() <= octets.len() + 1);
        assert!(septet::fill_bits(rng.below(1_000)) < 7);
    }
}

#[test]
fn no_octets_upset_the_cutter() {
    let mut rng = Xorshift(0x5EED_0003);
    for _ in 0..ROUNDS / 10 {
        let octets = rng.octets(3_000);
        let max_parts = rng.octet();
        for alphabet in ALPHABETS {
            let reference = Reference::Bits8(rng.octet());
            let count = parts::count(&octets, alphabet, reference);
            match parts::split(&octets, alphabet, reference, max_parts) {
                Ok(cut) => assert_eq!(cut.len(), count),
                Err(error) => {
                    assert_eq!(error, parts::NotSplit::TooManyParts { max: max_parts });
                    assert!(count > usize::from(max_parts));
                }
            }
        }
    }
}

#[test]
fn no_body_upsets_the_preview() {
    let mut rng = Xorshift(0x5EED_0004);
    for _ in 0..ROUNDS {
        let octets = rng.octets(300);
        let (data_coding, has_udh) = (rng.octet(), rng.below(2) == 0);
        let text = preview(&octets, data_coding, has_udh);
        assert!(text.chars().count() <= preview::CHARS_MAX);
        assert!(!text.chars().any(char::is_control));
        preview::full(&octets, data_coding, has_udh);
    }
}
