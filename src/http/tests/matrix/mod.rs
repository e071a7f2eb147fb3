//! Every route, by every role, with every kind of id (S-20, S-22, S-11, S-24, S-41, S-50).
//!
//! The routes come from the sources of the routers and from the description of the API, so that a
//! new one without a row fails here with its name. The surprise: what may not be done is asked for
//! as well as what may, because a check that nobody passes protects nothing.

mod cast;
mod routes;
mod table;
mod way;

use std::{collections::BTreeSet, fmt::Write as _};

use cast::{Cast, Of, reply_of};
use table::Row;

use super::*;

/// What leaves a record although it only shows: documents, and the picture of a new second factor,
/// which is kept until it is confirmed.
const NOTED: [&str; 6] = [
    "/account/second-factor",
    "/agreements/{id}/document",
    "/agreements/{id}/files/{file}",
    "/api/v1/agreements/{id}/document",
    "/api/v1/agreements/{id}/files/{file}",
    "/files/{id}",
];

/// One letter for an answer; the letters stand in `table`.
fn letter(reply: &Reply) -> char {
    match reply.status {
        401 | 410 => '?',
        303 if reply.header("location").starts_with("/login?back=") => '?',
        303 if reply.header("location").starts_with("/account/confirm") => 'c',
        403 if reply.text.contains("step_up_needed") => 'c',
        403 => '-',
        404 => 'o',
        500.. => 'E',
        _ => 'x',
    }
}

fn rows(is_api: bool) -> Vec<Row> {
    Row::all().into_iter().filter(|row| row.is_api() == is_api).collect()
}

/// Asks every row as everybody with their own ids, and compares with the table.
async fn compare(is_api: bool) {
    let cast = Cast::gather().await;
    let mut wrong = String::new();
    for row in rows(is_api) {
        let mut cells = String::new();
        for who in &cast.everybody {
            let fresh = if row.ends_session() { cast.fresh(who).await } else { who.clone() };
            let before = cast.audited().await;
            let (path, reply) = cast.ask(&row, &fresh, Of::Own).await;
            cells.push(letter(&reply));
            let headers = bad_headers(&row, &reply);
            let written = cast.audited().await - before;
            // Refused log-ins leave a record too, and so does whoever reads a document.
            let is_noted = row.is_write() || NOTED.contains(&row.pattern());
            let is_done = row.is_api() && row.is_write() && matches!(reply.status, 200..=299);
            let is_counted = is_done && row.need != "key";
            let right = if is_counted { written == 1 } else { written <= i64::from(is_noted) };
            if !right || !headers.is_empty() {
                writeln!(
                    wrong,
                    "{} {path} by {} {:?}: {}, {written} audit records, headers {headers:?}",
                    row.method, who.name, who.role, reply.status
                )
                .unwrap();
            }
        }
        if cells != row.cells {
            let Row { method, path, body, cells: wanted, .. } = &row;
            writeln!(wrong, "{method} {path} {body}\n  is {cells}\nnot {wanted}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Headers that an answer lacks (S-50).
fn bad_headers(row: &Row, reply: &Reply) -> Vec<&'static str> {
    let mut bad: Vec<&str> = [
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("strict-transport-security", "max-age=31536000"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ]
    .into_iter()
    .filter(|(name, part)| !reply.header(name).contains(part))
    .map(|(name, _)| name)
    .collect();
    if reply.header("content-security-policy").contains("unsafe") {
        bad.push("content-security-policy");
    }
    let is_personal = !row.need.starts_with("public") && reply.status == 200;
    if is_personal && !reply.header("cache-control").contains("no-store") {
        bad.push("cache-control");
    }
    bad
}

/// Asks every row that has an id with another partner's and with nobody's: one answer for both.
async fn sweep(is_api: bool) {
    let cast = Cast::gather().await;
    let mut wrong = String::new();
    let has_id = |row: &Row| {
        row.path.contains('{') && !row.need.starts_with("public") && !row.ends_session()
    };
    for row in rows(is_api).into_iter().filter(has_id) {
        for who in &cast.everybody {
            // Every partner is the operator's to see; kinds of agreements and numbers are everybody's.
            let is_theirs = who.role.is_some_and(crate::domain::Role::is_operator)
                && !row.path.contains("/applications/");
            let is_everybodys = ["/agreementSpecification/", "/numbers/", "/incidents/"]
                .iter()
                .any(|path| row.path.contains(path));
            if is_theirs || is_everybodys {
                continue;
            }
            let (path, foreign) = cast.ask(&row, who, Of::Foreign).await;
            let (other, unknown) = cast.ask(&row, who, Of::Nobody).await;
            let (one, two) = (seen(&foreign, &path, &row), seen(&unknown, &other, &row));
            let is_kept_out = matches!(letter(&foreign), '?' | '-' | 'o');
            if one != two || !is_kept_out {
                let (method, name, role) = (row.method, who.name, who.role);
                writeln!(wrong, "{method} {path} by {name} {role:?}\n{one}\n{two}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// All that somebody sees of an answer, without the ids that were asked for.
fn seen(reply: &Reply, path: &str, row: &Row) -> String {
    let mut names = Vec::new();
    let (mut asked, mut pattern) = (String::new(), String::new());
    let path = path.split('?').next().unwrap_or_default();
    for (part, name) in path.split('/').zip(row.pattern().split('/')).skip(1) {
        asked.extend(["/", part]);
        pattern.extend(["/", name]);
        if name.starts_with('{') {
            names.push((asked.clone(), pattern.clone()));
            names.push((format!("`{part}`"), name.to_owned()));
        }
    }
    // The longest first: a path begins with the shorter ones.
    names.reverse();
    let plain = |text: &str| {
        names.iter().fold(text.to_owned(), |text, (asked, name)| {
            let encoded = crate::http::portal::address::encoded(asked);
            text.replace(asked, name).replace(&encoded, name)
        })
    };
    let headers: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| **name != header::CONTENT_LENGTH)
        .map(|(name, value)| plain(&format!("{name}: {}\n", value.to_str().unwrap())))
        .collect();
    format!("{}\n{}\n{}", reply.status, headers.concat(), plain(&reply.text))
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes = routes::all();
    assert!(routes.len() > 100, "the sources are read: {}", routes.len());
    let of_table: BTreeSet<_> =
        Row::all().iter().map(|row| (row.method.to_owned(), row.pattern().to_owned())).collect();
    let without_row: Vec<_> = routes.difference(&of_table).collect();
    let without_route: Vec<_> = of_table.difference(&routes).collect();
    assert!(without_row.is_empty(), "routes without a row: {without_row:?}");
    assert!(without_route.is_empty(), "rows without a route: {without_route:?}");
}

#[test]
fn the_description_of_the_api_has_every_route_of_it_and_no_other() {
    let document: Value = serde_json::from_str(crate::http::api::openapi::json_text()).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let is_api = |path: &str| path.starts_with("/api/") || path.starts_with("/tmf-api/");
    let mut routes = routes::all();
    routes.retain(|(_, path)| is_api(path) && path != "/api/v1/openapi.json");
    let missing: Vec<_> = routes.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routes).collect();
    assert!(missing.is_empty() && invented.is_empty(), "{missing:?} {invented:?}");
}

#[test]
fn the_table_says_what_the_rights_imply() {
    for row in Row::all() {
        let cells = row.cells.replace('o', "x");
        assert_eq!(cells, row.derived(), "{} {} {}", row.method, row.path, row.need);
    }
}

#[tokio::test]
async fn every_route_of_the_api_lets_in_whom_the_table_says() {
    Box::pin(compare(true)).await;
}

#[tokio::test]
async fn every_page_lets_in_whom_the_table_says() {
    Box::pin(compare(false)).await;
}

#[tokio::test]
async fn over_the_api_what_is_anothers_is_answered_as_what_is_nobodys() {
    Box::pin(sweep(true)).await;
}

#[tokio::test]
async fn on_pages_what_is_anothers_is_answered_as_what_is_nobodys() {
    Box::pin(sweep(false)).await;
}

#[tokio::test]
async fn no_form_is_taken_without_its_token_or_from_a_foreign_page() {
    let cast = Cast::gather().await;
    let admin = cast.everybody.last().unwrap();
    let before = cast.audited().await;
    for row in rows(false).into_iter().filter(Row::is_write) {
        let path = cast.path(row.path, admin, Of::Own);
        let cookie = admin.clone().with_bound(&cast.everybody[0]);
        let without = cast.request(&row, (&cookie, &path), "");
        let reply = reply_of(&cast.world, without).await;
        assert_eq!(reply.status, 403, "{path} with the token of another");
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
        {
            let mut foreign = cast.request(&row, (admin, &path), "");
            foreign.headers_mut().insert(name, value.parse().unwrap());
            let reply = reply_of(&cast.world, foreign).await;
            assert_eq!(reply.status, 403, "{path} with {name}: {value}");
        }
    }
    assert_eq!(cast.audited().await, before, "nothing was written");
}

#[tokio::test]
async fn no_route_of_the_api_takes_a_field_that_it_does_not_know() {
    let cast = Cast::gather().await;
    let before = cast.audited().await;
    for row in rows(true).into_iter().filter(|row| row.body.starts_with('{')) {
        let place = row.cells.rfind(['x', 'o']).unwrap_or(3);
        let who = &cast.everybody[place];
        let path = cast.path(row.path, who, Of::Own);
        let request = cast.request(&row, (who, &path), "\"zzz_unknown\":1");
        let reply = reply_of(&cast.world, request).await;
        if row.path.ends_with("/submission") {
            continue;
        }
        assert_eq!(reply.status, 422, "{path}: {}", reply.text);
        assert!(reply.text.contains("zzz_unknown"), "{path}: {}", reply.text);
    }
    assert_eq!(cast.audited().await, before, "nothing was written");
}
