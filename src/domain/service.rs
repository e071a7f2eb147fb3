//! A partner's product: a number with or without keywords, a tariff, who pays, and the way its
//! texts reach the partner. What matters to a message is frozen into it at acceptance.

use smol_str::SmolStr;

use super::{
    number::{Keyword, Msisdn, ShortCode},
    partner::PartnerId,
    refusal::Refusal,
    service_field::TextCoding,
    standard_word::StandardTexts,
    tariff::TariffId,
};
use crate::payload::Alphabet;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ServiceId(pub i64);

#[derive(Debug, Clone)]
pub struct Service {
    pub id: ServiceId,
    /// Raised by every change; the message names the version that it met.
    pub version: i64,
    pub partner: PartnerId,
    pub name: SmolStr,
    pub state: ServiceState,
    pub short_code: ShortCode,
    /// None: the service uses the number only as a sender.
    pub keywords: Vec<Keyword>,
    pub billing: Billing,
    pub tariff: Option<TariffId>,
    /// Tariffs that a submit may name instead, by code (S098).
    pub tariffs_allowed: Vec<SmolStr>,
    /// Group of SMSC links that carries its MT.
    pub link_group: SmolStr,
    pub delivery: Delivery,
    pub on_unknown: OnUnknown,
    pub charge_at: ChargeAt,
    pub brakes: Brakes,
    /// Longest life of an MT in microseconds; longer wishes are capped (S074).
    pub validity_max_us: i64,
    /// Subscribers served while the service is in limited production; empty serves all.
    pub test_numbers: Vec<Msisdn>,
    pub limits: ServiceLimits,
    /// Of a subscription: what the gateway itself answers to POMOC, INFO and STOP.
    pub standard: Option<StandardTexts>,
}

/// What a service may send, and when there is one. 0, or nothing in a list, is no limit of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceLimits {
    /// MT a second.
    pub rate: u32,
    /// Parts of one MT.
    pub parts_max: u8,
    /// Microseconds UTC: nothing before the one, nothing from the other on.
    pub begins_at: i64,
    pub ends_at: i64,
    pub coding: TextCoding,
    /// Seconds between its tries: there is one try more than pauses.
    pub retry: Vec<u32>,
    /// Vendors' TLVs that its messages may carry.
    pub tlvs: Vec<u16>,
}

/// The pause before another try of a message that the operator does not take for the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// The service leaves it to the gateway.
    Usual,
    Seconds(u32),
    /// It was tried as often as its service says.
    NoMore,
}

impl ServiceLimits {
    /// The pause after that many tries, counted from 1.
    pub fn pause_after(&self, tries: u32) -> Pause {
        if self.retry.is_empty() {
            return Pause::Usual;
        }
        let place = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
        self.retry.get(place).map_or(Pause::NoMore, |seconds| Pause::Seconds(*seconds))
    }

    fn takes(&self, alphabet: Alphabet) -> bool {
        match (self.coding, alphabet) {
            // Octets are no text.
            (TextCoding::Auto, _) | (_, Alphabet::Binary) => true,
            (TextCoding::Gsm7, alphabet) => alphabet == Alphabet::Gsm7,
            (TextCoding::Ucs2, alphabet) => alphabet == Alphabet::Ucs2,
        }
    }
    /// What a service out of its schedule is, in a word for people; none if it is in it.
    pub fn is_off(&self, now: i64) -> Option<&'static str> {
        if now < self.begins_at {
            Some("not begun")
        } else if self.ends_at != 0 && now >= self.ends_at {
            Some("over")
        } else {
            None
        }
    }
}

impl Service {
    /// Whether its description has room for a message: its parts, its alphabet, its TLVs. What
    /// does not fit is refused and never made to fit.
    pub fn has_room_for(
        &self,
        parts: u8,
        data_coding: u8,
        mut tlvs: impl Iterator<Item = u16>,
    ) -> Result<(), Refusal> {
        let limits = &self.limits;
        if limits.parts_max != 0 && parts > limits.parts_max {
            let (name, most) = (&self.name, limits.parts_max);
            let text = format!("takes {parts} parts; service {name} allows {most}");
            return Err(Refusal::BadLength(text));
        }
        // What names no alphabet was refused before.
        let alphabet = Alphabet::of(data_coding, Alphabet::Gsm7);
        if alphabet.is_ok_and(|alphabet| !limits.takes(alphabet)) {
            let service = self.name.clone();
            return Err(Refusal::AlphabetNotAllowed { service, coding: limits.coding });
        }
        if limits.tlvs.is_empty() {
            return Ok(());
        }
        match tlvs.find(|tag| !limits.tlvs.contains(tag)) {
            Some(tag) => Err(Refusal::TlvNotAllowed { tag, service: self.name.clone() }),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    Testing,
    Live,
    Suspended,
    Closed,
}

impl ServiceState {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "testing" => Self::Testing,
            "live" => Self::Live,
            "suspended" => Self::Suspended,
            "closed" => Self::Closed,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Testing => "testing",
            Self::Live => "live",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

/// Which direction carries the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Billing {
    Free,
    Mo,
    Mt,
}

impl Billing {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "free" => Self::Free,
            "mo" => Self::Mo,
            "mt" => Self::Mt,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Mo => "mo",
            Self::Mt => "mt",
        }
    }
}

/// How MO texts reach the partner. Receipts go back the way the MT came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Smpp,
    Callback(Callback),
}

/// A partner's HTTPS address and the secrets that sign what is sent there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub url: String,
    /// `whsec_...`; two while a rotation overlaps.
    pub secrets: Vec<String>,
    pub is_enabled: bool,
}

/// What happens to an uncharged MT whose outcome is unknown. A charged one is always parked (P8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnUnknown {
    Resend,
    Park,
}

/// The move of a charged MT that leaves the ledger row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChargeAt {
    Submitted,
    Delivered,
}

/// Safety net against a partner's mistake (P13): charged messages and money per subscriber.
/// 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brakes {
    pub per_minute: u32,
    pub per_day: u32,
    pub spend_per_day_minor: i64,
}

impl Brakes {
    pub fn are_set(&self) -> bool {
        self.per_minute > 0 || self.per_day > 0 || self.spend_per_day_minor > 0
    }
}
