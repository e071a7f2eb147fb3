//! The fields of each section, written down once: a page draws them, a form is read by them, and
//! the last page shows what was answered.
//!
//! It checks nothing; `domain::application_form` does. The surprise: a field's name is its path in
//! the form of the domain with dashes, so that a mistake finds its field without a table.

use std::collections::BTreeMap;

use crate::{
    domain::{
        application::Area,
        application_form::{
            ConsentForm, ContactForm, Form as Answers, MONTHS, PlanForm, Section, SectionForm,
        },
        company::CompanyForm,
    },
    http::portal::{
        cell::{Cell, Summary},
        field::{Choice, Field},
        form::Form,
        page::Page,
    },
};

/// Contacts that a page offers; the API takes more.
const CONTACTS: usize = 3;
const MONTH_KEYS: [&str; MONTHS] = [
    "apply-month-1",
    "apply-month-2",
    "apply-month-3",
    "apply-month-4",
    "apply-month-5",
    "apply-month-6",
    "apply-month-7",
    "apply-month-8",
    "apply-month-9",
    "apply-month-10",
    "apply-month-11",
    "apply-month-12",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::portal) enum Kind {
    Text,
    /// Digits of a register number.
    Digits,
    Mail,
    Phone,
    Area,
    Sum,
    Date,
    Upload,
    Tick,
    Checks,
    Radios,
    Select,
}

/// One field.
#[derive(Debug, Clone)]
pub(in crate::http::portal) struct Spec {
    /// Stands above the field and those that follow it.
    pub(in crate::http::portal) heading: Option<String>,
    pub(in crate::http::portal) name: String,
    pub(in crate::http::portal) key: &'static str,
    pub(in crate::http::portal) kind: Kind,
    pub(in crate::http::portal) is_optional: bool,
    pub(in crate::http::portal) choices: Vec<Choice>,
    pub(in crate::http::portal) width: &'static str,
    pub(in crate::http::portal) purpose: Option<&'static str>,
}

impl Spec {
    pub(in crate::http::portal) fn new(
        kind: Kind,
        name: impl Into<String>,
        key: &'static str,
    ) -> Self {
        Self {
            heading: None,
            name: name.into(),
            key,
            kind,
            is_optional: false,
            choices: Vec::new(),
            width: "full",
            purpose: None,
        }
    }

    pub(in crate::http::portal) fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    pub(in crate::http::portal) fn wide(self, width: &'static str) -> Self {
        Self { width, ..self }
    }

    pub(in crate::http::portal) fn of(self, choices: Vec<Choice>) -> Self {
        Self { choices, ..self }
    }

    pub(in crate::http::portal) fn under(self, heading: impl Into<String>) -> Self {
        Self { heading: Some(heading.into()), ..self }
    }

    fn for_purpose(self, purpose: &'static str) -> Self {
        Self { purpose: Some(purpose), ..self }
    }

    pub(in crate::http::portal) fn draw<'a>(&'a self, page: &'a Page, form: &'a Form) -> Field<'a> {
        let (name, key) = (self.name.as_str(), self.key);
        let field = match self.kind {
            Kind::Text => page.input(form, name, key),
            Kind::Digits => page.input(form, name, key).digits(),
            Kind::Mail => page.input(form, name, key).email(),
            Kind::Phone => page.input(form, name, key).phone(),
            Kind::Area => page.area(form, name, key).rows(7),
            Kind::Sum => page.sum(form, name, key),
            Kind::Date => page.date(form, name, key),
            Kind::Upload => page
                .upload(form, name, key)
                .accept(".pdf,.png,.jpg,.jpeg,.tif,.tiff,application/pdf,image/*"),
            Kind::Tick => page.tick(form, name, key),
            Kind::Checks => page.checkboxes(form, name, key, &self.choices),
            Kind::Radios => page.radios(form, name, key, &self.choices),
            Kind::Select => page.select(form, name, key, &self.choices),
        };
        let field = if self.width == "full" { field } else { field.width(self.width) };
        let field = if self.is_optional { field.optional() } else { field };
        match self.purpose {
            Some(purpose) => field.autocomplete(purpose),
            None => field,
        }
    }
}

/// A field with the heading above it, as templates take them.
pub(in crate::http::portal) struct Drawn<'a> {
    pub(in crate::http::portal) heading: Option<&'a str>,
    pub(in crate::http::portal) field: Field<'a>,
}

pub(in crate::http::portal) fn draw<'a>(
    page: &'a Page,
    form: &'a Form,
    specs: &'a [Spec],
) -> Vec<Drawn<'a>> {
    let drawn =
        |spec: &'a Spec| Drawn { heading: spec.heading.as_deref(), field: spec.draw(page, form) };
    specs.iter().map(drawn).collect()
}

/// The fields of a section. Documents have a page of their own.
pub(in crate::http::portal) fn specs(
    page: &Page,
    section: Section,
    answers: &Answers,
) -> Vec<Spec> {
    match section {
        Section::Company => company(),
        Section::Contacts => (0..CONTACTS).flat_map(|index| contact(page, index)).collect(),
        Section::Areas => {
            let choice = |area: &Area| {
                Choice::new(area.as_str(), super::wording::area(page, area.as_str()))
                    .hint(page.t(&format!("{}{}", "apply-about-", dashed(area.as_str()))))
            };
            let choices = Area::ALL.iter().map(choice).collect();
            vec![Spec::new(Kind::Checks, "areas", "apply-areas").of(choices)]
        }
        Section::Plans => {
            let chosen = Area::ALL.iter().filter(|area| is_chosen(answers, **area));
            chosen.flat_map(|area| plan(page, *area)).collect()
        }
        Section::Documents => Vec::new(),
        Section::Consent => {
            vec![Spec::new(Kind::Tick, "consent-privacy_notice", "apply-consent-tick")]
        }
    }
}

fn dashed(word: &str) -> String {
    word.replace('_', "-")
}

fn is_chosen(answers: &Answers, area: Area) -> bool {
    answers.areas.iter().any(|word| word == area.as_str())
}

fn company() -> Vec<Spec> {
    let text = |name: &str, key| Spec::new(Kind::Text, format!("company-{name}"), key);
    let digits = |name: &str, key| Spec::new(Kind::Digits, format!("company-{name}"), key);
    vec![
        text("legal_name", "apply-legal-name").for_purpose("organization"),
        digits("nip", "apply-nip").wide("some"),
        digits("regon", "apply-regon").wide("some"),
        digits("krs", "apply-krs").wide("some").optional(),
        text("street", "apply-street").for_purpose("street-address"),
        text("postal_code", "apply-postal-code").wide("few").for_purpose("postal-code"),
        text("city", "apply-city").wide("many").for_purpose("address-level2"),
        text("bank_account", "apply-bank-account").optional(),
    ]
}

fn contact(page: &Page, index: usize) -> Vec<Spec> {
    let spec = |kind, name: &str, key| {
        let spec = Spec::new(kind, format!("contacts-{index}-{name}"), key);
        // Only the first person must be there.
        if index == 0 { spec } else { spec.optional() }
    };
    vec![
        spec(Kind::Text, "name", "apply-contact-name").under(page.t1(
            "apply-contact",
            "number",
            index + 1,
        )),
        spec(Kind::Text, "role", "apply-contact-role").optional(),
        spec(Kind::Mail, "mail", "apply-contact-mail"),
        spec(Kind::Phone, "phone", "apply-contact-phone").wide("many").optional(),
    ]
}

fn plan(page: &Page, area: Area) -> Vec<Spec> {
    let path = format!("plans-{}", area.as_str());
    let long = |name: &str, key| Spec::new(Kind::Area, format!("{path}-{name}"), key);
    let heading = super::wording::area(page, area.as_str());
    let mut specs = vec![
        long("idea", "apply-idea").under(heading),
        long("novelty", "apply-novelty"),
        long("marketing_plan", "apply-marketing-plan"),
    ];
    specs.extend(MONTH_KEYS.iter().enumerate().map(|(month, key)| {
        let spec = Spec::new(Kind::Sum, format!("{path}-revenue-{month}"), key);
        if month == 0 { spec.under(page.t("apply-revenue")) } else { spec }
    }));
    specs
}

/// What is kept, as the fields show it.
pub(in crate::http::portal) fn kept(section: Section, answers: &Answers) -> Form {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut put = |name: String, value: &str| pairs.push((name, value.to_owned()));
    match section {
        Section::Company => {
            let c = &answers.company;
            for (name, value) in [
                ("legal_name", &c.legal_name),
                ("nip", &c.nip),
                ("regon", &c.regon),
                ("krs", &c.krs),
                ("street", &c.street),
                ("postal_code", &c.postal_code),
                ("city", &c.city),
                ("bank_account", &c.bank_account),
            ] {
                put(format!("company-{name}"), value);
            }
        }
        Section::Contacts => {
            for (index, c) in answers.contacts.iter().enumerate() {
                for (name, value) in
                    [("name", &c.name), ("role", &c.role), ("mail", &c.mail), ("phone", &c.phone)]
                {
                    put(format!("contacts-{index}-{name}"), value);
                }
            }
        }
        Section::Areas => answers.areas.iter().for_each(|area| put("areas".to_owned(), area)),
        Section::Plans => {
            for (area, plan) in &answers.plans {
                put(format!("plans-{area}-idea"), &plan.idea);
                put(format!("plans-{area}-novelty"), &plan.novelty);
                put(format!("plans-{area}-marketing_plan"), &plan.marketing_plan);
                for (month, figure) in plan.revenue.iter().enumerate() {
                    put(format!("plans-{area}-revenue-{month}"), figure);
                }
            }
        }
        Section::Documents => {}
        Section::Consent => {
            if answers.consent.accepted {
                put("consent-privacy_notice".to_owned(), "yes");
            }
        }
    }
    Form::of(pairs)
}

/// What was typed, as the domain takes it. `notice` is the version that the page showed.
pub(super) fn read(
    section: Section,
    form: &Form,
    answers: &Answers,
    notice: &str,
) -> Option<SectionForm> {
    let text = |name: &str| form.text(name).to_owned();
    Some(match section {
        Section::Company => SectionForm::Company(CompanyForm {
            legal_name: text("company-legal_name"),
            nip: text("company-nip"),
            regon: text("company-regon"),
            krs: text("company-krs"),
            street: text("company-street"),
            postal_code: text("company-postal_code"),
            city: text("company-city"),
            country: answers.company.country.clone(),
            bank_account: text("company-bank_account"),
        }),
        Section::Contacts => {
            let contact = |index| ContactForm {
                name: text(&format!("contacts-{index}-name")),
                role: text(&format!("contacts-{index}-role")),
                mail: text(&format!("contacts-{index}-mail")),
                phone: text(&format!("contacts-{index}-phone")),
            };
            SectionForm::Contacts((0..CONTACTS).map(contact).collect())
        }
        Section::Areas => SectionForm::Areas(form.all("areas").map(str::to_owned).collect()),
        Section::Plans => {
            let plan = |area: &Area| {
                let path = format!("plans-{}", area.as_str());
                let plan = PlanForm {
                    revenue: (0..MONTHS).map(|m| text(&format!("{path}-revenue-{m}"))).collect(),
                    marketing_plan: text(&format!("{path}-marketing_plan")),
                    idea: text(&format!("{path}-idea")),
                    novelty: text(&format!("{path}-novelty")),
                };
                (area.as_str().to_owned(), plan)
            };
            let chosen = Area::ALL.iter().filter(|area| is_chosen(answers, **area));
            SectionForm::Plans(chosen.map(plan).collect::<BTreeMap<_, _>>())
        }
        Section::Documents => return None,
        Section::Consent => SectionForm::Consent(ConsentForm {
            privacy_notice: notice.to_owned(),
            accepted: form.is_on("consent-privacy_notice"),
        }),
    })
}

/// What was answered in a section; `change` is the way to change it.
pub(in crate::http::portal) fn summary(
    page: &Page,
    section: Section,
    answers: &Answers,
    change: Option<&str>,
) -> Summary {
    let form = kept(section, answers);
    let mut summary = Summary::new();
    for spec in specs(page, section, answers) {
        let shown: Vec<String> = match spec.kind {
            Kind::Checks => {
                form.all(&spec.name).map(|area| super::wording::area(page, area)).collect()
            }
            Kind::Tick if form.is_on(&spec.name) => vec![page.t("apply-yes")],
            Kind::Sum => {
                form.money(&spec.name).map(|sum| page.money(sum, "PLN")).into_iter().collect()
            }
            _ => vec![form.text(&spec.name).to_owned()],
        };
        let value = shown.join(", ");
        let is_kept = !value.is_empty() || !spec.is_optional;
        if !is_kept {
            continue;
        }
        let name = page.t(spec.key);
        summary = match change {
            Some(path) => {
                let path = format!("{path}#{}", spec.name);
                summary.row_with(name, Cell::text(value), path, page.t("apply-change"))
            }
            None => summary.row(name, Cell::text(value)),
        };
    }
    summary
}
