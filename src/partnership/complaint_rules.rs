//! What an operator decides about complaints: the settings as the verbs take them.
//!
//! What surprises: the desk of complaints may be another one than that of faults. Where it has no
//! address of its own, the address that stands in agreements is used, and then that of the desk.

use crate::{
    config::Settings,
    domain::{ComplaintTerms, deadline::Span},
};

const DAY_US: i64 = 86_400_000_000;

#[derive(Debug, Clone)]
pub struct ComplaintRules {
    pub terms: ComplaintTerms,
    /// Where complaints are told; empty tells nobody.
    pub desk_mail: String,
    /// Put before a number as people say it.
    pub country: String,
    /// How long complaints and charges are counted, in microseconds.
    pub rate_span: i64,
    pub rate_from: i64,
    /// Complaints in ten thousand charges.
    pub rate_max: i64,
}

impl Default for ComplaintRules {
    fn default() -> Self {
        Self::from_settings(&Settings::default())
    }
}

impl ComplaintRules {
    pub fn from_settings(settings: &Settings) -> Self {
        let own = &settings.complaints;
        let (mail, desk) = (&settings.operator.complaints_mail, &settings.partnership.desk_mail);
        Self {
            terms: ComplaintTerms {
                answer: Span::days(own.answer_days),
                steps: own.steps.clone(),
                partner: Span::working_days(own.partner_days),
                close_after: Span::days(own.close_days),
            },
            desk_mail: if mail.is_empty() { desk } else { mail }.clone(),
            country: settings.messages.default_country_prefix.as_str().to_owned(),
            rate_span: i64::from(own.rate_days) * DAY_US,
            rate_from: i64::from(own.rate_from),
            rate_max: i64::from(own.rate_max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_settings_are_the_law() {
        assert_eq!(ComplaintRules::default().terms, ComplaintTerms::default());
        let mut settings = Settings::default();
        settings.partnership.desk_mail = "desk@operator.pl".to_owned();
        assert_eq!(ComplaintRules::from_settings(&settings).desk_mail, "desk@operator.pl");
        settings.operator.complaints_mail = "reklamacje@operator.pl".to_owned();
        assert_eq!(ComplaintRules::from_settings(&settings).desk_mail, "reklamacje@operator.pl");
    }
}
