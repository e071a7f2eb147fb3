//! What texts are filled with. Everything is text for people: amounts, dates and places come in the
//! form in which they shall stand in the document.
//!
//! It computes nothing. What surprises: the sample at the end is also the list of all placeholders
//! that a text may use; `Texts::check` compares them.

use serde::Serialize;

use super::tree::Language;

/// Every value that an agreement may need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Values {
    pub document: DocumentValues,
    pub operator: OperatorValues,
    pub company: CompanyValues,
    /// Areas of the partnership that the document is about.
    pub areas: Vec<AreaValues>,
    /// Of an annex: the price list.
    pub prices: Vec<PriceValues>,
    pub terms: TermsValues,
}

/// This very document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DocumentValues {
    /// `UR/12/2026`.
    pub number: String,
    /// `21 listopada 2026 r.`
    pub date: String,
    /// Number of the framework agreement that an annex belongs to; empty elsewhere.
    pub framework_number: String,
}

/// The operator: legal actor and brand are two things (R4.37).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OperatorValues {
    pub legal_name: String,
    pub brand_name: String,
    pub street: String,
    pub postal_code: String,
    pub city: String,
    pub nip: String,
    pub regon: String,
    pub krs: String,
    /// Who signs, or empty.
    pub represented_by: String,
    /// Where signed documents are sent (R4.11).
    pub return_address: String,
    pub mail: String,
    /// Where technical faults are told (R4.32).
    pub fault_mail: String,
    /// The telephone for faults of the area Special SMS (R4.33).
    pub fault_phone: String,
    /// Who takes complaints that the partner cannot settle (R4.35).
    pub complaints_mail: String,
    pub privacy_mail: String,
    pub portal: String,
}

/// The partner. Empty text where something was not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CompanyValues {
    pub legal_name: String,
    pub street: String,
    pub postal_code: String,
    pub city: String,
    pub country: String,
    pub nip: String,
    pub regon: String,
    pub krs: String,
    pub represented_by: String,
    pub mail: String,
    /// In groups of four, as people write it.
    pub bank_account: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AreaValues {
    /// `special_sms_mms`.
    pub code: String,
    pub name: String,
    /// The document that has its prices.
    pub annex: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PriceValues {
    /// `7455` or `74xx`.
    pub number: String,
    pub net: String,
    pub gross: String,
    /// What the partner gets of it.
    pub share: String,
}

/// Numbers of the agreement: they are data, never wording (everything in them may change).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TermsValues {
    /// Years for which the duty of confidence lasts after the end.
    pub confidence_years: String,
    /// Contractual penalty for its breach, with its currency.
    pub confidence_penalty: String,
    /// Days in which a signed copy is sent back.
    pub return_days: String,
    /// Days for an answer to a complaint.
    pub complaint_days: String,
    /// Working days for the partner's word on a complaint that went to the operator.
    pub escalation_days: String,
    /// Days before changed terms take effect.
    pub notice_days: String,
    /// Day of the month by which the statement comes.
    pub statement_day: String,
    pub payment_days: String,
    /// Least amount that is paid out, with its currency.
    pub least_payout: String,
    /// Months of notice of termination.
    pub termination_months: String,
    /// Hours in which a breach of personal data is told.
    pub breach_hours: String,
    /// Days after the end in which personal data are erased.
    pub erase_days: String,
}

impl Values {
    /// Invented values: for the check of texts, for pictures and for tests.
    pub fn sample(language: Language) -> Self {
        let say = |polish: &str, english: &str| match language {
            Language::Polish => polish.to_owned(),
            Language::English => english.to_owned(),
        };
        let price = |number: &str, net: &str, gross: &str, share: &str| {
            let amount = |value: &str| match language {
                Language::Polish => format!("{}\u{a0}zł", value.replace('.', ",")),
                Language::English => format!("PLN\u{a0}{value}"),
            };
            PriceValues {
                number: number.to_owned(),
                net: amount(net),
                gross: amount(gross),
                share: format!("{share}%"),
            }
        };
        let area = |code: &str, polish: &str, english: &str, annex: &str| AreaValues {
            code: code.to_owned(),
            name: say(polish, english),
            annex: format!("{} {annex}", say("Załącznik nr", "Annex")),
        };
        Self {
            document: DocumentValues {
                number: "UR/12/2026".into(),
                date: say("21 listopada 2026 r.", "21 November 2026"),
                framework_number: "UR/12/2026".into(),
            },
            operator: OperatorValues::sample(&say),
            company: CompanyValues::sample(&say),
            areas: vec![
                area("special_sms_mms", "SMS/MMS Specjalny", "Special SMS/MMS", "1"),
                area("special_wap", "WAP Specjalny", "Special WAP", "2"),
                area("special_number", "Numer Specjalny", "Special Number", "3"),
            ],
            prices: vec![
                price("71xx", "1.00", "1.23", "45"),
                price("72xx", "2.00", "2.46", "47"),
                price("74xx", "4.00", "4.92", "50"),
                price("76xx", "6.00", "7.38", "52"),
                price("79xx", "9.00", "11.07", "54"),
                price("919xx", "19.00", "23.37", "55"),
                price("925xx", "25.00", "30.75", "55"),
            ],
            terms: TermsValues::sample(&say),
        }
    }
}

type Say<'a> = dyn Fn(&str, &str) -> String + 'a;

impl OperatorValues {
    fn sample(say: &Say<'_>) -> Self {
        Self {
            legal_name: "Operator Przykładowy S.A.".into(),
            brand_name: "Przykład Mobile".into(),
            street: "ul. Świętokrzyska 12".into(),
            postal_code: "00-916".into(),
            city: "Warszawa".into(),
            nip: "5260000000".into(),
            regon: "010000000".into(),
            krs: "0000000001".into(),
            represented_by: say("Łucję Żółkiewską, prokurentkę", "Łucja Żółkiewska, proxy"),
            return_address: "Operator Przykładowy S.A., Dział Partnerów, \
                             ul. Świętokrzyska 12, 00-916 Warszawa"
                .into(),
            mail: "partnerzy@operator.example".into(),
            fault_mail: "premium@operator.example".into(),
            fault_phone: "+48 600 000 000".into(),
            complaints_mail: "reklamacje@operator.example".into(),
            privacy_mail: "iod@operator.example".into(),
            portal: "https://partner.operator.example".into(),
        }
    }
}

impl CompanyValues {
    fn sample(say: &Say<'_>) -> Self {
        Self {
            legal_name: "Źródło Gęśli & Jaźń sp. z o.o.".into(),
            street: "ul. Chłodna 7 lok. 3".into(),
            postal_code: "31-007".into(),
            city: "Kraków".into(),
            country: say("Polska", "Poland"),
            nip: "6760000007".into(),
            regon: "120000009".into(),
            krs: "0000000002".into(),
            represented_by: say("Grzegorza Brzęczyka, prezesa zarządu", "Grzegorz Brzęczyk, CEO"),
            mail: "umowy@gesle.example".into(),
            bank_account: "PL61 1090 1014 0000 0712 1981 2874".into(),
        }
    }
}

impl TermsValues {
    fn sample(say: &Say<'_>) -> Self {
        Self {
            confidence_years: "5".into(),
            confidence_penalty: say("50 000 zł", "PLN 50,000"),
            return_days: "14".into(),
            complaint_days: "30".into(),
            escalation_days: "5".into(),
            notice_days: "14".into(),
            statement_day: "15".into(),
            payment_days: "30".into(),
            least_payout: say("100 zł", "PLN 100"),
            termination_months: "3".into(),
            breach_hours: "24".into(),
            erase_days: "30".into(),
        }
    }
}
