//! Orders: one list for partners and for the staff, and a page for each.
//!
//! They decide nothing; every step is a verb. What surprises: nobody makes an order here. It is
//! there because somebody ordered a number or submitted a service, and its page leads to that.

mod list;
mod show;
mod steps;

use axum::{
    Router,
    routing::{get, post},
};

use super::{
    cell::{Cell, Tag, Tone},
    field::Choice,
    page::Page,
    person::Person,
};
use crate::{
    domain::OrderState,
    http::{App, error::Problem},
    store::{OrderFilter, OrderRow},
};

/// Orders of one number or service that its own page leads to.
const SHOWN: u32 = 10;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/orders", get(list::show))
        .route("/orders/{id}", get(show::show))
        .route("/orders/{id}/step", post(steps::step))
        .route("/orders/{id}/file", post(steps::file))
}

fn state_tag(page: &Page, state: OrderState) -> Tag {
    let tone = match state {
        OrderState::Acknowledged => Tone::Calm,
        OrderState::InProgress => Tone::Busy,
        OrderState::Pending => Tone::Warn,
        OrderState::Completed => Tone::Good,
        OrderState::Rejected | OrderState::Cancelled | OrderState::Failed => Tone::Bad,
    };
    Tag::new(tone, page.word("orders-state-", state.as_str()))
}

/// What its kind is called, and what it is about.
fn title(page: &Page, row: &OrderRow) -> String {
    let kind = page.app().partnership.order_title(row.kind, page.language.tag());
    format!("{kind}: {}", row.name)
}

/// The time that is left of an order that is open.
fn left(page: &Page, row: &OrderRow) -> Cell {
    if row.state.is_over() {
        return Cell::Nothing;
    }
    let tone = if row.is_late(page.now) { Tone::Bad } else { Tone::Busy };
    Cell::tag(tone, page.left(row.due_at))
}

fn state_choices(page: &Page) -> Vec<Choice> {
    let text = |state: &OrderState| page.word("orders-state-", state.as_str());
    let open = Choice::new("open", page.t("orders-open"));
    let states = OrderState::ALL.iter().map(|state| Choice::new(state.as_str(), text(state)));
    std::iter::once(open).chain(states).collect()
}

/// Orders about a number or a service, as its own page shows them: the newest first.
pub(super) struct About {
    pub(super) links: Vec<(String, String)>,
    /// Its partner asked for its end already.
    pub(super) is_asked: bool,
}

pub(super) async fn about(page: &Page, person: &Person, subject: &str) -> Result<About, Problem> {
    let filter = OrderFilter { about: subject.to_owned(), limit: SHOWN, ..OrderFilter::default() };
    let rows = page.app().partnership.orders(&person.signed, &filter).await?;
    let link = |row: &OrderRow| {
        let state = page.word("orders-state-", row.state.as_str());
        let kind = page.app().partnership.order_title(row.kind, page.language.tag());
        (format!("/orders/{}", row.id), format!("{} {kind}: {state}", row.reference()))
    };
    Ok(About {
        links: rows.iter().map(link).collect(),
        is_asked: rows.iter().any(|row| row.kind.is_asked() && !row.state.is_over()),
    })
}
