//! `/reservations`: what a partner holds and waits for, and the desk's list of all; one
//! reservation with its steps and what happened to it.
//!
//! What surprises: which buttons there are is asked of the state machine itself, so that a new step
//! shows up here without a line.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, class_title, explain, name, state_choices, state_tag};
use crate::{
    domain::{NumberEvent, NumberState, Right, row_id},
    http::{
        error::{Fault, Problem},
        portal::{
            cell::{Cell, Summary, Tag, Tone},
            form::Form,
            list::{Ask, Gathered, List},
            orders,
            person::Person,
            timeline::{Step, Timeline, doer},
        },
    },
    store::{HappeningRow, ReservationFilter, ReservationRow, WaitRow},
};

/// Rows that the store gives at once.
const LINES: usize = 500;

#[derive(Template)]
#[template(path = "reservations.html", config = "src/http/portal/askama.toml")]
struct Reservations<'p> {
    page: &'p Page,
    list: List<'p>,
    waits: Vec<Wait>,
    may_reserve: bool,
}

/// A place in a line.
struct Wait {
    name: String,
    ahead: String,
    path: String,
}

pub(super) async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    let rows = lines(&page, &person, &ask).await?;
    let waits = partnership.waits(&person.signed).await?;
    let page = page.titled("numbers-reservations");
    let mut states = NumberState::ALL.to_vec();
    states.retain(|state| *state != NumberState::Withdrawn);
    let list =
        List::new(&page, &ask, "/reservations", "numbers-reservations", "numbers-no-reservations")
            .filter("state", "numbers-state", state_choices(&page, &states))
            .column("numbers-reserved")
            .column("numbers-class")
            .column("numbers-state")
            .column("numbers-expires");
    let list = if person.is_operator() { list.column("numbers-holder") } else { list };
    let list =
        list.with_csv().rows(&rows, |row| row.id.to_string(), |row| cells(&page, &person, row));
    if ask.is_csv() {
        return Ok(list.csv("reservations"));
    }
    let waits = waits.iter().map(|row| wait(&page, row)).collect();
    let may_reserve = person.is_partner() && person.may(Right::ReserveNumbers);
    Ok(page.show(&Reservations { page: &page, list, waits, may_reserve }))
}

/// A file has more rows than the store gives at once.
async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<ReservationRow>, Problem> {
    let mut filter = ReservationFilter {
        state: ask.get("state").to_owned(),
        before: ask.after().and_then(|after| after.parse().ok()),
        ..ReservationFilter::default()
    };
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        filter.limit = limit;
        found.add(page.app().partnership.reservations(&person.signed, &filter).await?);
        filter.before = found.last().map(|row| row.id);
    }
    Ok(found.rows())
}

fn cells(page: &Page, person: &Person, row: &ReservationRow) -> Vec<Cell> {
    let ends = match row.state {
        NumberState::Reserved => page.time(row.expires_at).into(),
        NumberState::Quarantined => {
            row.cools_until.map_or(Cell::Nothing, |at| page.time(at).into())
        }
        _ => Cell::Nothing,
    };
    let mut cells = vec![
        Cell::link(format!("/reservations/{}", row.id), name(&row.digits, &row.keyword)),
        Cell::text(class_title(page, &row.class)),
        state_tag(page, row.state).into(),
        ends,
    ];
    if person.is_operator() {
        cells.push(Cell::link(format!("/partners/{}", row.partner_id), &row.partner));
    }
    cells
}

/// How many stand before, and never who.
fn wait(page: &Page, row: &WaitRow) -> Wait {
    Wait {
        name: name(&row.digits, &row.keyword),
        ahead: page.count("numbers-ahead", row.ahead),
        path: format!("/reservations/waits/{}", row.id),
    }
}

#[derive(Template)]
#[template(path = "reservation.html", config = "src/http/portal/askama.toml")]
struct Reservation<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p ReservationRow,
    title: String,
    state: Tag,
    left: Option<String>,
    summary: Summary,
    timeline: Timeline,
    path: String,
    /// The orders about it, with their names.
    orders: Vec<(String, String)>,
    /// Steps that need no reason, with their texts.
    plain: Vec<(&'static str, String)>,
    /// Steps whose reason the other side is told.
    reasoned: Vec<(&'static str, String)>,
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &Form::empty(), row_id(&id, "reservation")?).await
}

async fn whole(page: Page, person: &Person, form: &Form, id: i64) -> Result<Response, Problem> {
    let partnership = page.app().partnership.clone();
    let row = partnership.reservation(&person.signed, id).await?;
    let history = partnership.reservation_history(&person.signed, id).await?;
    let title = name(&row.digits, &row.keyword);
    let heading = page.t1("numbers-reservation", "number", &title);
    let page = page.titled_as(heading).under("/reservations", "numbers-reservations").with(form);
    let allowed = |event: &NumberEvent| {
        if NumberState::is_of_partner(*event) {
            person.is_partner() && person.may(Right::ReserveNumbers)
        } else {
            person.is_operator() && person.may(Right::ApproveNumbers)
        }
    };
    // Nobody takes these; the sweep does.
    let by_clock = |event: &NumberEvent| {
        matches!(event, NumberEvent::Expire | NumberEvent::CoolOff | NumberEvent::Reserve)
    };
    let steps = row.state.steps().filter(|event| allowed(event) && !by_clock(event));
    // What rests is over for both sides.
    let steps = steps.filter(|_| row.ended_at.is_none());
    let orders = orders::about(&page, person, &row.subject()).await?;
    // Nobody asks twice.
    let steps = steps.filter(|event| *event != NumberEvent::AskRelease || !orders.is_asked);
    let named =
        steps.map(|event| (event, (event.as_str(), page.word("numbers-do-", event.as_str()))));
    let (reasoned, plain): (Vec<_>, Vec<_>) =
        named.partition(|(event, _)| NumberState::needs_reason(*event));
    let bare = |steps: Vec<(NumberEvent, _)>| steps.into_iter().map(|(_, step)| step).collect();
    let is_reserved = row.state == NumberState::Reserved;
    let body = Reservation {
        page: &page,
        form,
        title,
        state: state_tag(&page, row.state),
        left: is_reserved.then(|| page.left(row.expires_at)),
        summary: summary(&page, person, &row),
        timeline: timeline(&page, person, &history),
        path: format!("/reservations/{id}/step"),
        orders: orders.links,
        plain: bare(plain),
        reasoned: bare(reasoned),
        row: &row,
    };
    Ok(page.show(&body))
}

/// A date that has no meaning in this state is left out.
fn summary(page: &Page, person: &Person, row: &ReservationRow) -> Summary {
    let number = Cell::link(format!("/numbers/{}", row.number_id), &row.digits);
    let mut summary = Summary::new().row(page.t("numbers-number"), number);
    if !row.keyword.is_empty() {
        summary = summary.row(page.t("numbers-keyword"), Cell::code(&row.keyword));
    }
    summary = summary.row(page.t("numbers-class"), Cell::text(class_title(page, &row.class)));
    if person.is_operator() {
        let holder = Cell::link(format!("/partners/{}", row.partner_id), &row.partner);
        summary = summary.row(page.t("numbers-holder"), holder);
    }
    let is_reserved = row.state == NumberState::Reserved;
    for (key, at) in [
        ("numbers-reserved-at", Some(row.reserved_at)),
        ("numbers-expires", is_reserved.then_some(row.expires_at)),
        ("numbers-ordered-at", row.ordered_at),
        ("numbers-active-at", row.active_at),
        ("numbers-cools-until", row.cools_until),
        ("numbers-ended-at", row.ended_at),
    ] {
        if let Some(at) = at {
            summary = summary.row(page.t(key), page.time(at));
        }
    }
    summary
}

/// Who of the other side it was stays there.
fn timeline(page: &Page, person: &Person, history: &[HappeningRow]) -> Timeline {
    let step = |row: &HappeningRow| {
        let what = row.kind.trim_start_matches("number_");
        let tone = match what {
            "activate" | "resume" | "reserve" => Tone::Good,
            "reject" | "suspend" | "warn" => Tone::Warn,
            "expire" | "close" => Tone::Bad,
            _ => Tone::Calm,
        };
        let is_own = matches!(what, "reserve" | "extend" | "order" | "release" | "ask_release");
        let side = if is_own { "numbers-side-partner" } else { "numbers-side-operator" };
        Step {
            at: page.time(row.at),
            what: page.word("numbers-happened-", what),
            who: if person.is_operator() { doer(&row.who).to_owned() } else { page.t(side) },
            why: Some(row.note.clone()).filter(|note| !note.is_empty()),
            tone,
        }
    };
    Timeline { steps: history.iter().rev().map(step).collect() }
}

/// One step; whoever was slower reads that it was changed in between.
pub(super) async fn step(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "reservation")?;
    let version = form.number("version").unwrap_or_default();
    let Some(event) = NumberEvent::parse(form.text("step")) else {
        return Err(Fault::BadRequest.says("no such step"));
    };
    let partnership = page.app().partnership.clone();
    let reason = form.text("reason").to_owned();
    match partnership.step_reservation(&person.signed, (id, version), event, &reason).await {
        Ok(_) => Ok(page.done(&format!("/reservations/{id}"), "numbers-notice-done")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &form, id).await
        }
    }
}

/// Leaves a line. The form has nothing but its token.
pub(super) async fn stop_waiting(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "place in the line")?;
    page.app().partnership.stop_waiting(&person.signed, id).await?;
    Ok(page.done("/reservations", "numbers-notice-done"))
}
