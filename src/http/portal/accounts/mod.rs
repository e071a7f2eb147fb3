//! The pages of accounts: log-in, second factor, links of letters, the own account, people, access.
//!
//! They decide nothing; `partnership` does. The surprise: the paths `/invitation/...`,
//! `/reset/...`, `/reset` and `/sessions` stand in letters that were sent, so they stay as they are.

mod access;
mod access_steps;
mod account;
mod confirm;
mod home;
mod links;
mod listeners;
mod login;
mod people;
mod person;
mod second_factor;
mod sessions;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
};

pub(super) use self::confirm::{confirm_first, or_confirm};
use super::{cookies, form::Form, page::Page, person::SESSION};
use crate::{
    domain::Refusal,
    http::{App, error::Problem},
    partnership::Error,
};

pub(super) fn routes() -> Router<App> {
    let own = Router::new()
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/invitation/{token}", get(links::show_invitation).post(links::accept))
        .route("/reset", get(links::show_ask).post(links::ask))
        .route("/reset/{token}", get(links::show_reset).post(links::reset))
        .route("/home", get(home::show))
        .route("/account", get(account::show).post(account::prefer))
        .route("/account/confirm", get(confirm::show).post(confirm::confirm))
        .route("/account/password", get(account::show_password).post(account::change_password))
        .route("/account/second-factor", get(second_factor::show).post(second_factor::set))
        .route("/account/recovery-codes", get(account::show_codes).post(account::new_codes))
        .route("/sessions", get(sessions::show))
        .route("/sessions/end", post(sessions::end))
        .route("/sessions/end-others", post(sessions::end_others));
    let people = Router::new()
        .route("/people", get(people::show))
        .route("/people/new", get(people::show_new).post(people::invite))
        .route("/people/{id}", get(person::show))
        .route("/people/{id}/role", post(person::change_role))
        .route("/people/{id}/disable", post(person::disable))
        .route("/people/{id}/enable", post(person::enable))
        .route("/people/{id}/unlock", post(person::unlock))
        .route("/people/{id}/send-link", post(person::send_link))
        .route("/people/{id}/remove-second-factor", post(person::remove_second_factor))
        .route("/people/{id}/end-sessions", post(person::end_sessions));
    let access = Router::new()
        .route("/credentials", get(access::show_credentials).post(access_steps::add_credential))
        .route("/credentials/{name}", get(access::show_credential))
        .route("/credentials/{name}/rotate", post(access_steps::rotate_credential))
        .route("/credentials/{name}/revoke", post(access_steps::revoke_credential))
        .route("/keys", get(access::show_keys).post(access_steps::add_key))
        .route("/keys/{name}", get(access::show_key))
        .route("/keys/{name}/rotate", post(access_steps::rotate_key))
        .route("/keys/{name}/revoke", post(access_steps::revoke_key))
        .route("/listeners", get(listeners::show).post(listeners::add))
        .route("/listeners/{id}", get(listeners::show_one))
        .route("/listeners/{id}/remove", post(listeners::remove));
    own.merge(people).merge(access)
}

/// Gives the browser a session.
fn with_session(page: &Page, mut response: Response, token: &str) -> Response {
    let cookie = cookies::write(page.app(), SESSION, token, None);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// What was typed into the field of a password, with the spaces around it: they count.
fn password<'f>(form: &'f Form, name: &str) -> &'f str {
    form.all(name).next().unwrap_or_default()
}

/// Puts a "no" beside the fields that it is about; what is about no field stays an error.
fn explain(page: &Page, form: &mut Form, error: Error) -> Result<(), Error> {
    match error {
        Error::Refused(Refusal::FieldErrors(faults)) => {
            for fault in &faults {
                let name = fault.field.replace('_', "-");
                let code = fault.code.replace('_', "-");
                let text = page.t(&["accounts-wrong-", &name, "-", &code].concat());
                form.wrong(&fault.field, text);
            }
            Ok(())
        }
        Error::Refused(Refusal::Taken("system_id")) => {
            form.wrong("system_id", page.t("accounts-wrong-system-id-taken"));
            Ok(())
        }
        Error::Refused(Refusal::Taken("listener")) => {
            form.wrong("callback", page.t("accounts-wrong-callback-taken"));
            Ok(())
        }
        Error::Refused(Refusal::Taken(_)) => {
            form.wrong("mail", page.t("accounts-wrong-mail-taken"));
            Ok(())
        }
        other => Err(other),
    }
}

/// How long somebody must wait who tried too often, in seconds.
struct Wait(Option<u64>);

/// Says that what was typed is wrong, or when to come back, beside a field.
fn wrong_try(
    page: &Page,
    form: &mut Form,
    (field, key): (&str, &str),
    error: Error,
) -> Result<Wait, Problem> {
    match error {
        Error::Refused(Refusal::WrongLogIn) => {
            form.wrong(field, page.t(key));
            Ok(Wait(None))
        }
        Error::Refused(Refusal::TooManyTries { retry_after }) => {
            let seconds = u64::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
            let seconds = seconds.max(1);
            let text = if seconds <= 90 {
                page.count("accounts-wait-seconds", seconds)
            } else {
                page.count("accounts-wait-minutes", seconds.div_ceil(60))
            };
            form.wrong(field, text);
            Ok(Wait(Some(seconds)))
        }
        other => Err(other.into()),
    }
}

impl Wait {
    /// The page of the form, as an answer that programs understand too.
    fn on(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.0 {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
