//! What is done on the page of a complaint: its steps, notes, files, the evidence.
//!
//! One address takes them all, by the button that was pressed. What surprises: whoever was slower
//! reads that it was changed in between, and nothing that was typed is lost.

use axum::{extract::Path, response::Response};

use super::{Page, explain, show::whole};
use crate::{
    domain::{ComplaintEvent, PartnerSays, Right, row_id},
    http::{
        error::{Fault, Problem},
        portal::{
            desk::files::attach,
            form::{Form, Upload},
            person::Person,
        },
    },
    partnership::{ComplaintStep, Error, Partnership},
    store::ComplaintRow,
};

pub(super) async fn step(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = format!("/complaints/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "complaint")?;
    let at = (id, form.number("version").unwrap_or_default());
    let (verbs, typed, who) = (page.app().partnership.clone(), form.clone(), person.clone());
    let work = async move { taken(&verbs, &who, at, &typed).await };
    let Some(done) = page.app().finish(work).await? else {
        return Err(Fault::BadRequest.says("no such step"));
    };
    match done {
        Ok(_) => Ok(page.done(&path, "complaints-notice-done")),
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
) -> Option<Result<ComplaintRow, Error>> {
    let (signed, words) = (&person.signed, form.text("words"));
    Some(match form.text("step") {
        "note" => verbs.note_complaint(signed, at, words, form.is_on("internal")).await,
        "own" => verbs.own_complaint(signed, at).await,
        "pack" => verbs.pack_complaint(signed, at).await,
        "assign" => {
            let named = (form.text("partner"), form.text("service"));
            verbs.assign_complaint(signed, at, named).await
        }
        step => {
            let event = ComplaintEvent::parse(step)?;
            let charges: Vec<i64> =
                form.all("charges").filter_map(|message| message.parse().ok()).collect();
            let step = ComplaintStep {
                event,
                words,
                says: PartnerSays::parse(form.text("says")),
                // A refusal beside ticked charges gives nothing back.
                charges: if event.pays() { &charges } else { &[] },
            };
            verbs.step_complaint(signed, at, &step).await
        }
    })
}

/// Adds a file.
pub(super) async fn file(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = format!("/complaints/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "complaint")?;
    let at = (id, form.number("version").unwrap_or_default());
    let right = Right::on_tickets(!person.is_operator());
    page.app().partnership.require(&person.signed, right)?;
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let add = move |upload: Upload| async move {
        verbs.add_complaint_file(&signed, at, (&upload.name, &upload.octets)).await
    };
    let texts = ["complaints-wrong-no-file", "complaints-notice-done"];
    match attach(&page, &mut form, (&path, texts), add).await? {
        Some(done) => Ok(done),
        None => whole(page, &person, &form, id).await,
    }
}
