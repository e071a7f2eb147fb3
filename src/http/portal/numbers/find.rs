//! `/numbers`: the base, looked through by digits, pattern, class, price and state.
//!
//! What surprises: the price is a choice among those of the plan, for people know the few prices
//! that exist and not the ranges behind them.

use askama::Template;
use axum::response::Response;

use super::{Page, class_choices, class_title, price, state_choices, state_tag};
use crate::{
    domain::{NumberState, Right, look_alike::like},
    http::{
        error::Problem,
        portal::{
            cell::Cell,
            field::Choice,
            list::{Ask, Gathered, List},
            person::Person,
        },
    },
    store::{NumberFilter, NumberRow},
};

/// Rows that the store gives at once.
const LINES: usize = 500;

#[derive(Template)]
#[template(path = "numbers.html", config = "src/http/portal/askama.toml")]
struct Numbers<'p> {
    page: &'p Page,
    list: List<'p>,
    may_import: bool,
    wrong_pattern: bool,
}

pub(super) async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let pattern = ask.get("q");
    let wrong_pattern = !pattern.is_empty() && like(pattern).is_none();
    let rows = lines(&page, &person, &ask).await?;
    let page = page.titled("numbers-title");
    let sharing = [("no", "numbers-whole"), ("yes", "numbers-shared")];
    let sharing = sharing.map(|(value, key)| Choice::new(value, page.t(key))).to_vec();
    let list = List::new(&page, &ask, "/numbers", "numbers-title", "numbers-none")
        .search("q", "numbers-search")
        .filter("class", "numbers-class", class_choices(&page))
        .filter("gross", "numbers-gross", prices(&page))
        .filter("state", "numbers-state", state_choices(&page, NumberState::ALL))
        .filter("shared", "numbers-sharing", sharing)
        .column("numbers-number")
        .column("numbers-class")
        .column("numbers-gross")
        .column("numbers-state")
        .column("numbers-sharing");
    let list = if person.is_operator() { list.column("numbers-holder") } else { list };
    let list =
        list.with_csv().rows(&rows, |row| row.digits.clone(), |row| cells(&page, &person, row));
    if ask.is_csv() {
        return Ok(list.csv("numbers"));
    }
    let may_import = person.may(Right::ApproveNumbers);
    Ok(page.show(&Numbers { page: &page, list, may_import, wrong_pattern }))
}

/// The prices of the plan that hold now, the lowest first.
fn prices(page: &Page) -> Vec<Choice> {
    let tariffs = page.app().partnership.number_plan().tariffs();
    let mut gross: Vec<i64> =
        tariffs.filter_map(|tariff| tariff.at(page.now)).map(|price| price.gross).collect();
    gross.push(0);
    gross.sort_unstable();
    gross.dedup();
    gross
        .into_iter()
        .map(|gross| Choice::new(gross.to_string(), page.money(gross, "PLN")))
        .collect()
}

async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<NumberRow>, Problem> {
    let pattern = ask.get("q");
    let is_shared = match ask.get("shared") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let mut filter = NumberFilter {
        // A pattern that is none finds nothing; the page says why.
        like: like(pattern).unwrap_or_else(|| pattern.chars().take(1).collect()),
        class: ask.get("class").to_owned(),
        state: ask.get("state").to_owned(),
        is_shared,
        gross: ask.get("gross").parse().ok().map(|gross| (gross, gross)),
        held_by: None,
        after: ask.after().unwrap_or_default().to_owned(),
        limit: 0,
    };
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        filter.limit = limit;
        found.add(page.app().partnership.numbers(&person.signed, &filter).await?);
        filter.after = found.last().map(|row| row.digits.clone()).unwrap_or_default();
    }
    Ok(found.rows())
}

fn cells(page: &Page, person: &Person, row: &NumberRow) -> Vec<Cell> {
    let sharing = if row.is_shared != 0 { "numbers-shared" } else { "numbers-whole" };
    let mut cells = vec![
        Cell::link(format!("/numbers/{}", row.id), &row.digits),
        Cell::text(class_title(page, &row.class)),
        Cell::figure(price(page, row)),
        state_tag(page, row.state).into(),
        Cell::text(page.t(sharing)),
    ];
    if person.is_operator() {
        cells.push(match (row.partner_id, &row.partner) {
            (Some(id), Some(name)) => Cell::link(format!("/partners/{id}"), name),
            _ => Cell::Nothing,
        });
    }
    cells
}
