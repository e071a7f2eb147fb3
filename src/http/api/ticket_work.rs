//! What is no step of a ticket: who works on it, how bad it is, what it belongs to, its files.
//!
//! Each needs `If-Match`, as the steps do. What surprises: a file is the body of its request, octet
//! for octet, and its name stands in the query; nobody should have to make a form of a PDF.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::Response,
};
use serde::Deserialize;

use super::{
    asked::{self, Asked, tagged},
    complaint_shapes::ComplaintBody,
    complaints::COMPLAINT,
    fault_shapes::FaultBody,
    faults::FAULT,
    openapi::Problems,
    session::named,
};
use crate::{
    domain::{Right, Severity, row_id},
    http::{
        App,
        error::{Fault, Problem},
        portal,
        signed::SignedCaller,
    },
    partnership::Error,
    store::{ComplaintRow, FaultRow},
};

/// How bad it is, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeverityBody {
    #[schema(pattern = "^(critical|major|minor|question)$")]
    severity: String,
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
}

/// The incident that a fault belongs to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentOfBody {
    /// Null: to none.
    #[schema(required)]
    incident: Option<i64>,
}

/// The fault that goes on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeBody {
    other: i64,
}

/// Whose service a complaint is about, by names.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartnerOfBody {
    #[schema(min_length = 1, max_length = 64)]
    partner: String,
    #[serde(default)]
    #[schema(max_length = 64)]
    service: String,
}

/// What is said of a file.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileWanted {
    /// Name of the file.
    #[param(max_length = 200)]
    file_name: Option<String>,
}

impl FileWanted {
    fn name(&self) -> &str {
        self.file_name.as_deref().unwrap_or("file")
    }
}

/// You work on a fault from now on.
#[utoipa::path(
    post, path = "/api/v1/faults/{id}/owner", operation_id = "ownFault", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the fault"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    responses((status = 200, description = "Yours", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn own_fault(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = worked(&app, &caller, (&id, FAULT), &headers)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.own_fault(&signed, at).await };
    fault(&app, &caller, Box::pin(work)).await
}

/// Says that a fault is worse, or less bad; its solution is promised anew.
#[utoipa::path(
    post, path = "/api/v1/faults/{id}/severity", operation_id = "rateFault", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the fault"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(SeverityBody), content_type = "application/json"),
    responses((status = 200, description = "Rated", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn rate_fault(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::WorkTickets)?;
    let said: SeverityBody = asked::body(&app, &headers, body).await?;
    let severity = Severity::parse(&said.severity)
        .ok_or_else(|| Fault::InvalidFields.says("`severity` is not as it should be"))?;
    let at = worked(&app, &caller, (&id, FAULT), &headers)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.rate_fault(&signed, at, severity, &said.text).await };
    fault(&app, &caller, Box::pin(work)).await
}

/// Says that a fault is part of an incident, or of none.
#[utoipa::path(
    post, path = "/api/v1/faults/{id}/incident", operation_id = "linkFault", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the fault"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(IncidentOfBody), content_type = "application/json"),
    responses((status = 200, description = "Linked", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn link_fault(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::WorkTickets)?;
    let said: IncidentOfBody = asked::body(&app, &headers, body).await?;
    let at = worked(&app, &caller, (&id, FAULT), &headers)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.link_fault(&signed, at, said.incident).await };
    fault(&app, &caller, Box::pin(work)).await
}

/// Two reports of one thing: this one ends, the other one goes on.
#[utoipa::path(
    post, path = "/api/v1/faults/{id}/merge", operation_id = "mergeFault", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the fault"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(MergeBody), content_type = "application/json"),
    responses((status = 200, description = "Closed", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn merge_fault(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::WorkTickets)?;
    let said: MergeBody = asked::body(&app, &headers, body).await?;
    let at = worked(&app, &caller, (&id, FAULT), &headers)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.merge_fault(&signed, at, said.other).await };
    fault(&app, &caller, Box::pin(work)).await
}

/// Adds a file to a fault; both sides see it.
#[utoipa::path(
    post, path = "/api/v1/faults/{id}/files", operation_id = "addFaultFile", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the fault"), FileWanted,
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "Kept", body = FaultBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn add_fault_file(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    Asked(wanted): Asked<FileWanted>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let at = written(&app, &caller, (&id, FAULT), &headers)?;
    is_file(&headers)?;
    let (octets, _seat) = portal::form::octets(body).await?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        verbs.add_fault_file(&signed, at, (wanted.name(), &octets)).await?.map_err(Error::from)
    };
    fault(&app, &caller, Box::pin(work)).await
}

/// Adds a file to a complaint; what staff adds stays with the staff.
#[utoipa::path(
    post, path = "/api/v1/complaints/{id}/files", operation_id = "addComplaintFile",
    tag = "complaints",
    params(
        ("id" = String, Path, description = "Number of the complaint"), FileWanted,
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "Kept", body = ComplaintBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn add_complaint_file(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    Asked(wanted): Asked<FileWanted>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let at = written(&app, &caller, (&id, COMPLAINT), &headers)?;
    is_file(&headers)?;
    let (octets, _seat) = portal::form::octets(body).await?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        verbs.add_complaint_file(&signed, at, (wanted.name(), &octets)).await?.map_err(Error::from)
    };
    complaint(&app, &caller, Box::pin(work)).await
}

/// You work on a complaint from now on.
#[utoipa::path(
    post, path = "/api/v1/complaints/{id}/owner", operation_id = "ownComplaint",
    tag = "complaints",
    params(
        ("id" = String, Path, description = "Number of the complaint"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    responses((status = 200, description = "Yours", body = ComplaintBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn own_complaint(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = worked(&app, &caller, (&id, COMPLAINT), &headers)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.own_complaint(&signed, at).await };
    complaint(&app, &caller, Box::pin(work)).await
}

/// Says whose service a complaint is about, where its messages did not.
#[utoipa::path(
    post, path = "/api/v1/complaints/{id}/partner", operation_id = "assignComplaint",
    tag = "complaints",
    params(
        ("id" = String, Path, description = "Number of the complaint"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(PartnerOfBody), content_type = "application/json"),
    responses((status = 200, description = "Theirs", body = ComplaintBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn assign_complaint(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::WorkTickets)?;
    let said: PartnerOfBody = asked::body(&app, &headers, body).await?;
    let at = worked(&app, &caller, (&id, COMPLAINT), &headers)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work =
        async move { verbs.assign_complaint(&signed, at, (&said.partner, &said.service)).await };
    complaint(&app, &caller, Box::pin(work)).await
}

/// Number and version of what staff works on.
fn worked(
    app: &App,
    caller: &SignedCaller,
    (id, what): (&str, &'static str),
    headers: &HeaderMap,
) -> Result<(i64, i64), Problem> {
    app.partnership.require(&caller.0, Right::WorkTickets)?;
    Ok((row_id(id, what)?, asked::only_version(headers)?))
}

/// The same of what both sides write on. The right comes first: nobody else sends files here.
fn written(
    app: &App,
    caller: &SignedCaller,
    (id, what): (&str, &'static str),
    headers: &HeaderMap,
) -> Result<(i64, i64), Problem> {
    app.partnership.require(&caller.0, Right::on_tickets(caller.0.partner.is_some()))?;
    Ok((row_id(id, what)?, asked::only_version(headers)?))
}

fn is_file(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match kind {
        None | Some("application/octet-stream") => Ok(()),
        Some(_) => Err(Fault::UnsupportedMediaType.into()),
    }
}

async fn fault(
    app: &App,
    caller: &SignedCaller,
    work: impl Future<Output = Result<FaultRow, Error>> + Send + 'static,
) -> Result<Response, Problem> {
    let row = app.finish(work).await??;
    Ok(named(caller, tagged(&FaultBody::from(&row), row.version)))
}

async fn complaint(
    app: &App,
    caller: &SignedCaller,
    work: impl Future<Output = Result<ComplaintRow, Error>> + Send + 'static,
) -> Result<Response, Problem> {
    let row = app.finish(work).await??;
    Ok(named(caller, tagged(&ComplaintBody::from(&row), row.version)))
}
