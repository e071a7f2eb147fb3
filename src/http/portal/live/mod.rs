//! `/live`: what is connected now: binds of partners, and for the staff the links to the operator.
//!
//! The page looks again by itself every few seconds, but not while somebody is in one of its lists
//! with the keyboard. What surprises: nothing is ended by a click on a list. A page of its own asks
//! for the reason first, because the next look may show another row in the same place.

mod steps;

use askama::Template;
use axum::{Router, response::Response, routing::get};

use super::{
    address::encoded,
    cell::{Cell, Tag, Tone},
    list::{Ask, List},
    page::Page,
    person::Person,
    texts::{self, Language},
};
use crate::{
    domain::{Mode, PartnerId, Right},
    gateway::{
        live::{BindLine, BoundLine, LinkLine},
        registry::SeenError,
    },
    http::{App, error::Problem, live, problems},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/live", get(show))
        .route("/live/links", get(links))
        .route("/live/binds/{id}/end", get(steps::ask_end).post(steps::end))
        .route("/live/links/{name}/{step}", get(steps::ask_link).post(steps::order_link))
}

#[derive(Template)]
#[template(path = "live.html", config = "src/http/portal/askama.toml")]
struct Live<'p> {
    page: &'p Page,
    /// The partner that staff looks for; none for those who cannot choose.
    filter: Option<&'p str>,
    /// What could not be understood.
    wrong: Option<String>,
    binds: Option<List<'p>>,
    links: Option<List<'p>>,
}

async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let (wanted, wrong) = match ask.partner(&page, &person) {
        Ok(wanted) => (wanted, None),
        Err(key) => (Some(PartnerId(0)), Some(page.t(key))),
    };
    let lines = live::binds(page.app(), &person.signed, wanted)?;
    let page = page.titled("live-title");
    let binds = bind_list(&page, &ask, &person, &lines);
    if ask.is_csv() {
        return Ok(binds.csv("binds"));
    }
    // The place in the list of binds is none in that of links.
    let first = Ask::default();
    let to_operator =
        if person.is_operator() { live::links(page.app(), &person.signed)? } else { Vec::new() };
    let body = Live {
        page: &page,
        filter: person.is_operator().then(|| ask.get("partner")),
        wrong,
        binds: Some(binds),
        links: person.is_operator().then(|| link_list(&page, &first, &person, &to_operator)),
    };
    Ok(page.show(&body))
}

/// Links alone, and as a file.
async fn links(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let lines = live::links(page.app(), &person.signed)?;
    let page = page.titled("live-links").under("/live", "live-title");
    let list = link_list(&page, &ask, &person, &lines);
    if ask.is_csv() {
        return Ok(list.csv("links"));
    }
    let body = Live { page: &page, filter: None, wrong: None, binds: None, links: Some(list) };
    Ok(page.show(&body))
}

fn bind_list<'p>(page: &'p Page, ask: &'p Ask, person: &Person, lines: &[BindLine]) -> List<'p> {
    let list = List::new(page, ask, "/live", "live-binds", "live-no-binds").column("live-account");
    let list = if person.is_operator() { list.column("live-partner") } else { list };
    let list = list
        .column("live-state")
        .column("live-since")
        .column("live-address")
        .column("live-session")
        .column("live-window")
        .column("live-rate")
        .column("live-throttled")
        .column("live-last-error");
    let may_order = person.may(Right::ManageBinds);
    let list = if may_order { list.column("live-action") } else { list };
    let key = |line: &BindLine| {
        let session = line.session.as_ref().map(|session| session.name.as_str());
        format!("{}.{}", line.system_id, session.unwrap_or_default())
    };
    let rows = behind(lines, ask, key);
    list.with_csv().rows(rows, key, |line| bind_cells(page, person, line))
}

/// What stands behind the place that was asked for. A row that is gone by then is no place: the
/// list begins anew.
fn behind<'l, L>(lines: &'l [L], ask: &Ask, key: impl Fn(&L) -> String) -> &'l [L] {
    let place = ask.after().and_then(|after| lines.iter().position(|line| key(line) == after));
    place.map_or(lines, |place| &lines[place + 1..])
}

fn bind_cells(page: &Page, person: &Person, line: &BindLine) -> Vec<Cell> {
    let account = match line.mode {
        Mode::Live => line.system_id.to_string(),
        Mode::Test => page.t1("live-test", "name", &line.system_id),
    };
    let mut cells = vec![Cell::code(account)];
    if person.is_operator() {
        cells.push(Cell::link(format!("/partners/{}", line.partner.0), line.partner_name.as_str()));
    }
    let (tone, state) = match line.session {
        Some(_) => (Tone::Good, "live-bound"),
        None => (Tone::Calm, "live-away"),
    };
    cells.push(Tag::new(tone, page.t(state)).into());
    cells.push(since(page, line.since));
    match &line.session {
        Some(session) => cells.extend(session_cells(page, session, line.rate_max)),
        None => cells.extend(std::iter::repeat_n(Cell::Nothing, 5)),
    }
    cells.push(error(page, line.error.as_ref()));
    if person.may(Right::ManageBinds) {
        cells.push(line.session.as_ref().map_or(Cell::Nothing, |session| {
            let path = format!("/live/binds/{}/end", session.name);
            Cell::link(path, page.t1("live-end", "name", &line.system_id))
        }));
    }
    cells
}

fn session_cells(page: &Page, session: &BoundLine, rate_max: u32) -> [Cell; 5] {
    let address = match session.tls {
        "" => page.t1("live-plain", "address", &session.address),
        version => page.t2("live-tls", ("address", &session.address), ("version", version)),
    };
    [
        Cell::text(address),
        Cell::text(format!("{} {}", session.kind, session.version)),
        Cell::figure(format!("{} / {}", session.window_in_use, session.window)),
        Cell::figure(rate(page, session.rate_tenths, rate_max)),
        Cell::figure(page.number(session.throttled)),
    ]
}

fn link_list<'p>(page: &'p Page, ask: &'p Ask, person: &Person, lines: &[LinkLine]) -> List<'p> {
    let list = List::new(page, ask, "/live/links", "live-links", "live-no-links")
        .column("live-link")
        .column("live-group")
        .column("live-state")
        .column("live-since")
        .column("live-address")
        .column("live-window")
        .column("live-rate")
        .column("live-limit")
        .column("live-last-error");
    let may_order = person.may(Right::ManageBinds);
    let list = if may_order { list.column("live-action") } else { list };
    let key = |line: &LinkLine| line.name.to_string();
    let rows = behind(lines, ask, key);
    list.with_csv().rows(rows, key, |line| link_cells(page, may_order, line))
}

fn link_cells(page: &Page, may_order: bool, line: &LinkLine) -> Vec<Cell> {
    let tone = match line.state {
        "up" => Tone::Good,
        "partly" | "closing" => Tone::Warn,
        "broken" => Tone::Bad,
        _ => Tone::Calm,
    };
    let state = page.word("live-link-", line.state);
    let mut cells = vec![
        Cell::code(line.name.as_str()),
        Cell::code(line.group.as_str()),
        Tag::new(tone, format!("{state} {}/{}", line.bound, line.binds)).into(),
        since(page, line.since),
        Cell::code(&line.address),
        Cell::figure(format!("{} / {}", line.window_in_use, line.window)),
        Cell::figure(rate(page, line.rate_tenths, line.rate_max)),
        Cell::text(page.word("live-limit-", line.limit)),
        error(page, line.error.as_ref()),
    ];
    if may_order {
        let (step, key) =
            if line.is_wanted { ("down", "live-take-down") } else { ("up", "live-take-up") };
        let path = format!("/live/links/{}/{step}", encoded(&line.name));
        cells.push(Cell::link(path, page.t1(key, "name", &line.name)));
    }
    cells
}

fn since(page: &Page, at: i64) -> Cell {
    if at == 0 { Cell::Nothing } else { page.time(at).into() }
}

/// "1,2 / 50" messages a second; the second is what the contract or the link allows.
fn rate(page: &Page, tenths: u32, most: u32) -> String {
    let mark = if page.language == Language::English { '.' } else { ',' };
    let now = format!("{}{mark}{}", page.number(tenths / 10), tenths % 10);
    if most == 0 { now } else { format!("{now} / {}", page.number(most)) }
}

/// What went wrong: of a bind in words, of anything else its code with the page that explains it.
fn error(page: &Page, error: Option<&SeenError>) -> Cell {
    let Some(error) = error else { return Cell::Nothing };
    let at = super::format::moment(page.language, error.at);
    let key = ["live-refused-", &error.code.replace('_', "-")].concat();
    if let Some(words) = texts::known(page.language, &key) {
        return Cell::text(format!("{words}, {at}"));
    }
    let text = format!("{}, {at}", error.code);
    match problems::page(&error.code) {
        Some(known) => Cell::link(format!("/problems/{}", known.code), text),
        None => Cell::text(text),
    }
}
