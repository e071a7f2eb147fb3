//! `/orders/{id}`: one order with its items, steps, words and files, and what its reader can do.
//!
//! What surprises: the buttons are asked of the state machine, and a step by hand has one for whose
//! it is; what the number or the service does itself is done on their own pages.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, left, state_tag, title};
use crate::{
    domain::{OrderEvent, Right, Side, row_id},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Summary, Tag, Tone},
            form::Form,
            format,
            person::Person,
            timeline::{Step, Task, TaskList, Timeline, doer},
        },
    },
    partnership::OrderView,
    store::{HappeningRow, OrderRow, OrderStepRow},
};

#[derive(Template)]
#[template(path = "order.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p OrderRow,
    title: String,
    state: Tag,
    left: Option<Cell>,
    summary: Summary,
    items: Vec<(String, String)>,
    steps: TaskList,
    files: Vec<(String, String)>,
    timeline: Timeline,
    step_path: String,
    file_path: String,
    /// Steps that the reader can tick, by name and title.
    ticks: Vec<(String, String)>,
    /// Events with their texts.
    events: Vec<(&'static str, String)>,
    may_write: bool,
    is_staff: bool,
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &Form::empty(), row_id(&id, "order")?).await
}

pub(super) async fn whole(
    page: Page,
    person: &Person,
    form: &Form,
    id: i64,
) -> Result<Response, Problem> {
    let view = page.app().partnership.order_view(&person.signed, id).await?;
    let row = &view.row;
    let title = title(&page, row);
    let page = page.titled_as(format!("{} {title}", row.reference()));
    let page = page.under("/orders", "orders-title").with(form);
    let is_staff = person.is_operator();
    let may_write = person.may(Right::on_orders(!is_staff)) && !row.state.is_over();
    let side = if is_staff { Side::Operator } else { Side::Partner };
    let body = One {
        form,
        title,
        state: state_tag(&page, row.state),
        left: Some(left(&page, row)).filter(|left| !matches!(left, Cell::Nothing)),
        summary: summary(&page, person, row),
        items: view
            .items
            .iter()
            .map(|item| (page.word("orders-item-", &item.kind), item.name.clone()))
            .collect(),
        steps: steps(&page, &view),
        files: view
            .files
            .iter()
            .filter(|file| file.scan == "clean")
            .map(|file| (format!("/files/{}", file.id), file.name.clone()))
            .collect(),
        timeline: timeline(&page, person, &view),
        step_path: format!("/orders/{id}/step"),
        file_path: format!("/orders/{id}/file"),
        ticks: if may_write { ticks(&page, &view, side) } else { Vec::new() },
        events: if may_write { events(&page, &view, side) } else { Vec::new() },
        may_write,
        is_staff,
        row,
        page: &page,
    };
    Ok(page.show(&body))
}

/// What is ticked by hand and is not done; a partner's person ticks the partner's.
fn ticks(page: &Page, view: &OrderView, side: Side) -> Vec<(String, String)> {
    let open = view.steps.iter().filter(|step| step.is_by_hand() && step.done_at.is_none());
    let own = open.filter(|step| side == Side::Operator || step.side == side);
    own.map(|step| (step.name.clone(), step.title(page.language.tag()).to_owned())).collect()
}

/// Taking it over has a button of its own; it resumes by what waits for the operator.
fn events(page: &Page, view: &OrderView, side: Side) -> Vec<(&'static str, String)> {
    let is_ours = view.next().is_some_and(|step| step.side == Side::Operator);
    let can = |event: &OrderEvent| {
        event.is_of(side, view.row.kind)
            && *event != OrderEvent::Take
            && (*event != OrderEvent::Resume || is_ours)
    };
    let named = |event: OrderEvent| (event.as_str(), page.word("orders-do-", event.as_str()));
    view.row.state.steps().filter(can).map(named).collect()
}

fn summary(page: &Page, person: &Person, row: &OrderRow) -> Summary {
    let about = match row.about.split_once(':') {
        Some(("reservation", id)) => format!("/reservations/{id}"),
        Some((_, id)) => format!("/services/{id}"),
        None => "/orders".to_owned(),
    };
    let nobody = || Cell::text(page.t("orders-nobody"));
    let owner = |name: &Option<String>| name.as_ref().map_or_else(nobody, Cell::text);
    let mut summary = Summary::new()
        .row(page.t("orders-about"), Cell::link(about, &row.name))
        .row(page.t("orders-made"), page.time(row.made_at))
        .row(page.t("orders-due"), page.day(row.due_at))
        .row(page.t("orders-partner-owner"), owner(&row.partner_owner))
        .row(page.t("orders-operator-owner"), owner(&row.operator_owner));
    if let Some(ended_at) = row.ended_at {
        summary = summary.row(page.t("orders-ended"), page.time(ended_at));
    }
    if person.is_operator() {
        let partner = Cell::link(format!("/partners/{}", row.partner_id), &row.partner);
        summary = summary.row(page.t("orders-partner"), partner);
    }
    summary
}

/// The steps in their order: whose they are, and where each is.
fn steps(page: &Page, view: &OrderView) -> TaskList {
    let next = view.next().map(|step| step.place);
    let task = |step: &OrderStepRow| {
        let whose = page.word("orders-side-", step.side.as_str());
        let is_next = next == Some(step.place);
        let (tone, state) = match (step.done_at, is_next) {
            (Some(_), _) => (Tone::Good, page.t("orders-step-done")),
            (None, true) => (Tone::Busy, page.t("orders-step-next")),
            (None, false) => (Tone::Calm, page.t("orders-step-open")),
        };
        let when = match (step.done_at, step.due_at.filter(|_| is_next)) {
            (Some(at), _) => format!(", {}", format::day(page.language, at)),
            (None, Some(due)) => {
                format!(", {} {}", page.t("orders-until"), format::day(page.language, due))
            }
            (None, None) => String::new(),
        };
        Task {
            text: step.title(page.language.tag()).to_owned(),
            hint: Some(format!("{whose}{when}")),
            href: None,
            state: Tag::new(tone, state),
        }
    };
    TaskList { tasks: view.steps.iter().map(task).collect() }
}

/// Who of the other side it was stays there.
fn timeline(page: &Page, person: &Person, view: &OrderView) -> Timeline {
    let step = |row: &HappeningRow| {
        let what = row.kind.trim_start_matches("order_");
        let tone = match what {
            "tick" | "complete" | "resume" => Tone::Good,
            "wait" | "back" => Tone::Warn,
            "reject" | "cancel" | "fail" | "overdue" => Tone::Bad,
            _ => Tone::Calm,
        };
        let who = if person.is_operator() {
            doer(&row.who).to_owned()
        } else if row.who.starts_with(&format!("user:{}:", person.signed.person.0)) {
            person.name.to_string()
        } else {
            page.t("orders-side-other")
        };
        let what = page.word("orders-happened-", what);
        let what =
            if row.is_public == 0 { format!("{what} {}", page.t("orders-inside")) } else { what };
        Step { at: page.time(row.at), what, who, why: why(page, view, row), tone }
    };
    Timeline { steps: view.history.iter().rev().map(step).collect() }
}

/// A step is told by its title and not by its name; the rule of a promise is no word for people.
fn why(page: &Page, view: &OrderView, row: &HappeningRow) -> Option<String> {
    let why = match row.kind.as_str() {
        "overdue" => String::new(),
        "order_tick" | "order_back" => {
            let (name, words) = row.note.split_once(' ').unwrap_or((&row.note, ""));
            let step = view.steps.iter().find(|step| step.name == name);
            let title = step.map_or(name, |step| step.title(page.language.tag()));
            if words.is_empty() { title.to_owned() } else { format!("{title}. {words}") }
        }
        _ => row.note.clone(),
    };
    Some(why).filter(|why| !why.is_empty())
}
