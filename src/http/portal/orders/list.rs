//! `/orders`: what partner and operator do together, the newest first, on a page or as CSV.
//!
//! What surprises: `about` narrows the list to one number or service and stands in no form; the
//! pages of those lead here with it.

use askama::Template;
use axum::response::Response;

use super::{Page, left, state_choices, state_tag, title};
use crate::{
    domain::OrderKind,
    http::{
        error::Problem,
        portal::{
            cell::Cell,
            field::Choice,
            list::{Ask, Gathered, List},
            person::Person,
        },
    },
    store::{OrderFilter, OrderRow},
};

/// Rows that the store gives at once.
const LINES: usize = 500;

#[derive(Template)]
#[template(path = "orders.html", config = "src/http/portal/askama.toml")]
struct Orders<'p> {
    page: &'p Page,
    list: List<'p>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let rows = lines(&page, &person, &ask).await?;
    let page = page.titled("orders-title");
    let verbs = &page.app().partnership;
    let named = |kind: &OrderKind| verbs.order_title(*kind, page.language.tag());
    let kinds = OrderKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), named(kind)));
    let list = List::new(&page, &ask, "/orders", "orders-title", "orders-empty")
        .filter("state", "orders-state", state_choices(&page))
        .filter("kind", "orders-kind", kinds.collect())
        .column("orders-order")
        .column("orders-state")
        .column("orders-made")
        .column("orders-due")
        .column("orders-left")
        .column("orders-partner-owner")
        .column("orders-operator-owner");
    let list = if person.is_operator() { list.column("orders-partner") } else { list };
    let list =
        list.with_csv().rows(&rows, |row| row.id.to_string(), |row| cells(&page, &person, row));
    if ask.is_csv() {
        return Ok(list.csv("orders"));
    }
    Ok(page.show(&Orders { page: &page, list }))
}

/// A file has more rows than the store gives at once.
async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<OrderRow>, Problem> {
    let open = ask.get("state") == "open";
    let mut filter = OrderFilter {
        state: if open { String::new() } else { ask.get("state").to_owned() },
        open,
        kind: ask.get("kind").to_owned(),
        about: ask.get("about").to_owned(),
        before: ask.after().and_then(|after| after.parse().ok()),
        ..OrderFilter::default()
    };
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        filter.limit = limit;
        found.add(page.app().partnership.orders(&person.signed, &filter).await?);
        filter.before = found.last().map(|row| row.id);
    }
    Ok(found.rows())
}

fn cells(page: &Page, person: &Person, row: &OrderRow) -> Vec<Cell> {
    let name = format!("{} {}", row.reference(), title(page, row));
    let owner = |name: &Option<String>| name.as_ref().map_or(Cell::Nothing, Cell::text);
    let mut cells = vec![
        Cell::link(format!("/orders/{}", row.id), name),
        state_tag(page, row.state).into(),
        page.day(row.made_at).into(),
        page.day(row.due_at).into(),
        left(page, row),
        owner(&row.partner_owner),
        owner(&row.operator_owner),
    ];
    if person.is_operator() {
        cells.push(Cell::link(format!("/partners/{}", row.partner_id), &row.partner));
    }
    cells
}
