//! `/account/confirm`: a fresh code opens what is sensitive for some minutes (S-10).
//!
//! It keeps no form. The surprise: a form that was sent too early is not sent again by us; the
//! person goes back to it and sends it, because a kept POST could be anything.

use askama::Template;
use axum::response::Response;

use super::{
    super::{
        address::{encoded, see_other},
        form::Form,
        list::Ask,
        page::Page,
        person::Person,
    },
    login::{Back, back_of},
    with_session, wrong_try,
};
use crate::{domain::Refusal, http::error::Problem, partnership::Error};

#[derive(Template)]
#[template(path = "confirm.html", config = "src/http/portal/askama.toml")]
struct Body<'p> {
    page: &'p Page,
    form: &'p Form,
    back: &'p str,
    /// A form was sent and must be sent again.
    is_again: bool,
}

/// Asks for a fresh code before a page with a form that would need one, so that nothing is typed
/// in vain: `if let Some(first) = confirm_first(&page, &person) { return Ok(first) }`.
pub(in super::super) fn confirm_first(page: &Page, person: &Person) -> Option<Response> {
    let is_fresh = page.now < person.signed.stepped_up_until;
    (!is_fresh).then(|| see_other(&format!("/account/confirm?back={}", encoded(page.here()))))
}

/// What a handler of POST makes of an error: the way to the code and back to `back`, where the
/// form must be sent again; or the problem.
pub(in super::super) fn or_confirm(back: &str, error: Error) -> Result<Response, Problem> {
    match error {
        Error::Refused(Refusal::StepUpNeeded) => {
            Ok(see_other(&format!("/account/confirm?again=1&back={}", encoded(back))))
        }
        other => Err(other.into()),
    }
}

pub(super) async fn show(page: Page, ask: Ask, back: Back) -> Response {
    if page.person.is_none() {
        return page.to_login();
    }
    let again = ask.get("again").to_owned();
    render(page, &Form::of([("back", back.0), ("again", again)]))
}

fn render(page: Page, form: &Form) -> Response {
    let page = page.titled("accounts-confirm-title").with(form);
    let is_again = form.text("again") == "1";
    page.show(&Body { page: &page, form, back: back_of(form.text("back")), is_again })
}

pub(super) async fn confirm(page: Page, mut form: Form) -> Result<Response, Problem> {
    let back = back_of(form.text("back")).to_owned();
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&back)) };
    form.require(&page, "code", "accounts-code-missing");
    if !form.is_right() {
        return Ok(render(page, &form));
    }
    match page.app().partnership.step_up(&person.signed, form.text("code")).await {
        Ok(token) => {
            let is_again = form.text("again") == "1";
            let notice =
                if is_again { "accounts-notice-send-again" } else { "accounts-notice-confirmed" };
            Ok(with_session(&page, page.done(&back, notice), &token))
        }
        Err(error) => {
            let wait = wrong_try(&page, &mut form, ("code", "accounts-code-wrong"), error)?;
            Ok(wait.on(render(page, &form)))
        }
    }
}
