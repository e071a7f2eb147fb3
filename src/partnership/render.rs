//! The documents of agreements: a draft in, Markdown of its kind filled, HTML and PDF out.
//!
//! It decides no wording: texts come from `documents`, the operator's folder before the shipped
//! ones. What surprises: published terms stand behind the text of the kind in the same document,
//! so that one hash proves all that was signed.

use sha2::Digest as _;

use super::{Draft, Error, Partnership, Rendered};
use crate::{
    documents::{self, Language, Texts, Values, template},
    domain::{Refusal, secret::hex},
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
        let values = self.values(draft, language);
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

    fn values(&self, draft: &Draft, language: Language) -> Values {
        // Numbers of the contract (penalties, days of notice) are the shipped ones until an
        // operator's own texts say others.
        let mut values = Values::sample(language);
        values.document.number.clone_from(&draft.number);
        values.document.date = written_day(&draft.date, language);
        values.document.framework_number =
            if draft.kind == "framework" { draft.number.clone() } else { String::new() };
        let operator = &mut values.operator;
        operator.legal_name.clone_from(&self.portal.legal_name);
        operator.brand_name.clone_from(&self.portal.brand_name);
        operator.portal.clone_from(&self.portal.address);
        operator.return_address = self.rules.return_address.replace('\n', ", ");
        // Nothing invented goes into a contract: what is not configured stays empty.
        for unknown in [
            &mut operator.street,
            &mut operator.postal_code,
            &mut operator.city,
            &mut operator.nip,
            &mut operator.regon,
            &mut operator.krs,
            &mut operator.represented_by,
            &mut operator.mail,
            &mut operator.fault_mail,
            &mut operator.fault_phone,
            &mut operator.complaints_mail,
            &mut operator.privacy_mail,
        ] {
            unknown.clear();
        }
        operator.mail.clone_from(&self.rules.desk_mail);
        fill_company(&mut values, &draft.company);
        values.terms.return_days = draft.return_within_days.to_string();
        values.prices.clear();
        values
    }
}

fn fill_company(values: &mut Values, party: &PartyRow) {
    let company = &mut values.company;
    company.legal_name.clone_from(&party.legal_name);
    company.street.clone_from(&party.street);
    company.postal_code.clone_from(&party.postal_code);
    company.city.clone_from(&party.city);
    company.country.clone_from(&party.country);
    company.nip.clone_from(&party.nip);
    company.regon.clone_from(&party.regon);
    company.krs.clone_from(&party.krs);
    company.represented_by.clear();
    company.mail.clear();
    company.bank_account = in_fours(&party.bank_account);
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
fn written_day(day: &str, language: Language) -> String {
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
