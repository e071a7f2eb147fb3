//! How sections and clauses are numbered, in the manner of each language's lawyers.
//!
//! Polish: `§ 4`, `1.`, `1)`, `a)`. English: `4.`, `4.2`, `(a)`, `(i)`. References follow the same
//! table, so a clause that moves takes every mention of it along.

use super::tree::Language;

/// What stands before the heading of a section.
pub(super) fn heading(language: Language, section: usize) -> String {
    match language {
        Language::Polish => format!("§\u{a0}{section}."),
        Language::English => format!("{section}."),
    }
}

/// What stands before a clause; `section` is 0 outside of numbered sections.
pub(super) fn clause(language: Language, section: usize, depth: u8, place: usize) -> String {
    match (language, depth) {
        (Language::English, 0) if section > 0 => format!("{section}.{place}"),
        (_, 0) => format!("{place}."),
        (Language::Polish, 1) => format!("{place})"),
        (Language::Polish, _) => format!("{})", letter(place)),
        (Language::English, 1) => format!("({})", letter(place)),
        (Language::English, _) => format!("({})", roman(place)),
    }
}

/// How a text names a section, or a clause of it.
pub(super) fn reference(language: Language, section: usize, clauses: &[usize]) -> String {
    match language {
        Language::Polish => {
            let mut text = format!("§\u{a0}{section}");
            for (word, place) in ["ust.", "pkt", "lit."].iter().zip(clauses) {
                text = match *word {
                    "lit." => format!("{text} lit.\u{a0}{}", letter(*place)),
                    word => format!("{text} {word}\u{a0}{place}"),
                };
            }
            text
        }
        Language::English => {
            let mut text = format!("clause\u{a0}{section}");
            for (depth, place) in (0_u8..).zip(clauses) {
                text = match depth {
                    0 => format!("{text}.{place}"),
                    1 => format!("{text}({})", letter(*place)),
                    _ => format!("{text}({})", roman(*place)),
                };
            }
            text
        }
    }
}

/// `a` to `z`; nobody reads a list that goes on after that, so it repeats the number then.
fn letter(place: usize) -> String {
    match u8::try_from(place) {
        Ok(place @ 1..=26) => char::from(b'a' + place - 1).to_string(),
        _ => place.to_string(),
    }
}

fn roman(place: usize) -> String {
    let tens = ["", "x", "xx", "xxx"];
    let ones = ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"];
    match (tens.get(place / 10), ones.get(place % 10)) {
        (Some(tens), Some(ones)) => format!("{tens}{ones}"),
        _ => place.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_numbered_and_named_as_each_language_does_it() {
        use Language::{English, Polish};
        for (language, depth, place, label) in [
            (Polish, 0, 2, "2."),
            (Polish, 1, 3, "3)"),
            (Polish, 2, 2, "b)"),
            (English, 0, 2, "4.2"),
            (English, 1, 27, "(27)"),
            (English, 1, 3, "(c)"),
            (English, 2, 14, "(xiv)"),
        ] {
            assert_eq!(clause(language, 4, depth, place), label);
        }
        assert_eq!(clause(English, 0, 0, 2), "2.", "outside of a section");
        assert_eq!(reference(Polish, 9, &[2, 1, 3]), "§\u{a0}9 ust.\u{a0}2 pkt\u{a0}1 lit.\u{a0}c");
        assert_eq!(reference(English, 9, &[2, 1, 3]), "clause\u{a0}9.2(a)(iii)");
        assert_eq!(reference(English, 9, &[]), "clause\u{a0}9");
    }
}
