//! The documents of agreements: a draft in, Markdown of its kind filled, HTML and PDF out.
//!
//! It decides no wording: texts come from `documents`, the operator's folder before the shipped
//! ones, and nothing that is not known gets a value. What surprises: published terms stand behind the text of the kind in the same document,
//! so that one hash proves all that was signed.

use sha2::Digest as _;

use super::{Draft, Error, Partnership, Rendered};
use crate::{
    documents::{
        self, Language, Texts, Values, template,
        values::{AreaValues, CompanyValues, DocumentValues, PriceValues, TermsValues},
    },
    domain::{NumberRange, Refusal, application::Area, secret::hex},
    store::PartyRow,
};

impl Partnership {
    /// The same with the operator's own texts of agreements.
    #[must_use]
    pub fn with_texts(self, texts: Texts) -> Self {
        Self { texts: std::sync::Arc::new(texts), ..self }
    }

    /// The document of a draft.
    pub fn render(&self, draft: &Draft) -> Result<Rendered, Error> {
        let language = if draft.language == "en" { Language::English } else { Language::Polish };
        let source = self.texts.source(&draft.kind, language);
        let source = source.ok_or_else(|| no_document(&format!("`{}` has no text", draft.kind)))?;
        let whole = match &draft.terms {
            Some(terms) => format!("{source}\n\n{terms}\n"),
            None => source.to_owned(),
        };
        let unset = self.contract.unset_in(&whole, language);
        if !unset.is_empty() {
            return Err(no_document(&format!("these settings are empty: {}", unset.join(", "))));
        }
        let prices = self.prices(draft, language)?;
        let values = self.values(draft, prices, language);
        let document =
            template::read(&whole, &values).map_err(|fault| no_document(&fault.to_string()))?;
        let pdf =
            documents::pdf(&document).map_err(|fault| Error::Broken(format!("a PDF: {fault}")))?;
        let sha256 = hex(&sha2::Sha256::digest(&pdf));
        Ok(Rendered { html: documents::html::html(&document), pdf, sha256 })
    }

    /// Whether a kind has a text at all; a kind that there is not is refused elsewhere.
    pub(super) fn require_text(&self, kind: &str) -> Result<(), Error> {
        let has = |language| self.texts.source(kind, language).is_some();
        if self.kinds.get(kind).is_none() || has(Language::Polish) || has(Language::English) {
            return Ok(());
        }
        Err(no_document(&format!("`{kind}` has no text")))
    }

    /// The price list of an annex: every priced range of its area, with the prices of its day.
    /// None for what is no annex of prices.
    fn prices(&self, draft: &Draft, language: Language) -> Result<Vec<PriceValues>, Error> {
        let Some(area) = draft.kind.strip_prefix("annex_").and_then(Area::parse) else {
            return Ok(Vec::new());
        };
        let share = self.contract.share(area);
        let share =
            share.map_err(|key| no_document(&format!("these settings are empty: {key}")))?;
        let day = draft.date.parse().map_err(|_| no_document("its date is none"))?;
        let row = |range: &NumberRange| {
            let class = self.plan.class(&range.class)?;
            let price = self.plan.tariff(range.tariff.as_deref()?)?.on(day)?;
            (class.area.of_partnership() == area).then(|| PriceValues {
                number: range.pattern(),
                net: amount(price.net, language),
                gross: amount(price.gross, language),
                share: format!("{share}%"),
            })
        };
        let prices: Vec<_> = self.plan.ranges().filter_map(row).collect();
        if prices.is_empty() {
            let why = format!("the plan of numbers has no price in {}", area.as_str());
            return Err(no_document(&why));
        }
        Ok(prices)
    }

    fn values(&self, draft: &Draft, prices: Vec<PriceValues>, language: Language) -> Values {
        let framework_number = match draft.kind.as_str() {
            "framework" => draft.number.clone(),
            _ => draft.framework_number.clone(),
        };
        let document = DocumentValues {
            number: draft.number.clone(),
            date: written_day(&draft.date, language),
            framework_number,
        };
        let terms = TermsValues {
            return_days: draft.return_within_days.to_string(),
            notice_days: draft.notice_days.to_string(),
            ..self.contract.terms(language)
        };
        let area = |code: &String| {
            let annex = self.kinds.get(&format!("annex_{code}"));
            let title = annex.map(|kind| kind.title.of(language.code()).to_owned());
            let name = Area::parse(code).map_or(code.as_str(), |area| area_name(area, language));
            AreaValues {
                code: code.clone(),
                name: name.to_owned(),
                annex: title.unwrap_or_default(),
            }
        };
        Values {
            document,
            operator: self.contract.operator(language),
            company: company(&draft.company, language),
            areas: draft.areas.iter().map(area).collect(),
            prices,
            terms,
        }
    }
}

fn area_name(area: Area, language: Language) -> &'static str {
    match (area, language) {
        (Area::SmsMms, Language::Polish) => "SMS/MMS Specjalny",
        (Area::SmsMms, Language::English) => "Special SMS/MMS",
        (Area::Wap, Language::Polish) => "WAP Specjalny",
        (Area::Wap, Language::English) => "Special WAP",
        (Area::Number, Language::Polish) => "Numer Specjalny",
        (Area::Number, Language::English) => "Special Number",
    }
}

fn company(party: &PartyRow, language: Language) -> CompanyValues {
    let country = match (party.country.as_str(), language) {
        ("PL", Language::Polish) => "Polska",
        ("PL", Language::English) => "Poland",
        (other, _) => other,
    };
    CompanyValues {
        legal_name: party.legal_name.clone(),
        street: party.street.clone(),
        postal_code: party.postal_code.clone(),
        city: party.city.clone(),
        country: country.to_owned(),
        nip: party.nip.clone(),
        regon: party.regon.clone(),
        krs: party.krs.clone(),
        // Who may sign stands in the register; the copy that comes back says who did.
        represented_by: String::new(),
        mail: String::new(),
        bank_account: in_fours(&party.bank_account),
    }
}

/// `4,92 zł` or `PLN 4.92`, of grosze.
fn amount(minor: i64, language: Language) -> String {
    let (whole, rest) = (minor / 100, minor % 100);
    match language {
        Language::Polish => format!("{whole},{rest:02}\u{a0}zł"),
        Language::English => format!("PLN\u{a0}{whole}.{rest:02}"),
    }
}

fn no_document(why: &str) -> Error {
    Refusal::WrongState(format!("no document can be made: {why}")).into()
}

/// `PL61 1090 1014 ...`, as people write it.
fn in_fours(account: &str) -> String {
    let letters: Vec<char> = account.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

/// A day as it stands in a contract; what is no day stays as it is.
pub(super) fn written_day(day: &str, language: Language) -> String {
    const POLISH: [&str; 12] = [
        "stycznia",
        "lutego",
        "marca",
        "kwietnia",
        "maja",
        "czerwca",
        "lipca",
        "sierpnia",
        "września",
        "października",
        "listopada",
        "grudnia",
    ];
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let Ok(date) = day.parse::<jiff::civil::Date>() else { return day.to_owned() };
    let place = usize::try_from(date.month() - 1).unwrap_or_default();
    match language {
        Language::Polish => {
            format!("{} {} {} r.", date.day(), POLISH.get(place).unwrap_or(&""), date.year())
        }
        Language::English => {
            format!("{} {} {}", date.day(), ENGLISH.get(place).unwrap_or(&""), date.year())
        }
    }
}
