//! `/apply`: what is asked, and the address that the link goes to.
//!
//! It knows nobody yet. The surprise: whoever fills the field that people do not see gets the same
//! answer as everybody, and nothing is begun.

use askama::Template;
use axum::{
    http::{Extensions, HeaderMap},
    response::Response,
};

use super::{
    private, remember, remembered,
    spec::{Drawn, Kind, Spec, draw},
    wording,
};
use crate::{
    domain::{
        Caller,
        application_form::{ContactForm, SectionForm},
    },
    http::{
        auth,
        error::Problem,
        portal::{address::see_other, field::Choice, form::Form, page::Page, texts::Language},
    },
    partnership::Beginning,
};

#[derive(Template)]
#[template(path = "apply_begin.html", config = "src/http/portal/askama.toml")]
struct Begin<'p> {
    page: &'p Page,
    form: &'p Form,
    fields: Vec<Drawn<'p>>,
}

#[derive(Template)]
#[template(path = "apply_sent.html", config = "src/http/portal/askama.toml")]
struct Sent<'p> {
    page: &'p Page,
    reference: Option<&'p str>,
}

/// Fields of whoever is not known yet, in an application and with an idea.
pub(super) fn who() -> Vec<Spec> {
    let languages = Language::ALL.map(|one| Choice::new(one.tag(), one.name())).into();
    vec![
        Spec::new(Kind::Text, "name", "apply-name").wide("many"),
        Spec::new(Kind::Mail, "mail", "apply-mail"),
        Spec::new(Kind::Radios, "language", "apply-language").of(languages),
    ]
}

/// The field that only machines fill.
pub(super) fn is_machine(form: &Form) -> bool {
    !form.text("website").is_empty()
}

pub(super) async fn show(page: Page) -> Response {
    let form = Form::of([("language", page.language.tag())]);
    draw_page(&page.titled("apply-title").under("/", "apply-start"), &form)
}

fn draw_page(page: &Page, form: &Form) -> Response {
    let specs = who();
    page.show(&Begin { page, form, fields: draw(page, form, &specs) })
}

pub(super) async fn send(
    page: Page,
    extensions: Extensions,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, Problem> {
    if is_machine(&form) {
        return Ok(see_other("/apply/sent"));
    }
    form.require(&page, "name", "apply-name-missing");
    form.require(&page, "mail", "apply-mail-missing");
    let (app, partnership) = (page.app(), &page.app().partnership);
    if form.is_right() {
        let address = auth::address(&extensions, &headers, &app.limits.trusted_proxies).to_string();
        let mail = form.text("mail").to_owned();
        let language = form.text("language").to_owned();
        let new = Beginning { mail: &mail, language: &language, address: &address };
        match partnership.begin_application(&new).await {
            Ok(begun) => {
                let by = Caller::Applicant { application: begun.id };
                let name = form.text("name").to_owned();
                let contact = ContactForm { name, mail, ..ContactForm::default() };
                let section = SectionForm::Contacts(vec![contact]);
                // The name is typed once; without it the section would only be empty.
                let kept = partnership.save_section(&by, (begun.id, begun.version), section).await;
                if let Err(error) = kept {
                    tracing::warn!(%error, "the name of an applicant was not kept");
                }
                let mut response = see_other("/apply/sent");
                remember(app, &mut response, &begun.reference, &begun.key);
                return Ok(response);
            }
            Err(error) => wording::take(&page, &mut form, error, wording::id)?,
        }
    }
    let page = page.titled("apply-title").under("/", "apply-start").with(&form);
    Ok(draw_page(&page, &form))
}

pub(super) async fn sent(page: Page, headers: HeaderMap) -> Response {
    let reference = remembered(page.app(), &headers).map(|(reference, _)| reference.to_owned());
    let page = page.titled("apply-sent").under("/apply", "apply-title");
    private(page.show(&Sent { page: &page, reference: reference.as_deref() }))
}
