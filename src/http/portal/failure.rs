//! A "no" for people: the page of a problem in the frame, instead of problem+json.
//!
//! It says what happened, what to do and the number of the request, and never what is inside.
//! The surprise: what the problem's own words say stands under a heading to open, because they
//! are English and made for programmers.

use askama::Template;
use axum::{
    http::{HeaderMap, Uri, header},
    response::Response,
};
use smol_str::SmolStr;

use super::page::Page;
use crate::http::{App, error::Problem, problems};

#[derive(Template)]
#[template(path = "failure.html", config = "src/http/portal/askama.toml")]
struct Failure<'p> {
    page: &'p Page,
    title: &'p str,
    meaning: String,
    cure: String,
    problem: &'p Problem,
    request_id: &'p str,
}

/// Whether somebody looks at the answer with a browser.
pub(in crate::http) fn wants_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_api = uri.path().starts_with("/api/") || uri.path().starts_with("/tmf-api/");
    !is_api && accepts.is_some_and(|kinds| kinds.contains("text/html"))
}

/// The page of a problem. Headers of `before`, such as Allow, stay.
pub(in crate::http) async fn page(
    app: &App,
    (headers, uri): (&HeaderMap, &Uri),
    problem: &Problem,
    before: Response,
    request_id: &SmolStr,
) -> Response {
    let page = Page::of(app, headers, uri).await;
    let place = page.language.place();
    let known = problems::page(problem.code);
    let title = known.map_or("Problem", |known| known.title[place]);
    let page = page.titled_as(title);
    let marked = |texts: [&str; 2]| problems::marked(texts[place]);
    let body = Failure {
        page: &page,
        title,
        meaning: known.map_or_else(String::new, |known| marked(known.meaning)),
        cure: known.map_or_else(String::new, |known| marked(known.cure)),
        problem,
        request_id,
    };
    let mut response = page.show_as(problem.status, &body);
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = before.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Some(seconds) = problem.seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
