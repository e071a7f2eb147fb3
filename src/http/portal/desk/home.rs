//! `/desk`: what needs the operator's people, the clocks of the law first, then what is late.
//!
//! Every promise of the operator stands here, and what waits without one. The surprise: a clock
//! that stands, because the other side was asked, comes last: there is nothing to do about it.

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
    partnership::Waiting,
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
    let rows = page.app().partnership.desk_waits(&person.signed).await?;
    let page = page.titled("desk-home");
    let late = rows.iter().filter(|row| row.is_late(page.now)).count();
    let list = List::new(&page, &ask, "/desk", "desk-home", "desk-home-empty")
        .column("desk-what")
        .column("desk-rule")
        .column("desk-due")
        .column("desk-left")
        .rows(&rows, |row| format!("{} {}", row.subject, row.rule), |row| cells(&page, row));
    Ok(page.show(&Home { page: &page, late, list }))
}

fn cells(page: &Page, row: &Waiting) -> Vec<Cell> {
    let rule = match row.rule.as_str() {
        "decision" => Cell::text(page.t("desk-rule-decision")),
        "agreement_reply" => Cell::text(page.t("desk-rule-agreement-reply")),
        "first_agreement" => Cell::text(page.t("desk-rule-first-agreement")),
        "send_agreement" => Cell::text(page.t("desk-rule-send-agreement")),
        "countersign_agreement" => Cell::text(page.t("desk-rule-countersign-agreement")),
        "approve_terms" => Cell::text(page.t("desk-rule-approve-terms")),
        "publish_terms" => Cell::text(page.t("desk-rule-publish-terms")),
        "fault_answer" => Cell::text(page.t("desk-rule-fault-answer")),
        "order_step" => Cell::text(page.t("desk-rule-order-step")),
        "fault_solution" => Cell::text(page.t("desk-rule-fault-solution")),
        "legal_complaint" => Cell::text(page.t("desk-rule-complaint")),
        "confirm_bank" => Cell::text(page.t("desk-rule-confirm-bank")),
        "bounced_notice" => Cell::text(page.t("desk-rule-bounced-notice")),
        other if other.starts_with("agreement_prepare.") => Cell::text(page.t("desk-rule-prepare")),
        other => Cell::code(other),
    };
    let due = row.due_at.map_or(Cell::Nothing, |due| page.time(due).into());
    vec![what(page, row), rule, due, left(page, row.due_at, row.paused_at)]
}

/// The thing itself, with the way to it.
fn what(page: &Page, row: &Waiting) -> Cell {
    let Some((noun, id)) = row.subject.split_once(':') else { return Cell::text(&row.subject) };
    let named = |key: &str| page.t1(key, "title", &row.title);
    let (path, text) = match noun {
        "application" => (format!("/applications/{id}"), page.t1("desk-application", "id", id)),
        "agreement" if row.title.is_empty() => {
            (format!("/agreements/{id}"), page.t1("desk-agreement", "id", id))
        }
        "agreement" => (format!("/agreements/{id}"), named("desk-agreement-named")),
        "company" if row.title.is_empty() => {
            (format!("/partners/{id}"), page.t1("desk-partner", "id", id))
        }
        "company" => (format!("/partners/{id}"), named("desk-first")),
        "terms" => (format!("/terms/{id}"), named("desk-terms")),
        "bank_change" => (format!("/bank-changes/{id}"), named("desk-bank")),
        "fault" => (format!("/faults/{id}"), page.t1("desk-fault", "id", id)),
        "order" => (format!("/orders/{id}"), page.t1("desk-order", "id", id)),
        "complaint" => (format!("/complaints/{id}"), page.t1("desk-complaint", "id", id)),
        "notice" => ("/notices".to_owned(), named("desk-bounced")),
        _ => return Cell::text(&row.subject),
    };
    Cell::link(path, text)
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
