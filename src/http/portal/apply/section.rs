//! `/apply/{reference}/section/{section}`: one page of the form.
//!
//! What was typed is kept even if it is wrong, so that nobody types it twice; the page says what is
//! wrong all the same. "Save and come back later" leaves with mistakes.

use askama::Template;
use axum::{extract::Path, http::HeaderMap, response::Response};

use super::{
    owner, private,
    spec::{Drawn, draw, kept, read, specs},
    tasks, version, wording,
};
use crate::{
    domain::{
        Refusal,
        application::{ApplicationState, Purpose},
        application_form::{Progress, Section},
    },
    http::{
        error::Problem,
        portal::{address::see_other, form::Form, page::Page},
    },
    partnership::ApplicationView,
};

#[derive(Template)]
#[template(path = "apply_section.html", config = "src/http/portal/askama.toml")]
struct SectionPage<'p> {
    page: &'p Page,
    form: &'p Form,
    title: &'static str,
    lead: Option<String>,
    path: String,
    version: i64,
    notice: Option<String>,
    fields: Vec<Drawn<'p>>,
}

pub(super) async fn show(
    page: Page,
    headers: HeaderMap,
    Path((reference, section)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let section = known(&section)?;
    let (_, view) = owner(&page, &headers, &reference).await?;
    if view.row.state != ApplicationState::Draft {
        return Ok(see_other(&format!("/apply/{reference}")));
    }
    let form = kept(section, &view.form);
    Ok(draw_page(page, section, &view, view.row.version, &form))
}

fn known(section: &str) -> Result<Section, Refusal> {
    let known = Section::parse(section).filter(|section| *section != Section::Documents);
    known.ok_or(Refusal::UnknownId("section"))
}

fn draw_page(
    page: Page,
    section: Section,
    view: &ApplicationView,
    version: i64,
    form: &Form,
) -> Response {
    let reference = &view.row.reference;
    let title = tasks::title(section);
    // Other pages are called the same, such as that of a company.
    let name = format!("{} {reference}", page.t(title));
    let page = page
        .titled_as(name)
        .under("/apply", "apply-title")
        .under(format!("/apply/{reference}"), "apply-tasks")
        .with(form);
    let specs = specs(&page, section, &view.form);
    let notice = (section == Section::Consent).then(|| {
        page.t1("apply-notice-version", "version", &page.app().partnership.rules().privacy_notice)
    });
    let body = SectionPage {
        page: &page,
        form,
        title,
        lead: page.hint(title),
        path: tasks::path(reference, section),
        version,
        notice,
        fields: draw(&page, form, &specs),
    };
    private(page.show(&body))
}

pub(super) async fn save(
    page: Page,
    headers: HeaderMap,
    Path((reference, section)): Path<(String, String)>,
    mut form: Form,
) -> Result<Response, Problem> {
    let section = known(&section)?;
    let (by, view) = owner(&page, &headers, &reference).await?;
    let partnership = &page.app().partnership;
    let notice = partnership.rules().privacy_notice.clone();
    let section_form = read(section, &form, &view.form, &notice);
    let section_form = section_form.ok_or(Refusal::UnknownId("section"))?;
    let at = (view.row.id, version(&form));
    let (version, all) = partnership.save_section(&by, at, section_form).await?;
    if !form.is_on("later") {
        if let Some(task) = all.iter().find(|task| task.section == section) {
            wording::take_all(&page, &mut form, &task.errors, field_id);
        }
        if !form.is_right() {
            return Ok(draw_page(page, section, &view, version, &form));
        }
    }
    // The next thing to do is shown at once, unless somebody wants to come back later.
    let next = all.iter().find(|task| {
        task.section > section
            && task.progress != Progress::Complete
            && view.row.purpose == Purpose::Join
    });
    match next.filter(|_| !form.is_on("later")) {
        Some(next) => Ok(page.done(&tasks::path(&reference, next.section), "apply-notice-saved")),
        None => Ok(page.done(&format!("/apply/{reference}"), "apply-notice-saved")),
    }
}

/// Mistakes of a group stand at its first field.
fn field_id(field: &str) -> String {
    match field {
        "contacts" => "contacts-0-name".to_owned(),
        other => match other.strip_suffix(".revenue") {
            Some(plan) => wording::id(&format!("{plan}.revenue.0")),
            None => wording::id(other),
        },
    }
}
