//! What a person adds: partners, credentials, keys, prices, services, as the store takes them.
//!
//! A constructor gives the plain kind of each, with everything off that can be; struct update turns
//! on what matters.

use crate::domain::{Mode, StandardTexts, service::ServiceLimits};

#[derive(Debug, Clone)]
pub struct NewPartner {
    pub name: String,
    pub rate: u32,
    pub burst: u32,
    pub backlog_max: u64,
    pub waiting_max: u64,
}

#[derive(Debug, Clone)]
pub struct NewCredential {
    pub partner: String,
    pub system_id: String,
    /// HMAC of the password, hex. The password itself never comes here.
    pub secret: String,
    pub addresses: Vec<String>,
    pub tls_only: bool,
    pub binds_max: u32,
    pub window: u32,
    pub default_sender: Option<String>,
    pub mode: Mode,
}

#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub partner: String,
    pub prefix: String,
    /// HMAC of the secret part, hex.
    pub secret: String,
    pub expires_at: i64,
    pub mode: Mode,
}

#[derive(Debug, Clone)]
pub struct NewTariff {
    pub code: String,
    pub valid_from: i64,
    pub net_minor: i64,
    pub vat_permille: i64,
    pub gross_minor: i64,
    pub currency: String,
}

#[derive(Debug, Clone)]
pub struct NewService {
    pub partner: String,
    pub name: String,
    pub state: String,
    pub short_code: String,
    pub keywords: Vec<String>,
    pub billing: String,
    pub tariff: Option<String>,
    pub tariffs_allowed: Vec<String>,
    pub link_group: String,
    pub callback: Option<(String, Vec<String>)>,
    pub on_unknown: String,
    pub charge_at: String,
    pub charges_per_minute: u32,
    pub charges_per_day: u32,
    pub spend_per_day_minor: i64,
    pub validity_max_us: i64,
    pub test_numbers: Vec<String>,
    pub limits: ServiceLimits,
    /// Of a subscription.
    pub standard: Option<StandardTexts>,
}

impl NewPartner {
    /// Without a rate, and with room for `room` messages that wait each way.
    pub fn unhurried(name: &str, room: u64) -> Self {
        Self { name: name.to_owned(), rate: 0, burst: 1, backlog_max: room, waiting_max: room }
    }
}

impl NewTariff {
    /// A price in grosze with 23 % VAT that always held.
    pub fn polish(code: &str, net_minor: i64, gross_minor: i64) -> Self {
        Self {
            code: code.to_owned(),
            valid_from: 0,
            net_minor,
            vat_permille: 230,
            gross_minor,
            currency: "PLN".to_owned(),
        }
    }
}

impl NewService {
    /// A live service over SMPP that costs nobody anything. Without keywords it takes every text.
    pub fn free(
        partner: &str,
        name: &str,
        short_code: &str,
        keywords: &[&str],
        link_group: &str,
    ) -> Self {
        Self {
            partner: partner.to_owned(),
            name: name.to_owned(),
            state: "live".to_owned(),
            short_code: short_code.to_owned(),
            keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
            billing: "free".to_owned(),
            tariff: None,
            tariffs_allowed: Vec::new(),
            link_group: link_group.to_owned(),
            callback: None,
            on_unknown: "resend".to_owned(),
            charge_at: "delivered".to_owned(),
            charges_per_minute: 0,
            charges_per_day: 0,
            spend_per_day_minor: 0,
            validity_max_us: 0,
            test_numbers: Vec::new(),
            limits: ServiceLimits::default(),
            standard: None,
        }
    }

    /// The same, and the subscriber pays this tariff for each MT.
    #[must_use]
    pub fn charging_mt(self, tariff: &str) -> Self {
        Self { billing: "mt".to_owned(), tariff: Some(tariff.to_owned()), ..self }
    }
}
