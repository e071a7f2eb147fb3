//! `/api/v1/services`: describe a service, have it reviewed, follow it to subscribers.
//!
//! It asks the same verbs as the pages. What surprises: a description is taken with its mistakes
//! and kept; what is wrong with it stands in `mistakes` until it is submitted.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    asked::{self, Asked, placed, tagged_as},
    fields::Fields,
    openapi::Problems,
    service_shapes::{
        FIELDS, LineBody, ListBody, NewCommentBody, NewServiceBody, ServiceBody, ServiceChangeBody,
        ServiceStepBody,
    },
    session::{named, needed},
};
use crate::{
    domain::{LifeEvent, LifeState, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::StepNote,
    store::OfferingFilter,
};

const NAME: (usize, usize) = (1, 32);
const VALUE: (usize, usize) = (0, 2000);
const FIELD: (usize, usize) = (0, 32);
const TEXT: (usize, usize) = (1, 1000);
const REASON: (usize, usize) = (0, 1000);

/// Which services.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// One state; without it all.
    #[param(pattern = "^(draft|submitted|approved|testing|live|suspended|closed)$")]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    /// Only those whose description waits for the operator.
    waiting: Option<bool>,
    /// Those older than this one.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    before: Option<i64>,
    /// How many at most; 50 if not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lists services, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/services",
    operation_id = "listServices",
    tag = "services",
    params(Wanted),
    responses((status = 200, description = "The services", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let bad = |name: &str| Fault::BadRequest.says(format!("`{name}` is not as it should be"));
    let limit = asked::long_limit(wanted.limit)?;
    let state = wanted.state.unwrap_or_default();
    if !state.is_empty() && LifeState::parse(&state).is_none() {
        return Err(bad("state"));
    }
    let is_waiting = wanted.waiting.unwrap_or_default();
    let filter = OfferingFilter { state, is_waiting, before: wanted.before, limit, partner: None };
    let rows = app.partnership.services(&caller.0, &filter).await?;
    let services = rows.into_iter().map(LineBody::from).collect();
    Ok(named(&caller, Json(ListBody { services }).into_response()))
}

/// Begins a description.
#[utoipa::path(
    post,
    path = "/api/v1/services",
    operation_id = "draftService",
    tag = "services",
    request_body(content = inline(NewServiceBody), content_type = "application/json"),
    responses((status = 201, description = "It is begun", body = ServiceBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read(&app, &headers, body).await?;
    let name = needed(&mut fields, "name", NAME);
    fields.finish(&["name"])?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.draft_service(&signed, &name).await };
    let row = app.finish(work).await??;
    let response = whole(&app, &caller, StatusCode::CREATED, row.id).await?;
    Ok(placed(response, &format!("/api/v1/services/{}", row.id)))
}

/// Shows a service: its description, what is wrong with it, its gates and remarks.
#[utoipa::path(
    get,
    path = "/api/v1/services/{id}",
    operation_id = "getService",
    tag = "services",
    params(("id" = i64, Path, description = "Number of the service")),
    responses((status = 200, description = "The service", body = ServiceBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    whole(&app, &caller, StatusCode::OK, row_id(&id, "service")?).await
}

/// Writes fields of the description; of a service that was approved, of a new one.
#[utoipa::path(
    patch,
    path = "/api/v1/services/{id}",
    operation_id = "describeService",
    tag = "services",
    params(
        ("id" = i64, Path, description = "Number of the service"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(ServiceChangeBody), content_type = "application/json"),
    responses((status = 200, description = "It is kept", body = ServiceBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = row_id(&id, "service")?;
    let mut fields = Fields::read(&app, &headers, body).await?;
    let mut written = Vec::new();
    for name in FIELDS {
        if let Some(value) = fields.plain(name, VALUE) {
            written.push(((*name).to_owned(), value));
        }
    }
    let version = fields.version(&headers);
    fields.finish(FIELDS)?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.edit_service(&signed, (id, version), &written).await };
    app.finish(work).await??;
    whole(&app, &caller, StatusCode::OK, id).await
}

/// Takes a service one step on: a partner `submit`, `close`, `withdraw_change`; staff `approve`,
/// `return`, `start_test`, `pass_test`, `go_live`, `suspend`, `resume`, `close`.
#[utoipa::path(
    post,
    path = "/api/v1/services/{id}/{step}",
    operation_id = "stepService",
    tag = "services",
    params(
        ("id" = i64, Path, description = "Number of the service"),
        ("step" = String, Path, description = "What to do",
            pattern = "^(submit|withdraw_change|return|approve|start_test|pass_test|go_live|suspend|resume|ask_close|close|enable_callback)$"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(ServiceStepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = ServiceBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path((id, step)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = row_id(&id, "service")?;
    let event = LifeEvent::parse(&step);
    if event.is_none() && !matches!(&*step, "pass_test" | "withdraw_change" | "enable_callback") {
        return Err(Fault::NotFound.into());
    }
    let mut fields = Fields::read(&app, &headers, body).await?;
    let reason = fields.plain("reason", REASON).unwrap_or_default();
    let version = fields.version(&headers);
    fields.finish(&["reason"])?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        let at = (id, version);
        match event {
            Some(event) => {
                let note = StepNote { reason: &reason, ..StepNote::default() };
                partnership.step_service(&signed, at, event, note).await
            }
            None if step == "pass_test" => {
                partnership.pass_service_test(&signed, at, &reason).await
            }
            None if step == "enable_callback" => partnership.enable_callback(&signed, at).await,
            None => partnership.withdraw_change(&signed, at).await,
        }
    };
    app.finish(work).await??;
    whole(&app, &caller, StatusCode::OK, id).await
}

/// Says something about one field of the description.
#[utoipa::path(
    post,
    path = "/api/v1/services/{id}/comments",
    operation_id = "commentService",
    tag = "services",
    params(
        ("id" = i64, Path, description = "Number of the service"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(NewCommentBody), content_type = "application/json"),
    responses((status = 200, description = "It is kept", body = ServiceBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn comment(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = row_id(&id, "service")?;
    let mut fields = Fields::read(&app, &headers, body).await?;
    let field = fields.plain("field", FIELD).unwrap_or_default();
    let text = needed(&mut fields, "text", TEXT);
    let version = fields.version(&headers);
    fields.finish(&["field", "text"])?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work =
        async move { partnership.comment_service(&signed, (id, version), (&field, &text)).await };
    app.finish(work).await??;
    whole(&app, &caller, StatusCode::OK, id).await
}

async fn whole(
    app: &App,
    caller: &SignedCaller,
    status: StatusCode,
    id: i64,
) -> Result<Response, Problem> {
    let file = app.partnership.service_file(&caller.0, id).await?;
    let version = file.row.version;
    Ok(named(caller, tagged_as(status, &ServiceBody::from(file), version)))
}
