//! `/faults` and `/faults/all`: a partner's reports, the queue of the staff, everything as CSV.
//!
//! What surprises: a page of the queue begins at a place of three numbers, and a list at one,
//! because their orders differ.

use askama::Template;
use axum::response::Response;

use super::{
    Page, area_choices, area_text, severity_choices, severity_tag, state_choices, state_tag,
};
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
    store::{FaultFilter, FaultRow, IncidentRow, QueuePlace},
};

/// Rows that the store gives at once.
const LINES: usize = 500;

#[derive(Template)]
#[template(path = "faults.html", config = "src/http/portal/askama.toml")]
struct Faults<'p> {
    page: &'p Page,
    title: String,
    list: List<'p>,
    incidents: Vec<(String, String)>,
    may_file: bool,
    /// The operator's desk finds them here, a partner beside its keys.
    shows_listeners: bool,
    /// The other order of the same faults, for the staff.
    other: Option<(&'static str, String)>,
}

/// What each side needs first.
pub(super) async fn first(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    if person.is_operator() {
        queue(page, &person, ask).await
    } else {
        whole(page, &person, ask, "/faults").await
    }
}

/// The newest first, over and open.
pub(super) async fn all(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, ask, "/faults/all").await
}

async fn queue(page: Page, person: &Person, ask: Ask) -> Result<Response, Problem> {
    let verbs = page.app().partnership.clone();
    let place = ask.after().map(place).transpose()?;
    let wish =
        FaultFilter { limit: u32::try_from(ask.rows().min(LINES)).unwrap_or(50), ..filter(&ask) };
    let rows = verbs.fault_queue(&person.signed, &wish, place).await?;
    let page = page.titled("faults-queue");
    let list =
        columns(List::new(&page, &ask, "/faults", "faults-queue", "faults-queue-empty"), true)
            .filter("state", "faults-state", state_choices(&page))
            .filter("area", "faults-area", area_choices(&page))
            .filter("severity", "faults-severity", severity_choices(&page));
    let key = |row: &FaultRow| format!("{}.{}.{}", row.severity.rank(), row.due_at, row.id);
    let list = list.with_csv().rows(&rows, key, |row| cells(&page, person, row));
    let other = Some(("/faults/all", page.t("faults-all")));
    shown(&page, person, &ask, "faults-queue", list, other).await
}

/// `0.1795262400000000.12`
fn place(text: &str) -> Result<QueuePlace, Problem> {
    let mut parts = text.splitn(3, '.').map(str::parse);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(rank)), Some(Ok(due)), Some(Ok(id))) => Ok((rank, due, id)),
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
    let title = if person.is_operator() { "faults-all" } else { "faults-title" };
    let page = page.titled(title);
    let list = columns(List::new(&page, &ask, path, title, "faults-empty"), person.is_operator())
        .filter("state", "faults-state", state_choices(&page))
        .filter("area", "faults-area", area_choices(&page))
        .filter("severity", "faults-severity", severity_choices(&page));
    let list =
        list.with_csv().rows(&rows, |row| row.id.to_string(), |row| cells(&page, person, row));
    let other = person.is_operator().then(|| ("/faults", page.t("faults-queue")));
    shown(&page, person, &ask, title, list, other).await
}

async fn shown(
    page: &Page,
    person: &Person,
    ask: &Ask,
    title: &str,
    list: List<'_>,
    other: Option<(&'static str, String)>,
) -> Result<Response, Problem> {
    if ask.is_csv() {
        return Ok(list.csv("faults"));
    }
    let open = page.app().partnership.incidents(&person.signed, true).await?;
    let name = |row: &IncidentRow| {
        (format!("/incidents/{}", row.id), row.title(page.language.tag()).to_owned())
    };
    let body = Faults {
        page,
        title: page.t(title),
        list,
        incidents: open.iter().map(name).collect(),
        may_file: person.may(Right::FileTickets),
        shows_listeners: person.is_operator() && person.may(Right::SeeCredentials),
        other,
    };
    Ok(page.show(&body))
}

fn filter(ask: &Ask) -> FaultFilter {
    FaultFilter {
        state: ask.get("state").to_owned(),
        area: ask.get("area").to_owned(),
        severity: ask.get("severity").to_owned(),
        ..FaultFilter::default()
    }
}

/// A file has more rows than the store gives at once.
async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<FaultRow>, Problem> {
    let mut wish = filter(ask);
    wish.before = ask.after().and_then(|after| after.parse().ok());
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        wish.limit = limit;
        found.add(page.app().partnership.faults(&person.signed, &wish).await?);
        wish.before = found.last().map(|row| row.id);
    }
    Ok(found.rows())
}

fn columns(list: List<'_>, is_staff: bool) -> List<'_> {
    let list = list
        .column("faults-report")
        .column("faults-area")
        .column("faults-severity")
        .column("faults-state")
        .column("faults-due");
    if is_staff { list.column("faults-partner").column("faults-owner") } else { list }
}

fn cells(page: &Page, person: &Person, row: &FaultRow) -> Vec<Cell> {
    let name = format!("{} {}", row.reference(), row.title);
    let mut cells = vec![
        Cell::link(format!("/faults/{}", row.id), name),
        Cell::text(area_text(page, row.area)),
        severity_tag(page, row.severity).into(),
        state_tag(page, row.state).into(),
        left(page, row),
    ];
    if person.is_operator() {
        cells.push(match (&row.partner, row.partner_id) {
            (Some(name), Some(id)) => Cell::link(format!("/partners/{id}"), name),
            _ => Cell::text(page.t("faults-own")),
        });
        cells.push(row.owner.as_ref().map_or(Cell::Nothing, Cell::text));
    }
    cells
}

/// The time left while there is any sense in it.
pub(super) fn left(page: &Page, row: &FaultRow) -> Cell {
    use crate::domain::TicketState as S;
    let pauses = page.app().partnership.fault_rules().targets.pauses;
    match row.state {
        S::Pending if pauses => Cell::tag(Tone::Calm, page.t("faults-clock-stands")),
        S::Acknowledged | S::InProgress | S::Pending => {
            let tone = if row.due_at < page.now { Tone::Bad } else { Tone::Busy };
            Cell::tag(tone, page.left(row.due_at))
        }
        S::Resolved | S::Closed | S::Rejected | S::Cancelled => Cell::Nothing,
    }
}
