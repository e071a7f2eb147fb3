//! `/api/v1/faults`: report a fault, look at faults, write notes, take their steps.
//!
//! What surprises: a step needs `If-Match`, so that nobody closes what was opened again in between;
//! a report needs none and takes an `Idempotency-Key` instead.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, tagged},
    fault_shapes::{FaultBody, FaultViewBody, NewFaultBody},
    once,
    openapi::{IdempotencyKey, Problems},
    session::named,
};
use crate::{
    domain::{FaultArea, Right, Severity, TicketEvent, TicketState, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    store::FaultFilter,
};

pub(super) const FAULT: &str = "fault";

/// Which faults.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// One state; without it all.
    #[param(pattern = "^(acknowledged|in_progress|pending|resolved|closed|rejected|cancelled)$")]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    #[param(pattern = "^(sms|wap|number|portal|settlement)$")]
    #[serde(default, deserialize_with = "asked::word")]
    area: Option<String>,
    #[param(pattern = "^(critical|major|minor|question)$")]
    #[serde(default, deserialize_with = "asked::word")]
    severity: Option<String>,
    /// `next` of the page before.
    #[param(minimum = 1)]
    after: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Faults)]
pub(crate) struct ListBody {
    faults: Vec<FaultBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<i64>,
}

/// A note for the other side, or for the staff alone.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    #[schema(min_length = 1, max_length = 4000)]
    pub(super) text: String,
    /// Of staff: the partner does not see it.
    #[serde(default)]
    pub(super) is_internal: bool,
}

/// What the other side is told.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepBody {
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: String,
}

/// Lists faults, the newest first: of a partner its own.
#[utoipa::path(
    get, path = "/api/v1/faults", operation_id = "listFaults", tag = "faults", params(Wanted),
    responses((status = 200, description = "The faults", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let bad = |name: &str| Fault::BadRequest.says(format!("`{name}` is not as it should be"));
    let limit = asked::limit(wanted.limit)?;
    let words = [&wanted.state, &wanted.area, &wanted.severity];
    let [state, area, severity] = words.map(|word| word.clone().unwrap_or_default());
    for (name, is_known) in [
        ("state", state.is_empty() || TicketState::parse(&state).is_some()),
        ("area", area.is_empty() || FaultArea::parse(&area).is_some()),
        ("severity", severity.is_empty() || Severity::parse(&severity).is_some()),
        ("after", wanted.after.is_none_or(|after| after > 0)),
    ] {
        if !is_known {
            return Err(bad(name));
        }
    }
    let filter = FaultFilter {
        state,
        area,
        severity,
        before: wanted.after,
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
        ..FaultFilter::default()
    };
    let mut rows = app.partnership.faults(&caller.0, &filter).await?;
    let next = asked::paged(&mut rows, limit, |row| row.id);
    let faults = rows.iter().map(FaultBody::from).collect();
    Ok(named(&caller, Json(ListBody { faults, next }).into_response()))
}

/// Reports a fault.
#[utoipa::path(
    post, path = "/api/v1/faults", operation_id = "reportFault", tag = "faults",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewFaultBody), content_type = "application/json"),
    responses((status = 201, description = "Taken in", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::FileTickets)?;
    let (new, repeat) = once::read::<NewFaultBody>(&app, &headers, body).await?;
    let wish = new.wish()?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { Ok(verbs.report_fault(&signed, &wish).await?.id.to_string()) };
    let made = once::once(&app, &caller, repeat, FAULT, Box::pin(work)).await?;
    let id = row_id(made.id(), FAULT)?;
    let row = app.partnership.fault(&caller.0, id).await?;
    let answer = tagged(&FaultBody::from(&row), row.version);
    Ok(named(&caller, made.placed(answer, &format!("/api/v1/faults/{id}"))))
}

/// Shows one fault with its timeline; its version is the entity tag.
#[utoipa::path(
    get, path = "/api/v1/faults/{id}", operation_id = "getFault", tag = "faults",
    params(("id" = String, Path, description = "Number of the fault")),
    responses((status = 200, description = "The fault", body = FaultViewBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = app.partnership.fault_view(&caller.0, row_id(&id, FAULT)?).await?;
    let body = FaultViewBody::of(&view, caller.0.is_operator());
    Ok(named(&caller, tagged(&body, view.row.version)))
}

/// Writes a note.
#[utoipa::path(
    post, path = "/api/v1/faults/{id}/notes", operation_id = "noteFault", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the fault"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(NoteBody), content_type = "application/json"),
    responses((status = 200, description = "Written", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn note(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let note: NoteBody = asked::body(&app, &headers, body).await?;
    let at = (row_id(&id, FAULT)?, asked::only_version(&headers)?);
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.note_fault(&signed, at, &note.text, note.is_internal).await };
    let row = app.finish(work).await??;
    Ok(named(&caller, tagged(&FaultBody::from(&row), row.version)))
}

/// Takes a fault one step on: a partner `resume`, `close`, `reopen`, `cancel`; staff `take`,
/// `pend`, `resume`, `resolve`, `close`, `reopen`, `reject`.
#[utoipa::path(
    post, path = "/api/v1/faults/{id}/{step}", operation_id = "stepFault", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the fault"),
        ("step" = String, Path, description = "What to do",
            pattern = "^(take|pend|resume|resolve|close|reopen|reject|cancel)$"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(StepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path((id, step)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let event = TicketEvent::parse(&step).ok_or_else(|| Problem::from(Fault::NotFound))?;
    let said: StepBody = asked::body(&app, &headers, body).await?;
    let at = (row_id(&id, FAULT)?, asked::only_version(&headers)?);
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.step_fault(&signed, at, event, &said.text).await };
    let row = app.finish(work).await??;
    Ok(named(&caller, tagged(&FaultBody::from(&row), row.version)))
}
