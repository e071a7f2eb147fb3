//! `/ideas`: an idea for a service, from anybody, with an answer promised (R4.20).

use askama::Template;
use axum::{
    http::{Extensions, HeaderMap},
    response::Response,
};

use super::{
    begin, remember,
    spec::{Drawn, Kind, Spec, draw},
    wording,
};
use crate::{
    http::{
        auth,
        error::Problem,
        portal::{address::see_other, form::Form, page::Page},
    },
    partnership::{Beginning, NewIdea},
};

#[derive(Template)]
#[template(path = "apply_idea.html", config = "src/http/portal/askama.toml")]
struct Idea<'p> {
    page: &'p Page,
    form: &'p Form,
    notice: String,
    fields: Vec<Drawn<'p>>,
}

pub(super) async fn show(page: Page) -> Response {
    let form = Form::of([("language", page.language.tag())]);
    draw_page(page, &form)
}

fn draw_page(page: Page, form: &Form) -> Response {
    let page = page.titled("apply-idea-title").under("/", "apply-start").with(form);
    let mut specs = vec![
        Spec::new(Kind::Text, "title", "apply-idea-name"),
        Spec::new(Kind::Area, "text", "apply-idea-text"),
    ];
    specs.extend(begin::who());
    specs.push(Spec::new(Kind::Tick, "privacy_notice", "apply-consent-tick"));
    let version = &page.app().partnership.rules().privacy_notice;
    let notice = page.t1("apply-notice-version", "version", version);
    page.show(&Idea { page: &page, form, notice, fields: draw(&page, form, &specs) })
}

pub(super) async fn send(
    page: Page,
    extensions: Extensions,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, Problem> {
    if begin::is_machine(&form) {
        return Ok(see_other("/apply/sent"));
    }
    let app = page.app().clone();
    let address = auth::address(&extensions, &headers, &app.limits.trusted_proxies).to_string();
    let notice = app.partnership.rules().privacy_notice.clone();
    let partner = page.person.as_ref().and_then(|person| person.signed.partner);
    let new = NewIdea {
        begin: Beginning {
            mail: form.text("mail"),
            language: form.text("language"),
            address: &address,
        },
        name: form.text("name"),
        title: form.text("title"),
        text: form.text("text"),
        privacy_notice: if form.is_on("privacy_notice") { &notice } else { "" },
        partner,
    };
    match app.partnership.file_idea(&new).await {
        Ok(begun) => {
            let mut response = see_other(&format!("/apply/{}/done", begun.reference));
            remember(&app, &mut response, &begun.reference, &begun.key);
            Ok(response)
        }
        Err(error) => {
            form.require(&page, "mail", "apply-mail-missing");
            wording::take(&page, &mut form, error, wording::id)?;
            Ok(draw_page(page, &form))
        }
    }
}
