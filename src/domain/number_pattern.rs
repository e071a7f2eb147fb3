//! A subscriber's number as somebody looks for it: whole, or with stars where it is hidden.
//!
//! It reads what people type and what the portal itself shows, such as `48600***200`. The surprise
//! is [`NumberPattern::blurred`]: whoever may not see whole numbers may not ask for them either,
//! or a thousand questions would tell what three stars hide (S-23, S-44).

use smol_str::{SmolStr, ToSmolStr as _};

use super::Msisdn;

/// What stays of a hidden number, as `number::mask` shows it.
const HEAD: usize = 5;
const TAIL: usize = 3;
/// Digits of the longest number.
const DIGITS_MAX: usize = 15;
/// With fewer digits nearly every number fits.
const DIGITS_MIN: usize = 3;

/// Which numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberPattern {
    Whole(Msisdn),
    /// The first digits and the last ones; one of them may be empty.
    Ends {
        head: SmolStr,
        tail: SmolStr,
    },
}

impl NumberPattern {
    /// Reads `48600100200`, `+48 600 100 200`, `0048...`, `48600***200`, `*0200`, `48600*`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String =
            text.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).take(64).collect();
        let plain = plain.strip_prefix('+').unwrap_or(&plain);
        let plain = plain.strip_prefix("00").unwrap_or(plain);
        let Some((head, rest)) = plain.split_once('*') else {
            return Msisdn::parse(plain).ok().map(Self::Whole);
        };
        let tail = rest.trim_start_matches('*');
        let is_digits = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
        let digits = head.len() + tail.len();
        let is_good = is_digits(head) && is_digits(tail);
        (is_good && (DIGITS_MIN..=DIGITS_MAX).contains(&digits))
            .then(|| Self::Ends { head: head.into(), tail: tail.into() })
    }

    /// The same for somebody who sees hidden numbers only: nothing is asked for that is hidden.
    #[must_use]
    pub fn blurred(&self) -> Self {
        let (head, tail) = match self {
            Self::Whole(number) => (number.as_str(), number.as_str()),
            Self::Ends { head, tail } => (head.as_str(), tail.as_str()),
        };
        let head = &head[..head.len().min(HEAD)];
        let tail = &tail[tail.len().saturating_sub(TAIL)..];
        Self::Ends { head: head.to_smolstr(), tail: tail.to_smolstr() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::number::mask;

    fn ends(head: &str, tail: &str) -> Option<NumberPattern> {
        Some(NumberPattern::Ends { head: head.into(), tail: tail.into() })
    }

    #[test]
    fn numbers_are_read_as_people_write_them_and_as_pages_show_them() {
        let whole = Some(NumberPattern::Whole(Msisdn::parse("48600100200").unwrap()));
        for text in ["48600100200", "+48600100200", "0048600100200", "+48 600-100-200"] {
            assert_eq!(NumberPattern::parse(text), whole, "{text}");
        }
        assert_eq!(NumberPattern::parse(&mask("48600100200")), ends("48600", "200"));
        assert_eq!(NumberPattern::parse("*0200"), ends("", "0200"));
        assert_eq!(NumberPattern::parse("486001*"), ends("486001", ""));
        for bad in ["", "*", "48*", "486*001*00", "%", "48_00100200", "acme", "1234567890123456*"] {
            assert_eq!(NumberPattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_blurred_pattern_asks_for_nothing_that_a_mask_hides() {
        for (text, head, tail) in [
            ("48600100200", "48600", "200"),
            ("48600123*", "48600", ""),
            ("*7100200", "", "200"),
            ("48600***200", "48600", "200"),
        ] {
            let blurred = NumberPattern::parse(text).unwrap().blurred();
            assert_eq!(Some(blurred), ends(head, tail), "{text}");
        }
    }
}
