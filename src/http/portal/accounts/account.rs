//! `/account`: what everybody changes of the own account.
//!
//! Name, mail and role are an administrator's to change. The surprise: a new password and new
//! recovery codes need a fresh code, which is asked for before anything is typed.

use askama::Template;
use axum::{http::header, response::Response};

use super::{
    super::{
        cell::{Cell, Summary},
        cookies,
        field::Choice,
        form::Form,
        page::Page,
        person::Person,
        texts::Language,
    },
    confirm_first, explain, or_confirm, password, second_factor, with_session,
};
use crate::http::{error::Problem, signed::Origin};

/// A year; the same as the switches of the frame.
const CHOICE_SECONDS: u32 = 31_536_000;

#[derive(Template)]
#[template(path = "account.html", config = "src/http/portal/askama.toml")]
struct Account<'p> {
    page: &'p Page,
    form: &'p Form,
    summary: Summary,
    languages: &'p [Choice],
    themes: &'p [Choice],
}

#[derive(Template)]
#[template(path = "own_password.html", config = "src/http/portal/askama.toml")]
struct OwnPassword<'p> {
    page: &'p Page,
    form: &'p Form,
}

#[derive(Template)]
#[template(path = "ask_codes.html", config = "src/http/portal/askama.toml")]
struct AskCodes<'p> {
    page: &'p Page,
}

pub(super) async fn show(page: Page) -> Response {
    let Some(person) = page.person.clone() else { return page.to_login() };
    let (language, theme) = (&person.signed.language, &person.signed.theme);
    let form = Form::of([("language", language), ("theme", theme)]);
    render(page, &person, &form)
}

fn render(page: Page, person: &Person, form: &Form) -> Response {
    let page = page.titled("accounts-account-title").with(form);
    let change = || page.t("accounts-change");
    let mut summary = Summary::new()
        .row(page.t("accounts-name"), Cell::text(person.name.as_str()))
        .row(page.t("accounts-mail"), Cell::text(&person.signed.mail))
        .row(
            page.t("accounts-role"),
            Cell::text(page.t(&["accounts-role-", &person.role].concat())),
        );
    if let Some(partner) = &person.partner {
        summary = summary.row(page.t("accounts-partner"), Cell::text(partner.as_str()));
    }
    let set = || Cell::text(page.t("accounts-is-set"));
    let summary = summary
        .row_with(page.t("accounts-password"), set(), "/account/password", change())
        .row_with(page.t("accounts-factor"), set(), "/account/second-factor", change())
        .row_with(page.t("accounts-codes-title"), set(), "/account/recovery-codes", change())
        .row_with(
            page.t("accounts-sessions-title"),
            page.time(person.signed.begun_at),
            "/sessions",
            page.t("accounts-look"),
        );
    let languages: Vec<Choice> =
        Language::ALL.into_iter().map(|one| Choice::new(one.tag(), one.name())).collect();
    let themes = [
        Choice::new("auto", page.t("frame-theme-auto")),
        Choice::new("light", page.t("frame-theme-light")),
        Choice::new("dark", page.t("frame-theme-dark")),
    ];
    let body = Account { page: &page, form, summary, languages: &languages, themes: &themes };
    page.show(&body)
}

/// Keeps language and colours, for letters and for the next browser; this one shows them at once.
pub(super) async fn prefer(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/account")) };
    let (language, theme) = (form.text("language").to_owned(), form.text("theme").to_owned());
    let partnership = &page.app().partnership;
    let kept = partnership.set_preferences(&person.signed, Some(&language), Some(&theme)).await;
    if let Err(error) = kept {
        explain(&page, &mut form, error)?;
        return Ok(render(page, &person, &form));
    }
    let mut response = page.done("/account", "accounts-notice-saved");
    for (name, value) in [("language", language), ("theme", theme)] {
        let cookie = cookies::write(page.app(), name, &value, Some(CHOICE_SECONDS));
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(super) async fn show_password(page: Page) -> Response {
    let Some(person) = page.person.clone() else { return page.to_login() };
    confirm_first(&page, &person).unwrap_or_else(|| render_password(page, &Form::empty()))
}

fn render_password(page: Page, form: &Form) -> Response {
    let page = page
        .titled("accounts-own-password-title")
        .under("/account", "accounts-account-title")
        .with(form);
    page.show(&OwnPassword { page: &page, form })
}

pub(super) async fn change_password(
    page: Page,
    origin: Origin,
    mut form: Form,
) -> Result<Response, Problem> {
    const HERE: &str = "/account/password";
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(HERE)) };
    let (old, new) = (password(&form, "old_password"), password(&form, "password"));
    let partnership = &page.app().partnership;
    match partnership.change_password(&person.signed, old, new, origin.visitor()).await {
        Ok(begun) => {
            let response = page.done("/account", "accounts-notice-password");
            Ok(with_session(&page, response, &begun.token))
        }
        Err(error) => match explain(&page, &mut form, error) {
            Ok(()) => Ok(render_password(page, &form)),
            Err(error) => or_confirm(HERE, error),
        },
    }
}

pub(super) async fn show_codes(page: Page) -> Response {
    let Some(person) = page.person.clone() else { return page.to_login() };
    if let Some(first) = confirm_first(&page, &person) {
        return first;
    }
    let page = page.titled("accounts-codes-title").under("/account", "accounts-account-title");
    page.show(&AskCodes { page: &page })
}

pub(super) async fn new_codes(page: Page, _form: Form) -> Result<Response, Problem> {
    const HERE: &str = "/account/recovery-codes";
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(HERE)) };
    match page.app().partnership.new_recovery_codes(&person.signed).await {
        Ok(codes) => {
            let page = page.titled("accounts-codes-title");
            Ok(second_factor::show_codes(&page, &codes, "/account"))
        }
        Err(error) => or_confirm(HERE, error),
    }
}
