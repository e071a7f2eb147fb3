//! `/notices`: every change of terms that a partner was told of, with the proof for each person;
//! for the desk the letters that did not arrive.
//!
//! What surprises: a notice that bounced is nobody's consent, so the desk must reach that person
//! in another way before the day of effect (D15).

use askama::Template;
use axum::response::Response;

use super::Page;
use crate::{
    domain::Right,
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Tag, Tone},
            list::{Ask, List},
        },
    },
    store::NoticeOfTerms,
};

#[derive(Template)]
#[template(path = "notices.html", config = "src/http/portal/askama.toml")]
struct Notices<'p> {
    page: &'p Page,
    list: List<'p>,
    is_staff: bool,
}

pub(super) async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    partnership.require(&person.signed, Right::SeeAgreements)?;
    let is_staff = person.is_operator();
    let rows = partnership.notices_told(&person.signed).await?;
    let page = page.titled("agreements-told");
    let cells = |row: &NoticeOfTerms| cells(&page, row, is_staff);
    let mut list = List::new(&page, &ask, "/notices", "agreements-told", "agreements-told-none")
        .column("agreements-label");
    if is_staff {
        list = list.column("agreements-company-name");
    } else {
        list = list.column("agreements-told-what");
    }
    let list = list
        .column("agreements-effective")
        .column("agreements-recipient")
        .column("agreements-state")
        .column("agreements-queued-at")
        .column("agreements-sent-at")
        .column("agreements-answered-at")
        .with_csv()
        .rows(&rows, |row| row.id.to_string(), cells);
    if ask.is_csv() {
        return Ok(list.csv("notices"));
    }
    Ok(page.show(&Notices { page: &page, list, is_staff }))
}

fn cells(page: &Page, row: &NoticeOfTerms, is_staff: bool) -> Vec<Cell> {
    let at = |at: Option<i64>| at.map_or(Cell::Nothing, |at| page.time(at).into());
    let is_english = page.language.tag() == "en";
    let what = if is_english { &row.summary_en } else { &row.summary_pl };
    let whose = if is_staff {
        Cell::link(format!("/partners/{}", row.partner_id), &row.legal_name)
    } else {
        Cell::text(what)
    };
    vec![
        Cell::link(format!("/terms/{}", row.terms_id), &row.label),
        whose,
        Cell::text(row.effective_day.clone().unwrap_or_default()),
        Cell::text(format!("{} <{}>", row.recipient_name, row.recipient)),
        answer(page, &row.state).into(),
        page.time(row.queued_at).into(),
        at(row.sent_at),
        at(row.answered_at),
    ]
}

fn answer(page: &Page, state: &str) -> Tag {
    let tone = match state {
        "accepted" | "deemed_accepted" => Tone::Good,
        "bounced" | "refused" => Tone::Bad,
        _ => Tone::Busy,
    };
    Tag::new(tone, page.word("agreements-notice-of-", state))
}
