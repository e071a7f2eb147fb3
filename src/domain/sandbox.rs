//! The sandbox: for whom an account is, which numbers play which fate, and what a partner's
//! software must have done before it meets subscribers.
//!
//! It sends nothing; the gateway's `test_link` plays what is written here. What surprises: a
//! message has no mark of its own. It is a test exactly if its group of links is [`SANDBOX`], which
//! each message carries anyway, so that the mark survives a restart and costs a live message nothing.

use super::{
    agreement::words,
    number::{Keyword, Msisdn},
    partner::PartnerId,
};

/// The name of the link, and of the group, that plays the operator. No configured link may have it.
pub const SANDBOX: &str = "sandbox";
/// The number of every partner's own test service; its keyword says whose text it is.
pub const SANDBOX_NUMBER: &str = "00000";
/// The name of that service: none that a partner could choose.
pub const SANDBOX_SERVICE: &str = "~sandbox";

/// A partner's word on the number of all sandboxes.
pub fn keyword_of(partner: PartnerId) -> Keyword {
    let word = format!("T{}", partner.0.unsigned_abs());
    Keyword::parse(&word).expect("a letter and at most 19 digits are a keyword")
}

words! {
    /// For whom an account or a key is.
    #[derive(Default)]
    Mode {
        #[default]
        Live = "live",
        Test = "test",
    }
}

impl Mode {
    /// That of a message.
    pub fn of(link_group: &str) -> Self {
        if link_group == SANDBOX { Self::Test } else { Self::Live }
    }
}

words! {
    /// What a partner's software has to do in its sandbox, in the order in which it can.
    Exercise {
        Bind = "bind",
        EnquireLink = "enquire_link",
        Mt = "mt",
        Receipt = "receipt",
        Mo = "mo",
        /// It was throttled, waited as long as it was told, and submitted again.
        Throttle = "throttle",
    }
}

words! {
    /// What becomes of a test message, by the number that it goes to.
    Fate {
        Delivered = "delivered",
        Undeliverable = "undeliverable",
        Expired = "expired",
        Rejected = "rejected",
        /// The operator never answers, and a minute later nobody knows.
        Unknown = "unknown",
        /// Submits are refused until one comes that waited.
        Throttled = "throttled",
        /// Delivered, and the receipt takes a minute.
        LateReceipt = "late_receipt",
        Reply = "reply",
        /// Delivered, and the operator hands the subscriber's answer over twice.
        RepeatedMo = "repeated_mo",
        /// The operator refuses it once for the moment; the gateway tries again.
        Retried = "retried",
    }
}

const SECOND_US: i64 = 1_000_000;

impl Fate {
    /// The number that has it. No Polish number goes on with a zero behind its country code, so
    /// none of them is ever a subscriber's.
    pub fn number(self) -> &'static str {
        match self {
            Self::Delivered => "48000000001",
            Self::Undeliverable => "48000000002",
            Self::Expired => "48000000003",
            Self::Rejected => "48000000004",
            Self::Unknown => "48000000005",
            Self::Throttled => "48000000006",
            Self::LateReceipt => "48000000007",
            Self::Reply => "48000000008",
            Self::RepeatedMo => "48000000009",
            Self::Retried => "48000000010",
        }
    }

    /// That of a number; one that is not in the table is a subscriber whom everything reaches.
    pub fn of(number: &Msisdn) -> Self {
        let has = |fate: &&Self| fate.number() == number.as_str();
        Self::ALL.iter().find(has).copied().unwrap_or(Self::Delivered)
    }

    /// Microseconds from the submit to its end.
    pub fn ends_after(self) -> i64 {
        match self {
            Self::Expired => 5 * SECOND_US,
            Self::LateReceipt | Self::Unknown => 60 * SECOND_US,
            _ => SECOND_US,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_has_a_number_of_its_own_that_no_subscriber_has() {
        for fate in Fate::ALL {
            let number = Msisdn::parse(fate.number()).unwrap();
            assert!(number.as_str().starts_with("480"), "{fate}");
            assert_eq!(Fate::of(&number), *fate);
        }
        assert_eq!(Fate::of(&Msisdn::parse("48600100200").unwrap()), Fate::Delivered);
    }

    #[test]
    fn a_message_is_a_test_exactly_by_its_group() {
        assert_eq!(Mode::of("sandbox"), Mode::Test);
        for group in ["", "main", "Sandbox", "sandbox2"] {
            assert_eq!(Mode::of(group), Mode::Live, "{group}");
        }
    }
}
