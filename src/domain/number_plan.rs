//! The plan of numbers as its file lists it: classes with their rules, ranges, dated prices, words
//! that nobody may have.
//!
//! It reads no file itself; [`NumberPlan::shipped`] is the one that is built in. What surprises:
//! nothing here computes a gross price. What an operator publishes is not always the net with VAT,
//! rounded. [poland.md 1]

use std::sync::{Arc, LazyLock};

use smol_str::SmolStr;

use super::{
    agreement::words,
    agreement_kind::{Both, micros},
    application::Area,
    deadline::start_of,
    look_alike::look,
    number::Keyword,
};

const CLASSES_MAX: usize = 64;
const ROWS_MAX: usize = 4096;
const WORDS_MAX: usize = 2000;
const DAYS_MAX: u16 = 3650;
const QUOTA_MAX: i64 = 100_000;
/// 1000 PLN: more is a slip of the comma.
const PRICE_MAX: i64 = 100_000;

words! {
    /// What a number is for.
    NumberArea { Sms = "sms", Mms = "mms", Wap = "wap", Voice = "voice" }
}

words! {
    /// Why a word cannot be a keyword of a partner.
    WordBar {
        /// Every subscriber must be able to send it.
        Reserved = "reserved",
        /// Nobody wants it in an advertisement.
        Forbidden = "forbidden",
    }
}

/// Numbers that are sold under the same rules.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberClass {
    pub name: SmolStr,
    pub area: NumberArea,
    pub title: Both,
    pub lengths: Vec<u8>,
    pub hold_days: u16,
    pub warn_days: u16,
    pub extensions: i64,
    pub quota: i64,
    pub rest_days: u16,
    pub cool_off_days: u16,
}

impl NumberArea {
    /// The area of the partnership whose agreements its prices belong to.
    pub fn of_partnership(self) -> Area {
        match self {
            Self::Sms | Self::Mms => Area::SmsMms,
            Self::Wap => Area::Wap,
            Self::Voice => Area::Number,
        }
    }
}

impl NumberClass {
    /// Whether the gateway routes messages to its numbers.
    pub fn is_routed(&self) -> bool {
        matches!(self.area, NumberArea::Sms | NumberArea::Mms)
    }

    /// When a reservation made or extended at `at` ends.
    pub fn hold_until(&self, at: i64) -> i64 {
        at.saturating_add(micros(self.hold_days))
    }

    pub fn cools_until(&self, at: i64) -> i64 {
        at.saturating_add(micros(self.cool_off_days))
    }
}

/// A price from the first moment of a day in Warsaw on. Money in grosze.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanPrice {
    pub from: jiff::civil::Date,
    pub net: i64,
    /// In hundredths of a percent: 2300 is 23 %.
    pub vat: i64,
    /// What is published, and charged.
    pub gross: i64,
}

impl PlanPrice {
    /// Microseconds UTC.
    pub fn valid_from(&self) -> i64 {
        start_of(self.from)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTariff {
    pub code: SmolStr,
    /// By day, the oldest first.
    pub prices: Vec<PlanPrice>,
}

impl PlanTariff {
    /// The price of a day; none before the first.
    pub fn on(&self, day: jiff::civil::Date) -> Option<&PlanPrice> {
        self.prices.iter().rev().find(|price| price.from <= day)
    }

    /// The price of a moment; none before the first.
    pub fn at(&self, now: i64) -> Option<&PlanPrice> {
        self.prices.iter().rev().find(|price| price.valid_from() <= now)
    }
}

/// Digits from one number to another, both included.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberRange {
    pub class: SmolStr,
    pub from: SmolStr,
    pub to: SmolStr,
    pub tariff: Option<SmolStr>,
}

impl NumberRange {
    /// `74xx` where it is all numbers of a beginning, else the first and the last.
    pub fn pattern(&self) -> String {
        let same = self.from.bytes().zip(self.to.bytes()).take_while(|(a, b)| a == b).count();
        let rest = self.from.len() - same;
        if self.from[same..].bytes().all(|digit| digit == b'0')
            && self.to[same..].bytes().all(|digit| digit == b'9')
        {
            return format!("{}{}", &self.from[..same], "x".repeat(rest));
        }
        format!("{}\u{2013}{}", self.from, self.to)
    }

    pub fn holds(&self, digits: &str) -> bool {
        digits.len() == self.from.len() && (&*self.from..=&*self.to).contains(&digits)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    reserved: Vec<SmolStr>,
    forbidden: Vec<SmolStr>,
}

/// What is wrong with a file of numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("numbers: {0}")]
pub struct BadPlan(pub String);

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberPlan {
    tariffs: Vec<PlanTariff>,
    ranges: Vec<NumberRange>,
    class: Vec<NumberClass>,
    words: Words,
}

impl NumberPlan {
    pub fn parse(text: &str) -> Result<Self, BadPlan> {
        let plan: Self = toml::from_str(text).map_err(|error| BadPlan(error.to_string()))?;
        plan.check().map_err(BadPlan)?;
        Ok(plan)
    }

    /// The Polish plan that is built in.
    pub fn shipped() -> Arc<Self> {
        static SHIPPED: LazyLock<Arc<NumberPlan>> = LazyLock::new(|| {
            let text = include_str!("../../config/number_classes.toml");
            Arc::new(NumberPlan::parse(text).expect("a test reads the shipped file"))
        });
        Arc::clone(&SHIPPED)
    }

    pub fn class(&self, name: &str) -> Option<&NumberClass> {
        self.class.iter().find(|class| class.name == name)
    }

    pub fn classes(&self) -> impl Iterator<Item = &NumberClass> {
        self.class.iter()
    }

    pub fn tariff(&self, code: &str) -> Option<&PlanTariff> {
        self.tariffs.iter().find(|tariff| tariff.code == code)
    }

    pub fn tariffs(&self) -> impl Iterator<Item = &PlanTariff> {
        self.tariffs.iter()
    }

    pub fn ranges(&self) -> impl Iterator<Item = &NumberRange> {
        self.ranges.iter()
    }

    /// The range that a number belongs to. Ranges never overlap.
    pub fn range_of(&self, digits: &str) -> Option<&NumberRange> {
        self.ranges.iter().find(|range| range.holds(digits))
    }

    /// Why a word cannot be reserved. A look-alike of a reserved word is reserved too, because a
    /// subscriber who means `STOP` must never order something.
    pub fn bar(&self, word: &str) -> Option<WordBar> {
        let seen = look(word);
        if self.words.reserved.iter().any(|reserved| look(reserved) == seen) {
            return Some(WordBar::Reserved);
        }
        let is_foul = self.words.forbidden.iter().any(|foul| seen.contains(&look(foul)));
        is_foul.then_some(WordBar::Forbidden)
    }

    fn check(&self) -> Result<(), String> {
        if self.class.len() > CLASSES_MAX || self.tariffs.len().max(self.ranges.len()) > ROWS_MAX {
            return Err(format!("more than {CLASSES_MAX} classes or {ROWS_MAX} rows"));
        }
        for (place, class) in self.class.iter().enumerate() {
            let is_new = self.class[..place].iter().all(|above| above.name != class.name);
            class.check(is_new).map_err(|why| format!("class `{}`: {why}", class.name))?;
        }
        for (place, tariff) in self.tariffs.iter().enumerate() {
            let is_new = self.tariffs[..place].iter().all(|above| above.code != tariff.code);
            tariff.check(is_new).map_err(|why| format!("tariff `{}`: {why}", tariff.code))?;
        }
        for (place, range) in self.ranges.iter().enumerate() {
            self.check_range(range, &self.ranges[..place])
                .map_err(|why| format!("range {} to {}: {why}", range.from, range.to))?;
        }
        let words = || self.words.reserved.iter().chain(&self.words.forbidden);
        if words().count() > WORDS_MAX {
            return Err(format!("more than {WORDS_MAX} words"));
        }
        match words().find(|word| Keyword::parse(word).is_err()) {
            Some(word) => Err(format!("`{word}` is no keyword, so nobody can reserve it")),
            None => Ok(()),
        }
    }

    fn check_range(&self, range: &NumberRange, above: &[NumberRange]) -> Result<(), String> {
        let class = self.class(&range.class).ok_or("its class does not exist")?;
        let are_digits =
            [&range.from, &range.to].iter().all(|end| end.bytes().all(|b| b.is_ascii_digit()));
        if !are_digits || range.from.len() != range.to.len() || range.from > range.to {
            return Err("it goes from digits to as many digits that are not less".to_owned());
        }
        if !class.lengths.iter().any(|length| usize::from(*length) == range.from.len()) {
            return Err("numbers of its class have another length".to_owned());
        }
        if let Some(code) = &range.tariff
            && self.tariff(code).is_none()
        {
            return Err(format!("tariff `{code}` does not exist"));
        }
        let overlaps = |other: &NumberRange| other.holds(&range.from) || range.holds(&other.from);
        if above.iter().any(overlaps) { Err("it overlaps another one".to_owned()) } else { Ok(()) }
    }
}

impl NumberClass {
    fn check(&self, is_new: bool) -> Result<(), String> {
        let is_word = (1..=32).contains(&self.name.len())
            && self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !is_word || !is_new {
            return Err("its name must be new, of a-z, 0-9 and _, 32 at most".to_owned());
        }
        // What is routed is a short code, which has 8 digits at most.
        let longest = if self.is_routed() { 8 } else { 9 };
        let fits = |length: &u8| (3..=longest).contains(length);
        if self.lengths.is_empty() || !self.lengths.iter().all(fits) {
            return Err(format!("lengths are 3 to {longest} digits"));
        }
        if !(1..=DAYS_MAX).contains(&self.hold_days) || self.warn_days >= self.hold_days {
            return Err(format!("hold_days are 1 to {DAYS_MAX}, and warn_days less"));
        }
        if self.rest_days > DAYS_MAX || self.cool_off_days > DAYS_MAX {
            return Err(format!("days are {DAYS_MAX} at most"));
        }
        if !(0..=100).contains(&self.extensions) || !(1..=QUOTA_MAX).contains(&self.quota) {
            return Err(format!("extensions are 0 to 100, quota 1 to {QUOTA_MAX}"));
        }
        Ok(())
    }
}

impl PlanTariff {
    fn check(&self, is_new: bool) -> Result<(), String> {
        let fits = (1..=16).contains(&self.code.len())
            && self.code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !fits || !is_new {
            return Err("its code must be new, 1 to 16 letters, digits, `-`, `_`, `.`".to_owned());
        }
        if self.prices.is_empty() || !self.prices.windows(2).all(|two| two[0].from < two[1].from) {
            return Err("it needs prices, the oldest first".to_owned());
        }
        for price in &self.prices {
            if price.net < 0 || price.gross < price.net || price.gross > PRICE_MAX {
                return Err(format!("a price is 0 to {PRICE_MAX} grosze, the gross not less"));
            }
            // The ledger keeps tenths of a percent.
            if !(0..=10_000).contains(&price.vat) || price.vat % 10 != 0 {
                return Err("VAT is 0 to 10000 hundredths of a percent, in tens".to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "number_plan_tests.rs"]
mod tests;
