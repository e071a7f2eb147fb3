//! `/listeners`: systems that are told of faults and complaints.
//!
//! They are the listeners of the hub of TMF621. What surprises: the operator's people see those of
//! every partner here, and what they make themselves is told of every ticket.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{
    super::{
        address::encoded,
        cell::{Cell, Summary, Tag, Tone},
        form::Form,
        list::{Ask, List},
        page::Page,
        person::Person,
        secret::SecretPage,
    },
    explain, or_confirm,
};
use crate::{
    domain::{Refusal, Right},
    http::error::Problem,
    partnership::origin,
    store::ListenerRow,
};

const BASE: &str = "/listeners";
const TITLE: &str = "accounts-listeners-title";

/// All that the reader may see, and the form of another one.
#[derive(Template)]
#[template(path = "listeners.html", config = "src/http/portal/askama.toml")]
struct Listeners<'p> {
    page: &'p Page,
    form: &'p Form,
    list: List<'p>,
    is_partner: bool,
    may_manage: bool,
    /// A code was given a moment ago (S-10); else the form would be typed in vain.
    is_fresh: bool,
    confirm_path: String,
}

/// One of them, and how it went.
#[derive(Template)]
#[template(path = "listener.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    name: String,
    summary: Summary,
    is_disabled: bool,
    may_remove: bool,
    remove_path: String,
    question: String,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &ask, &Form::empty()).await
}

async fn whole(page: Page, person: &Person, ask: &Ask, form: &Form) -> Result<Response, Problem> {
    let rows = page.app().partnership.listeners(&person.signed).await?;
    let page = page.titled(TITLE).with(form);
    let is_partner = person.is_partner();
    // Only scheme and host: what follows may hide a token, and is on the page of the one.
    let cells = |row: &ListenerRow| {
        let whose = row.partner.clone().unwrap_or_else(|| page.t("accounts-listener-operator"));
        let mut cells = vec![Cell::link(path(row), origin(&row.callback))];
        if !is_partner {
            cells.push(Cell::text(whose));
        }
        cells.extend([
            state(&page, row).into(),
            Cell::figure(page.number(row.sent)),
            Cell::figure(page.number(row.waiting)),
            Cell::figure(page.number(row.missed)),
            last(&page, row),
        ]);
        cells
    };
    let mut list = List::new(&page, ask, BASE, TITLE, "accounts-listeners-empty")
        .column("accounts-listener-address");
    if !is_partner {
        list = list.column("accounts-listener-partner");
    }
    let list = list
        .column("accounts-state")
        .column("accounts-listener-sent")
        .column("accounts-listener-waiting")
        .column("accounts-listener-missed")
        .column("accounts-listener-last")
        .with_csv()
        .rows(&rows, |row| row.id.clone(), cells);
    if ask.is_csv() {
        return Ok(list.csv("listeners"));
    }
    let body = Listeners {
        form,
        list,
        is_partner,
        may_manage: person.may(Right::ManageCredentials),
        is_fresh: page.now < person.signed.stepped_up_until,
        confirm_path: format!("/account/confirm?back={}", encoded(BASE)),
        page: &page,
    };
    Ok(page.show(&body))
}

fn path(row: &ListenerRow) -> String {
    format!("{BASE}/{}", encoded(&row.id))
}

/// Disabled is not ended: it stays in the list until somebody removes it.
fn state(page: &Page, row: &ListenerRow) -> Tag {
    let tone = if row.state == "active" { Tone::Good } else { Tone::Bad };
    Tag::new(tone, page.word("accounts-listener-", &row.state))
}

fn last(page: &Page, row: &ListenerRow) -> Cell {
    row.last_at.map_or_else(|| Cell::text(page.t("accounts-never")), |at| page.time(at).into())
}

/// Tells one more system from now on; what happened before is not told.
pub(super) async fn add(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(BASE)) };
    let (callback, query) = (form.text("callback").to_owned(), form.text("query").to_owned());
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let work = async move { verbs.listen(&signed, &callback, &query).await };
    match page.app().finish(work).await? {
        Ok(made) => {
            let title = "accounts-listener-made";
            let page = page.titled(title).under(BASE, TITLE);
            let body = SecretPage {
                title: page.t(title),
                of: Some((page.t("accounts-listener-callback"), &made.callback)),
                label: page.t("accounts-listener-secret"),
                secret: made.secret.as_str(),
                ends: None,
                back: BASE,
                page: &page,
            };
            Ok(page.show(&body))
        }
        Err(error) => match explain(&page, &mut form, error) {
            Ok(()) => whole(page, &person, &Ask::default(), &form).await,
            Err(error) => or_confirm(BASE, error),
        },
    }
}

pub(super) async fn show_one(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let rows = page.app().partnership.listeners(&person.signed).await?;
    let row = rows.iter().find(|row| row.id == id).ok_or(Refusal::UnknownId("listener"))?;
    let name = origin(&row.callback);
    let page = page.titled_as(&name).under(BASE, TITLE);
    let filter = match row.query.as_str() {
        "" => Cell::text(page.t("accounts-listener-all")),
        query => Cell::code(query),
    };
    let summary = Summary::new()
        .row(page.t("accounts-state"), state(&page, row))
        .row(page.t("accounts-listener-callback"), Cell::code(&row.callback))
        .row(page.t("accounts-listener-query"), filter)
        .row(page.t("accounts-listener-sent"), Cell::text(page.number(row.sent)))
        .row(page.t("accounts-listener-waiting"), Cell::text(page.number(row.waiting)))
        .row(page.t("accounts-listener-missed"), Cell::text(page.number(row.missed)))
        .row(page.t("accounts-listener-last"), last(&page, row))
        .row(page.t("accounts-listener-outcome"), Cell::text(&row.last_outcome))
        .row(page.t("accounts-made"), page.time(row.made_at));
    let body = One {
        summary,
        is_disabled: row.state != "active",
        may_remove: person.may(Right::ManageCredentials),
        remove_path: format!("{}/remove", path(row)),
        question: page.t1("accounts-sure", "name", &name),
        name,
        page: &page,
    };
    Ok(page.show(&body))
}

/// Ends one with everything that waits for it.
pub(super) async fn remove(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(BASE)) };
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let work = async move { verbs.unlisten(&signed, &id).await };
    match page.app().finish(work).await? {
        Ok(()) => Ok(page.done(BASE, "accounts-notice-listener-removed")),
        Err(error) => or_confirm(BASE, error),
    }
}
