//! `/problems`: one page for every "no", in English and Polish: what it means, what it is over
//! SMPP, an example and the cure. The `type` of a problem points here.
//!
//! It reads nothing but its own table, so it works while everything else does not. The surprise:
//! the pages need no account, because the developer who reads them often has none yet.

mod faults;
mod partnership;
mod refusals;

use std::fmt::Write as _;

use axum::{
    extract::Path,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::error::{Fault, Problem};

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

pub fn pages() -> impl Iterator<Item = &'static Page> {
    let people = partnership::PARTNERSHIP;
    refusals::REFUSALS.iter().chain(refusals::SMPP_ONLY).chain(people).chain(faults::FAULTS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
    Polish,
}

/// The better of the two languages for a reader, by Accept-Language. [RFC 9110 s12.5.4]
fn language(headers: &HeaderMap) -> Language {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let weight = |tag: &str| {
        wanted
            .unwrap_or_default()
            .split(',')
            .take(32)
            .filter_map(|range| {
                let mut pieces = range.split(';').map(str::trim);
                let name = pieces.next()?;
                let primary = name.split('-').next()?;
                let quality = pieces.find_map(|piece| piece.strip_prefix("q="));
                let quality: f32 = quality.map_or(Some(1.0), |text| text.parse().ok())?;
                primary.eq_ignore_ascii_case(tag).then_some(quality)
            })
            .fold(0.0_f32, f32::max)
    };
    if weight("pl") > weight("en") { Language::Polish } else { Language::English }
}

pub(super) async fn list(headers: HeaderMap) -> Response {
    let language = language(&headers);
    let place = language as usize;
    let mut rows = String::new();
    for page in pages() {
        let _infallible = writeln!(
            rows,
            "<tr><td><a href=\"/problems/{code}\"><code>{code}</code></a></td><td>{status}</td>\
             <td>{smpp}</td><td>{title}</td></tr>",
            code = page.code,
            status = http_status(page, "&ndash;"),
            smpp = page.smpp.unwrap_or("&ndash;"),
            title = escape(page.title[place]),
        );
    }
    let [title, lead, head] = match language {
        Language::English => [
            "Problems",
            "Every answer that is not what you asked for, and what to do about it.",
            "<th>Code</th><th>HTTP</th><th>SMPP</th><th>Means</th>",
        ],
        Language::Polish => [
            "Problemy",
            "Wszystkie odpowiedzi odmowne i co z nimi zrobić.",
            "<th>Kod</th><th>HTTP</th><th>SMPP</th><th>Znaczenie</th>",
        ],
    };
    let body = format!(
        "<h1>{title}</h1><p class=\"lead\">{lead}</p>\
         <table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>"
    );
    html(language, title, &body)
}

pub(super) async fn one(Path(code): Path<String>, headers: HeaderMap) -> Response {
    let Some(page) = page(&code) else {
        return Problem::from(Fault::NotFound).into_response();
    };
    let language = language(&headers);
    let place = language as usize;
    let [meaning, example, cure, smpp, none, all] = match language {
        Language::English => [
            "What it means",
            "Example",
            "What to do",
            "Over SMPP",
            "This comes over HTTP only.",
            "All problems",
        ],
        Language::Polish => [
            "Co to znaczy",
            "Przykład",
            "Co zrobić",
            "Przez SMPP",
            "Zdarza się tylko przez HTTP.",
            "Wszystkie problemy",
        ],
    };
    let status = page
        .smpp
        .map_or_else(|| none.to_owned(), |name| format!("<code>command_status {name}</code>"));
    let body = format!(
        "<p><a href=\"/problems\">&larr; {all}</a></p>\
         <h1>{title}</h1><p class=\"lead\"><code>{code}</code> &middot; {http}</p>\
         <h2>{meaning}</h2><p>{says}</p>\
         <h2>{example}</h2><pre>{shown}</pre>\
         <h2>{cure}</h2><p>{help}</p>\
         <h2>{smpp}</h2><p>{status}</p>",
        title = escape(page.title[place]),
        code = page.code,
        http = http_status(page, "SMPP"),
        says = marked(page.meaning[place]),
        shown = escape(page.example),
        help = marked(page.cure[place]),
    );
    html(language, page.title[place], &body)
}

fn http_status(page: &Page, otherwise: &str) -> String {
    match page.status {
        NO_HTTP => otherwise.to_owned(),
        status => format!("HTTP {status}"),
    }
}

/// The stylesheet is a file of its own, so that the content policy needs no exception (S-50).
pub(super) async fn style() -> Response {
    let kind = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (kind, include_str!("style.css")).into_response()
}

fn html(language: Language, title: &str, body: &str) -> Response {
    let tag = match language {
        Language::English => "en",
        Language::Polish => "pl",
    };
    let text = format!(
        "<!doctype html>\n<html lang=\"{tag}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} &middot; Bramka</title>\
         <link rel=\"stylesheet\" href=\"/problems/style.css\"></head>\
         <body><main>{body}</main></body></html>\n",
        escape(title)
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_LANGUAGE, tag),
        (header::VARY, "accept-language"),
    ];
    (headers, text).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Words between back quotes become code.
fn marked(text: &str) -> String {
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
    fn polish_is_shown_only_to_those_who_prefer_it() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, text.parse().unwrap());
            language(&headers)
        };
        assert_eq!(language(&HeaderMap::new()), Language::English);
        assert_eq!(of("pl"), Language::Polish);
        assert_eq!(of("pl-PL,pl;q=0.9,en;q=0.8"), Language::Polish);
        assert_eq!(of("en-GB, pl;q=0.9"), Language::English);
        assert_eq!(of("de, *;q=0.1"), Language::English);
        assert_eq!(of("pl;q=rubbish"), Language::English);
    }

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
