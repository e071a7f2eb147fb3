//! What an operator decides about applications: data, so that a contract can change it.

use crate::{
    config,
    domain::{
        application_form::DocumentKind,
        deadline::{Calendar, Span},
    },
};

#[derive(Debug, Clone)]
pub struct Rules {
    /// Until when an application is decided and an idea answered (R4.03).
    pub decision_within: Span,
    /// Whether asking the applicant stops that clock (Q4.11).
    pub pause_on_needs_information: bool,
    pub calendar: Calendar,
    /// Where letters to the desk go; empty sends none.
    pub desk_mail: String,
    /// Language of letters to the desk.
    pub desk_language: String,
    /// Where signed paper is sent back (R4.11).
    pub return_address: String,
    /// Version of the privacy notice in force.
    pub privacy_notice: String,
    /// Documents that an application needs (R0.25).
    pub documents: Vec<DocumentKind>,
    pub document_days_max: u16,
    /// Days for which a draft can be gone on with.
    pub draft_days: u16,
    /// Days in which a changed bank account must be confirmed.
    pub bank_change_days: u16,
    /// Days between the regulator's entry of a charged service and its first subscriber.
    pub register_days: u16,
    /// Groups of links that a service may send by; the first is the usual one.
    pub link_groups: Vec<String>,
    /// What one subscriber is charged at most by a service (P13).
    pub charges_per_minute: u32,
    pub charges_per_day: u32,
    /// Applications that one address may begin in an hour, and one mail address in a day (S-56).
    pub begins_per_address: u32,
    pub begins_per_mail: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self::from_settings(&config::Partnership::default(), Calendar::polish())
    }
}

impl Rules {
    /// The same with what traffic is set to.
    #[must_use]
    pub fn with_traffic(self, limits: &config::Limits, links: &[config::SmscLink]) -> Self {
        let mut link_groups: Vec<String> = Vec::new();
        for group in links.iter().map(config::SmscLink::group) {
            if !link_groups.iter().any(|known| known == group) {
                link_groups.push(group.to_owned());
            }
        }
        if link_groups.is_empty() {
            link_groups.clone_from(&self.link_groups);
        }
        Self {
            link_groups,
            charges_per_minute: limits.subscriber_charges_minute,
            charges_per_day: limits.subscriber_charges_day,
            ..self
        }
    }

    pub fn from_settings(settings: &config::Partnership, calendar: Calendar) -> Self {
        Self {
            // The configuration was checked when it was read.
            decision_within: Span::parse(&settings.decision_within).unwrap_or(Span::days(5)),
            pause_on_needs_information: settings.pause_on_needs_information,
            calendar,
            desk_mail: settings.desk_mail.clone(),
            desk_language: settings.desk_language.clone(),
            return_address: settings.return_address.join("\n"),
            privacy_notice: settings.privacy_notice.clone(),
            documents: settings
                .documents
                .iter()
                .filter_map(|word| DocumentKind::parse(word))
                .collect(),
            document_days_max: settings.document_days_max,
            draft_days: settings.draft_days,
            bank_change_days: settings.bank_change_days,
            register_days: settings.register_days,
            link_groups: vec!["main".to_owned()],
            charges_per_minute: config::Limits::default().subscriber_charges_minute,
            charges_per_day: config::Limits::default().subscriber_charges_day,
            begins_per_address: settings.begins_per_address,
            begins_per_mail: settings.begins_per_mail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_settings_are_five_days_and_two_documents() {
        let rules = Rules::default();
        assert_eq!(rules.decision_within, Span::days(5));
        assert_eq!(rules.documents, [DocumentKind::RegisterEntry, DocumentKind::NipCertificate]);
        assert!(rules.pause_on_needs_information);
    }
}
