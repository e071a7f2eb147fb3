//! `/company/bank` and `/bank-changes`: another bank account, asked for by one person and
//! confirmed by a second one (S-25).
//!
//! A code is asked for before anything is typed (S-10). The surprise: the operator's finance sees
//! the same page, with buttons only where the partner has nobody else who could confirm.

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};

use super::{
    accounts::{confirm_first, or_confirm},
    cell::{Cell, Summary, Tag, Tone},
    form::Form,
    list::{Ask, List},
    page::Page,
    person::Person,
};
use crate::{
    domain::{PartnerId, Refusal, Right, row_id},
    http::{
        App,
        error::{Fault, Problem},
    },
    partnership::Error,
    store::BankChangeRow,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/company/bank", get(begin).post(ask))
        .route("/bank-changes", get(list))
        .route("/bank-changes/{id}", get(show).post(answer))
}

#[derive(Template)]
#[template(path = "bank_ask.html", config = "src/http/portal/askama.toml")]
struct AskPage<'p> {
    page: &'p Page,
    form: &'p Form,
    account: String,
}

/// The form, after a fresh code; whoever may not ask is told so before the code.
async fn begin(page: Page) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    if !person.may(Right::EditBank) {
        return Err(Refusal::NotAllowed.into());
    }
    if let Some(first) = confirm_first(&page, &person) {
        return Ok(first);
    }
    draw(page, &person, &Form::empty()).await
}

async fn draw(page: Page, person: &Person, form: &Form) -> Result<Response, Problem> {
    let partner = person.signed.partner.ok_or(Refusal::NotAllowed)?;
    let account = page.app().partnership.company(&person.signed, partner).await?.bank_account;
    let page = page.titled("bank-ask").under("/company", "agreements-company").with(form);
    Ok(page.show(&AskPage { page: &page, form, account: in_fours(&account) }))
}

/// A code that got too old meanwhile leads back here; the number must then be typed again.
async fn ask(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    form.require(&page, "account", "bank-account-missing");
    if !form.is_right() {
        return draw(page, &person, &form).await;
    }
    match page.app().partnership.ask_bank(&person.signed, form.text("account")).await {
        Ok(row) => Ok(page.done(&format!("/bank-changes/{}", row.id), "bank-notice-asked")),
        Err(Error::Refused(Refusal::FieldErrors(_))) => {
            form.wrong("account", page.t("bank-account-wrong"));
            draw(page, &person, &form).await
        }
        Err(error) => or_confirm("/company/bank", error),
    }
}

#[derive(Template)]
#[template(path = "bank_list.html", config = "src/http/portal/askama.toml")]
struct ListPage<'p> {
    page: &'p Page,
    list: List<'p>,
    may_ask: bool,
}

/// Lists show the last four digits only; the whole number stands on the page of a change.
async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let rows = page.app().partnership.bank_changes(&person.signed).await?;
    let page = page.titled("bank-title");
    let list = List::new(&page, &ask, "/bank-changes", "bank-title", "bank-none")
        .column("bank-asked-at")
        .column("agreements-company-name")
        .column("bank-account")
        .column("bank-asked-by")
        .column("bank-state")
        .rows(&rows, |row| row.id.to_string(), |row| cells(&page, row));
    let may_ask = person.is_partner() && person.may(Right::EditBank);
    Ok(page.show(&ListPage { page: &page, list, may_ask }))
}

fn cells(page: &Page, row: &BankChangeRow) -> Vec<Cell> {
    vec![
        Cell::link(
            format!("/bank-changes/{}", row.id),
            super::format::moment(page.language, row.asked_at),
        ),
        Cell::text(&row.legal_name),
        Cell::code(page.t1("bank-ending", "ending", row.ending())),
        Cell::text(&row.asked_name),
        state(page, row).into(),
    ]
}

fn state(page: &Page, row: &BankChangeRow) -> Tag {
    let (tone, key) = match row.state.as_str() {
        "asked" => (Tone::Busy, "bank-state-asked"),
        "confirmed" => (Tone::Good, "bank-state-confirmed"),
        "refused" => (Tone::Bad, "bank-state-refused"),
        "withdrawn" => (Tone::Calm, "bank-state-withdrawn"),
        _ => (Tone::Calm, "bank-state-lapsed"),
    };
    Tag::new(tone, page.t(key))
}

#[derive(Template)]
#[template(path = "bank_change.html", config = "src/http/portal/askama.toml")]
struct ChangePage<'p> {
    page: &'p Page,
    row: &'p BankChangeRow,
    path: String,
    state: Tag,
    summary: Summary,
    is_own: bool,
    may_answer: bool,
}

/// Both accounts beside each other, for whoever has to compare them.
async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    let row = partnership.bank_change_of(&person.signed, row_id(&id, "bank_change")?).await?;
    let company = partnership.company(&person.signed, PartnerId(row.partner_id)).await?;
    let page = page.titled("bank-change").under("/bank-changes", "bank-title");
    let mut summary = Summary::new()
        .row(page.t("agreements-company-name"), Cell::text(&row.legal_name))
        .row(page.t("bank-in-use"), Cell::text(in_fours(&company.bank_account)))
        .row(page.t("bank-new"), Cell::text(in_fours(&row.account)))
        .row(page.t("bank-asked-by"), Cell::text(&row.asked_name))
        .row(page.t("bank-asked-at"), page.time(row.asked_at));
    if row.is_open() {
        summary = summary.row(page.t("bank-lapses-at"), page.time(row.lapses_at));
    } else if let Some(at) = row.answered_at {
        summary = summary
            .row(page.t("bank-answered-by"), Cell::text(&row.answered_name))
            .row(page.t("bank-answered-at"), page.time(at));
    }
    let is_own = row.asked_by == person.signed.person.0;
    let may_answer = row.is_open()
        && if person.is_operator() {
            let waiting = partnership.bank_changes_for_staff(&person.signed).await?;
            waiting.iter().any(|one| one.id == row.id)
        } else {
            person.may(Right::EditBank)
        };
    let path = format!("/bank-changes/{}", row.id);
    let state = state(&page, &row);
    let body = ChangePage { page: &page, row: &row, path, state, summary, is_own, may_answer };
    Ok(page.show(&body))
}

/// The verb decides whether this person may confirm; the buttons are only a courtesy.
async fn answer(page: Page, Path(id): Path<String>, form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let at = (row_id(&id, "bank_change")?, form.number("version").unwrap_or_default());
    let path = format!("/bank-changes/{}", at.0);
    let (confirms, notice) = match form.text("step") {
        "confirm" => (true, "bank-notice-confirmed"),
        "refuse" => (false, "bank-notice-ended"),
        _ => return Err(Fault::BadRequest.says("no such step")),
    };
    match page.app().partnership.answer_bank(&person.signed, at, confirms).await {
        Ok(_) => Ok(page.done(&path, notice)),
        Err(error) => or_confirm(&path, error),
    }
}

/// `PL61 1090 ...`, as people compare it.
fn in_fours(account: &str) -> String {
    let letters: Vec<char> = account.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}
