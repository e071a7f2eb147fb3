//! `/apply/{reference}`: while it is written the list of tasks, afterwards whose turn it is.
//!
//! The mailed link comes here with its secret, which moves into the cookie at once. The surprise:
//! the link changes nothing, because mail scanners follow links before people do.

use askama::Template;
use axum::{extract::Path, http::HeaderMap, response::Response};

use super::{owner, private, remember, status};
use crate::{
    domain::{
        application::{ApplicationState, Purpose},
        application_form::{Progress, Section},
    },
    http::{
        error::Problem,
        portal::{
            address::see_other,
            cell::{Tag, Tone},
            list::Ask,
            page::Page,
            timeline::{Task, TaskList},
        },
    },
    partnership::ApplicationView,
};

#[derive(Template)]
#[template(path = "apply_tasks.html", config = "src/http/portal/askama.toml")]
struct Overview<'p> {
    page: &'p Page,
    reference: &'p str,
    progress: String,
    tasks: TaskList,
}

pub(super) async fn show(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
    ask: Ask,
) -> Result<Response, Problem> {
    let key = ask.get("key");
    if !key.is_empty() {
        page.app().partnership.follow_link(&reference, key).await?;
        let agreement = ask.get("agreement");
        let is_number =
            (1..=18).contains(&agreement.len()) && agreement.bytes().all(|o| o.is_ascii_digit());
        let path = if is_number {
            format!("/agreements/{agreement}")
        } else {
            format!("/apply/{reference}")
        };
        let mut response = see_other(&path);
        remember(page.app(), &mut response, &reference, key);
        return Ok(response);
    }
    let (by, view) = owner(&page, &headers, &reference).await?;
    if view.row.state != ApplicationState::Draft || view.row.purpose == Purpose::Idea {
        return status::show(page, &by, &view).await;
    }
    let page = page.titled("apply-tasks").under("/apply", "apply-title");
    let done = view.tasks.iter().filter(|task| task.progress == Progress::Complete).count();
    let all = view.tasks.len();
    let progress = page.t2("apply-tasks-done", ("done", done), ("all", all));
    let body = Overview {
        page: &page,
        reference: &view.row.reference,
        progress,
        tasks: list(&page, &view),
    };
    Ok(private(page.show(&body)))
}

/// Where a section is worked on.
pub(super) fn path(reference: &str, section: Section) -> String {
    match section {
        Section::Documents => format!("/apply/{reference}/documents"),
        other => format!("/apply/{reference}/section/{}", other.as_str()),
    }
}

pub(super) fn title(section: Section) -> &'static str {
    match section {
        Section::Company => "apply-section-company",
        Section::Contacts => "apply-section-contacts",
        Section::Areas => "apply-section-areas",
        Section::Plans => "apply-section-plans",
        Section::Documents => "apply-section-documents",
        Section::Consent => "apply-section-consent",
    }
}

pub(super) fn is_complete(view: &ApplicationView) -> bool {
    view.tasks.iter().all(|task| task.progress == Progress::Complete)
}

fn list(page: &Page, view: &ApplicationView) -> TaskList {
    let reference = &view.row.reference;
    let later = || Tag::new(Tone::Calm, page.t("apply-cannot-start"));
    let mut tasks: Vec<Task> = view
        .tasks
        .iter()
        .map(|task| {
            let is_later = task.section == Section::Plans && view.form.check_areas().is_err();
            let state = match task.progress {
                _ if is_later => later(),
                Progress::Complete => Tag::new(Tone::Good, page.t("apply-completed")),
                Progress::Empty | Progress::Incomplete => {
                    Tag::new(Tone::Busy, page.t("apply-incomplete"))
                }
            };
            let key = title(task.section);
            Task {
                text: page.t(key),
                hint: page.hint(key),
                href: (!is_later).then(|| path(reference, task.section)),
                state,
            }
        })
        .collect();
    let is_ready = is_complete(view);
    tasks.push(Task {
        text: page.t("apply-check"),
        hint: page.hint("apply-check"),
        href: is_ready.then(|| format!("/apply/{reference}/check")),
        state: if is_ready { Tag::new(Tone::Busy, page.t("apply-incomplete")) } else { later() },
    });
    TaskList { tasks }
}
