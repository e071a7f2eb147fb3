//! What is done on the page of an order: its steps, notes and files.
//!
//! One address takes them all, by the button that was pressed. What surprises: of two who tick at
//! once the slower one reads that it was changed in between, and keeps what was typed.

use axum::{extract::Path, response::Response};

use super::{Page, show::whole};
use crate::{
    domain::{OrderEvent, Refusal, Right, row_id},
    http::{
        error::{Fault, Problem},
        portal::{
            desk::files::attach,
            form::{Form, Upload},
            person::Person,
        },
    },
    partnership::{Error, Partnership},
    store::OrderRow,
};

pub(super) async fn step(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = format!("/orders/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "order")?;
    let at = (id, form.number("version").unwrap_or_default());
    let (verbs, typed, who) = (page.app().partnership.clone(), form.clone(), person.clone());
    let work = async move { taken(&verbs, &who, at, &typed).await };
    let Some(done) = page.app().finish(work).await? else {
        return Err(Fault::BadRequest.says("no such step"));
    };
    match done {
        Ok(_) => Ok(page.done(&path, "orders-notice-done")),
        Err(Error::Refused(Refusal::FieldErrors(faults))) => {
            for fault in &faults {
                form.wrong(&fault.field, page.word("orders-wrong-", fault.code));
            }
            whole(page, &person, &form, id).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What the button asks for; none if there is no such button.
async fn taken(
    verbs: &Partnership,
    person: &Person,
    at: (i64, i64),
    form: &Form,
) -> Option<Result<OrderRow, Error>> {
    let (signed, words) = (&person.signed, form.text("words"));
    if let Some(name) = form.text("step").strip_prefix("tick.") {
        return Some(verbs.tick_order(signed, at, (name, words)).await);
    }
    Some(match form.text("step") {
        "note" => verbs.note_order(signed, at, (words, form.is_on("internal"))).await,
        "own" => verbs.own_order(signed, at).await,
        event => verbs.step_order(signed, at, OrderEvent::parse(event)?, words).await,
    })
}

/// Adds a file; both sides see it.
pub(super) async fn file(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = format!("/orders/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "order")?;
    let at = (id, form.number("version").unwrap_or_default());
    let right = Right::on_orders(!person.is_operator());
    page.app().partnership.require(&person.signed, right)?;
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let add = move |upload: Upload| async move {
        verbs.add_order_file(&signed, at, (&upload.name, &upload.octets)).await
    };
    let texts = ["orders-wrong-no-file", "orders-notice-done"];
    match attach(&page, &mut form, (&path, texts), add).await? {
        Some(done) => Ok(done),
        None => whole(page, &person, &form, id).await,
    }
}
