//! `/audit`: who did what, for auditors. Each change of a person stands here once (S-41).
//!
//! The page never says whether the chain is whole: walking it takes as long as the trail, and
//! `bramka audit verify` does it on the host.

use askama::Template;
use axum::response::Response;

use super::{
    address::encoded,
    cell::Cell,
    list::{Ask, List},
    page::Page,
    person::Person,
};
use crate::{
    http::error::Problem,
    store::{AuditQuery, AuditRecord},
};

#[derive(Template)]
#[template(path = "audit.html", config = "src/http/portal/askama.toml")]
struct Audit<'p> {
    page: &'p Page,
    list: List<'p>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let records = records(&page, &person, &ask).await?;
    let page = page.titled("audit-title");
    let list = List::new(&page, &ask, "/audit", "audit-title", "audit-empty")
        .search("who", "audit-who")
        .search("what", "audit-what")
        .search("subject", "audit-subject")
        .column("audit-seq")
        .column("audit-at")
        .column("audit-who")
        .column("audit-what")
        .column("audit-subject")
        .column("audit-detail")
        .with_csv()
        .rows(&records, |record| record.seq.to_string(), |record| cells(&page, record));
    if ask.is_csv() {
        return Ok(list.csv("audit"));
    }
    Ok(page.show(&Audit { page: &page, list }))
}

async fn records(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<AuditRecord>, Problem> {
    let query = AuditQuery {
        who: ask.get("who").to_owned(),
        what: ask.get("what").to_owned(),
        subject: ask.get("subject").to_owned(),
        before: ask.after().and_then(|seq| seq.parse().ok()),
    };
    let limit = i64::try_from(ask.rows()).unwrap_or(i64::MAX);
    Ok(page.app().partnership.audit(&person.signed, &query, limit).await?)
}

fn cells(page: &Page, record: &AuditRecord) -> Vec<Cell> {
    let detail = if record.detail == "{}" { "" } else { record.detail.as_str() };
    vec![
        Cell::figure(record.seq.to_string()),
        page.time(record.at).into(),
        Cell::text(&record.who),
        Cell::code(&record.what),
        Cell::link(format!("/audit?subject={}", encoded(&record.subject)), &record.subject),
        Cell::code(detail),
    ]
}
