//! `/applications`: the desk's list, and the same as a file.
//!
//! Without an order it shows what has the least time left first.

use askama::Template;
use axum::response::Response;

use super::home::left;
use crate::{
    domain::application::{ApplicationState, Area, Purpose},
    http::{
        error::Problem,
        portal::{
            apply::wording,
            cell::{Cell, Tone},
            field::Choice,
            list::{Ask, Gathered, List},
            page::Page,
            person::Person,
        },
    },
    store::{ApplicationFilter, ApplicationLine, ApplicationOrder},
};

/// Lines that the store gives at once.
const LINES: usize = 200;

#[derive(Template)]
#[template(path = "desk_applications.html", config = "src/http/portal/askama.toml")]
struct Applications<'p> {
    page: &'p Page,
    list: List<'p>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let lines = lines(&page, &person, &ask).await?;
    let page = page.titled("desk-applications");
    let mut states = vec![Choice::new("open", page.t("desk-state-open"))];
    states.extend(
        ApplicationState::ALL
            .iter()
            .filter(|state| **state != ApplicationState::Draft)
            .map(|state| Choice::new(state.as_str(), state_text(&page, state.as_str()))),
    );
    let areas = Area::ALL.iter().map(|area| area.as_str());
    let areas = areas.map(|area| Choice::new(area, wording::area(&page, area))).collect();
    let purposes = Purpose::ALL.iter().map(|purpose| purpose.as_str());
    let purposes = purposes.map(|word| Choice::new(word, purpose_text(&page, word))).collect();
    let list = List::new(&page, &ask, "/applications", "desk-applications", "desk-empty")
        .search("q", "desk-search")
        .filter("state", "desk-state", states)
        .filter("purpose", "desk-purpose", purposes)
        .filter("area", "desk-area", areas)
        .column("desk-name")
        .column("desk-reference")
        .column("desk-nip")
        .column("desk-purpose")
        .column("desk-state")
        .sorted("desk-age", "age")
        .sorted("desk-left", "due")
        .sorted("desk-revenue", "revenue")
        .with_csv()
        .rows(&lines, |line| format!("{}.{}", line.sort_key, line.id), |line| cells(&page, line));
    if ask.is_csv() {
        return Ok(list.csv("applications"));
    }
    Ok(page.show(&Applications { page: &page, list }))
}

fn state_text(page: &Page, state: &str) -> String {
    page.word("apply-state-", state)
}

fn purpose_text(page: &Page, purpose: &str) -> String {
    page.word("desk-purpose-", purpose)
}

async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<ApplicationLine>, Problem> {
    let order = match ask.sort(&["age", "due", "revenue"]) {
        Some("age") if ask.is_down() => ApplicationOrder::Newest,
        Some("age") => ApplicationOrder::Oldest,
        Some("revenue") => ApplicationOrder::Revenue,
        _ => ApplicationOrder::Due,
    };
    let place = ask.after().and_then(|after| after.split_once('.'));
    let after = place.and_then(|(key, id)| Some((key.parse().ok()?, id.parse().ok()?)));
    let mut filter = ApplicationFilter {
        state: ask.get("state").to_owned(),
        purpose: ask.get("purpose").to_owned(),
        area: ask.get("area").to_owned(),
        text: ask.get("q").to_owned(),
        order,
        after,
        limit: 0,
    };
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        filter.limit = limit;
        found.add(page.app().partnership.applications(&person.signed, &filter).await?);
        filter.after = found.last().map(|line| (line.sort_key, line.id));
    }
    Ok(found.rows())
}

fn cells(page: &Page, line: &ApplicationLine) -> Vec<Cell> {
    let name = if line.legal_name.is_empty() { &line.mail } else { &line.legal_name };
    let tone = match line.state.as_str() {
        "decided" if line.is_accepted != 0 => Tone::Good,
        "needs_information" => Tone::Warn,
        "submitted" | "in_review" => Tone::Busy,
        _ => Tone::Calm,
    };
    vec![
        Cell::link(format!("/applications/{}", line.id), name),
        Cell::code(&line.reference),
        Cell::text(&line.nip),
        Cell::text(purpose_text(page, &line.purpose)),
        Cell::tag(tone, state_text(page, &line.state)),
        line.submitted_at.map_or(Cell::Nothing, |at| page.time(at).into()),
        left(page, line.due_at, line.paused_at),
        Cell::figure(page.money(line.revenue_minor, "PLN")),
    ]
}
