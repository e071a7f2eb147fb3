//! `/complaints` and `/complaints/all`: a partner's complaints, the queue of the staff, and
//! everything as CSV.
//!
//! What surprises: who may not see numbers has no field to look for one, and a list that was asked
//! for by one all the same is refused by the verb, not empty.

use askama::Template;
use axum::response::Response;

use super::{Page, state_choices, state_tag, subject_choices, subject_text};
use crate::{
    domain::Right,
    http::{
        error::{Fault, Problem},
        portal::{
            cell::{Cell, Tone},
            list::{Ask, Gathered, List},
            person::Person,
        },
    },
    store::{ComplaintFilter, ComplaintRow},
};

/// Rows that the store gives at once.
const LINES: usize = 500;

#[derive(Template)]
#[template(path = "complaints.html", config = "src/http/portal/askama.toml")]
struct Complaints<'p> {
    page: &'p Page,
    title: String,
    list: List<'p>,
    may_file: bool,
    is_staff: bool,
    /// The other order of the same complaints, for the staff.
    other: Option<(&'static str, String)>,
}

/// What each side needs first.
pub(super) async fn first(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    if person.is_operator() {
        queue(page, &person, ask).await
    } else {
        whole(page, &person, ask, "/complaints").await
    }
}

/// The newest first, decided and open.
pub(super) async fn all(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, ask, "/complaints/all").await
}

async fn queue(page: Page, person: &Person, ask: Ask) -> Result<Response, Problem> {
    let verbs = page.app().partnership.clone();
    let place = ask.after().map(place).transpose()?;
    let limit = u32::try_from(ask.rows().min(LINES)).unwrap_or(50);
    let wish = ComplaintFilter { limit, ..filter(&ask) };
    let rows = verbs.complaint_queue(&person.signed, &wish, place).await?;
    let page = page.titled("complaints-queue");
    let list = List::new(&page, &ask, "/complaints", "complaints-queue", "complaints-queue-empty");
    let list = filtered(columns(list, true), &page, person).with_csv();
    let key = |row: &ComplaintRow| format!("{}.{}", row.due_at, row.id);
    let list = list.rows(&rows, key, |row| cells(&page, person, row));
    let other = Some(("/complaints/all", page.t("complaints-all")));
    Ok(shown(&page, person, &ask, "complaints-queue", list, other))
}

/// `1795262400000000.12`
fn place(text: &str) -> Result<(i64, i64), Problem> {
    let parts = text.split_once('.').map(|(due, id)| (due.parse(), id.parse()));
    match parts {
        Some((Ok(due), Ok(id))) => Ok((due, id)),
        _ => Err(Fault::BadRequest.says("there is no such place in the queue")),
    }
}

async fn whole(
    page: Page,
    person: &Person,
    ask: Ask,
    path: &'static str,
) -> Result<Response, Problem> {
    let rows = lines(&page, person, &ask).await?;
    let title = if person.is_operator() { "complaints-all" } else { "complaints-title" };
    let page = page.titled(title);
    let list = List::new(&page, &ask, path, title, "complaints-empty");
    let list = filtered(columns(list, person.is_operator()), &page, person).with_csv();
    let list = list.rows(&rows, |row| row.id.to_string(), |row| cells(&page, person, row));
    let other = person.is_operator().then(|| ("/complaints", page.t("complaints-queue")));
    Ok(shown(&page, person, &ask, title, list, other))
}

fn shown(
    page: &Page,
    person: &Person,
    ask: &Ask,
    title: &str,
    list: List<'_>,
    other: Option<(&'static str, String)>,
) -> Response {
    if ask.is_csv() {
        return list.csv("complaints");
    }
    let body = Complaints {
        page,
        title: page.t(title),
        list,
        may_file: person.may(Right::FileTickets),
        is_staff: person.is_operator(),
        other,
    };
    page.show(&body)
}

fn filter(ask: &Ask) -> ComplaintFilter {
    ComplaintFilter {
        state: ask.get("state").to_owned(),
        subject: ask.get("subject").to_owned(),
        msisdn: ask.get("number").to_owned(),
        ..ComplaintFilter::default()
    }
}

/// A file has more rows than the store gives at once.
async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<ComplaintRow>, Problem> {
    let mut wish = filter(ask);
    wish.before = ask.after().and_then(|after| after.parse().ok());
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        wish.limit = limit;
        found.add(page.app().partnership.complaints(&person.signed, &wish).await?);
        wish.before = found.last().map(|row| row.id);
    }
    Ok(found.rows())
}

fn columns(list: List<'_>, is_staff: bool) -> List<'_> {
    let list = list
        .column("complaints-complaint")
        .column("complaints-subject")
        .column("complaints-number")
        .column("complaints-state")
        .column("complaints-due")
        .column("complaints-refund");
    if is_staff { list.column("complaints-partner").column("complaints-owner") } else { list }
}

fn filtered<'p>(list: List<'p>, page: &Page, person: &Person) -> List<'p> {
    let list = list.filter("state", "complaints-state", state_choices(page)).filter(
        "subject",
        "complaints-subject",
        subject_choices(page),
    );
    let may_seek = person.may(Right::SeeFullNumbers);
    if may_seek { list.search("number", "complaints-number") } else { list }
}

fn cells(page: &Page, person: &Person, row: &ComplaintRow) -> Vec<Cell> {
    let refund = match row.refund_minor {
        0 => Cell::Nothing,
        minor => Cell::figure(page.money(minor, &row.currency)),
    };
    let mut cells = vec![
        Cell::link(format!("/complaints/{}", row.id), row.reference()),
        Cell::text(subject_text(page, row.subject)),
        Cell::code(&row.msisdn),
        state_tag(page, row.state).into(),
        left(page, person, row),
        refund,
    ];
    if person.is_operator() {
        cells.push(match (&row.partner, row.partner_id) {
            (Some(name), Some(id)) => Cell::link(format!("/partners/{id}"), name),
            _ => Cell::Nothing,
        });
        cells.push(row.owner.as_ref().map_or(Cell::Nothing, Cell::text));
    }
    cells
}

/// The time left: the staff's is the law's, a partner's is its own.
pub(super) fn left(page: &Page, person: &Person, row: &ComplaintRow) -> Cell {
    if !row.state.is_open() {
        return Cell::Nothing;
    }
    let due = if person.is_operator() {
        Some(row.due_at)
    } else {
        row.partner_due_at.filter(|_| row.answered_at.is_none())
    };
    due.map_or(Cell::Nothing, |due| {
        let tone = if due < page.now { Tone::Bad } else { Tone::Busy };
        Cell::tag(tone, page.left(due))
    })
}
