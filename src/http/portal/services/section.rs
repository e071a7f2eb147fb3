//! `/services/{id}/section/{section}`: one part of the form, with what staff said at each field.
//!
//! What was typed is kept even if it is wrong. "Save and come back later" leaves with mistakes.
//! The surprise: a mistake in one section can come from another, for how long a text may be is
//! said by its alphabet; it is shown where the text stands.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, choices, explain, said};
use crate::{
    domain::{
        Refusal,
        refusal::FieldFault,
        row_id,
        service_revision::{ServiceForm, ServiceSection},
    },
    http::{
        error::Problem,
        portal::{
            apply::spec::{Kind, Spec},
            field::Field,
            form::Form,
            timeline::doer,
        },
    },
    partnership::ServiceFile,
};

#[derive(Template)]
#[template(path = "service_section.html", config = "src/http/portal/askama.toml")]
struct SectionPage<'p> {
    page: &'p Page,
    form: &'p Form,
    title: String,
    path: String,
    version: i64,
    fields: Vec<Commented<'p>>,
}

/// A field and what was said about it.
struct Commented<'p> {
    field: Field<'p>,
    said: Vec<(String, String)>,
}

fn known(section: &str) -> Result<ServiceSection, Refusal> {
    ServiceSection::parse(section).ok_or(Refusal::UnknownId("section"))
}

/// The fields of a section in their order.
fn fields_of(section: ServiceSection) -> impl Iterator<Item = &'static str> {
    ServiceForm::FIELDS.iter().filter(move |(of, _)| *of == section).map(|(_, name)| *name)
}

fn spec(page: &Page, name: &'static str) -> Spec {
    let key = KEYS.iter().find(|(field, _)| *field == name).map_or("", |(_, key)| *key);
    let kind = match name {
        "area" | "kind" | "billing" | "age" | "delivery" | "coding" | "on_unknown" => Kind::Radios,
        "answer" | "help" | "stop" | "error" => Kind::Area,
        "contact_mail" => Kind::Mail,
        "contact_phone" => Kind::Phone,
        "register_date" | "starts_on" | "ends_on" => Kind::Date,
        "short_code" | "parts_max" | "rate" | "validity_hours" => Kind::Digits,
        _ => Kind::Text,
    };
    let spec = Spec::new(kind, name, key).of(choices(page, name));
    match name {
        "short_code" | "tariff" => spec.wide("some"),
        "parts_max" | "rate" | "validity_hours" => spec.wide("few"),
        "keywords" | "help" | "stop" | "error" | "callback_url" | "retry" | "tlvs"
        | "test_numbers" | "starts_on" | "ends_on" => spec.optional(),
        _ => spec,
    }
}

/// Keys are written out: a page asks for no text that nobody can find.
const KEYS: &[(&str, &str)] = &[
    ("area", "services-field-area"),
    ("kind", "services-field-kind"),
    ("short_code", "services-field-short-code"),
    ("keywords", "services-field-keywords"),
    ("billing", "services-field-billing"),
    ("tariff", "services-field-tariff"),
    ("answer", "services-field-answer"),
    ("help", "services-field-help"),
    ("stop", "services-field-stop"),
    ("error", "services-field-error"),
    ("age", "services-field-age"),
    ("contact_mail", "services-field-contact-mail"),
    ("contact_phone", "services-field-contact-phone"),
    ("rules_url", "services-field-rules-url"),
    ("register_entry", "services-field-register-entry"),
    ("register_date", "services-field-register-date"),
    ("delivery", "services-field-delivery"),
    ("callback_url", "services-field-callback-url"),
    ("coding", "services-field-coding"),
    ("parts_max", "services-field-parts-max"),
    ("rate", "services-field-rate"),
    ("validity_hours", "services-field-validity-hours"),
    ("retry", "services-field-retry"),
    ("on_unknown", "services-field-on-unknown"),
    ("tlvs", "services-field-tlvs"),
    ("test_numbers", "services-field-test-numbers"),
    ("starts_on", "services-field-starts-on"),
    ("ends_on", "services-field-ends-on"),
];

pub(super) async fn show(
    page: Page,
    Path((id, section)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let (id, section) = (row_id(&id, "service")?, known(&section)?);
    let file = page.app().partnership.service_file(&person.signed, id).await?;
    let kept = fields_of(section)
        .map(|name| (name.to_owned(), file.form.get(name).unwrap_or_default().to_owned()));
    let form = Form::of(kept);
    Ok(draw(page, section, &file, file.row.version, &form))
}

fn draw(
    page: Page,
    section: ServiceSection,
    file: &ServiceFile,
    version: i64,
    form: &Form,
) -> Response {
    let title = page.word("services-section-", section.as_str());
    let page = page
        .titled_as(format!("{title}: {}", file.row.name))
        .under("/services", "services-title")
        .under_as(format!("/services/{}", file.row.id), &file.row.name)
        .with(form);
    let specs: Vec<Spec> = fields_of(section).map(|name| spec(&page, name)).collect();
    let fields = specs
        .iter()
        .map(|spec| Commented {
            field: spec.draw(&page, form),
            said: file
                .comments
                .iter()
                .filter(|one| one.field == spec.name)
                .map(|one| (doer(&one.who).to_owned(), one.text.clone()))
                .collect(),
        })
        .collect();
    let path = format!("/services/{}/section/{section}", file.row.id);
    page.show(&SectionPage { page: &page, form, title, path, version, fields })
}

pub(super) async fn save(
    page: Page,
    Path((id, section)): Path<(String, String)>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let (id, section) = (row_id(&id, "service")?, known(&section)?);
    let partnership = page.app().partnership.clone();
    let fields: Vec<_> =
        fields_of(section).map(|name| (name.to_owned(), form.text(name).to_owned())).collect();
    // A page without its version was not made here: 0 is no version, and the verb says so.
    let version = form.number("version").unwrap_or_default();
    if let Err(error) = partnership.edit_service(&person.signed, (id, version), &fields).await {
        explain(&page, &mut form, error)?;
    }
    // Read again: it has another version now, which the next save must name.
    let file = partnership.service_file(&person.signed, id).await?;
    if !form.is_on("later") {
        for error in &file.form.errors_of(section) {
            let fault = FieldFault {
                field: error.field.as_str().into(),
                code: error.code,
                params: error.params.clone(),
                detail: error.detail.clone(),
            };
            form.wrong(&error.field, said(&page, &fault));
        }
    }
    if !form.is_right() {
        return Ok(draw(page, section, &file, file.row.version, &form));
    }
    // The next thing to do is shown at once, unless somebody wants to come back later.
    let next = ServiceSection::ALL
        .iter()
        .find(|next| **next > section && !file.form.errors_of(**next).is_empty());
    match next.filter(|_| !form.is_on("later")) {
        Some(next) => {
            Ok(page.done(&format!("/services/{id}/section/{next}"), "services-notice-saved"))
        }
        None => Ok(page.done(&format!("/services/{id}"), "services-notice-saved")),
    }
}
