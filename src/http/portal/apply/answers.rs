//! The last look before an application is sent, and the confirmation after it.
//!
//! The surprise: what only the submission can find wrong, such as a company that is a partner
//! already, is listed here with ways to the pages on which it is put right.

use askama::Template;
use axum::{
    extract::Path,
    http::{Extensions, HeaderMap},
    response::Response,
};

use super::{documents, owner, private, spec, tasks, version, wording};
use crate::{
    domain::{Refusal, application::ApplicationState, application_form::Section},
    http::{
        auth,
        error::Problem,
        portal::{
            address::see_other,
            cell::{Cell, Summary, Time},
            form::Form,
            page::Page,
        },
    },
    partnership::{ApplicationView, Error},
    store::FileLine,
};

/// One section of the answers.
struct Part {
    title: &'static str,
    summary: Summary,
}

#[derive(Template)]
#[template(path = "apply_check.html", config = "src/http/portal/askama.toml")]
struct Check<'p> {
    page: &'p Page,
    path: String,
    version: i64,
    /// Address and sentence.
    wrong: Vec<(String, String)>,
    parts: Vec<Part>,
}

#[derive(Template)]
#[template(path = "apply_done.html", config = "src/http/portal/askama.toml")]
struct Done<'p> {
    page: &'p Page,
    reference: &'p str,
    mail: &'p str,
    promised: Option<Time>,
}

pub(super) async fn show(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let (by, view) = owner(&page, &headers, &reference).await?;
    if view.row.state != ApplicationState::Draft || !tasks::is_complete(&view) {
        return Ok(see_other(&format!("/apply/{reference}")));
    }
    let files = page.app().partnership.my_files(&by, view.row.id).await?;
    Ok(draw_page(page, &view, &files, Vec::new()))
}

fn draw_page(
    page: Page,
    view: &ApplicationView,
    files: &[FileLine],
    wrong: Vec<(String, String)>,
) -> Response {
    let reference = &view.row.reference;
    let page = page
        .titled("apply-check")
        .under("/apply", "apply-title")
        .under(format!("/apply/{reference}"), "apply-tasks");
    let part = |section: Section| {
        let path = tasks::path(reference, section);
        let mut summary = spec::summary(&page, section, &view.form, Some(&path));
        if section == Section::Documents {
            for (kind, name, href) in documents::named(&page, &view.form, files) {
                let change = page.t("apply-change");
                summary = summary.row_with(kind, Cell::link(href, name), path.clone(), change);
            }
        }
        Part { title: tasks::title(section), summary }
    };
    let parts = view.tasks.iter().map(|task| part(task.section)).collect();
    let status = if wrong.is_empty() { 200 } else { 422 };
    let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    let path = format!("/apply/{reference}/check");
    let body = Check { page: &page, path, version: view.row.version, wrong, parts };
    private(page.show_as(status, &body))
}

pub(super) async fn submit(
    page: Page,
    extensions: Extensions,
    headers: HeaderMap,
    Path(reference): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let (by, view) = owner(&page, &headers, &reference).await?;
    let app = page.app();
    let address = auth::address(&extensions, &headers, &app.limits.trusted_proxies).to_string();
    let (partnership, at) = (app.partnership.clone(), (view.row.id, version(&form)));
    let caller = by.clone();
    // Whoever closes the browser now has submitted all the same.
    let work = async move { partnership.submit_application(&caller, at, &address).await };
    match app.finish(work).await? {
        Ok(_) => Ok(see_other(&format!("/apply/{reference}/done"))),
        Err(Error::Refused(Refusal::FieldErrors(faults))) => {
            let wrong = faults.iter().map(|fault| {
                let section = fault.field.split('.').next().and_then(Section::parse);
                let path = section.map(|section| tasks::path(&reference, section));
                let path = path.unwrap_or_else(|| format!("/apply/{reference}"));
                (path, wording::of_fault(&page, fault))
            });
            let wrong = wrong.collect();
            let files = app.partnership.my_files(&by, view.row.id).await?;
            Ok(draw_page(page, &view, &files, wrong))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn done(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let (_, view) = owner(&page, &headers, &reference).await?;
    if view.row.state == ApplicationState::Draft {
        return Ok(see_other(&format!("/apply/{reference}")));
    }
    let page = page.titled("apply-done").under("/apply", "apply-title");
    let promised = view.decision.as_ref().map(|decision| page.day(decision.promised_at));
    let row = &view.row;
    let body = Done { page: &page, reference: &row.reference, mail: &row.mail, promised };
    Ok(private(page.show(&body)))
}
