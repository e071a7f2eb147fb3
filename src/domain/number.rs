//! Numbers: the short codes that the operator owns, the numbers of subscribers, the keywords
//! that share a short code, and the sender names that an MT may carry.
//!
//! Parsing is strict here and tolerant at the edges: an edge strips `+` and dialling habits,
//! this module only accepts what may be stored.

use smol_str::SmolStr;

use crate::payload;

/// Why a number or keyword cannot be one. The text says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNumber {
    #[error("short code `{0}` is not one; short codes are 3 to 8 digits")]
    ShortCode(SmolStr),
    #[error("number `{0}` is not international; use 7 to 15 digits with the country code")]
    Msisdn(SmolStr),
    #[error("keyword `{0}` is not one; keywords are 1 to 20 letters, digits or one of `. _ -`")]
    Keyword(SmolStr),
    #[error("sender `{0}` is not one; a name has 1 to 11 characters of the GSM alphabet")]
    SenderName(SmolStr),
}

/// A number of 3 to 8 digits that the operator owns and partners reserve.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShortCode(SmolStr);

impl ShortCode {
    pub fn parse(text: &str) -> Result<Self, BadNumber> {
        if (3..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(BadNumber::ShortCode(clip(text)))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A subscriber's number: international form, digits only, no `+`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Msisdn(SmolStr);

impl Msisdn {
    pub fn parse(text: &str) -> Result<Self, BadNumber> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
        {
            Ok(Self(digits.into()))
        } else {
            Err(BadNumber::Msisdn(clip(text)))
        }
    }

    /// Normalises a number as an SMSC may give it: with `+`, with `00`, or national.
    ///
    /// `country` is the prefix put before a national number, such as `48`.
    pub fn normalise(text: &str, national: bool, country: &str) -> Result<Self, BadNumber> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if national {
            let trimmed = digits.strip_prefix('0').unwrap_or(digits);
            let mut full = String::with_capacity(country.len() + trimmed.len());
            full.push_str(country);
            full.push_str(trimmed);
            return Self::parse(&full);
        }
        Self::parse(digits.strip_prefix("00").unwrap_or(digits))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number with its middle hidden, for logs and pages: `48600***200`.
    pub fn masked(&self) -> String {
        mask(&self.0)
    }
}

/// Hides the middle of a number: the first five and the last three digits stay.
pub fn mask(number: &str) -> String {
    if !number.is_ascii() || number.len() < 9 {
        return "***".to_owned();
    }
    format!("{}***{}", &number[..5], &number[number.len() - 3..])
}

/// The word that selects a service on a shared short code, folded to upper case ASCII.
///
/// `*` stands for "every text that no other keyword of this number takes".
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Keyword(SmolStr);

/// Octets that end a keyword in a subscriber's text. [poland.md 1]
pub const KEYWORD_SEPARATORS: &[u8] = b" ._-,:;/+#";

impl Keyword {
    pub const OCTETS_MAX: usize = 20;

    pub fn parse(text: &str) -> Result<Self, BadNumber> {
        if text == "*" {
            return Ok(Self(text.into()));
        }
        let folded = payload::fold(text);
        let good = (1..=Self::OCTETS_MAX).contains(&folded.len())
            && folded.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && folded.as_bytes()[0].is_ascii_alphanumeric();
        if good { Ok(Self(folded.as_ref().into())) } else { Err(BadNumber::Keyword(clip(text))) }
    }

    pub fn is_catch_all(&self) -> bool {
        self.0 == "*"
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an MT shows as its sender: a short code, a subscriber-like number, or a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sender {
    ShortCode(ShortCode),
    Number(Msisdn),
    /// 1 to 11 characters. The limit is GSM's, not SMPP's.
    Name(SmolStr),
}

impl Sender {
    /// Reads a sender as text: digits make a short code or a number, anything else a name.
    pub fn parse(text: &str) -> Result<Self, BadNumber> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            return match ShortCode::parse(digits) {
                Ok(code) if !text.starts_with('+') => Ok(Self::ShortCode(code)),
                _ => Msisdn::parse(digits).map(Self::Number),
            };
        }
        Self::name(text)
    }

    /// A sender that is a name even if it is all digits.
    pub fn name(text: &str) -> Result<Self, BadNumber> {
        let good = (1..=11).contains(&text.chars().count())
            && text.chars().all(|c| !c.is_control() && (c as u32) < 0x2000);
        if good { Ok(Self::Name(text.into())) } else { Err(BadNumber::SenderName(clip(text))) }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::ShortCode(code) => code.as_str(),
            Self::Number(number) => number.as_str(),
            Self::Name(name) => name,
        }
    }
}

/// Bad input is quoted back, but never at length.
fn clip(text: &str) -> SmolStr {
    text.chars().filter(|c| !c.is_control()).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_code_is_three_to_eight_digits() {
        for good in ["123", "7455", "12345678"] {
            assert_eq!(ShortCode::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "12", "123456789", "74a5", "+7455", " 7455"] {
            assert!(ShortCode::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_normalised_to_international_digits() {
        let normal = |text, national| Msisdn::normalise(text, national, "48").unwrap().0;
        assert_eq!(normal("+48600100200", false), "48600100200");
        assert_eq!(normal("0048600100200", false), "48600100200");
        assert_eq!(normal("600100200", true), "48600100200");
        assert_eq!(normal("0600100200", true), "48600100200");
        assert!(Msisdn::parse("600").is_err());
    }

    #[test]
    fn keywords_are_folded_and_checked() {
        assert_eq!(Keyword::parse("wín").unwrap().as_str(), "WIN");
        assert_eq!(Keyword::parse("ap.abc").unwrap().as_str(), "AP.ABC");
        assert!(Keyword::parse("*").unwrap().is_catch_all());
        for bad in ["", "WI N", "ABCDEFGHIJKLMNOPQRSTU", "??"] {
            assert!(Keyword::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sender_is_a_code_a_number_or_a_name() {
        assert!(matches!(Sender::parse("7455").unwrap(), Sender::ShortCode(_)));
        assert!(matches!(Sender::parse("+48600100200").unwrap(), Sender::Number(_)));
        assert!(matches!(Sender::parse("48600100200").unwrap(), Sender::Number(_)));
        assert!(matches!(Sender::parse("Acme Quiz").unwrap(), Sender::Name(_)));
        assert!(Sender::parse("Acme Quiz 2026").is_err());
    }

    #[test]
    fn masks_hide_the_middle() {
        assert_eq!(Msisdn::parse("48600100200").unwrap().masked(), "48600***200");
        assert_eq!(mask("7455"), "***");
    }
}
