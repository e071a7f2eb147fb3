//! POMOC, INFO and STOP: what a subscriber of a subscription may always text, and which service is
//! meant. The gateway answers by itself, also while the partner is away or suspended.
//!
//! It sends nothing. What surprises: a keyword that a service really has goes before any of these
//! words, and only spellings of a list count, so that no partner's text is ever taken for a STOP.

use std::sync::Arc;

use super::{
    catalog::Catalog,
    company::line,
    fields::BadValue,
    number::{Keyword, Msisdn, ShortCode},
    service::{Billing, Service, ServiceState},
    service_field::{TextCoding, address, text},
    tariff::Money,
};
use crate::payload;

/// Characters of a contact for subscribers.
const CONTACT_MAX: usize = 120;

/// A word that every subscription service understands. [poland.md 1]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandardWord {
    Help,
    Info,
    Stop,
    /// Begins again what STOP ended; the partner answers it like any text.
    Start,
}

/// Spellings, folded as keywords are.
const SPELLINGS: [(StandardWord, &[&str]); 4] = [
    (StandardWord::Help, &["POMOC", "HELP", "POMOCY"]),
    (StandardWord::Info, &["INFO", "INFORMACJA", "INFORMACJE"]),
    (
        StandardWord::Stop,
        &["STOP", "STOPP", "STPO", "SOTP", "KONIEC", "REZYGNACJA", "REZYGNUJE", "WYPISZ"],
    ),
    (StandardWord::Start, &["START", "TAK", "OK", "AKTYWUJ"]),
];

/// What a subscription service lets the gateway answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardTexts {
    pub help: String,
    pub stop: String,
    /// A telephone number and a mail address for subscribers.
    pub contact: String,
    pub rules_url: String,
}

/// A text that is a standard word, and the service that it is about.
#[derive(Debug, Clone)]
pub struct StandardTurn {
    pub word: StandardWord,
    pub service: Arc<Service>,
    /// The keyword that named the service; the catch-all if none did.
    pub keyword: Keyword,
}

impl StandardWord {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Info => "info",
            Self::Stop => "stop",
            Self::Start => "start",
        }
    }

    /// What a keyword by itself means on every subscription.
    pub fn of_keyword(keyword: &str) -> Option<Self> {
        Self::split(keyword).map(|(word, _)| word)
    }

    /// The word with which a folded text opens, and what stands behind it.
    fn split(folded: &str) -> Option<(Self, &str)> {
        let end = folded.find(|c: char| !c.is_alphanumeric()).unwrap_or(folded.len());
        let (first, rest) = folded.split_at(end);
        let (word, _) = SPELLINGS.iter().find(|(_, spellings)| spellings.contains(&first))?;
        Some((*word, payload::opening(rest)))
    }

    /// Who ends need not be brief; any other word stands alone, or it is a text for the partner.
    fn alone(self, rest: &str) -> bool {
        rest.is_empty() || self == Self::Stop
    }
}

impl Catalog {
    /// The standard word that a text to a number is, if a subscription service is there to answer
    /// it: `STOP`, `STOP SPORT` and `SPORT STOP` alike.
    pub fn standard_word(
        &self,
        recipient: &ShortCode,
        text: &str,
        sender: &Msisdn,
    ) -> Option<StandardTurn> {
        if !self.has_subscriptions(recipient) {
            return None;
        }
        let folded = payload::fold(payload::opening(text));
        let turn = if let Some((service, keyword)) = self.keyword_on(recipient, &folded) {
            let rest = payload::opening(&folded[keyword.as_str().len()..]);
            let word = match rest {
                // The bare keyword orders the service once more.
                "" => StandardWord::Start,
                rest => StandardWord::split(rest).filter(|(word, rest)| word.alone(rest))?.0,
            };
            StandardTurn { word, service, keyword }
        } else {
            let (word, rest) = StandardWord::split(&folded)?;
            let named = self.keyword_on(recipient, rest);
            // Behind `STOP SPORT` may come anything; `INFO SPORT and weather` is a text.
            let words = named.as_ref().map_or(0, |(_, keyword)| keyword.as_str().len());
            if !word.alone(payload::opening(&rest[words..])) {
                return None;
            }
            let (service, keyword) = named.or_else(|| self.only_subscription(recipient))?;
            StandardTurn { word, service, keyword }
        };
        let service = &turn.service;
        let is_listed = service.test_numbers.contains(sender);
        let is_served = match service.state {
            ServiceState::Live => service.test_numbers.is_empty() || is_listed,
            ServiceState::Testing => is_listed,
            // Who was charged yesterday may end it today.
            ServiceState::Suspended => true,
            ServiceState::Closed => false,
        };
        (is_served && service.standard.is_some()).then_some(turn)
    }
}

impl StandardTexts {
    /// Whether each answer is one message on the air; if not, which one and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, BadValue)> {
        for (what, answer) in [("the help text", &self.help), ("the stop text", &self.stop)] {
            text(answer, TextCoding::Auto, 1).map_err(|bad| (what, bad))?;
        }
        line(&self.contact, 1, CONTACT_MAX).map_err(|bad| ("the contact", bad))?;
        address(&self.rules_url).map_err(|bad| ("the address of the rules", bad))?;
        Ok(())
    }

    /// What a service answers; none to a START, which is the partner's.
    pub fn answer(
        &self,
        word: StandardWord,
        (service, keyword): (&Service, &Keyword),
        gross: Option<Money>,
    ) -> Option<String> {
        match word {
            StandardWord::Help => Some(self.help.clone()),
            StandardWord::Stop => Some(self.stop.clone()),
            StandardWord::Info => Some(self.info((service, keyword), gross)),
            StandardWord::Start => None,
        }
    }

    /// Without Polish letters, which would double its parts.
    fn info(&self, (service, keyword): (&Service, &Keyword), gross: Option<Money>) -> String {
        let price = match (gross, service.billing) {
            (None, _) | (_, Billing::Free) => "bezplatna".to_owned(),
            (Some(gross), Billing::Mo) => format!("{gross} z VAT za wyslany SMS"),
            (Some(gross), Billing::Mt) => format!("{gross} z VAT za otrzymany SMS"),
        };
        let word = if keyword.is_catch_all() { "" } else { keyword.as_str() };
        let end = format!("STOP {word}");
        format!(
            "Usluga {}: {price}. Rezygnacja: {} na {}. Kontakt: {}. Regulamin: {}",
            service.name,
            end.trim_end(),
            service.short_code.as_str(),
            self.contact,
            self.rules_url
        )
    }
}

#[cfg(test)]
#[path = "standard_word_tests.rs"]
mod tests;
