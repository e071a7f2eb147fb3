//! What agreements are filled with besides the partner: the operator and the contract's numbers.
//!
//! It gives no value of its own: what the settings do not say stays empty, is named by `unset`,
//! and a text that needs it makes no document. What surprises: `represented_by` may stay empty,
//! because the shipped texts leave its clause out then.

use serde_json::Value;

use crate::{
    config::{self, Settings},
    documents::{
        KINDS, Language, Texts,
        template::placeholders,
        values::{OperatorValues, TermsValues},
    },
    domain::application::Area,
    domain::company::{Krs, MailAddress, Nip, Phone, PostalCode, Regon, line},
    domain::fields::BadValue,
};

/// Values that a document can do without.
const OPTIONAL: [&str; 1] = ["operator.represented_by"];
/// Values that do not come from settings: the kind of an agreement has them.
const OF_KIND: [&str; 2] = ["terms.return_days", "terms.notice_days"];

/// The operator and the numbers, checked.
#[derive(Debug, Clone, Default)]
pub struct Contract {
    operator: OperatorValues,
    represented_by: [String; 2],
    numbers: config::Contract,
}

impl Contract {
    /// All mistakes at once, each with its key; the rules are those for a partner's company.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<String>> {
        let own = &settings.operator;
        let mut mistakes = Vec::new();
        let mut checked = |key: &str, text: &str, parse: &dyn Fn(&str) -> Parsed| {
            if text.trim().is_empty() {
                return String::new();
            }
            parse(text).unwrap_or_else(|wrong| {
                mistakes.push(format!("operator.{key}: {}", wrong.detail));
                String::new()
            })
        };
        let one_line = |text: &str| line(text, 1, 200);
        let mail = |text: &str| MailAddress::parse(text).map(|mail| mail.to_string());
        let portal = &settings.portal;
        // The name as shipped is nobody's.
        let is_named = portal.legal_name != config::Portal::default().legal_name;
        let operator = OperatorValues {
            legal_name: if is_named { portal.legal_name.clone() } else { String::new() },
            brand_name: portal.brand_name.clone(),
            street: checked("street", &own.street, &one_line),
            postal_code: checked("postal_code", &own.postal_code, &|text| {
                PostalCode::parse(text, "PL").map(|code| code.to_string())
            }),
            city: checked("city", &own.city, &one_line),
            nip: checked("nip", &own.nip, &|text| Nip::parse(text).map(|nip| nip.to_string())),
            regon: checked("regon", &own.regon, &|text| {
                Regon::parse(text).map(|regon| regon.to_string())
            }),
            krs: checked("krs", &own.krs, &|text| Krs::parse(text).map(|krs| krs.to_string())),
            represented_by: String::new(),
            return_address: settings.partnership.return_address.join(", "),
            mail: checked("mail", &own.mail, &mail),
            fault_mail: checked("fault_mail", &own.fault_mail, &mail),
            fault_phone: checked("fault_phone", &own.fault_phone, &|text| {
                Phone::parse(text).map(|phone| phone.to_string())
            }),
            complaints_mail: checked("complaints_mail", &own.complaints_mail, &mail),
            privacy_mail: checked("privacy_mail", &own.privacy_mail, &mail),
            portal: portal.address.clone(),
        };
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let represented_by = [&own.represented_by_pl, &own.represented_by_en];
        let represented_by = represented_by.map(|text| text.trim().to_owned());
        Ok(Self { operator, represented_by, numbers: settings.contract.clone() })
    }

    /// The operator as a text in that language names it.
    pub fn operator(&self, language: Language) -> OperatorValues {
        let [polish, english] = &self.represented_by;
        let represented_by = match language {
            Language::Polish => polish,
            Language::English => english,
        };
        OperatorValues { represented_by: represented_by.clone(), ..self.operator.clone() }
    }

    /// The numbers as they stand in a text; days of return and of notice are the kind's.
    pub fn terms(&self, language: Language) -> TermsValues {
        let own = &self.numbers;
        let whole = |number: u16| if number == 0 { String::new() } else { number.to_string() };
        let amount = |zlotys: u32| match (zlotys, language) {
            (0, _) => String::new(),
            (_, Language::Polish) => format!("{}\u{a0}zł", in_threes(zlotys, '\u{a0}')),
            (_, Language::English) => format!("PLN\u{a0}{}", in_threes(zlotys, ',')),
        };
        TermsValues {
            confidence_years: whole(own.confidence_years),
            confidence_penalty: amount(own.confidence_penalty),
            return_days: String::new(),
            complaint_days: whole(own.complaint_days),
            escalation_days: whole(own.escalation_days),
            notice_days: String::new(),
            statement_day: whole(own.statement_day),
            payment_days: whole(own.payment_days),
            least_payout: amount(own.least_payout),
            termination_months: whole(own.termination_months),
            breach_hours: whole(own.breach_hours),
            erase_days: whole(own.erase_days),
        }
    }

    /// Percent of the net charges of an area that are the partner's, or the setting that nobody
    /// gave.
    pub(super) fn share(&self, area: Area) -> Result<u16, String> {
        let share = match area {
            Area::SmsMms => self.numbers.share_special_sms_mms,
            Area::Wap => self.numbers.share_special_wap,
            Area::Number => self.numbers.share_special_number,
        };
        if share == 0 { Err(format!("contract.share_{}", area.as_str())) } else { Ok(share) }
    }

    /// Settings that some text needs and that nobody gave, sorted.
    pub fn unset(&self, texts: &Texts) -> Vec<String> {
        let mut unset = Vec::new();
        for kind in KINDS {
            for language in Language::ALL {
                if let Some(source) = texts.source(kind, language) {
                    unset.extend(self.unset_in(source, language));
                }
            }
        }
        unset.extend(Area::ALL.iter().filter_map(|area| self.share(*area).err()));
        unset.sort();
        unset.dedup();
        unset
    }

    /// The same of one text. One that cannot be read names none; rendering says what is wrong.
    pub(super) fn unset_in(&self, source: &str, language: Language) -> Vec<String> {
        let values = serde_json::json!({
            "operator": self.operator(language), "terms": self.terms(language),
        });
        let is_empty = |name: &String| {
            let path = format!("/{}", name.replace('.', "/"));
            values.pointer(&path).and_then(Value::as_str) == Some("")
        };
        let is_wanted =
            |name: &String| !OPTIONAL.contains(&name.as_str()) && !OF_KIND.contains(&name.as_str());
        let names = placeholders(source).unwrap_or_default();
        names.iter().filter(|name| is_wanted(name) && is_empty(name)).map(|n| setting(n)).collect()
    }

    /// What nobody has decided is not the reader's fault, but a test must have something.
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Self::from_settings(&sample_settings()).expect("the sample is right")
    }
}

type Parsed = Result<String, BadValue>;

/// The key that gives a placeholder its value.
fn setting(placeholder: &str) -> String {
    match placeholder {
        "operator.legal_name" => "portal.legal_name".to_owned(),
        "operator.brand_name" => "portal.brand_name".to_owned(),
        "operator.portal" => "portal.address".to_owned(),
        "operator.return_address" => "partnership.return_address".to_owned(),
        other => other.replacen("terms.", "contract.", 1),
    }
}

fn in_threes(number: u32, mark: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
fn sample_settings() -> Settings {
    let own = |text: &str| text.to_owned();
    let mut settings = Settings::default();
    settings.portal.legal_name = own("Operator Przykładowy S.A.");
    settings.portal.address = own("https://partner.operator.example");
    settings.partnership.return_address = vec![own("Operator S.A."), own("Prosta 1")];
    settings.operator = config::Operator {
        street: own("ul. Prosta 1"),
        postal_code: own("00-001"),
        city: own("Warszawa"),
        nip: own("525-244-57-67"),
        regon: own("123456785"),
        krs: own("0000000001"),
        mail: own("partnerzy@operator.example"),
        fault_mail: own("premium@operator.example"),
        fault_phone: own("+48 600 000 000"),
        complaints_mail: own("reklamacje@operator.example"),
        privacy_mail: own("iod@operator.example"),
        ..config::Operator::default()
    };
    settings.contract = config::Contract {
        confidence_years: 5,
        confidence_penalty: 50_000,
        complaint_days: 30,
        escalation_days: 5,
        statement_day: 15,
        payment_days: 30,
        least_payout: 100,
        termination_months: 3,
        share_special_sms_mms: 50,
        share_special_wap: 0,
        share_special_number: 45,
        breach_hours: 24,
        erase_days: 30,
    };
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_not_configured_has_a_value() {
        let nothing = Contract::from_settings(&Settings::default()).unwrap();
        let unset = nothing.unset(&Texts::shipped());
        for key in [
            "contract.confidence_penalty",
            "contract.termination_months",
            "operator.krs",
            "operator.nip",
            "operator.street",
            "partnership.return_address",
            "portal.address",
            "portal.legal_name",
        ] {
            assert!(unset.contains(&key.to_owned()), "{key} in {unset:?}");
        }
        assert!(!unset.iter().any(|key| key.contains("represented_by")));
        assert_eq!(Contract::sample().unset(&Texts::shipped()), ["contract.share_special_wap"]);
    }

    #[test]
    fn the_operators_numbers_are_checked_as_a_companys_are() {
        let mut settings = sample_settings();
        settings.operator.nip = "5252445768".to_owned();
        settings.operator.mail = "nobody".to_owned();
        let mistakes = Contract::from_settings(&settings).unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(mistakes[0].starts_with("operator.nip: "), "{mistakes:?}");
        assert!(mistakes[1].starts_with("operator.mail: "), "{mistakes:?}");
    }

    #[test]
    fn amounts_are_written_as_each_language_writes_them() {
        let contract = Contract::sample();
        assert_eq!(contract.terms(Language::Polish).confidence_penalty, "50\u{a0}000\u{a0}zł");
        assert_eq!(contract.terms(Language::English).confidence_penalty, "PLN\u{a0}50,000");
        assert_eq!(in_threes(1_234_567, ','), "1,234,567");
        assert_eq!(in_threes(999, ','), "999");
    }
}
