//! What is done with a service: its steps, a note of its test, comments, the secret of a callback.

use axum::{extract::Path, response::Response};

use super::{Page, explain, show::whole};
use crate::{
    domain::{LifeEvent, row_id},
    http::{
        error::{Fault, Problem},
        portal::{form::Form, secret::SecretPage},
    },
    partnership::StepNote,
};

/// One step; whoever was slower reads that it was changed in between.
pub(super) async fn step(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "service")?;
    let at = (id, form.number("version").unwrap_or_default());
    let partnership = page.app().partnership.clone();
    let (reason, link_group) = (form.text("reason").to_owned(), form.text("link_group").to_owned());
    let signed = &person.signed;
    let done = match form.text("step") {
        "pass_test" => partnership.pass_service_test(signed, at, &reason).await,
        "enable_callback" => partnership.enable_callback(signed, at).await,
        "withdraw_change" => partnership.withdraw_change(signed, at).await,
        other => {
            let event = LifeEvent::parse(other);
            let event = event.ok_or_else(|| Fault::BadRequest.says("no such step"))?;
            let note = StepNote { reason: &reason, link_group: &link_group };
            partnership.step_service(signed, at, event, note).await
        }
    };
    match done {
        Ok(_) => Ok(page.done(&format!("/services/{id}"), "services-notice-done")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &form, id).await
        }
    }
}

/// Says something about a field.
pub(super) async fn comment(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "service")?;
    let at = (id, form.number("version").unwrap_or_default());
    let partnership = page.app().partnership.clone();
    let about = (form.text("field").to_owned(), form.text("text").to_owned());
    let said = (about.0.as_str(), about.1.as_str());
    match partnership.comment_service(&person.signed, at, said).await {
        Ok(_) => Ok(page.done(&format!("/services/{id}"), "services-notice-said")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &form, id).await
        }
    }
}

/// The secret is on this answer and nowhere else.
pub(super) async fn secret(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "service")?;
    let secret = page.app().partnership.new_service_secret(&person.signed, id).await?;
    let back = format!("/services/{id}");
    let title = "services-secret-title";
    let page = page.titled(title).under("/services", "services-title");
    let body = SecretPage {
        title: page.t(title),
        of: None,
        label: page.t("services-secret"),
        secret: &secret,
        ends: None,
        back: &back,
        page: &page,
    };
    Ok(page.show(&body))
}
