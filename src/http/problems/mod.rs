//! `/problems`: one page for every "no", in English and Polish: what it means, what it is over
//! SMPP, an example and the cure. The `type` of a problem points here.
//!
//! It reads nothing but its own table, so it works while everything else does not. The surprise:
//! the pages need no account, because the developer who reads them often has none yet.

mod faults;
mod partnership;
mod refusals;

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};

use super::problems;
use super::{
    error::{Fault, Problem},
    portal::page::Page as Frame,
};

/// In place of a status: no HTTP request is answered so.
pub const NO_HTTP: u16 = 0;

/// What is said about one code. Texts are English first, Polish second.
#[derive(Debug)]
pub struct Page {
    pub code: &'static str,
    /// [`NO_HTTP`] for what only SMPP knows.
    pub status: u16,
    /// The same refusal over SMPP; none for what only HTTP knows.
    pub smpp: Option<&'static str>,
    pub title: [&'static str; 2],
    pub meaning: [&'static str; 2],
    pub example: &'static str,
    pub cure: [&'static str; 2],
}

pub fn page(code: &str) -> Option<&'static Page> {
    pages().find(|page| page.code == code)
}

/// What a message can be refused with, over HTTP or SMPP.
pub fn of_messages() -> impl Iterator<Item = &'static Page> {
    refusals::REFUSALS.iter().chain(refusals::SMPP_ONLY)
}

pub fn pages() -> impl Iterator<Item = &'static Page> {
    let people = partnership::PARTNERSHIP;
    of_messages().chain(people).chain(faults::FAULTS)
}

#[derive(Template)]
#[template(path = "problems.html", config = "src/http/portal/askama.toml")]
struct List<'p> {
    page: &'p Frame,
}

pub(super) async fn list(page: Frame) -> Response {
    let page = page.titled("problems-title");
    page.show(&List { page: &page })
}

#[derive(Template)]
#[template(path = "problem.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Frame,
    problem: &'static Page,
    meaning: String,
    cure: String,
}

pub(super) async fn one(Path(code): Path<String>, frame: Frame) -> Response {
    let Some(problem) = page(&code) else {
        return Problem::from(Fault::NotFound).into_response();
    };
    let place = frame.language.place();
    let frame = frame.titled_as(problem.title[place]).under("/problems", "problems-title");
    let (meaning, cure) = (marked(problem.meaning[place]), marked(problem.cure[place]));
    frame.show(&One { page: &frame, problem, meaning, cure })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Words between back quotes become code; everything else is escaped.
pub(super) fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    for (index, piece) in escape(text).split('`').enumerate() {
        if index % 2 == 1 {
            out.push_str("<code>");
            out.push_str(piece);
            out.push_str("</code>");
        } else {
            out.push_str(piece);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_whole_and_no_code_has_two() {
        let mut seen = std::collections::HashSet::new();
        for page in pages() {
            assert!(seen.insert(page.code), "{} twice", page.code);
            for text in page.title.iter().chain(&page.meaning).chain(&page.cure) {
                assert!(!text.is_empty(), "{}", page.code);
                assert_eq!(text.matches('`').count() % 2, 0, "{}: {text}", page.code);
            }
            assert!(!page.example.is_empty(), "{}", page.code);
        }
    }
}
