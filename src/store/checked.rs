//! What a person hands in, held against what loading accepts: a row that the catalog cannot read
//! keeps every node from starting.
//!
//! It knows no business rule; those are the verbs'. The surprise: a keyword is stored as it is
//! compared, folded, so that `win` and `WIN` are one keyword to the constraint too.

use super::{Error, NewCredential, NewService, NewTariff};
use crate::domain::{
    Billing, Currency, Keyword, Msisdn, Sender, ServiceState, ShortCode, number::BadNumber,
};

impl From<BadNumber> for Error {
    fn from(bad: BadNumber) -> Self {
        Self::Wrong(bad.to_string())
    }
}

/// The keywords of a good service, folded.
pub(super) fn service(new: &NewService) -> Result<Vec<Keyword>, Error> {
    ShortCode::parse(&new.short_code)?;
    state(&new.state)?;
    let words = "free, mo, mt";
    Billing::parse(&new.billing).ok_or_else(|| not_among("billing", &new.billing, words))?;
    among("on_unknown", &new.on_unknown, &["resend", "park"])?;
    among("charge_at", &new.charge_at, &["delivered", "submitted"])?;
    for number in &new.test_numbers {
        Msisdn::parse(number)?;
    }
    Ok(new.keywords.iter().map(|word| Keyword::parse(word)).collect::<Result<_, _>>()?)
}

pub(super) fn state(word: &str) -> Result<(), Error> {
    let words = "testing, live, suspended, closed";
    ServiceState::parse(word).map(|_| ()).ok_or_else(|| not_among("state", word, words))
}

pub(super) fn short_code(digits: &str) -> Result<(), Error> {
    ShortCode::parse(digits)?;
    Ok(())
}

pub(super) fn credential(new: &NewCredential) -> Result<(), Error> {
    hash(&new.secret)?;
    addresses(&new.addresses)?;
    if let Some(sender) = &new.default_sender {
        Sender::parse(sender)?;
    }
    Ok(())
}

pub(super) fn addresses(list: &[String]) -> Result<(), Error> {
    let odd = list.iter().find(|text| text.parse::<ipnet::IpNet>().is_err());
    odd.map_or(Ok(()), |odd| {
        let why = "is no network; write one like 192.0.2.0/24 or 2001:db8::/32";
        Err(Error::Wrong(format!("`{}` {why}", clip(odd))))
    })
}

/// An HMAC in hex. The secret itself is never named.
pub(super) fn hash(hex: &str) -> Result<(), Error> {
    if super::load::from_hex(hex).is_some() {
        return Ok(());
    }
    Err(Error::Wrong("the hash of a secret is 64 hex digits".to_owned()))
}

pub(super) fn tariff(new: &NewTariff) -> Result<(), Error> {
    let currency = &new.currency;
    Currency::parse(currency).map(|_| ()).ok_or_else(|| {
        Error::Wrong(format!("`{}` is no currency; write one like PLN", clip(currency)))
    })
}

fn among(what: &str, word: &str, words: &[&str]) -> Result<(), Error> {
    if words.contains(&word) { Ok(()) } else { Err(not_among(what, word, &words.join(", "))) }
}

fn not_among(what: &str, word: &str, words: &str) -> Error {
    Error::Wrong(format!("{what} `{}` is not one of {words}", clip(word)))
}

/// Bad input is quoted back, but never at length.
fn clip(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(32).collect()
}
