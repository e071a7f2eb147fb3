//! `/login` and `/logout`.
//!
//! Everything that can be wrong has one wording (S-05). The surprise: the code stands in the same
//! form as the password, so that nobody learns from the second step that the first was right.

use std::convert::Infallible;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, header, request::Parts},
    response::Response,
};

use super::{
    super::{
        address::{safe_back, see_other},
        cookies,
        form::Form,
        page::Page,
        person::SESSION,
    },
    password, with_session, wrong_try,
};
use crate::{
    http::{App, error::Problem, signed::Origin},
    partnership::LogIn,
};

/// A year; the same as the switches of the frame.
const CHOICE_SECONDS: u32 = 31_536_000;

/// Where somebody wanted to go, from the query; a page of ours or the start after log-in.
pub(super) struct Back(pub(super) String);

impl FromRequestParts<App> for Back {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
        let asked = pairs.iter().find(|(name, _)| name == "back").map(|(_, path)| path.as_str());
        Ok(Self(back_of(asked.unwrap_or_default()).to_owned()))
    }
}

/// A way back that leads neither away nor round in a circle.
pub(super) fn back_of(asked: &str) -> &str {
    let safe = safe_back(Some(asked));
    let path = safe.split('?').next().unwrap_or_default();
    if matches!(path, "/" | "/login" | "/logout") { "/home" } else { safe }
}

#[derive(Template)]
#[template(path = "login.html", config = "src/http/portal/askama.toml")]
struct Body<'p> {
    page: &'p Page,
    form: &'p Form,
    back: &'p str,
}

pub(super) async fn show(page: Page, back: Back) -> Response {
    if page.person.is_some() {
        return see_other(&back.0);
    }
    render(page, &Form::of([("back", back.0)]))
}

fn render(page: Page, form: &Form) -> Response {
    let page = page.titled("accounts-login-title").with(form);
    page.show(&Body { page: &page, form, back: back_of(form.text("back")) })
}

pub(super) async fn log_in(
    page: Page,
    origin: Origin,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, Problem> {
    form.require(&page, "mail", "accounts-mail-missing");
    if password(&form, "password").is_empty() {
        form.wrong("password", page.t("accounts-password-missing"));
    }
    if !form.is_right() {
        return Ok(render(page, &form));
    }
    let wish = LogIn {
        mail: form.text("mail"),
        password: password(&form, "password"),
        code: Some(form.text("code")).filter(|code| !code.is_empty()),
        visitor: origin.visitor(),
    };
    let begun = match page.app().partnership.log_in(&wish).await {
        Ok(begun) => begun,
        Err(error) => {
            let wait = wrong_try(&page, &mut form, ("mail", "accounts-login-wrong"), error)?;
            return Ok(wait.on(render(page, &form)));
        }
    };
    if begun.is_enrolling {
        return Ok(with_session(&page, see_other("/account/second-factor"), &begun.token));
    }
    let response = see_other(back_of(form.text("back")));
    let response = with_choices(&page, &headers, response, &begun.token).await;
    Ok(with_session(&page, response, &begun.token))
}

/// Language and colours of the account, in a browser in which nobody has chosen any.
async fn with_choices(
    page: &Page,
    headers: &HeaderMap,
    mut response: Response,
    token: &str,
) -> Response {
    let app = page.app();
    if let Ok(Some(signed)) = app.partnership.caller_of(token).await {
        for (name, value) in [("language", &signed.language), ("theme", &signed.theme)] {
            if cookies::read(app, headers, name).is_none() {
                let cookie = cookies::write(app, name, value, Some(CHOICE_SECONDS));
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
    }
    response
}

/// Ends the session if there is one; the cookie goes in any case.
pub(super) async fn log_out(page: Page, _form: Form) -> Result<Response, Problem> {
    if let Some(person) = &page.person {
        page.app().partnership.log_out(&person.signed).await?;
    }
    let mut response = page.done("/", "accounts-notice-logged-out");
    let gone = cookies::write(page.app(), SESSION, "", Some(0));
    response.headers_mut().append(header::SET_COOKIE, gone);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_leads_neither_away_nor_round_in_a_circle() {
        for (asked, goes) in [
            ("/people?q=anna", "/people?q=anna"),
            ("", "/home"),
            ("/", "/home"),
            ("/login?back=/login", "/home"),
            ("/logout", "/home"),
            ("//evil.example", "/home"),
            ("https://evil.example", "/home"),
        ] {
            assert_eq!(back_of(asked), goes, "{asked}");
        }
    }
}
