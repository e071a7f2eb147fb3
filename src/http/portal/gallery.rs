//! `/gallery`: every part of the portal on one page, for those who build pages and for the tests
//! that look at them. Only debug builds have it.
//!
//! The surprise: it is the one page whose form takes everything and keeps nothing.

use askama::Template;
use axum::response::{IntoResponse as _, Response};

use super::{
    cell::{Cell, Summary, Tag, Tone},
    field::Choice,
    form::Form,
    list::{Ask, List},
    page::Page,
    timeline::{Parcel, Passed, Station, Step, Task, TaskList, Timeline},
};

const DAY_US: i64 = 86_400_000_000;

#[derive(Template)]
#[template(path = "gallery.html", config = "src/http/portal/askama.toml")]
struct Gallery<'p> {
    page: &'p Page,
    form: &'p Form,
    areas: &'p [Choice],
    parcel: Parcel,
    stopped: Parcel,
    tasks: TaskList,
    summary: Summary,
    timeline: Timeline,
    list: List<'p>,
    nothing: List<'p>,
    tags: Vec<Tag>,
}

/// The list is a file here too, as every page with `with_csv` must answer `ask.is_csv()`.
pub(super) async fn show(page: Page, ask: Ask) -> Response {
    let form = Form::of([("name", "Acme"), ("area", "wap"), ("area", "sms"), ("kind", "sms")]);
    if ask.is_csv() {
        return list(&page, &ask).csv("gallery");
    }
    render(&page.titled("gallery-title").under("/", "gallery-start"), &form, &ask)
}

/// The pattern of every form: say all that is wrong at once, show the form again or send the
/// browser on.
pub(super) async fn send(page: Page, ask: Ask, mut form: Form) -> Response {
    form.require(&page, "name", "gallery-name-missing");
    form.require(&page, "mail", "gallery-mail-missing");
    if form.money("sum").is_none() {
        form.wrong("sum", page.t("gallery-sum-wrong"));
    }
    form.require(&page, "kind", "gallery-kind-missing");
    if !form.is_on("agreed") {
        form.wrong("agreed", page.t("gallery-agreed-missing"));
    }
    if form.is_right() {
        return page.done("/gallery", "gallery-notice-sent").into_response();
    }
    render(&page.titled("gallery-title").under("/", "gallery-start").with(&form), &form, &ask)
}

fn render(page: &Page, form: &Form, ask: &Ask) -> Response {
    let areas = [
        Choice::new("sms", page.t("gallery-area-sms")).hint(page.t("gallery-area-hint")),
        Choice::new("wap", page.t("gallery-area-wap")),
    ];
    let tones = [Tone::Calm, Tone::Busy, Tone::Good, Tone::Warn, Tone::Bad];
    let empty = Ask::default();
    let body = Gallery {
        page,
        form,
        areas: &areas,
        parcel: parcel(page, Passed::Here),
        stopped: parcel(page, Passed::Stopped),
        tasks: tasks(page),
        summary: Summary::new()
            .row_with(page.t("gallery-name"), Cell::text("Acme"), "#name", page.t("gallery-change"))
            .row(page.t("gallery-at"), page.time(page.now))
            .row(page.t("gallery-sum"), Cell::figure(page.money(123_456, "PLN")))
            .row(page.t("gallery-mail"), Cell::text("")),
        timeline: timeline(page),
        list: list(page, ask),
        nothing: List::new(page, &empty, "/gallery", "gallery-list", "gallery-empty"),
        tags: tones.map(|tone| Tag::new(tone, page.t("gallery-state"))).into(),
    };
    page.show(&body)
}

/// A real page asks its verb for `ask.rows()` rows after `ask.after()`, in the order `ask.sort(..)`.
fn list<'p>(page: &'p Page, ask: &'p Ask) -> List<'p> {
    let found: Vec<i64> = (0..8).collect();
    let cells = |number: &i64| {
        vec![
            Cell::link(format!("/gallery?q={number}"), format!("Acme {number}")),
            page.time(page.now - number * DAY_US).into(),
            Cell::figure(page.money(number * 12_345, "PLN")),
            Cell::tag(
                if number % 3 == 0 { Tone::Good } else { Tone::Busy },
                page.t("gallery-state"),
            ),
        ]
    };
    let choices = vec![Choice::new("new", page.t("gallery-state"))];
    List::new(page, ask, "/gallery", "gallery-list", "gallery-empty")
        .sorted("gallery-name", "name")
        .sorted("gallery-at", "at")
        .column("gallery-sum")
        .column("gallery-state")
        .search("q", "gallery-name")
        .filter("state", "gallery-state", choices)
        .with_csv()
        .total(8)
        .rows(&found, ToString::to_string, cells)
}

/// `third` is where the thing stands: somebody's turn, or the end.
fn parcel(page: &Page, third: Passed) -> Parcel {
    let note = page.t1("gallery-turn", "left", page.left(page.now + 3 * DAY_US + 1));
    Parcel {
        label: page.t("gallery-way"),
        stations: vec![
            Station::new(Passed::Done, page.t("gallery-step-sent")).note("17.11.2026"),
            Station::new(Passed::Done, page.t("gallery-step-read")).note("18.11.2026"),
            Station::new(third, page.t("gallery-step-decided")).note(note),
            Station::new(Passed::Ahead, page.t("gallery-step-signed")),
            Station::new(Passed::Ahead, page.t("gallery-step-live")),
        ],
    }
}

/// A task without an address cannot be started yet.
fn tasks(page: &Page) -> TaskList {
    let task = |key: &str, href: Option<&str>, tone, state: &str| Task {
        text: page.t(key),
        hint: page.hint(key),
        href: href.map(Into::into),
        state: Tag::new(tone, page.t(state)),
    };
    TaskList {
        tasks: vec![
            task("gallery-name", Some("#name"), Tone::Good, "gallery-done"),
            task("gallery-mail", Some("#mail"), Tone::Busy, "gallery-state"),
            task("gallery-step-signed", None, Tone::Calm, "gallery-later"),
        ],
    }
}

/// The latest stands first.
fn timeline(page: &Page) -> Timeline {
    let step = |tone, key: &str, days: i64, why: Option<String>| Step {
        at: page.time(page.now - days * DAY_US),
        what: page.t(key),
        who: "Anna Nowak".to_owned(),
        why,
        tone,
    };
    Timeline {
        steps: vec![
            step(Tone::Warn, "gallery-step-decided", 1, Some(page.t("gallery-why"))),
            step(Tone::Good, "gallery-step-read", 3, None),
            step(Tone::Calm, "gallery-step-sent", 4, None),
        ],
    }
}
