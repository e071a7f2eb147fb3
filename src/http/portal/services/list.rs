//! `/services`: a partner's services and the beginning of a new one; all of them for the desk.
//!
//! What surprises: a row shows the newest description and not the one that holds, because whoever
//! reviews looks for what was written last. A running service keeps its own state in traffic.

use askama::Template;
use axum::response::Response;

use super::{Page, choices, explain, shown, state_tag};
use crate::{
    domain::{LifeState, Right, service_life::RevisionState},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Tag, Tone},
            field::Choice,
            form::Form,
            list::{Ask, Gathered, List},
            person::Person,
        },
    },
    store::{OfferingFilter, OfferingRow},
};

/// Rows that the store gives at once.
const LINES: usize = 500;

#[derive(Template)]
#[template(path = "services.html", config = "src/http/portal/askama.toml")]
struct Services<'p> {
    page: &'p Page,
    form: &'p Form,
    list: List<'p>,
    may_draft: bool,
}

pub(super) async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &ask, &Form::empty()).await
}

async fn whole(page: Page, person: &Person, ask: &Ask, form: &Form) -> Result<Response, Problem> {
    let rows = lines(&page, person, ask).await?;
    let page = page.titled("services-title").with(form);
    let states = LifeState::ALL
        .iter()
        .map(|state| Choice::new(state.as_str(), page.word("services-state-", state.as_str())));
    let list = List::new(&page, ask, "/services", "services-title", "services-none")
        .filter("state", "services-state", states.collect())
        .filter("waiting", "services-waiting", vec![Choice::new("yes", page.t("services-waits"))])
        .column("services-name")
        .column("services-field-kind")
        .column("services-field-short-code")
        .column("services-field-keywords")
        .column("services-state");
    let list = if person.is_operator() { list.column("services-partner") } else { list };
    let list =
        list.with_csv().rows(&rows, |row| row.id.to_string(), |row| cells(&page, person, row));
    if ask.is_csv() {
        return Ok(list.csv("services"));
    }
    let may_draft = person.is_partner() && person.may(Right::EditServices);
    Ok(page.show(&Services { page: &page, form, list, may_draft }))
}

/// A file has more rows than the store gives at once.
async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<OfferingRow>, Problem> {
    let mut filter = OfferingFilter {
        state: ask.get("state").to_owned(),
        is_waiting: ask.get("waiting") == "yes",
        before: ask.after().and_then(|after| after.parse().ok()),
        ..OfferingFilter::default()
    };
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        filter.limit = limit;
        found.add(page.app().partnership.services(&person.signed, &filter).await?);
        filter.before = found.last().map(|row| row.id);
    }
    Ok(found.rows())
}

fn cells(page: &Page, person: &Person, row: &OfferingRow) -> Vec<Cell> {
    let form = row.form();
    // A draft may hold anything; only a word that pages know becomes a sentence.
    let is_known = choices(page, "kind").iter().any(|choice| choice.value == form.kind);
    // A change that waits is what the desk looks for, whatever the service does meanwhile.
    let waits = row.revision_state == RevisionState::Submitted && row.state.is_settled();
    let state = if waits {
        Tag::new(Tone::Busy, page.t("services-change-submitted"))
    } else {
        state_tag(page, row.state)
    };
    let mut cells = vec![
        Cell::link(format!("/services/{}", row.id), &row.name),
        if is_known { Cell::text(shown(page, &form, "kind")) } else { Cell::Nothing },
        if form.short_code.is_empty() { Cell::Nothing } else { Cell::text(&form.short_code) },
        if form.keywords.is_empty() { Cell::Nothing } else { Cell::text(&form.keywords) },
        state.into(),
    ];
    if person.is_operator() {
        cells.push(Cell::link(format!("/partners/{}", row.partner_id), &row.partner));
    }
    cells
}

/// Begins a description and goes on to its tasks.
pub(super) async fn draft(page: Page, ask: Ask, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let name = form.text("name").to_owned();
    match page.app().partnership.draft_service(&person.signed, &name).await {
        Ok(row) => Ok(page.done(&format!("/services/{}", row.id), "services-notice-drafted")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &ask, &form).await
        }
    }
}
