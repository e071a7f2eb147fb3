//! What is done on the page of a fault: its steps, notes, files, and what only staff does.
//!
//! One address takes them all, by the button that was pressed. What surprises: whoever was slower
//! reads that it was changed in between, and nothing that was typed is lost.

use axum::{extract::Path, response::Response};

use super::{Page, explain, show::whole};
use crate::{
    domain::{Right, Severity, TicketEvent, row_id},
    http::{
        error::{Fault, Problem},
        portal::{
            desk::files::attach,
            form::{Form, Upload},
            person::Person,
        },
    },
    partnership::{Error, Partnership},
    store::FaultRow,
};

pub(super) async fn step(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = format!("/faults/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "fault")?;
    let at = (id, form.number("version").unwrap_or_default());
    let (verbs, typed, who) = (page.app().partnership.clone(), form.clone(), person.clone());
    let work = async move { taken(&verbs, &who, at, &typed).await };
    let Some(done) = page.app().finish(work).await? else {
        return Err(Fault::BadRequest.says("no such step"));
    };
    match done {
        Ok(_) => Ok(page.done(&path, "faults-notice-done")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &form, id).await
        }
    }
}

/// What the button asks for; none if there is no such button.
async fn taken(
    verbs: &Partnership,
    person: &Person,
    at: (i64, i64),
    form: &Form,
) -> Option<Result<FaultRow, Error>> {
    let (signed, words) = (&person.signed, form.text("words"));
    Some(match form.text("step") {
        "note" => verbs.note_fault(signed, at, words, form.is_on("internal")).await,
        "own" => verbs.own_fault(signed, at).await,
        "rate" => {
            let severity = Severity::parse(form.text("severity"))?;
            verbs.rate_fault(signed, at, severity, form.text("why")).await
        }
        "merge" => {
            let other = form.text("other").trim_start_matches(['F', 'f', '-', '0']);
            verbs.merge_fault(signed, at, other.parse().unwrap_or_default()).await
        }
        "link" => verbs.link_fault(signed, at, form.number("incident")).await,
        step => verbs.step_fault(signed, at, TicketEvent::parse(step)?, words).await,
    })
}

/// Adds a file; both sides see it.
pub(super) async fn file(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = format!("/faults/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "fault")?;
    let at = (id, form.number("version").unwrap_or_default());
    let right = Right::on_tickets(!person.is_operator());
    page.app().partnership.require(&person.signed, right)?;
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let add = move |upload: Upload| async move {
        verbs.add_fault_file(&signed, at, (&upload.name, &upload.octets)).await
    };
    let texts = ["faults-wrong-no-file", "faults-notice-done"];
    match attach(&page, &mut form, (&path, texts), add).await? {
        Some(done) => Ok(done),
        None => whole(page, &person, &form, id).await,
    }
}
