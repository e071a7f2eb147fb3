//! Coding: how a text is made to fit a short message, as each service chooses.
//!
//! It decides between GSM and UCS-2 only and does not cut anything; see [`super::parts`].
//!
//! The surprise: Polish has no GSM letters at all. One `ł` turns 160 characters into 70, so the
//! default way drops the marks, and what has no plain form is refused rather than made a `?`.

use super::{
    alphabet::{self, Alphabet, Unencodable},
    letter, septet,
};

/// Longest text that is looked at, in octets of UTF-8: 255 parts of 153 septets fit well within.
pub const TEXT_OCTETS_MAX: usize = 65_536;

/// What to do with letters that GSM does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Coding {
    /// Plain letters instead of marked ones; GSM always.
    #[default]
    Translit,
    /// UCS-2 always.
    Ucs2,
    /// GSM if every character fits, UCS-2 otherwise.
    Auto,
    /// GSM, and no for a text that does not fit.
    Reject,
}

/// A text as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// 0x00 or 0x08. On a link whose default alphabet is not GSM, 0x00 must be written anew.
    pub data_coding: u8,
    pub octets: Vec<u8>,
    pub alphabet: Alphabet,
}

/// Why a text cannot travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPrepared {
    #[error(transparent)]
    Unencodable(#[from] Unencodable),
    #[error("text has {octets} octets; at most {TEXT_OCTETS_MAX} fit into 255 parts")]
    TooLong { octets: usize },
}

impl Encoded {
    fn gsm7(octets: Vec<u8>) -> Self {
        Self { data_coding: 0x00, octets, alphabet: Alphabet::Gsm7 }
    }

    fn ucs2(text: &str) -> Self {
        let octets = alphabet::encode_ucs2(text);
        Self { data_coding: 0x08, octets, alphabet: Alphabet::Ucs2 }
    }
}

/// Writes a text in the way its service wants.
pub fn prepare(text: &str, coding: Coding) -> Result<Encoded, NotPrepared> {
    if text.len() > TEXT_OCTETS_MAX {
        return Err(NotPrepared::TooLong { octets: text.len() });
    }
    match coding {
        Coding::Translit => Ok(Encoded::gsm7(transliterate(text)?)),
        Coding::Ucs2 => Ok(Encoded::ucs2(text)),
        Coding::Auto => {
            Ok(alphabet::encode_gsm7(text).map_or_else(|_| Encoded::ucs2(text), Encoded::gsm7))
        }
        Coding::Reject => Ok(Encoded::gsm7(alphabet::encode_gsm7(text)?)),
    }
}

fn transliterate(text: &str) -> Result<Vec<u8>, Unencodable> {
    let mut octets = Vec::with_capacity(text.len());
    for (at, char) in text.chars().enumerate() {
        if let Some(septets) = septet::of(char) {
            alphabet::push_septets(&mut octets, septets);
            continue;
        }
        let plain = substitute(char).ok_or(Unencodable { char, at })?;
        for c in plain.chars() {
            let septets = septet::of(c).expect("substitutes are GSM characters, a test says so");
            alphabet::push_septets(&mut octets, septets);
        }
    }
    Ok(octets)
}

/// What stands for a character that GSM lacks. Mostly one for one, so that lengths stay;
/// invisible characters become nothing.
fn substitute(c: char) -> Option<&'static str> {
    if letter::is_invisible(c) {
        return Some("");
    }
    Some(match c {
        '„' | '”' | '“' | '‟' | '«' | '»' | '″' => "\"",
        '‚' | '’' | '‘' | '‛' | '′' | '`' | '´' | '‹' | '›' => "'",
        '–' | '—' | '‐' | '‑' | '‒' | '―' | '−' => "-",
        '…' => "...",
        '•' | '·' | '‣' => "*",
        '×' => "x",
        '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' => " ",
        '\u{2028}' | '\u{2029}' => "\n",
        _ => return letter::plain(c),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::payload::alphabet::decode;

    fn shown(text: &str, coding: Coding) -> (u8, String) {
        let encoded = prepare(text, coding).expect("it fits");
        let back = decode(&encoded.octets, encoded.alphabet).expect("it was encoded");
        (encoded.data_coding, back)
    }

    #[test]
    fn polish_and_typography_become_plain() {
        for (text, plain) in [
            ("zażółć gęślą jaźń", "zazolc gesla jazn"),
            ("ZAŻÓŁĆ GĘŚLĄ JAŹŃ", "ZAZOLC GESLA JAZN"),
            ("„Cena” “x”", "\"Cena\" \"x\""),
            ("‚a’ ‘b’", "'a' 'b'"),
            ("1–2—3", "1-2-3"),
            ("czekaj…", "czekaj..."),
            ("6,15\u{a0}zł", "6,15 zl"),
            ("• raz", "* raz"),
            ("o\u{301}", "o"),
            // What GSM has stays as it is.
            ("à é Ä € [x]", "à é Ä € [x]"),
        ] {
            assert_eq!(shown(text, Coding::Translit), (0x00, plain.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_has_no_plain_form_is_refused_not_lost() {
        let refused = Err(NotPrepared::Unencodable(Unencodable { char: '😀', at: 3 }));
        assert_eq!(prepare("Łó 😀", Coding::Translit), refused);
    }

    #[test]
    fn every_service_gets_the_coding_it_chose() {
        assert_eq!(shown("Cena", Coding::Ucs2), (0x08, "Cena".into()));
        assert_eq!(shown("Cena €", Coding::Auto), (0x00, "Cena €".into()));
        assert_eq!(shown("Cena zł", Coding::Auto), (0x08, "Cena zł".into()));
        assert_eq!(shown("Cena €", Coding::Reject), (0x00, "Cena €".into()));
        let refused = Err(NotPrepared::Unencodable(Unencodable { char: 'ł', at: 6 }));
        assert_eq!(prepare("Cena zł", Coding::Reject), refused);
    }

    #[test]
    fn an_endless_text_is_refused() {
        let text = "a".repeat(TEXT_OCTETS_MAX + 1);
        let refused = Err(NotPrepared::TooLong { octets: TEXT_OCTETS_MAX + 1 });
        for coding in [Coding::Translit, Coding::Ucs2, Coding::Auto, Coding::Reject] {
            assert_eq!(prepare(&text, coding), refused);
        }
    }

    #[test]
    fn every_substitute_is_in_the_alphabet() {
        for c in (0..=0xFFFF).filter_map(char::from_u32) {
            for plain in substitute(c).unwrap_or_default().chars() {
                assert!(septet::of(plain).is_some(), "{c} -> {plain}");
            }
        }
    }

    proptest! {
        #[test]
        fn auto_never_loses_a_character(text in any::<String>()) {
            prop_assert_eq!(shown(&text, Coding::Auto).1, text);
        }

        #[test]
        fn transliterating_twice_changes_nothing(text in "[ -~ąćęłńóśźżĄŻ„”…•\u{a0}]{0,60}") {
            let (_, once) = shown(&text, Coding::Translit);
            prop_assert_eq!(shown(&once, Coding::Translit).1, once);
        }
    }
}
