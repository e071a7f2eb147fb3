//! `/partners/{id}/view` and `/view/end`: support looks as a partner, read only (S-27).
//!
//! It only begins and ends views; what one shows and forbids is decided by the verbs and the
//! guard. The surprise: the banner of a view is part of the layout, so that no page lacks it.

use axum::{Router, extract::Path, response::Response, routing::post};

use super::{form::Form, page::Page};
use crate::{
    domain::{PartnerId, Refusal},
    http::{App, error::Problem},
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/partners/{id}/view", post(begin)).route("/view/end", post(end))
}

impl Page {
    /// The sentence of the layout's banner.
    pub fn viewing(&self) -> Option<String> {
        let view = self.person.as_ref()?.signed.view.as_ref()?;
        let left = self.left(view.ends_at);
        Some(self.t2("frame-viewing", ("name", &view.name), ("left", left)))
    }
}

async fn begin(page: Page, Path(id): Path<String>, form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id: i64 = id.parse().map_err(|_| Refusal::UnknownId("partner"))?;
    let reason = form.text("view_reason");
    page.app().partnership.begin_view(&person.signed, PartnerId(id), reason).await?;
    Ok(page.done("/home", "frame-notice-viewing"))
}

async fn end(page: Page, _form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let back = match (&person.signed.view, person.signed.partner) {
        (Some(_), Some(partner)) => format!("/partners/{}", partner.0),
        _ => "/home".to_owned(),
    };
    page.app().partnership.end_view(&person.signed).await?;
    Ok(page.done(&back, "frame-notice-viewed"))
}
