//! What the links of letters lead to: the first password, and a new one for a forgotten one.
//!
//! The surprise: looking uses nothing up, because mail scanners follow links (S-06); and whoever
//! asks for a link hears the same whether the address is known or not.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};

use super::{
    super::{address::see_other, cell::Time, form::Form, page::Page},
    explain, password, with_session,
};
use crate::{
    domain::Refusal,
    http::{error::Problem, signed::Origin},
    partnership::{Error, InvitationView},
};

/// Longer tokens are none of ours and look for nothing.
const TOKEN_OCTETS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "new_password.html", config = "src/http/portal/askama.toml")]
struct NewPassword<'p> {
    page: &'p Page,
    form: &'p Form,
    path: &'p str,
    is_invitation: bool,
    view: &'p InvitationView,
    until: Time,
}

#[derive(Template)]
#[template(path = "dead_link.html", config = "src/http/portal/askama.toml")]
struct DeadLink<'p> {
    page: &'p Page,
    is_invitation: bool,
}

#[derive(Template)]
#[template(path = "forgotten.html", config = "src/http/portal/askama.toml")]
struct Forgotten<'p> {
    page: &'p Page,
    form: &'p Form,
    is_asked: bool,
}

pub(super) async fn show_invitation(
    page: Page,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    show(page, "invitation", &token, &Form::empty()).await
}

pub(super) async fn show_reset(page: Page, Path(token): Path<String>) -> Result<Response, Problem> {
    show(page, "reset", &token, &Form::empty()).await
}

async fn show(page: Page, purpose: &str, token: &str, form: &Form) -> Result<Response, Problem> {
    if token.len() > TOKEN_OCTETS_MAX {
        return dead(page, purpose, Refusal::LinkInvalid.into());
    }
    let view = match page.app().partnership.look_at_link(purpose, token).await {
        Ok(view) => view,
        Err(error) => return dead(page, purpose, error),
    };
    let is_invitation = purpose == "invitation";
    let title = if is_invitation { "accounts-invitation-title" } else { "accounts-reset-title" };
    let page = page.titled(title).with(form);
    let path = format!("/{purpose}/{token}");
    let until = page.time(view.valid_until);
    let body = NewPassword { page: &page, form, path: &path, is_invitation, view: &view, until };
    Ok(page.show(&body))
}

/// The page of a link that was used, is too old or was never sent; other errors stay errors.
fn dead(page: Page, purpose: &str, error: Error) -> Result<Response, Problem> {
    if !matches!(error, Error::Refused(Refusal::LinkInvalid)) {
        return Err(error.into());
    }
    let page = page.titled("accounts-dead-title");
    let body = DeadLink { page: &page, is_invitation: purpose == "invitation" };
    Ok(page.show_as(StatusCode::GONE, &body))
}

pub(super) async fn accept(
    page: Page,
    Path(token): Path<String>,
    origin: Origin,
    mut form: Form,
) -> Result<Response, Problem> {
    let typed = password(&form, "password");
    let accepted = page.app().partnership.accept_invitation(&token, typed, origin.visitor()).await;
    match accepted {
        Ok(begun) => Ok(with_session(&page, see_other("/account/second-factor"), &begun.token)),
        Err(error) => match explain(&page, &mut form, error) {
            Ok(()) => show(page, "invitation", &token, &form).await,
            Err(error) => dead(page, "invitation", error),
        },
    }
}

pub(super) async fn reset(
    page: Page,
    Path(token): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let typed = password(&form, "password");
    match page.app().partnership.reset_password(&token, typed).await {
        Ok(()) => Ok(page.done("/login", "accounts-notice-reset")),
        Err(error) => match explain(&page, &mut form, error) {
            Ok(()) => show(page, "reset", &token, &form).await,
            Err(error) => dead(page, "reset", error),
        },
    }
}

pub(super) async fn show_ask(page: Page) -> Response {
    render_ask(page, &Form::empty(), false)
}

fn render_ask(page: Page, form: &Form, is_asked: bool) -> Response {
    let page = page.titled("accounts-forgotten-title").with(form);
    page.show(&Forgotten { page: &page, form, is_asked })
}

pub(super) async fn ask(page: Page, origin: Origin, mut form: Form) -> Result<Response, Problem> {
    form.require(&page, "mail", "accounts-mail-missing");
    if !form.is_right() {
        return Ok(render_ask(page, &form, false));
    }
    page.app().partnership.ask_reset(form.text("mail"), origin.visitor()).await?;
    Ok(render_ask(page, &form, true))
}
