//! What an operator promises about faults and whom partners call: the settings as the verbs take
//! them.
//!
//! What surprises: an area without a telephone has none, and no page invents one; only that of SMS
//! is the one that stands in agreements (R4.33).

use std::time::Duration;

use crate::{
    config::{self, Settings},
    domain::{FaultArea, Targets, deadline::Span},
};

/// How to reach the operator about one area.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultContact {
    /// Empty is none.
    pub mail: String,
    pub phone: String,
}

#[derive(Debug, Clone)]
pub struct FaultRules {
    pub targets: Targets,
    contacts: Vec<(FaultArea, FaultContact)>,
    /// Where reports are told; empty tells nobody.
    pub desk_mail: String,
    pub link_down_after: Duration,
    pub receipts_missing: i64,
    pub receipt_late_after: Duration,
    pub unknown_growth: i64,
}

impl Default for FaultRules {
    fn default() -> Self {
        Self::from_settings(&Settings::default())
    }
}

impl FaultRules {
    pub fn from_settings(settings: &Settings) -> Self {
        let (faults, operator) = (&settings.faults, &settings.operator);
        let contact = |area: FaultArea| {
            let phone = if area == FaultArea::Sms { operator.fault_phone.as_str() } else { "" };
            FaultContact {
                mail: of_area(&faults.area_mails, area).unwrap_or(&operator.fault_mail).to_owned(),
                phone: of_area(&faults.area_phones, area).unwrap_or(phone).to_owned(),
            }
        };
        let desk = &settings.partnership.desk_mail;
        let desk = if operator.fault_mail.is_empty() { desk } else { &operator.fault_mail };
        Self {
            targets: targets(faults),
            contacts: FaultArea::ALL.iter().map(|area| (*area, contact(*area))).collect(),
            desk_mail: desk.clone(),
            link_down_after: faults.link_down_after,
            receipts_missing: i64::from(faults.receipts_missing),
            receipt_late_after: faults.receipt_late_after,
            unknown_growth: i64::from(faults.unknown_growth),
        }
    }

    /// Exactly the ways of the area (R4.34).
    pub fn contact(&self, area: FaultArea) -> FaultContact {
        let found = self.contacts.iter().find(|(known, _)| *known == area);
        found.map(|(_, contact)| contact.clone()).unwrap_or_default()
    }
}

/// The configuration was checked when it was read; what cannot be read is the shipped value.
fn targets(faults: &config::Faults) -> Targets {
    let mut targets = Targets::default();
    let read = |from: &[String], into: &mut [Span; 4]| {
        for (place, text) in into.iter_mut().zip(from) {
            *place = Span::parse_short(text).unwrap_or(*place);
        }
    };
    read(&faults.answer_within, &mut targets.answer);
    read(&faults.solve_within, &mut targets.solution);
    targets.pauses = faults.pause_while_pending;
    targets.escalate_at =
        faults.escalate_at.iter().filter_map(|share| u8::try_from(*share).ok()).collect();
    targets.close_after = Span::parse_short(&faults.close_after).unwrap_or(targets.close_after);
    targets
}

fn of_area(lines: &[String], area: FaultArea) -> Option<&str> {
    let mut pairs = lines.iter().filter_map(|line| line.split_once('='));
    pairs.find(|(name, _)| *name == area.as_str()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_area_has_its_own_ways_and_only_sms_has_the_telephone_of_the_agreement() {
        let mut settings = Settings::default();
        settings.operator.fault_mail = "premium@operator.pl".to_owned();
        settings.operator.fault_phone = "+48 602 200 203".to_owned();
        settings.faults.area_mails = vec!["settlement=finanse@operator.pl".to_owned()];
        let rules = FaultRules::from_settings(&settings);
        let of = |area| {
            let contact = rules.contact(area);
            (contact.mail, contact.phone)
        };
        assert_eq!(of(FaultArea::Sms), ("premium@operator.pl".into(), "+48 602 200 203".into()));
        assert_eq!(of(FaultArea::Wap), ("premium@operator.pl".into(), String::new()));
        assert_eq!(of(FaultArea::Settlement), ("finanse@operator.pl".into(), String::new()));
        assert_eq!(rules.targets, Targets::default(), "the shipped settings are the default");
    }
}
