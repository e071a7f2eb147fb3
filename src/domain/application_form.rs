//! The form of an application: what was typed, right or wrong, and what it amounts to.
//!
//! A draft keeps every text as it came, so that nobody types anything twice; only what is
//! submitted must be right. Each section is done, wrong or untouched by itself (the task list).
//!
//! What surprises: the plan of an area that was taken back is kept and ignored, for people change
//! their minds twice.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    application::{Area, Purpose, words},
    company::{
        Company, CompanyForm, MailAddress, Phone, line, optional, paragraphs, required, shown,
    },
    deadline::days_since,
    fields::{BadValue, FieldErrors},
};

/// Months for which revenue is planned.
pub const MONTHS: usize = 12;
/// Contact people of one application.
pub const CONTACTS_MAX: usize = 10;
/// Documents of one application.
pub const DOCUMENTS_MAX: usize = 20;
/// Octets of one text that a draft keeps; a checked text is shorter.
pub const TEXT_OCTETS_MAX: usize = 16 * 1024;
/// A planned month above this is a slip of the keyboard: a billion PLN, in grosze.
const MONTH_MAX: i64 = 100_000_000_000;

words! {
    /// A page of the form.
    Section {
        Company = "company",
        Contacts = "contacts",
        Areas = "areas",
        Plans = "plans",
        Documents = "documents",
        Consent = "consent",
    }

    /// How far a section is.
    Progress {
        /// Nothing was written yet.
        Empty = "empty",
        Incomplete = "incomplete",
        Complete = "complete",
    }

    /// What a company shows of itself (R0.25).
    DocumentKind {
        RegisterEntry = "register_entry",
        NipCertificate = "nip_certificate",
        /// A plan as a file of its own, beside the text.
        MarketingPlan = "marketing_plan",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactForm {
    pub name: String,
    pub role: String,
    pub mail: String,
    pub phone: String,
}

/// The plan for one area: what its three criteria are judged by.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanForm {
    /// Planned net revenue of the next twelve months, PLN as typed: `1200` or `1 200,50`.
    pub revenue: Vec<String>,
    pub marketing_plan: String,
    pub idea: String,
    /// What is new in it.
    pub novelty: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentForm {
    pub kind: String,
    /// Id of the uploaded file.
    pub file: String,
    /// Date on the document, like `2026-11-02`.
    pub issued_on: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentForm {
    /// Version of the privacy notice that was shown.
    pub privacy_notice: String,
    pub accepted: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Form {
    pub company: CompanyForm,
    pub contacts: Vec<ContactForm>,
    pub areas: Vec<String>,
    /// By the word of the area.
    pub plans: BTreeMap<String, PlanForm>,
    pub documents: Vec<DocumentForm>,
    pub consent: ConsentForm,
}

/// One section of the form, as a page or a request brings it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "section", content = "data", rename_all = "snake_case")]
pub enum SectionForm {
    Company(CompanyForm),
    Contacts(Vec<ContactForm>),
    Areas(Vec<String>),
    Plans(BTreeMap<String, PlanForm>),
    Documents(Vec<DocumentForm>),
    Consent(ConsentForm),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub role: String,
    pub mail: MailAddress,
    pub phone: Option<Phone>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub area: Area,
    /// Grosze, net, one for each of the next twelve months.
    pub revenue: [i64; MONTHS],
    pub marketing_plan: String,
    pub idea: String,
    pub novelty: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub kind: DocumentKind,
    pub file: String,
    pub issued_on: Option<Date>,
}

/// A form in which everything is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    /// None only for a partner's own new area: its company is known.
    pub company: Option<Company>,
    pub contacts: Vec<Contact>,
    pub plans: Vec<Plan>,
    pub documents: Vec<Document>,
}

/// What a form is checked against.
#[derive(Debug, Clone)]
pub struct FormRules<'r> {
    pub purpose: Purpose,
    pub today: Date,
    /// Documents that must be there.
    pub documents: &'r [DocumentKind],
    /// A document that is older is not current.
    pub document_days_max: u16,
    /// Version of the privacy notice in force.
    pub privacy_notice: &'r str,
}

/// A line of the task list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Task {
    pub section: Section,
    pub progress: Progress,
    pub errors: FieldErrors,
}

impl Form {
    /// Puts one section in the place of its earlier self; what is too much is cut off.
    pub fn put(&mut self, section: SectionForm) {
        match section {
            SectionForm::Company(company) => self.company = company,
            SectionForm::Contacts(contacts) => self.contacts = contacts,
            SectionForm::Areas(areas) => self.areas = areas,
            SectionForm::Plans(plans) => self.plans.extend(plans),
            SectionForm::Documents(documents) => self.documents = documents,
            SectionForm::Consent(consent) => self.consent = consent,
        }
        self.bound();
    }

    /// Cuts what no honest form has: a draft is kept unchecked, and must have a limit all the same.
    pub fn bound(&mut self) {
        let Self { company: c, contacts, areas, plans, documents, consent } = self;
        for text in [
            &mut c.legal_name,
            &mut c.nip,
            &mut c.regon,
            &mut c.krs,
            &mut c.street,
            &mut c.postal_code,
            &mut c.city,
            &mut c.country,
            &mut c.bank_account,
            &mut consent.privacy_notice,
        ] {
            cut(text, 1024);
        }
        contacts.truncate(CONTACTS_MAX);
        for contact in contacts {
            for text in
                [&mut contact.name, &mut contact.role, &mut contact.mail, &mut contact.phone]
            {
                cut(text, 1024);
            }
        }
        areas.truncate(2 * Area::ALL.len());
        for area in areas {
            cut(area, 64);
        }
        plans.retain(|area, _| Area::parse(area).is_some());
        for plan in plans.values_mut() {
            plan.revenue.truncate(MONTHS);
            plan.revenue.iter_mut().for_each(|text| cut(text, 64));
            for text in [&mut plan.marketing_plan, &mut plan.idea, &mut plan.novelty] {
                cut(text, TEXT_OCTETS_MAX);
            }
        }
        documents.truncate(DOCUMENTS_MAX);
        for document in documents {
            for text in [&mut document.kind, &mut document.file, &mut document.issued_on] {
                cut(text, 64);
            }
        }
    }

    /// The task list: every section that this purpose has, and what is wrong in it.
    pub fn tasks(&self, rules: &FormRules<'_>) -> Vec<Task> {
        let sections = Section::ALL
            .iter()
            .copied()
            .filter(|section| rules.purpose == Purpose::Join || *section != Section::Company);
        sections
            .map(|section| {
                let errors = self.errors_of(section, rules);
                let progress = match (errors.is_empty(), self.is_untouched(section)) {
                    (true, _) => Progress::Complete,
                    (false, true) => Progress::Empty,
                    (false, false) => Progress::Incomplete,
                };
                Task { section, progress, errors }
            })
            .collect()
    }

    pub fn errors_of(&self, section: Section, rules: &FormRules<'_>) -> FieldErrors {
        match section {
            Section::Company => Company::check(&self.company, "company").err(),
            Section::Contacts => self.check_contacts().err(),
            Section::Areas => self.check_areas().err(),
            Section::Plans => self.check_plans().err(),
            Section::Documents => self.check_documents(rules).err(),
            Section::Consent => self.check_consent(rules).err(),
        }
        .unwrap_or_default()
    }

    /// The whole form, or everything that is wrong with it.
    pub fn check(&self, rules: &FormRules<'_>) -> Result<Complete, FieldErrors> {
        let mut errors = FieldErrors::default();
        for task in self.tasks(rules) {
            errors.append(task.errors);
        }
        errors.into_result()?;
        let is_join = rules.purpose == Purpose::Join;
        Ok(Complete {
            company: is_join.then(|| Company::check(&self.company, "company")).transpose()?,
            contacts: self.check_contacts()?,
            plans: self.check_plans()?,
            documents: self.check_documents(rules)?,
        })
    }

    fn is_untouched(&self, section: Section) -> bool {
        match section {
            Section::Company => self.company == CompanyForm::default(),
            Section::Contacts => self.contacts.iter().all(|one| *one == ContactForm::default()),
            Section::Areas => self.areas.is_empty(),
            Section::Plans => self.plans.is_empty(),
            Section::Documents => self.documents.is_empty(),
            Section::Consent => self.consent == ConsentForm::default(),
        }
    }

    fn check_contacts(&self) -> Result<Vec<Contact>, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut contacts = Vec::new();
        let filled = self.contacts.iter().enumerate();
        for (index, form) in filled.filter(|(_, form)| **form != ContactForm::default()) {
            let mut at = errors.below(format!("contacts.{index}"));
            let name = at.keep("name", line(&form.name, 2, 120));
            let role = at.keep("role", line(&form.role, 0, 80));
            let mail = at.keep("mail", required(&form.mail, MailAddress::parse));
            let phone = at.keep("phone", optional(&form.phone, Phone::parse));
            if let (Some(name), Some(role), Some(mail), Some(phone)) = (name, role, mail, phone) {
                contacts.push(Contact { name, role, mail, phone });
            }
        }
        if contacts.is_empty() && errors.is_empty() {
            let detail = "at least one person with a mail address is needed";
            errors.push("contacts".to_owned(), BadValue::new("contact_missing", detail));
        }
        errors.into_result().map(|()| contacts)
    }

    /// The areas, each once, in the order of the list.
    pub fn check_areas(&self) -> Result<Vec<Area>, FieldErrors> {
        let mut errors = FieldErrors::default();
        for word in self.areas.iter().filter(|word| Area::parse(word).is_none()) {
            let detail = format!("area `{}` is not one of {}", shown(word), Area::words());
            let bad = BadValue::new("area_unknown", detail).with("value", shown(word));
            errors.push("areas".to_owned(), bad);
        }
        let is_chosen = |area: &Area| self.areas.iter().any(|word| word == area.as_str());
        let chosen: Vec<_> = Area::ALL.iter().copied().filter(is_chosen).collect();
        if chosen.is_empty() && errors.is_empty() {
            let detail = format!("choose at least one of {}", Area::words());
            errors.push("areas".to_owned(), BadValue::new("area_missing", detail));
        }
        errors.into_result().map(|()| chosen)
    }

    fn check_plans(&self) -> Result<Vec<Plan>, FieldErrors> {
        let areas: Vec<_> = self.areas.iter().filter_map(|word| Area::parse(word)).collect();
        let mut errors = FieldErrors::default();
        let mut plans = Vec::new();
        for area in Area::ALL.iter().copied().filter(|area| areas.contains(area)) {
            let untouched = PlanForm::default();
            let form = self.plans.get(area.as_str()).unwrap_or(&untouched);
            match check_plan(area, form) {
                Ok(plan) => plans.push(plan),
                Err(wrong) => errors.append(wrong),
            }
        }
        if areas.is_empty() {
            let detail = "choose an area first; each has a plan of its own";
            errors.push("plans".to_owned(), BadValue::new("area_missing", detail));
        }
        errors.into_result().map(|()| plans)
    }

    fn check_documents(&self, rules: &FormRules<'_>) -> Result<Vec<Document>, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut documents = Vec::new();
        for (index, form) in self.documents.iter().enumerate() {
            match check_document(&format!("documents.{index}"), form, rules) {
                Ok(document) => documents.push(document),
                Err(wrong) => errors.append(wrong),
            }
        }
        for kind in rules.documents {
            if !self.documents.iter().any(|form| form.kind == kind.as_str()) {
                let detail = "is missing; attach a current copy";
                let bad = BadValue::new("document_missing", detail).with("kind", kind.as_str());
                errors.push(format!("documents.{}", kind.as_str()), bad);
            }
        }
        errors.into_result().map(|()| documents)
    }

    fn check_consent(&self, rules: &FormRules<'_>) -> Result<(), FieldErrors> {
        let field = "consent.privacy_notice".to_owned();
        if !self.consent.accepted {
            let detail = "the privacy notice must be read and accepted";
            return Err(FieldErrors::of(field, BadValue::new("consent_missing", detail)));
        }
        if self.consent.privacy_notice != rules.privacy_notice {
            let detail = format!("read version {} first, it is in force now", rules.privacy_notice);
            let bad =
                BadValue::new("notice_outdated", detail).with("version", rules.privacy_notice);
            return Err(FieldErrors::of(field, bad));
        }
        Ok(())
    }
}

fn check_plan(area: Area, form: &PlanForm) -> Result<Plan, FieldErrors> {
    let mut errors = FieldErrors::default();
    let prefix = format!("plans.{}", area.as_str());
    let mut revenue = [0; MONTHS];
    for (month, figure) in revenue.iter_mut().enumerate() {
        let text = form.revenue.get(month).map_or("", String::as_str);
        let field = format!("{prefix}.revenue.{month}");
        *figure = errors.keep(&field, required(text, amount)).unwrap_or_default();
    }
    if errors.is_empty() && revenue.iter().all(|figure| *figure == 0) {
        let detail = "at least one month must have revenue";
        errors.push(format!("{prefix}.revenue"), BadValue::new("revenue_zero", detail));
    }
    let mut at = errors.below(prefix.clone());
    let plan = at.keep("marketing_plan", paragraphs(&form.marketing_plan, 20, 5000));
    let idea = at.keep("idea", paragraphs(&form.idea, 20, 5000));
    let novelty = at.keep("novelty", paragraphs(&form.novelty, 10, 3000));
    match (plan, idea, novelty) {
        (Some(marketing_plan), Some(idea), Some(novelty)) if errors.is_empty() => {
            Ok(Plan { area, revenue, marketing_plan, idea, novelty })
        }
        _ => Err(errors),
    }
}

fn check_document(
    prefix: &str,
    form: &DocumentForm,
    rules: &FormRules<'_>,
) -> Result<Document, FieldErrors> {
    let mut errors = FieldErrors::default();
    let mut at = errors.below(prefix.to_owned());
    let kind = at.keep(
        "kind",
        DocumentKind::parse(&form.kind).ok_or_else(|| {
            let detail = format!("is not one of {}", DocumentKind::words());
            BadValue::new("document_kind", detail).with("value", shown(&form.kind))
        }),
    );
    let is_file = form.file.len() == 32 && form.file.bytes().all(|b| b.is_ascii_hexdigit());
    let no_file = || BadValue::new("file_missing", "names no uploaded file");
    let file = at.keep("file", is_file.then(|| form.file.clone()).ok_or_else(no_file));
    let must_be_current =
        matches!(kind, Some(DocumentKind::RegisterEntry | DocumentKind::NipCertificate));
    let issued_on = at.keep(
        "issued_on",
        if must_be_current {
            required(&form.issued_on, |text| current(text, rules)).map(Some)
        } else {
            optional(&form.issued_on, day)
        },
    );
    match (kind, file, issued_on) {
        (Some(kind), Some(file), Some(issued_on)) => Ok(Document { kind, file, issued_on }),
        _ => Err(errors),
    }
}

fn day(text: &str) -> Result<Date, BadValue> {
    text.trim().parse().map_err(|_| {
        let detail = format!("`{}` is no date; write it like 2026-11-02", shown(text));
        BadValue::new("date_form", detail).with("value", shown(text))
    })
}

/// The date of a document that is current: not to come, and not older than the rules allow.
fn current(text: &str, rules: &FormRules<'_>) -> Result<Date, BadValue> {
    let issued_on = day(text)?;
    if issued_on > rules.today {
        return Err(BadValue::new("date_in_future", "is a day to come"));
    }
    let age = rules.today.since(issued_on).map_or(i64::MAX, |_| days_since(issued_on, rules.today));
    let days_max = rules.document_days_max;
    if age > i64::from(days_max) {
        let detail = format!("is {age} days old; a current document has at most {days_max}");
        return Err(BadValue::new("document_old", detail)
            .with("days", age.to_string())
            .with("most", days_max.to_string()));
    }
    Ok(issued_on)
}

/// An amount of PLN as people type it, in grosze: `1200`, `1 200,5`, `1200.50`.
pub fn amount(text: &str) -> Result<i64, BadValue> {
    let bad = || {
        let detail = format!("`{}` is no amount; write it like 1200 or 1200,50", shown(text));
        BadValue::new("amount_form", detail).with("value", shown(text))
    };
    let bare: String = text.chars().take(40).filter(|letter| !letter.is_whitespace()).collect();
    let (whole, cents) = bare.split_once([',', '.']).unwrap_or((&bare, ""));
    let is_digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(cents) || cents.len() > 2 {
        return Err(bad());
    }
    let cents = if cents.len() == 1 { format!("{cents}0") } else { cents.to_owned() };
    let cents: i64 = if cents.is_empty() { 0 } else { cents.parse().map_err(|_| bad())? };
    let whole: i64 = whole.parse().map_err(|_| bad())?;
    let minor = whole.checked_mul(100).and_then(|minor| minor.checked_add(cents));
    minor
        .filter(|minor| *minor <= MONTH_MAX)
        .ok_or_else(|| BadValue::new("amount_large", "is more than a billion PLN a month"))
}

fn cut(text: &mut String, octets_max: usize) {
    text.truncate(text.floor_char_boundary(octets_max));
}

#[cfg(test)]
#[path = "application_form_tests.rs"]
mod tests;
