//! What somebody without an account does: apply, follow the application, send an idea.
//!
//! Whoever followed the mailed link has its secret in a cookie, so that it stands in no address
//! that a browser remembers or a next page sees. What surprises: a page of somebody else's
//! application answers exactly as one that does not exist.

mod answers;
mod begin;
mod documents;
mod ideas;
mod section;
pub(super) mod spec;
mod status;
mod tasks;
pub(super) mod wording;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
    routing::{get, post},
};

pub(super) use self::{
    documents::named,
    status::{Said, happened, parcel, said, state},
};
use super::{cookies, page::Page};
use crate::{
    domain::{Caller, Refusal},
    http::{App, error::Problem},
    partnership::ApplicationView,
};

/// Reference and secret of the application that this browser works on.
const COOKIE: &str = "application";
/// Long enough for a working day; the mailed link is there for the next one.
const COOKIE_SECONDS: u32 = 12 * 3600;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/apply", get(begin::show).post(begin::send))
        .route("/apply/sent", get(begin::sent))
        .route("/apply/{reference}", get(tasks::show))
        .route("/apply/{reference}/check", get(answers::show).post(answers::submit))
        .route("/apply/{reference}/done", get(answers::done))
        .route("/apply/{reference}/answer", post(status::answer))
        .route("/apply/{reference}/withdraw", get(status::ask_withdraw).post(status::withdraw))
        .route("/apply/{reference}/documents", get(documents::show).post(documents::keep))
        .route("/apply/{reference}/section/{section}", get(section::show).post(section::save))
        .route("/status", get(status::explain).post(status::send_link))
        .route("/ideas", get(ideas::show).post(ideas::send))
}

/// The cookie that remembers an application.
fn remember(app: &App, response: &mut Response, reference: &str, key: &str) {
    let value = format!("{reference}.{key}");
    let cookie = cookies::write(app, COOKIE, &value, Some(COOKIE_SECONDS));
    response.headers_mut().append(header::SET_COOKIE, cookie);
}

/// Reference and secret from the cookie.
fn remembered<'h>(app: &App, headers: &'h HeaderMap) -> Option<(&'h str, &'h str)> {
    cookies::read(app, headers, COOKIE)?.split_once('.')
}

/// Whose application it is, if the cookie is that of this application.
async fn owner(
    page: &Page,
    headers: &HeaderMap,
    reference: &str,
) -> Result<(Caller, ApplicationView), Problem> {
    let key = remembered(page.app(), headers).filter(|(known, _)| *known == reference);
    let (_, key) = key.ok_or(Refusal::LinkInvalid)?;
    let partnership = &page.app().partnership;
    let (by, row) = partnership.follow_link(reference, key).await?;
    let view = partnership.my_application(&by, row.id).await?;
    Ok((by, view))
}

/// The version that a form was made from.
fn version(form: &super::form::Form) -> i64 {
    form.number("version").unwrap_or_default()
}

/// No cache keeps a page of an application.
fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The application that this browser works on, if its secret is still right.
pub(super) async fn applicant(page: &Page, headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some((reference, key)) = remembered(page.app(), headers) else { return Ok(None) };
    match page.app().partnership.follow_link(reference, key).await {
        Ok((_, row)) => Ok(Some(row.id)),
        Err(crate::partnership::Error::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
