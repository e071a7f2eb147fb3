//! `/mails`: letters that were caught and went to nobody, for the demo and for trials.
//!
//! It exists only where the configuration catches letters, and only for this machine: whoever sees
//! a letter has its one-time link. What surprises: it asks for no log-in, because the first link to
//! a log-in is in one of these letters.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{FromRequestParts, Path},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
    routing::get,
};

use super::{
    cell::{Cell, Time},
    list::{Ask, List},
    page::Page,
};
use crate::http::{
    App, auth,
    error::{Fault, Problem},
};

/// A letter that was caught.
#[derive(Debug, Clone)]
pub struct CaughtLetter {
    pub id: i64,
    /// Microseconds UTC.
    pub at: i64,
    pub recipient: String,
    pub subject: String,
    /// `pl` or `en`.
    pub language: String,
    pub text: String,
    /// Where its button leads.
    pub link: Option<String>,
    /// Names of the files that go with it.
    pub files: Vec<String>,
}

/// Gives what is kept, oldest first.
pub type Letters = Arc<dyn Fn() -> Vec<CaughtLetter> + Send + Sync>;

/// Whoever sits at this machine, where letters are caught; for all others there is no such page.
pub(super) struct Catch(Letters);

impl FromRequestParts<App> for Catch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let address = auth::address(&parts.extensions, &parts.headers, &app.limits.trusted_proxies);
        let letters = app.letters.get().filter(|_| address.is_loopback());
        letters.cloned().map(Self).ok_or_else(|| Fault::NotFound.into())
    }
}

#[derive(Template)]
#[template(path = "letters.html", config = "src/http/portal/askama.toml")]
struct Shelf<'p> {
    page: &'p Page,
    list: List<'p>,
}

#[derive(Template)]
#[template(path = "letter.html", config = "src/http/portal/askama.toml")]
struct Opened<'p> {
    page: &'p Page,
    letter: &'p CaughtLetter,
    at: Time,
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/mails", get(show)).route("/mails/{id}", get(one))
}

async fn show(page: Page, Catch(letters): Catch, ask: Ask) -> Response {
    let mut found = letters();
    found.reverse();
    let wanted = ask.get("q").to_lowercase();
    found.retain(|one| {
        one.recipient.to_lowercase().contains(&wanted)
            || one.subject.to_lowercase().contains(&wanted)
    });
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let behind = ask.after().and_then(|id| id.parse().ok());
    let start = behind.and_then(|id: i64| found.iter().position(|one| one.id == id));
    let found = found.split_off(start.map_or(0, |at| at + 1));
    let page = page.titled("letters-title");
    let list = List::new(&page, &ask, "/mails", "letters-title", "letters-empty")
        .search("q", "letters-search")
        .column("letters-subject")
        .column("letters-recipient")
        .column("letters-at")
        .total(total)
        .rows(
            &found,
            |one| one.id.to_string(),
            |one| {
                vec![
                    Cell::link(format!("/mails/{}", one.id), &one.subject),
                    Cell::text(&one.recipient),
                    page.time(one.at).into(),
                ]
            },
        );
    private(page.show(&Shelf { page: &page, list }))
}

async fn one(
    page: Page,
    Catch(letters): Catch,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let letters = letters();
    let letter = letters.iter().find(|one| one.id.to_string() == id);
    let letter = letter.ok_or(Problem::from(Fault::NotFound))?;
    let page = page.titled_as(&letter.subject).under("/mails", "letters-title");
    let at = page.time(letter.at);
    Ok(private(page.show(&Opened { page: &page, letter, at })))
}

/// Nothing keeps a one-time link.
fn private(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
