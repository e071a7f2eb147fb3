//! Keywords that a person takes for each other, and patterns that numbers are looked for by.
//!
//! It refuses nothing; the verb decides what a likeness means. What surprises: Polish letters make
//! no likeness but an identity, because the gateway folds them in subscribers' texts as well:
//! `ŁÓDŹ` and `LODZ` are one keyword.

use super::number::Keyword;
use crate::payload;

/// Characters of a pattern.
const PATTERN_MAX: usize = 16;

/// What all keywords that are easily taken for each other have in common: `O` is 0, `I` and `l`
/// are 1, separators are nothing.
pub fn look(word: &str) -> String {
    let folded = payload::fold(word);
    let seen = folded.chars().filter(|c| !".-_ ".contains(*c)).map(|c| match c {
        'O' => '0',
        'I' | 'L' | '|' => '1',
        other => other,
    });
    seen.take(Keyword::OCTETS_MAX * 2).collect()
}

/// A pattern of digits, as a text that SQL's `like` takes: `*77` ends in 77, `7?7?` has any digit
/// at two places, and digits alone are looked for anywhere. None if it is no pattern.
pub fn like(pattern: &str) -> Option<String> {
    let pattern = pattern.trim();
    let is_pattern = pattern.bytes().all(|octet| octet.is_ascii_digit() || b"*?".contains(&octet));
    if pattern.is_empty() || pattern.len() > PATTERN_MAX || !is_pattern {
        return None;
    }
    if pattern.bytes().all(|octet| octet.is_ascii_digit()) {
        return Some(format!("%{pattern}%"));
    }
    Some(pattern.replace('*', "%").replace('?', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_look_alike_have_one_look() {
        for (one, other) in [
            ("GOL", "G0L"),
            ("GOL", "g0l"),
            ("WIN", "W1N"),
            ("WIN", "WlN"),
            ("ŁÓDŹ", "LODZ"),
            ("żółw", "Z01W"),
            ("AP.ABC", "APABC"),
            ("A-B", "A_B"),
        ] {
            assert_eq!(look(one), look(other), "{one} {other}");
        }
        for (one, other) in [("WIN", "WINS"), ("GOL", "GEL"), ("ABC", "ACB")] {
            assert_ne!(look(one), look(other), "{one} {other}");
        }
    }

    #[test]
    fn a_pattern_is_digits_stars_and_question_marks_and_nothing_else() {
        for (pattern, text) in
            [("*77", "%77"), ("77*", "77%"), ("7?7?", "7_7_"), ("745", "%745%"), (" *7 ", "%7")]
        {
            assert_eq!(like(pattern).as_deref(), Some(text));
        }
        for bad in ["", "  ", "7%", "7_", "a", "'", "77777777777777777"] {
            assert_eq!(like(bad), None, "{bad}");
        }
    }
}
