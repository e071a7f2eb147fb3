//! `/apply/{reference}/documents`: copies from the registers, each with its date.
//!
//! A file is checked and kept the moment it comes, and belongs to this application alone. The
//! surprise: while the desk waits for an answer, documents can be added to what was submitted.

use askama::Template;
use axum::{extract::Path, http::HeaderMap, response::Response};

use super::{
    owner, private,
    spec::{Drawn, Kind, Spec, draw},
    tasks, version, wording,
};
use crate::{
    domain::{
        application::ApplicationState,
        application_form::{DocumentForm, DocumentKind, Form as Answers, Section, SectionForm},
    },
    http::{
        error::Problem,
        portal::{address::see_other, form::Form, page::Page},
    },
    partnership::ApplicationView,
    store::FileLine,
};

#[derive(Template)]
#[template(path = "apply_documents.html", config = "src/http/portal/askama.toml")]
struct Documents<'p> {
    page: &'p Page,
    form: &'p Form,
    path: String,
    version: i64,
    /// Kind, name and address of what is there.
    files: Vec<(String, String, String)>,
    fields: Vec<Drawn<'p>>,
}

pub(super) async fn show(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let (by, view) = owner(&page, &headers, &reference).await?;
    if !is_open(&view) {
        return Ok(see_other(&format!("/apply/{reference}")));
    }
    let dates = view
        .form
        .documents
        .iter()
        .map(|document| (date_name(&document.kind), document.issued_on.clone()));
    let form = Form::of(dates);
    let files = page.app().partnership.my_files(&by, view.row.id).await?;
    Ok(draw_page(page, &reference, (&view.form, view.row.version), &files, &form))
}

fn is_open(view: &ApplicationView) -> bool {
    matches!(view.row.state, ApplicationState::Draft | ApplicationState::NeedsInformation)
}

fn file_name(kind: &str) -> String {
    format!("documents-{kind}")
}

fn date_name(kind: &str) -> String {
    format!("documents-{kind}-issued_on")
}

/// Names of documents with the files behind them.
pub(in crate::http::portal) fn named(
    page: &Page,
    answers: &Answers,
    files: &[FileLine],
) -> Vec<(String, String, String)> {
    let file = |document: &DocumentForm| {
        let line = files.iter().find(|line| line.id == document.file)?;
        let href = format!("/files/{}", line.id);
        Some((wording::document(page, &document.kind), line.name.clone(), href))
    };
    answers.documents.iter().filter_map(file).collect()
}

fn fields(page: &Page) -> Vec<Spec> {
    let needed = &page.app().partnership.rules().documents;
    let mut specs = Vec::new();
    for kind in DocumentKind::ALL {
        let word = kind.as_str();
        let upload = Spec::new(Kind::Upload, file_name(word), "apply-file")
            .under(wording::document(page, word));
        if needed.contains(kind) {
            specs.push(upload);
            specs.push(Spec::new(Kind::Date, date_name(word), "apply-issued-on"));
        } else if *kind == DocumentKind::MarketingPlan {
            specs.push(upload.optional());
        }
    }
    specs
}

fn draw_page(
    page: Page,
    reference: &str,
    (answers, version): (&Answers, i64),
    files: &[FileLine],
    form: &Form,
) -> Response {
    let page = page
        .titled("apply-section-documents")
        .under("/apply", "apply-title")
        .under(format!("/apply/{reference}"), "apply-tasks")
        .with(form);
    let specs = fields(&page);
    let body = Documents {
        page: &page,
        form,
        path: tasks::path(reference, Section::Documents),
        version,
        files: named(&page, answers, files),
        fields: draw(&page, form, &specs),
    };
    private(page.show(&body))
}

pub(super) async fn keep(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let (by, view) = owner(&page, &headers, &reference).await?;
    if !is_open(&view) {
        return Ok(see_other(&format!("/apply/{reference}")));
    }
    let partnership = &page.app().partnership;
    let row = &view.row;
    let mut answers = view.form.clone();
    for kind in DocumentKind::ALL {
        let word = kind.as_str();
        let at = answers.documents.iter().position(|document| document.kind == word);
        let mut document =
            at.map_or_else(DocumentForm::default, |at| answers.documents[at].clone());
        word.clone_into(&mut document.kind);
        form.text(&date_name(word)).clone_into(&mut document.issued_on);
        if let Some(upload) = form.file(&file_name(word)).cloned() {
            let subject = row.subject();
            let kept = partnership
                .keep_file(&by, &subject, row.partner, &upload.name, &upload.octets)
                .await;
            match kept {
                Ok(line) => document.file = line.id,
                Err(fault) => {
                    let text = wording::of_file(&page, fault)?;
                    form.wrong(&file_name(word), text);
                }
            }
        }
        match at {
            Some(at) => answers.documents[at] = document,
            None if document.file.is_empty() => {}
            None => answers.documents.push(document),
        }
    }
    let section = SectionForm::Documents(answers.documents.clone());
    let at = (row.id, version(&form));
    let (version, all) = partnership.save_section(&by, at, section).await?;
    if form.is_on("later") && form.is_right() {
        return Ok(page.done(&format!("/apply/{reference}"), "apply-notice-saved"));
    }
    if let Some(task) = all.iter().find(|task| task.section == Section::Documents) {
        wording::take_all(&page, &mut form, &task.errors, |field| field_id(field, &answers));
    }
    if form.is_right() {
        return Ok(page.done(&format!("/apply/{reference}"), "apply-notice-saved"));
    }
    let files = partnership.my_files(&by, row.id).await?;
    Ok(draw_page(page, &reference, (&answers, version), &files, &form))
}

/// The domain counts documents, the page calls them by their kind.
fn field_id(field: &str, answers: &Answers) -> String {
    let mut steps = field.splitn(3, '.').skip(1);
    let (place, rest) = (steps.next().unwrap_or_default(), steps.next());
    let kind = place.parse().ok().and_then(|at: usize| answers.documents.get(at));
    let kind = kind.map_or(place, |document| document.kind.as_str());
    match rest {
        Some("issued_on") => date_name(kind),
        _ => file_name(kind),
    }
}
