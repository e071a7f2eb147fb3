//! Steps of agreements over the API: documents out, signed copies in, and what people decide.
//!
//! Every step needs a person with a session and the version that was read. What surprises: a
//! signed copy is the body of its request, octet for octet, and what is said of it stands in the
//! query; nobody should have to make a form of a PDF.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use super::{
    agreements::{AGREEMENT, AgreementBody, described},
    asked::{self, Asked, Reader, tagged},
    openapi::Problems,
    session::named,
};
use crate::{
    domain::{Refusal, ReplyItem, ReturnWay, Right, row_id},
    http::{
        App,
        error::{Fault, Problem},
        portal,
        signed::SignedCaller,
    },
    partnership::{AgreementStep, HandedCopy, OpenFile},
};

/// A step that somebody takes.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepBody {
    /// `render`, `send`, `reject`, `suspend`, `resume`, `terminate`, `tick` (the operator);
    /// `decline` (the partner).
    step: String,
    /// Why; `reject`, `decline`, `suspend` and `terminate` need it.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// What of the reply was done, for `tick`.
    #[schema(nullable = false)]
    item: Option<String>,
}

/// What is said of a copy.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyWanted {
    /// `paper`, `upload`, ...: a way in which this kind comes back.
    way: String,
    /// Who signed it.
    signed_by: String,
    /// Name of the file.
    file_name: Option<String>,
}

/// Gives the document out, as it was sent.
#[utoipa::path(
    get, path = "/api/v1/agreements/{id}/document", operation_id = "getAgreementDocument",
    tag = "agreements",
    params(("id" = String, Path, description = "Id of the agreement")),
    responses(
        (status = 200, description = "The document", content_type = "application/pdf"), Problems
    ),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn document(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = row_id(&id, AGREEMENT)?;
    let file = app.partnership.agreement_file(&reader.by, id, None).await?;
    Ok(reader.named(attachment(file)))
}

/// Gives a signed copy out.
#[utoipa::path(
    get, path = "/api/v1/agreements/{id}/files/{file}", operation_id = "getAgreementCopy",
    tag = "agreements",
    params(
        ("id" = String, Path, description = "Id of the agreement"),
        ("file" = String, Path, description = "Id of the file")
    ),
    responses(
        (status = 200, description = "The copy", content(
            ("application/pdf"), ("image/png"), ("image/jpeg"), ("application/octet-stream")
        )),
        Problems
    ),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn copy(
    State(app): State<App>,
    reader: Reader,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id = row_id(&id, AGREEMENT)?;
    let file = app.partnership.agreement_file(&reader.by, id, Some(&file)).await?;
    Ok(reader.named(attachment(file)))
}

/// Takes an agreement one step on.
#[utoipa::path(
    post, path = "/api/v1/agreements/{id}/steps", operation_id = "stepAgreement",
    tag = "agreements",
    params(
        ("id" = String, Path, description = "Id of the agreement"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(StepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = AgreementBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::SeeAgreements)?;
    let wish: StepBody = asked::body(&app, &headers, body).await?;
    let at = (row_id(&id, AGREEMENT)?, asked::only_version(&headers)?);
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    // The words are checked before the work begins, which outlives its client.
    wish.step()?;
    let work = async move {
        let step = wish.step().map_err(|_| Refusal::UnknownId("step"))?;
        partnership.take_step(&signed, at, step).await
    };
    let row = app.finish(work).await??;
    Ok(named(&caller, tagged(&described(&app, &row), row.version)))
}

impl StepBody {
    fn step(&self) -> Result<AgreementStep<'_>, Problem> {
        let reason = self.reason.as_deref().unwrap_or_default();
        Ok(match &*self.step {
            "render" => AgreementStep::Render,
            "send" => AgreementStep::Send,
            "reject" => AgreementStep::RejectCopy(reason),
            "decline" => AgreementStep::Decline(reason),
            "suspend" => AgreementStep::Suspend(reason),
            "resume" => AgreementStep::Resume,
            "terminate" => AgreementStep::Terminate(reason),
            "tick" => {
                let item = self.item.as_deref().and_then(ReplyItem::parse);
                AgreementStep::Tick(item.ok_or_else(|| wrong("`item` is no item of a reply"))?)
            }
            _ => return Err(wrong("`step` is no step of an agreement")),
        })
    }
}

/// Hands a signed copy in: the partner its own, the operator what came by post.
#[utoipa::path(
    post, path = "/api/v1/agreements/{id}/copies", operation_id = "handInAgreement",
    tag = "agreements",
    params(
        ("id" = String, Path, description = "Id of the agreement"), CopyWanted,
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "Taken", body = AgreementBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn hand_in(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    Asked(wanted): Asked<CopyWanted>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    taken(&app, &caller, (&id, wanted, headers, body), false).await
}

/// Signs for the operator: the agreement is in force.
#[utoipa::path(
    post, path = "/api/v1/agreements/{id}/countersignature",
    operation_id = "countersignAgreement", tag = "agreements",
    params(
        ("id" = String, Path, description = "Id of the agreement"), CopyWanted,
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "In force", body = AgreementBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn countersign(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    Asked(wanted): Asked<CopyWanted>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    taken(&app, &caller, (&id, wanted, headers, body), true).await
}

async fn taken(
    app: &App,
    caller: &SignedCaller,
    (id, wanted, headers, body): (&str, CopyWanted, HeaderMap, Body),
    is_last: bool,
) -> Result<Response, Problem> {
    let signed = caller.0.clone();
    let right = match (is_last, signed.is_operator()) {
        (true, _) => Right::CountersignAgreements,
        (false, true) => Right::SendAgreements,
        (false, false) => Right::SignAgreements,
    };
    app.partnership.require(&signed, right)?;
    let at = (row_id(id, AGREEMENT)?, asked::only_version(&headers)?);
    let way = ReturnWay::parse(&wanted.way).ok_or_else(|| wrong("`way` is no way of a copy"))?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind != "application/octet-stream") {
        return Err(Fault::UnsupportedMediaType.into());
    }
    // The seat is held until the answer: a file is in memory until then.
    let (octets, _seat) = portal::form::octets(body).await?;
    let partnership = app.partnership.clone();
    let work = async move {
        let name = wanted.file_name.as_deref().unwrap_or("copy.pdf");
        let file = (!octets.is_empty()).then_some((name, &*octets));
        let copy = HandedCopy { way, signed_by: &wanted.signed_by, file };
        if is_last {
            partnership.countersign(&signed, at, &copy).await
        } else {
            partnership.hand_in(&signed, at, &copy).await
        }
    };
    let row = app.finish(work).await??;
    Ok(named(caller, tagged(&described(app, &row), row.version)))
}

fn wrong(why: &str) -> Problem {
    Fault::InvalidFields.says(why)
}

/// Only ever as an attachment (S-52).
fn attachment(file: OpenFile) -> Response {
    let kind = HeaderValue::try_from(file.line.media_type);
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
    ];
    (StatusCode::OK, headers, file.octets).into_response()
}
