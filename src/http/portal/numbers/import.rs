//! `/numbers/import`: a pool of numbers as a file, and what became of each row.
//!
//! What surprises: the report is the answer to the form itself and is kept nowhere. The same file
//! can be sent again at any time, for what is in the base already changes nothing.

use askama::Template;
use axum::response::Response;

use super::{Page, explain};
use crate::{
    domain::{Refusal, Right, number_import::COLUMNS},
    http::{
        error::Problem,
        portal::{
            cell::Cell,
            form::Form,
            list::{Ask, List, ROWS},
            person::Person,
        },
    },
    partnership::ImportReport,
};

#[derive(Template)]
#[template(path = "numbers_import.html", config = "src/http/portal/askama.toml")]
struct Import<'p> {
    page: &'p Page,
    form: &'p Form,
    columns: String,
    report: Option<Report<'p>>,
}

struct Report<'p> {
    outcome: String,
    refused: List<'p>,
    /// How many refused rows the page leaves out.
    more: Option<String>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, (&ask, &Form::empty()), None)
}

fn whole(
    page: Page,
    person: &Person,
    (ask, form): (&Ask, &Form),
    report: Option<&ImportReport>,
) -> Result<Response, Problem> {
    if !person.may(Right::ApproveNumbers) {
        return Err(Refusal::NotAllowed.into());
    }
    let page = page.titled("numbers-import").under("/numbers", "numbers-title").with(form);
    let report = report.map(|report| {
        let key = if report.is_trial { "numbers-trial-done" } else { "numbers-import-done" };
        let refused =
            List::new(&page, ask, "/numbers/import", "numbers-refused", "numbers-none-refused")
                .column("numbers-line")
                .column("numbers-number")
                .column("numbers-why")
                .column("numbers-detail");
        // The list would offer a next page, which an answer to a form cannot have.
        let shown = report.refused.len().min(ROWS);
        let refused = refused.rows(
            &report.refused[..shown],
            |row| row.line.to_string(),
            |row| {
                vec![
                    Cell::figure(row.line.to_string()),
                    Cell::code(&row.digits),
                    Cell::text(page.word("numbers-row-", row.code)),
                    Cell::text(&row.detail),
                ]
            },
        );
        let more = report.refused.len() - shown;
        Report {
            outcome: page.t2(key, ("taken", report.taken), ("refused", report.refused.len())),
            refused,
            more: (more > 0).then(|| page.count("numbers-more-refused", more)),
        }
    });
    let columns = COLUMNS.join(", ");
    Ok(page.show(&Import { page: &page, form, columns, report }))
}

pub(super) async fn import(page: Page, ask: Ask, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let Some(file) = form.file("file").map(|file| file.octets.clone()) else {
        form.wrong("file", page.t("numbers-wrong-no-file"));
        return whole(page, &person, (&ask, &form), None);
    };
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let is_trial = form.text("step") == "trial";
    // To its end, even if the browser is closed in the middle.
    let work = async move { verbs.import_numbers(&signed, &file, is_trial).await };
    match page.app().finish(work).await? {
        Ok(report) => whole(page, &person, (&ask, &form), Some(&report)),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, (&ask, &form), None)
        }
    }
}
