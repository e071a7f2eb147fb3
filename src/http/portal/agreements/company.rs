//! `/company`: what a partner's company says of itself (R4.17).

use askama::Template;
use axum::response::Response;

use super::{Page, partners::company_summary};
use crate::{
    domain::{Refusal, Right, company::CompanyForm},
    http::{
        error::Problem,
        portal::{apply::wording, cell::Summary, form::Form, person::Person},
    },
    store::CompanyRow,
};

const FIELDS: [&str; 5] = ["street", "postal_code", "city", "regon", "krs"];

#[derive(Template)]
#[template(path = "company.html", config = "src/http/portal/askama.toml")]
struct Company<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p CompanyRow,
    summary: Summary,
    may_edit: bool,
    may_see_bank: bool,
}

pub(super) async fn show(page: Page) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, None).await
}

async fn whole(page: Page, person: &Person, typed: Option<&Form>) -> Result<Response, Problem> {
    let partner = person.signed.partner.ok_or(Refusal::NotAllowed)?;
    let row = page.app().partnership.company(&person.signed, partner).await?;
    let kept = Form::of(
        [
            ("street", &row.street),
            ("postal_code", &row.postal_code),
            ("city", &row.city),
            ("regon", &row.regon),
            ("krs", &row.krs),
        ]
        .map(|(name, value)| (name, value.clone())),
    );
    let form = typed.unwrap_or(&kept);
    let page = page.titled("agreements-company").with(form);
    let summary = company_summary(&page, &row);
    let may_edit = person.may(Right::EditCompany);
    let may_see_bank = person.may(Right::SeeBank);
    Ok(page.show(&Company { page: &page, form, row: &row, summary, may_edit, may_see_bank }))
}

pub(super) async fn edit(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/company")) };
    let partner = person.signed.partner.ok_or(Refusal::NotAllowed)?;
    let partnership = page.app().partnership.clone();
    let row = partnership.company(&person.signed, partner).await?;
    let text = |name: &str| form.text(name).to_owned();
    let wished = CompanyForm {
        street: text("street"),
        postal_code: text("postal_code"),
        city: text("city"),
        regon: text("regon"),
        krs: text("krs"),
        country: row.country,
        ..CompanyForm::default()
    };
    let version = form.number("version").unwrap_or_default();
    match partnership.edit_company(&person.signed, (partner, version), &wished).await {
        Ok(_) => Ok(page.done("/company", "agreements-notice-company")),
        Err(crate::partnership::Error::Refused(Refusal::FieldErrors(faults))) => {
            for fault in faults {
                let name = fault.field.trim_start_matches("company.");
                let name = FIELDS.iter().find(|field| **field == name).unwrap_or(&"street");
                form.wrong(name, wording::of_fault(&page, &fault));
            }
            whole(page, &person, Some(&form)).await
        }
        Err(error) => Err(error.into()),
    }
}
