//! `/faults/{id}`: one fault with everything around it, and the steps that its reader can take.
//!
//! What surprises: which buttons there are is asked of the state machine itself, so that a new step
//! shows up here without a line; the staff's own notes are not in what a partner is given.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, area_text, lists, severity_choices, severity_tag, state_tag};
use crate::{
    domain::{Right, TicketEvent, TicketState, row_id},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Summary, Tag, Tone},
            field::Choice,
            form::Form,
            person::Person,
            timeline::{Step, Timeline, doer},
        },
    },
    partnership::FaultView,
    store::{FaultItem, FaultRow, HappeningRow, IncidentRow},
};

#[derive(Template)]
#[template(path = "fault.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p FaultRow,
    state: Tag,
    severity: Tag,
    left: Option<Cell>,
    summary: Summary,
    items: Vec<(String, String, String)>,
    files: Vec<(String, String)>,
    timeline: Timeline,
    step_path: String,
    file_path: String,
    /// Steps without words, and those whose words the other side is told.
    plain: Vec<(&'static str, String)>,
    worded: Vec<(&'static str, String)>,
    may_write: bool,
    is_staff: bool,
    severities: Vec<Choice>,
    incidents: Vec<Choice>,
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &Form::empty(), row_id(&id, "fault")?).await
}

pub(super) async fn whole(
    page: Page,
    person: &Person,
    form: &Form,
    id: i64,
) -> Result<Response, Problem> {
    let verbs = page.app().partnership.clone();
    let view = verbs.fault_view(&person.signed, id).await?;
    let row = &view.row;
    let page = page.titled_as(format!("{} {}", row.reference(), row.title));
    let page = page.under("/faults", "faults-title").with(form);
    let is_staff = person.is_operator() && person.may(Right::WorkTickets);
    let may_write = is_staff || (person.is_partner() && person.may(Right::FileTickets));
    let (worded, plain) = steps(&page, row.state, is_staff, may_write);
    let incidents = if is_staff {
        choices(&page, &verbs.incidents(&person.signed, true).await?)
    } else {
        Vec::new()
    };
    let body = One {
        form,
        state: state_tag(&page, row.state),
        severity: severity_tag(&page, row.severity),
        left: Some(lists::left(&page, row)).filter(|left| !matches!(left, Cell::Nothing)),
        summary: summary(&page, person, row),
        items: view.items.iter().map(|item| item_of(&page, item)).collect(),
        files: files(&view),
        timeline: timeline(&page, person, &view.history),
        step_path: format!("/faults/{id}/step"),
        file_path: format!("/faults/{id}/file"),
        plain,
        worded,
        may_write: may_write && !row.state.is_over(),
        is_staff: is_staff && !row.state.is_over(),
        severities: severity_choices(&page),
        incidents,
        row,
        page: &page,
    };
    Ok(page.show(&body))
}

type Buttons = Vec<(&'static str, String)>;

/// The steps with words, and those without.
fn steps(page: &Page, state: TicketState, is_staff: bool, may_write: bool) -> (Buttons, Buttons) {
    let allowed = |event: &TicketEvent| {
        may_write && if is_staff { event.is_of_operator() } else { event.is_of_partner() }
    };
    // Another report is named for this one, in a form of its own.
    let steps = state.steps().filter(|event| *event != TicketEvent::Merge).filter(allowed);
    let named = steps.map(|event| {
        let has_words = event.needs_words() || event == TicketEvent::Resume;
        (has_words, (event.as_str(), page.word("faults-do-", event.as_str())))
    });
    let (worded, plain): (Vec<_>, Vec<_>) = named.partition(|(has_words, _)| *has_words);
    let bare = |steps: Vec<(bool, _)>| steps.into_iter().map(|(_, step)| step).collect();
    (bare(worded), bare(plain))
}

/// The empty one, which the field itself adds, takes the fault out of its incident.
fn choices(page: &Page, open: &[IncidentRow]) -> Vec<Choice> {
    let language = page.language.tag();
    open.iter().map(|row| Choice::new(row.id.to_string(), row.title(language))).collect()
}

fn summary(page: &Page, person: &Person, row: &FaultRow) -> Summary {
    let mut summary = Summary::new()
        .row(page.t("faults-area"), Cell::text(area_text(page, row.area)))
        .row(page.t("faults-since"), page.time(row.since_at))
        .row(page.t("faults-made"), page.time(row.made_at))
        .row(page.t("faults-due"), page.time(row.due_at));
    if !row.contact.is_empty() {
        summary = summary.row(page.t("faults-contact"), Cell::text(&row.contact));
    }
    if let Some(incident) = row.incident_id {
        let link = Cell::link(format!("/incidents/{incident}"), page.t("faults-incident-see"));
        summary = summary.row(page.t("faults-incident"), link);
    }
    if let Some(other) = row.merged_into {
        let name = crate::store::fault_reference(other);
        let link = Cell::link(format!("/faults/{other}"), name);
        summary = summary.row(page.t("faults-merged"), link);
    }
    if !row.answer.is_empty() {
        summary = summary.row(page.t("faults-answer"), Cell::text(&row.answer));
    }
    if !person.is_operator() {
        return summary;
    }
    let partner = match (&row.partner, row.partner_id) {
        (Some(name), Some(id)) => Cell::link(format!("/partners/{id}"), name),
        _ => Cell::text(page.t("faults-own")),
    };
    summary = summary.row(page.t("faults-partner"), partner);
    if let Some(owner) = &row.owner {
        summary = summary.row(page.t("faults-owner"), Cell::text(owner));
    }
    summary
}

/// Kind, name and what was known of it when it was reported.
fn item_of(page: &Page, item: &FaultItem) -> (String, String, String) {
    let trace: serde_json::Value = serde_json::from_str(&item.trace).unwrap_or_default();
    let steps = trace["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let steps: Vec<&str> = steps.iter().filter_map(|step| step["what"].as_str()).collect();
    (page.word("faults-item-", &item.kind), item.name.clone(), steps.join(", "))
}

fn files(view: &FaultView) -> Vec<(String, String)> {
    let kept = view.files.iter().filter(|file| file.scan == "clean");
    kept.map(|file| (format!("/files/{}", file.id), file.name.clone())).collect()
}

/// Who of the other side it was stays there.
fn timeline(page: &Page, person: &Person, history: &[HappeningRow]) -> Timeline {
    let step = |row: &HappeningRow| {
        let what = row.kind.trim_start_matches("fault_");
        let tone = match what {
            "resolve" | "close" | "recover" | "resume" => Tone::Good,
            "pend" | "reopen" | "escalate" | "rate" => Tone::Warn,
            "reject" | "cancel" | "overdue" => Tone::Bad,
            _ => Tone::Calm,
        };
        let who = if person.is_operator() {
            doer(&row.who).to_owned()
        } else if row.who.starts_with(&format!("user:{}:", person.signed.person.0)) {
            person.name.to_string()
        } else {
            page.t("faults-side-other")
        };
        let what = page.word("faults-happened-", what);
        let what =
            if row.is_public == 0 { format!("{what} {}", page.t("faults-inside")) } else { what };
        // The rule of a promise is no word for people.
        let why = Some(row.note.clone()).filter(|note| !note.is_empty() && row.kind != "overdue");
        Step { at: page.time(row.at), what, who, why, tone }
    };
    Timeline { steps: history.iter().rev().map(step).collect() }
}
