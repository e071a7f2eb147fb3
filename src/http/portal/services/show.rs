//! `/services/{id}`: where a service stands, what is in its way, what was written and said.
//!
//! What surprises: which buttons there are is asked of the state machine and of the gates, so that
//! nobody presses one that can only be refused.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, label, shown, state_tag};
use crate::{
    domain::{
        Delivery, LifeEvent, LifeState, Right, ServiceId, row_id,
        service_life::{Gate, RevisionState},
        service_revision::{ServiceForm, ServiceSection},
    },
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Summary, Tag, Tone},
            field::Choice,
            form::Form,
            orders,
            person::Person,
            timeline::{Step, Task, TaskList, Timeline, doer},
        },
    },
    partnership::ServiceFile,
    store::HappeningRow,
};

#[derive(Template)]
#[template(path = "service.html", config = "src/http/portal/askama.toml")]
struct Service<'p> {
    page: &'p Page,
    form: &'p Form,
    seen: &'p ServiceFile,
    step_path: String,
    comment_path: String,
    secret_path: String,
    state: Tag,
    change: Option<Tag>,
    /// The parts of the form, for whom they are to write.
    tasks: Option<TaskList>,
    about: Summary,
    parts: Vec<(String, Summary)>,
    gates: TaskList,
    said: Vec<(String, String)>,
    timeline: Timeline,
    /// The orders about it, with their names.
    orders: Vec<(String, String)>,
    fields: Vec<Choice>,
    groups: Vec<Choice>,
    /// Steps that need no reason, with their texts.
    plain: Vec<(&'static str, String)>,
    /// Steps whose reason the other side is told.
    reasoned: Vec<(&'static str, String)>,
    may_comment: bool,
    may_have_secret: bool,
    is_callback_disabled: bool,
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &Form::empty(), row_id(&id, "service")?).await
}

pub(super) async fn whole(
    page: Page,
    person: &Person,
    form: &Form,
    id: i64,
) -> Result<Response, Problem> {
    let partnership = page.app().partnership.clone();
    let file = partnership.service_file(&person.signed, id).await?;
    let history = partnership.service_history(&person.signed, &file.row).await?;
    let page = page.titled_as(&file.row.name).under("/services", "services-title").with(form);
    let may_edit = person.is_partner() && person.may(Right::EditServices);
    let may_approve = person.is_operator() && person.may(Right::ApproveServices);
    let is_open = file.row.state != LifeState::Closed;
    let orders = orders::about(&page, person, &file.row.subject()).await?;
    let (plain, mut reasoned) = steps(&page, &file, may_edit, may_approve);
    // Nobody asks twice.
    reasoned.retain(|(step, _)| *step != "ask_close" || !orders.is_asked);
    let groups = &partnership.rules().link_groups;
    let approves = plain.iter().any(|(step, _)| *step == "approve") && groups.len() > 1;
    let groups = groups.iter().filter(|_| approves);
    let body = Service {
        page: &page,
        form,
        step_path: format!("/services/{id}/step"),
        comment_path: format!("/services/{id}/comment"),
        secret_path: format!("/services/{id}/secret"),
        state: state_tag(&page, file.row.state),
        change: change(&page, &file),
        tasks: (may_edit && file.is_editable()).then(|| tasks(&page, &file)),
        about: about(&page, person, &file),
        parts: parts(&page, &file.form),
        gates: gates(&page, &file),
        said: said(&page, &file),
        timeline: timeline(&page, person, &history),
        orders: orders.links,
        fields: ServiceForm::FIELDS
            .iter()
            .map(|(_, name)| Choice::new(*name, label(&page, name)))
            .collect(),
        groups: groups.map(|group| Choice::new(group, group)).collect(),
        plain,
        reasoned,
        may_comment: is_open && (may_edit || may_approve),
        may_have_secret: is_open
            && person.is_partner()
            && person.may(Right::ManageCredentials)
            && file.row.service_id.is_some()
            && file.form.delivery == "callback",
        is_callback_disabled: is_callback_disabled(&page, &file),
        seen: &file,
    };
    Ok(page.show(&body))
}

type Steps = Vec<(&'static str, String)>;

/// Steps without and with a reason that this person can take now.
fn steps(page: &Page, file: &ServiceFile, may_edit: bool, may_approve: bool) -> (Steps, Steps) {
    let row = &file.row;
    let mut words: Vec<&'static str> = Vec::new();
    if may_edit && is_callback_disabled(page, file) {
        words.push("enable_callback");
    }
    if let Some(open) = file.open() {
        match open.state {
            RevisionState::Draft if may_edit && file.errors.is_empty() => words.push("submit"),
            RevisionState::Submitted if may_approve => words.extend(["approve", "return"]),
            _ => {}
        }
        if may_edit && row.state.is_settled() {
            words.push("withdraw_change");
        }
    }
    let is_shut =
        |gate: &Gate| file.gates.iter().any(|(known, why)| known == gate && why.is_some());
    for event in row.state.steps() {
        let is_of_review =
            matches!(event, LifeEvent::Submit | LifeEvent::Approve | LifeEvent::Return);
        // Gates of a change that is being written say nothing about what runs.
        let is_ready = file.open().is_some() || !event.gates().iter().any(is_shut);
        // Staff does not ask itself.
        let may = (may_approve && event != LifeEvent::AskClose)
            || (may_edit && LifeState::is_of_partner(event));
        if !is_of_review && may && is_ready {
            words.push(event.as_str());
        }
    }
    if may_approve && row.state == LifeState::Testing {
        words.push("pass_test");
    }
    let named = words.into_iter().map(|step| (step, page.word("services-do-", step)));
    named.partition(|(step, _)| {
        !matches!(*step, "return" | "suspend" | "ask_close" | "close" | "pass_test")
    })
}

/// It answered 410, or took nothing for as long as the schedule tries.
fn is_callback_disabled(page: &Page, file: &ServiceFile) -> bool {
    let catalog = page.app().gateway.catalog();
    let service = file.row.service_id.and_then(|id| catalog.service(ServiceId(id)));
    service.is_some_and(
        |service| matches!(&service.delivery, Delivery::Callback(callback) if !callback.is_enabled),
    )
}

/// Of a service that was approved: where its change is.
fn change(page: &Page, file: &ServiceFile) -> Option<Tag> {
    let open = file.open().filter(|_| file.row.state.is_settled())?;
    let key = match open.state {
        RevisionState::Submitted => "services-change-submitted",
        _ => "services-change-draft",
    };
    Some(Tag::new(Tone::Busy, page.t(key)))
}

fn tasks(page: &Page, file: &ServiceFile) -> TaskList {
    let task = |section: &ServiceSection| {
        let is_right = file.form.errors_of(*section).is_empty();
        let (tone, key) = if is_right {
            (Tone::Good, "services-complete")
        } else {
            (Tone::Busy, "services-incomplete")
        };
        Task {
            text: page.word("services-section-", section.as_str()),
            hint: None,
            href: Some(format!("/services/{}/section/{section}", file.row.id)),
            state: Tag::new(tone, page.t(key)),
        }
    };
    TaskList { tasks: ServiceSection::ALL.iter().map(task).collect() }
}

fn gates(page: &Page, file: &ServiceFile) -> TaskList {
    let task = |(gate, why): &(Gate, Option<String>)| {
        let (tone, key) = if why.is_none() {
            (Tone::Good, "services-gate-passed")
        } else {
            (Tone::Busy, "services-gate-open")
        };
        Task {
            text: page.word("services-gate-", gate.as_str()),
            hint: None,
            href: None,
            state: Tag::new(tone, page.t(key)),
        }
    };
    TaskList { tasks: file.gates.iter().map(task).collect() }
}

/// A date that has no meaning yet is left out.
fn about(page: &Page, person: &Person, file: &ServiceFile) -> Summary {
    let row = &file.row;
    let mut summary = Summary::new();
    if person.is_operator() {
        let partner = Cell::link(format!("/partners/{}", row.partner_id), &row.partner);
        summary = summary.row(page.t("services-partner"), partner);
    }
    if let Some(holds) = file.approved() {
        summary = summary.row(page.t("services-revision"), Cell::figure(holds.number.to_string()));
    }
    for (key, at) in [
        ("services-made-at", Some(row.made_at)),
        ("services-tested-at", row.tested_at),
        ("services-live-at", row.live_at),
        ("services-ended-at", row.ended_at),
    ] {
        if let Some(at) = at {
            summary = summary.row(page.t(key), page.time(at));
        }
    }
    summary
}

/// What was written, section by section; what is empty is left out.
fn parts(page: &Page, form: &ServiceForm) -> Vec<(String, Summary)> {
    let mut parts = Vec::new();
    for section in ServiceSection::ALL {
        let (mut summary, mut count) = (Summary::new(), 0);
        for (_, name) in ServiceForm::FIELDS.iter().filter(|(of, _)| of == section) {
            let value = shown(page, form, name);
            if !value.is_empty() {
                summary = summary.row(label(page, name), Cell::text(value));
                count += 1;
            }
        }
        if count > 0 {
            parts.push((page.word("services-section-", section.as_str()), summary));
        }
    }
    parts
}

/// Comments with the name of their field.
fn said(page: &Page, file: &ServiceFile) -> Vec<(String, String)> {
    let name = |field: &str| {
        if field.is_empty() { page.t("services-whole") } else { label(page, field) }
    };
    file.comments.iter().map(|one| (name(&one.field), one.text.clone())).collect()
}

/// Who of the other side it was stays there.
fn timeline(page: &Page, person: &Person, history: &[HappeningRow]) -> Timeline {
    let step = |row: &HappeningRow| {
        let what = row.kind.trim_start_matches("service_");
        let tone = match what {
            "approve" | "go_live" | "resume" | "pass_test" => Tone::Good,
            "return" | "suspend" => Tone::Warn,
            "close" => Tone::Bad,
            _ => Tone::Calm,
        };
        Step {
            at: page.time(row.at),
            what: page.word("services-happened-", what),
            who: if person.is_operator() { doer(&row.who).to_owned() } else { page.t(side(what)) },
            why: Some(row.note.clone()).filter(|note| !note.is_empty()),
            tone,
        }
    };
    Timeline { steps: history.iter().rev().map(step).collect() }
}

/// Whose step it is; a comment or an end can come from both.
fn side(what: &str) -> &'static str {
    match what {
        "draft" | "edit" | "submit" | "withdraw_change" | "ask_close" => "services-side-partner",
        "comment" | "close" => "services-side-either",
        _ => "services-side-operator",
    }
}
