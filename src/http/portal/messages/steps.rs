//! What can be done with a message on its page: show what is hidden, hand it over again.
//!
//! The surprise: showing is a form, not a link. It writes into the trail, and nothing that a
//! browser fetches ahead, or a page that refreshes itself, may do that.

use axum::{extract::Path, response::Response};

use super::{Page, message_id, show};
use crate::{
    gateway,
    http::{error::Problem, portal::form::Form},
};

/// The page with the whole number and the text, as far as the rights go.
pub(super) async fn reveal(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(to_login(&id)) };
    let (id, verbs) = (message_id(&id)?, page.app().partnership.clone());
    let signed = person.signed.clone();
    let work = async move { verbs.reveal_message(&signed, id).await };
    let view = page.app().finish(work).await??;
    Ok(show::whole(page, &person, &view))
}

/// Posts it to the callback of its service once more.
pub(super) async fn redeliver(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(to_login(&id)) };
    let id = message_id(&id)?;
    let (verbs, gateway) = (page.app().partnership.clone(), page.app().gateway.clone());
    let signed = person.signed.clone();
    let order = async move {
        verbs.may_redeliver(&signed, id).await.map_err(Problem::from)?;
        let by = signed.caller();
        let done = gateway.redeliver(&id.to_string(), None, &by.to_string()).await;
        let (message, done) = done.map_err(Problem::from)?;
        let detail = serde_json::json!({ "outcome": done.outcome });
        let (store, now) = (gateway.store(), gateway.now());
        let noted = store.audit_message(&by, now, "message.redeliver", message, &detail).await;
        noted.map_err(|error| Problem::from(gateway::Error::from(error)))?;
        Ok::<_, Problem>(done.is_delivered())
    };
    let is_taken = page.app().finish(order).await??;
    let notice = if is_taken { "messages-notice-redelivered" } else { "messages-notice-not-taken" };
    Ok(page.done(&format!("/messages/{id}"), notice))
}

/// To the log-in and then to the message, if that can be one.
fn to_login(id: &str) -> Response {
    let path =
        message_id(id).map_or_else(|_| "/messages".to_owned(), |id| format!("/messages/{id}"));
    Page::to_login_for(&path)
}
