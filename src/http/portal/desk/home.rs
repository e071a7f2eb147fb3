//! `/desk`: what needs the operator's people, the least time left first, what is late above all.
//!
//! Every promise of the operator stands here, whatever it is about. The surprise: a clock that
//! stands, because the other side was asked, comes last: there is nothing to do about it.

use askama::Template;
use axum::response::Response;

use crate::{
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Tone},
            list::{Ask, List},
            page::Page,
        },
    },
    store::DeadlineRow,
};

#[derive(Template)]
#[template(path = "desk_home.html", config = "src/http/portal/askama.toml")]
struct Home<'p> {
    page: &'p Page,
    late: usize,
    list: List<'p>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let mut rows = page.app().partnership.open_promises(&person.signed).await?;
    let page = page.titled("desk-home");
    let is_late = |row: &DeadlineRow| row.paused_at.is_none() && row.due_at < page.now;
    let late = rows.iter().filter(|row| is_late(row)).count();
    rows.sort_by_key(|row| (row.paused_at.is_some(), !is_late(row), !is_legal(row), row.due_at));
    let list = List::new(&page, &ask, "/desk", "desk-home", "desk-home-empty")
        .column("desk-what")
        .column("desk-rule")
        .column("desk-due")
        .column("desk-left")
        .rows(&rows, |row| row.id.to_string(), |row| cells(&page, row));
    Ok(page.show(&Home { page: &page, late, list }))
}

/// Clocks that a law sets, such as the answer to a complaint, go before our own promises.
fn is_legal(row: &DeadlineRow) -> bool {
    row.rule.starts_with("legal")
}

fn cells(page: &Page, row: &DeadlineRow) -> Vec<Cell> {
    let what = match row.subject.split_once(':') {
        Some(("application", id)) => {
            Cell::link(format!("/applications/{id}"), page.t1("desk-application", "id", id))
        }
        Some(("agreement", id)) => {
            Cell::link(format!("/agreements/{id}"), page.t1("desk-agreement", "id", id))
        }
        _ => Cell::text(&row.subject),
    };
    let rule = match row.rule.as_str() {
        "decision" => Cell::text(page.t("desk-rule-decision")),
        "agreement_reply" => Cell::text(page.t("desk-rule-agreement-reply")),
        other => Cell::code(other),
    };
    vec![what, rule, page.time(row.due_at).into(), left(page, Some(row.due_at), row.paused_at)]
}

/// The time left, red when it is over.
pub(super) fn left(page: &Page, due_at: Option<i64>, paused_at: Option<i64>) -> Cell {
    match (due_at, paused_at) {
        (None, _) => Cell::Nothing,
        (Some(_), Some(_)) => Cell::tag(Tone::Calm, page.t("desk-paused")),
        (Some(due_at), None) => {
            let tone = if due_at < page.now { Tone::Bad } else { Tone::Busy };
            Cell::tag(tone, page.left(due_at))
        }
    }
}
