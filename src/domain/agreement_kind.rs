//! The kinds of agreement as their file lists them: who signs, what must be in force, how long.
//!
//! It reads no file itself; [`AgreementKinds::shipped`] is the one that is built in. What
//! surprises: a kind may only require kinds above it in the file, so no circle can be written.

use std::sync::{Arc, LazyLock};

use smol_str::SmolStr;

use super::agreement::{ReturnWay, Side, words};

const DAY_US: i64 = 86_400_000_000;
/// Kinds and items of lists; a file beyond them is a mistake.
const KINDS_MAX: usize = 64;
const ITEMS_MAX: usize = 16;
/// Ten years, in days.
const DAYS_MAX: u16 = 3650;

words! {
    /// What the operator owes with its reply (R0.27); the step is complete only with all of them.
    ReplyItem {
        /// One copy with both signatures is on its way to the partner.
        SignedCopy = "signed_copy",
        PartnerNumber = "partner_number",
        /// The invitation of the administrator; never a password.
        Access = "access",
        /// How services are registered.
        RegisteringServices = "registering_services",
    }
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Both {
    pub pl: String,
    pub en: String,
}

impl Both {
    pub fn of(&self, language: &str) -> &str {
        if language == "en" { &self.en } else { &self.pl }
    }
}

/// What one kind of agreement asks for.
#[expect(clippy::struct_excessive_bools, reason = "each is a line of the file by itself")]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementKind {
    #[serde(rename = "kind")]
    pub name: SmolStr,
    pub series: SmolStr,
    pub title: Both,
    /// In the order of signing (Q4.4).
    pub signatories: Vec<Side>,
    pub return_ways: Vec<ReturnWay>,
    #[serde(default)]
    pub requires: Vec<SmolStr>,
    /// In force, it makes the company a partner.
    #[serde(default)]
    pub admits: bool,
    #[serde(default)]
    pub many: bool,
    #[serde(default)]
    pub checks_uploads: bool,
    pub copies: u8,
    #[serde(default)]
    pub stamp: bool,
    #[serde(default)]
    pub enclosures: Vec<SmolStr>,
    /// Once that kind is in force, the operator prepares this one within some days (Q4.9).
    pub prepare_after: Option<SmolStr>,
    pub prepare_within_days: Option<u16>,
    pub return_within_days: u16,
    #[serde(default)]
    pub remind_after_days: Vec<u16>,
    pub lapse_after_days: u16,
    pub reply_within_days: Option<u16>,
    /// Days between the publication of changed terms and their effect, at least (R1.01).
    #[serde(default = "notice_days")]
    pub notice_days: u16,
    #[serde(default)]
    pub reply: Vec<ReplyItem>,
}

impl AgreementKind {
    /// Whether the partner's copy, come back that way, is the last thing that is wanted.
    pub fn is_complete_with(&self, way: ReturnWay) -> bool {
        self.signatories == [Side::Partner] && !(self.checks_uploads && way != ReturnWay::Paper)
    }

    /// When the next reminder of an agreement sent at `sent` is due, after so many went out.
    pub fn remind_at(&self, sent: i64, reminders: usize) -> Option<i64> {
        self.remind_after_days.get(reminders).map(|days| sent + micros(*days))
    }

    pub fn return_by(&self, sent: i64) -> i64 {
        sent + micros(self.return_within_days)
    }

    pub fn lapse_at(&self, sent: i64) -> i64 {
        sent + micros(self.lapse_after_days)
    }
}

const fn notice_days() -> u16 {
    14
}

/// Days as microseconds; clocks of agreements run through weekends.
pub fn micros(days: u16) -> i64 {
    i64::from(days) * DAY_US
}

/// What is wrong with a file of kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("agreements: {0}")]
pub struct BadKinds(pub String);

/// All kinds, in the order of their file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementKinds {
    agreement: Vec<AgreementKind>,
}

impl AgreementKinds {
    pub fn parse(text: &str) -> Result<Self, BadKinds> {
        let kinds: Self = toml::from_str(text).map_err(|error| BadKinds(error.to_string()))?;
        if kinds.agreement.len() > KINDS_MAX {
            return Err(BadKinds(format!("more than {KINDS_MAX} kinds")));
        }
        for (place, kind) in kinds.agreement.iter().enumerate() {
            kind.check(&kinds.agreement[..place])
                .map_err(|why| BadKinds(format!("kind `{}`: {why}", kind.name)))?;
        }
        Ok(kinds)
    }

    /// The kinds that are built in.
    pub fn shipped() -> Arc<Self> {
        static SHIPPED: LazyLock<Arc<AgreementKinds>> = LazyLock::new(|| {
            let text = include_str!("../../config/agreements.toml");
            Arc::new(AgreementKinds::parse(text).expect("a test reads the shipped file"))
        });
        Arc::clone(&SHIPPED)
    }

    pub fn get(&self, name: &str) -> Option<&AgreementKind> {
        self.agreement.iter().find(|kind| kind.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &AgreementKind> {
        self.agreement.iter()
    }

    /// Kinds whose preparation is due once `name` is in force.
    pub fn prepared_after<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a AgreementKind> {
        self.iter().filter(move |kind| kind.prepare_after.as_deref() == Some(name))
    }
}

impl AgreementKind {
    fn check(&self, above: &[Self]) -> Result<(), String> {
        let is_word = |word: &str| {
            (1..=32).contains(&word.len())
                && word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_')
        };
        if !is_word(&self.name) || above.iter().any(|kind| kind.name == self.name) {
            return Err("its name must be new, of a-z and _, 32 at most".to_owned());
        }
        let is_series = (1..=8).contains(&self.series.len())
            && self.series.bytes().all(|octet| octet.is_ascii_uppercase());
        // `P` counts partners.
        if !is_series || self.series == "P" || above.iter().any(|k| k.series == self.series) {
            return Err("series must be new, of A-Z, 8 at most, and not P".to_owned());
        }
        match self.signatories[..] {
            [Side::Partner] | [Side::Partner, Side::Operator] => {}
            _ => return Err("signatories are the partner, then perhaps the operator".to_owned()),
        }
        if self.return_ways.is_empty() || !(1..=9).contains(&self.copies) {
            return Err("needs a way of return and 1 to 9 copies".to_owned());
        }
        let lists = [self.requires.len(), self.enclosures.len(), self.remind_after_days.len()];
        if lists.iter().chain([&self.reply.len()]).any(|count| *count > ITEMS_MAX) {
            return Err(format!("a list has more than {ITEMS_MAX} items"));
        }
        for other in self.requires.iter().chain(&self.prepare_after) {
            if !above.iter().any(|kind| kind.name == *other) {
                return Err(format!("`{other}` must be a kind that stands above"));
            }
        }
        self.check_days()
    }

    fn check_days(&self) -> Result<(), String> {
        let within = [self.prepare_within_days, self.reply_within_days];
        let days = within.into_iter().flatten().chain([self.return_within_days]);
        if days
            .chain([self.lapse_after_days, self.notice_days])
            .any(|days| !(1..=DAYS_MAX).contains(&days))
        {
            return Err(format!("days are 1 to {DAYS_MAX}"));
        }
        if self.lapse_after_days < self.return_within_days {
            return Err("it would lapse before it must be back".to_owned());
        }
        let reminders = &self.remind_after_days;
        let rises = reminders.windows(2).all(|pair| pair[0] < pair[1]);
        if !rises || reminders.iter().any(|days| *days == 0 || *days >= self.lapse_after_days) {
            return Err("reminders rise, from 1 day to less than lapse_after_days".to_owned());
        }
        if self.prepare_after.is_some() != self.prepare_within_days.is_some() {
            return Err("prepare_after and prepare_within_days go together".to_owned());
        }
        if !self.reply.is_empty() && self.reply_within_days.is_none() {
            return Err("a reply needs reply_within_days".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#"
        [[agreement]]
        kind = "nda"
        series = "NDA"
        title = { pl = "a", en = "b" }
        signatories = ["partner"]
        return_ways = ["paper"]
        copies = 2
        return_within_days = 14
        lapse_after_days = 60
    "#;

    #[test]
    fn the_shipped_kinds_are_the_ones_that_the_rules_name() {
        let kinds = AgreementKinds::shipped();
        let nda = kinds.get("nda").unwrap();
        assert_eq!(nda.signatories, [Side::Partner]);
        assert_eq!((nda.return_within_days, nda.lapse_after_days), (14, 60));
        let framework = kinds.get("framework").unwrap();
        assert_eq!(framework.signatories, [Side::Partner, Side::Operator]);
        assert_eq!(framework.requires, ["nda"]);
        assert_eq!(framework.reply, ReplyItem::ALL);
        assert_eq!((framework.copies, framework.stamp, framework.admits), (2, true, true));
        for kind in kinds.iter() {
            assert_eq!(kind.return_ways, ReturnWay::ALL, "{}", kind.name);
        }
        let next: Vec<_> = kinds.prepared_after("nda").map(|kind| kind.name.as_str()).collect();
        assert_eq!(next, ["framework"]);
    }

    #[test]
    fn a_copy_is_the_last_thing_wanted_only_if_nobody_else_signs_or_looks() {
        let kinds = AgreementKinds::shipped();
        let mut nda = kinds.get("nda").unwrap().clone();
        for way in ReturnWay::ALL {
            assert!(nda.is_complete_with(*way));
            assert!(!kinds.get("framework").unwrap().is_complete_with(*way));
        }
        nda.checks_uploads = true;
        assert!(nda.is_complete_with(ReturnWay::Paper), "paper was in somebody's hands");
        assert!(!nda.is_complete_with(ReturnWay::Upload));
    }

    #[test]
    fn a_file_that_cannot_work_is_refused_with_the_reason() {
        assert!(AgreementKinds::parse(LEAST).is_ok());
        let twice = format!("{LEAST}{LEAST}");
        assert!(AgreementKinds::parse(&twice).unwrap_err().0.contains("name must be new"));
        for (line, other, why) in [
            ("copies = 2", "copies = 0", "1 to 9 copies"),
            ("copies = 2", "copies = 2\nstamps = true", "stamps"),
            ("\"NDA\"", "\"P\"", "not P"),
            ("[\"partner\"]", "[\"operator\"]", "signatories"),
            ("[\"paper\"]", "[\"fax\"]", "`fax` is none of paper"),
            ("[\"paper\"]", "[]", "way of return"),
            ("copies = 2", "copies = 2\nrequires = [\"nda\"]", "`nda` must be a kind"),
            ("= 60", "= 13", "lapse before"),
            ("= 14", "= 0", "days are 1"),
            ("= 14", "= 14\nremind_after_days = [7, 7]", "reminders rise"),
            ("= 14", "= 14\nremind_after_days = [60]", "reminders rise"),
            ("= 14", "= 14\nreply = [\"access\"]", "reply_within_days"),
            ("= 14", "= 14\nprepare_within_days = 3", "go together"),
        ] {
            let told = AgreementKinds::parse(&LEAST.replace(line, other)).unwrap_err().0;
            assert!(told.contains(why), "{other}: {told}");
        }
    }

    #[test]
    fn reminders_are_counted_from_the_sending_and_end() {
        let kinds = AgreementKinds::shipped();
        let nda = kinds.get("nda").unwrap();
        let due: Vec<_> = (0..4).map(|sent| nda.remind_at(0, sent)).collect();
        assert_eq!(due, [Some(7 * DAY_US), Some(14 * DAY_US), Some(30 * DAY_US), None]);
        assert_eq!((nda.return_by(5), nda.lapse_at(5)), (14 * DAY_US + 5, 60 * DAY_US + 5));
    }
}
