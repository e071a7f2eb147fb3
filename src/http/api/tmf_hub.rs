//! TMF621 `/hub`: who is told of tickets by a signed post.
//!
//! Sending is `callback`'s. What surprises: the answer that makes a listener has one member more
//! than TMF630 names, the secret that its posts are signed with. It is shown this once, so that a
//! lost answer means to remove the listener and to make another one.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, placed},
    openapi::Problems,
    session::named,
    shapes::moment,
};
use crate::{
    domain::Right,
    http::{App, error::Problem, signed::SignedCaller},
    store::ListenerRow,
};

const HUB: &str = "/tmf-api/troubleTicket/v4/hub";

/// Whom to tell, and of what.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHubBody {
    /// An `https://` address that is reached from outside.
    #[schema(min_length = 1, max_length = 2048)]
    callback: String,
    /// `eventType=` and names of events with commas between; empty for all.
    #[serde(default)]
    #[schema(max_length = 512)]
    query: String,
}

/// A listener as it was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = HubMade)]
pub(crate) struct HubMadeBody {
    id: String,
    callback: String,
    query: String,
    /// The key of its signatures (Standard Webhooks); shown this once.
    secret: String,
}

/// A listener, and how it went.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Hub)]
pub(crate) struct HubBody {
    id: String,
    callback: String,
    query: String,
    /// Null: of the operator, told of every ticket.
    #[schema(required)]
    partner: Option<i64>,
    /// `active`, or `disabled` after a 410 or days without an answer.
    state: String,
    /// Events that it took, that wait, and that found its queue full.
    sent: i64,
    waiting: i64,
    missed: i64,
    /// How the last try ended.
    last_outcome: String,
    #[schema(required, format = DateTime)]
    last_at: Option<String>,
    #[schema(format = DateTime)]
    made_at: String,
}

impl From<&ListenerRow> for HubBody {
    fn from(row: &ListenerRow) -> Self {
        Self {
            id: row.id.clone(),
            callback: row.callback.clone(),
            query: row.query.clone(),
            partner: row.partner_id,
            state: row.state.clone(),
            sent: row.sent,
            waiting: row.waiting,
            missed: row.missed,
            last_outcome: row.last_outcome.clone(),
            last_at: row.last_at.map(moment),
            made_at: moment(row.made_at),
        }
    }
}

/// TMF621 `registerListener`.
#[utoipa::path(
    post, path = "/tmf-api/troubleTicket/v4/hub", operation_id = "registerListener",
    tag = "tmf621",
    request_body(content = inline(NewHubBody), content_type = "application/json"),
    responses((status = 201, description = "It is told from now on", body = HubMadeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn listen(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::ManageCredentials)?;
    let new: NewHubBody = asked::body(&app, &headers, body).await?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.listen(&signed, &new.callback, &new.query).await };
    let made = app.finish(work).await??;
    let place = format!("{HUB}/{}", made.id);
    let body = HubMadeBody {
        id: made.id,
        callback: made.callback,
        query: made.query,
        secret: made.secret.to_string(),
    };
    Ok(named(&caller, placed((StatusCode::CREATED, Json(body)).into_response(), &place)))
}

/// Lists listeners: of a partner its own.
#[utoipa::path(
    get, path = "/tmf-api/troubleTicket/v4/hub", operation_id = "listListeners", tag = "tmf621",
    responses((status = 200, description = "The listeners", body = Vec<HubBody>), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
) -> Result<Response, Problem> {
    let rows = app.partnership.listeners(&caller.0).await?;
    let bodies: Vec<HubBody> = rows.iter().map(HubBody::from).collect();
    Ok(named(&caller, Json(bodies).into_response()))
}

/// TMF621 `unregisterListener`.
#[utoipa::path(
    delete, path = "/tmf-api/troubleTicket/v4/hub/{id}", operation_id = "unregisterListener",
    tag = "tmf621", params(("id" = String, Path, description = "Id of the listener")),
    responses((status = 204, description = "It is told nothing more"), Problems),
    security(("session" = []))
)]
pub(crate) async fn unlisten(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.unlisten(&signed, &id).await };
    app.finish(work).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}
