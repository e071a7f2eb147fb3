//! `/api/v1/complaints`: take a complaint or hand one over, look at complaints, write notes, take
//! their steps.
//!
//! What surprises: a step needs `If-Match`, so that of two who decide at the same instant one is
//! told to look again; a new complaint needs none and takes an `Idempotency-Key` instead.

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
    complaint_shapes::{ComplaintBody, ComplaintViewBody, NewComplaintBody},
    faults::NoteBody,
    once,
    openapi::{IdempotencyKey, Problems},
    session::named,
};
use crate::{
    domain::{ComplaintEvent, ComplaintState, ComplaintSubject, PartnerSays, Right, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::ComplaintStep,
    store::ComplaintFilter,
};

pub(super) const COMPLAINT: &str = "complaint";
/// Charges that one request gives back at most: as many as a complaint has messages.
const CHARGES_MAX: usize = crate::partnership::COMPLAINT_MESSAGES_MAX;

/// Which complaints.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// One state; without it all.
    #[param(pattern = "^(received|asked_partner|answered|accepted|refused|closed)$")]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    #[param(pattern = "^(price|not_ordered|not_delivered|could_not_stop|content|other)$")]
    #[serde(default, deserialize_with = "asked::word")]
    subject: Option<String>,
    /// `next` of the page before.
    #[param(minimum = 1)]
    after: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Complaints)]
pub(crate) struct ListBody {
    complaints: Vec<ComplaintBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<i64>,
}

/// What goes with a step.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComplaintStepBody {
    /// A question, an answer, a reason.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: String,
    /// Of `answer`: what should be done.
    #[serde(default)]
    #[schema(pattern = "^(accept|refuse)$")]
    says: Option<String>,
    /// Of `accept` and `refund`: messages whose charges are given back.
    #[serde(default)]
    #[schema(max_items = 200, pattern = "^[0-9]{1,19}$")]
    charges: Vec<String>,
}

/// Lists complaints, the newest first: of a partner its own.
#[utoipa::path(
    get, path = "/api/v1/complaints", operation_id = "listComplaints", tag = "complaints",
    params(Wanted),
    responses((status = 200, description = "The complaints", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let limit = asked::limit(wanted.limit)?;
    let [state, subject] =
        [&wanted.state, &wanted.subject].map(|word| word.clone().unwrap_or_default());
    for (name, is_known) in [
        ("state", state.is_empty() || ComplaintState::parse(&state).is_some()),
        ("subject", subject.is_empty() || ComplaintSubject::parse(&subject).is_some()),
        ("after", wanted.after.is_none_or(|after| after > 0)),
    ] {
        if !is_known {
            return Err(Fault::BadRequest.says(format!("`{name}` is not as it should be")));
        }
    }
    let filter = ComplaintFilter {
        state,
        subject,
        before: wanted.after,
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
        ..ComplaintFilter::default()
    };
    let mut rows = app.partnership.complaints(&caller.0, &filter).await?;
    let next = asked::paged(&mut rows, limit, |row| row.id);
    let complaints = rows.iter().map(ComplaintBody::from).collect();
    Ok(named(&caller, Json(ListBody { complaints, next }).into_response()))
}

/// Takes a complaint; of a partner: hands one over.
#[utoipa::path(
    post, path = "/api/v1/complaints", operation_id = "takeComplaint", tag = "complaints",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewComplaintBody), content_type = "application/json"),
    responses((status = 201, description = "Taken", body = ComplaintBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::FileTickets)?;
    let (new, repeat) = once::read::<NewComplaintBody>(&app, &headers, body).await?;
    let wish = new.wish(caller.0.partner.is_some(), app.partnership.now())?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { Ok(verbs.take_complaint(&signed, &wish).await?.id.to_string()) };
    let made = once::once(&app, &caller, repeat, COMPLAINT, Box::pin(work)).await?;
    let id = row_id(made.id(), COMPLAINT)?;
    let row = app.partnership.complaint(&caller.0, id).await?;
    let answer = tagged(&ComplaintBody::from(&row), row.version);
    Ok(named(&caller, made.placed(answer, &format!("/api/v1/complaints/{id}"))))
}

/// Shows one complaint with its messages and timeline; its version is the entity tag.
#[utoipa::path(
    get, path = "/api/v1/complaints/{id}", operation_id = "getComplaint", tag = "complaints",
    params(("id" = String, Path, description = "Number of the complaint")),
    responses((status = 200, description = "The complaint", body = ComplaintViewBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = app.partnership.complaint_view(&caller.0, row_id(&id, COMPLAINT)?).await?;
    Ok(named(&caller, tagged(&ComplaintViewBody::from(&view), view.row.version)))
}

/// Writes a note.
#[utoipa::path(
    post, path = "/api/v1/complaints/{id}/notes", operation_id = "noteComplaint",
    tag = "complaints",
    params(
        ("id" = String, Path, description = "Number of the complaint"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(NoteBody), content_type = "application/json"),
    responses((status = 200, description = "Written", body = ComplaintBody), Problems),
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
    let at = (row_id(&id, COMPLAINT)?, asked::only_version(&headers)?);
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.note_complaint(&signed, at, &note.text, note.is_internal).await };
    let row = app.finish(work).await??;
    Ok(named(&caller, tagged(&ComplaintBody::from(&row), row.version)))
}

/// Takes a complaint one step on: a partner `answer`; staff `ask`, `accept`, `refuse`, `refund`,
/// `withdraw`, `close`, `appeal`.
#[utoipa::path(
    post, path = "/api/v1/complaints/{id}/{step}", operation_id = "stepComplaint",
    tag = "complaints",
    params(
        ("id" = String, Path, description = "Number of the complaint"),
        ("step" = String, Path, description = "What to do",
            pattern = "^(answer|ask|accept|refuse|refund|withdraw|close|appeal)$"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(ComplaintStepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = ComplaintBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path((id, step)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let event = ComplaintEvent::parse(&step).ok_or_else(|| Problem::from(Fault::NotFound))?;
    let said: ComplaintStepBody = asked::body(&app, &headers, body).await?;
    let bad = |name: &str| Fault::InvalidFields.says(format!("`{name}` is not as it should be"));
    let says = match said.says.as_deref() {
        Some(word) => Some(PartnerSays::parse(word).ok_or_else(|| bad("says"))?),
        None => None,
    };
    if said.charges.len() > CHARGES_MAX || (!event.pays() && !said.charges.is_empty()) {
        return Err(bad("charges"));
    }
    let charges: Vec<i64> = said
        .charges
        .iter()
        .map(|text| text.parse().map_err(|_| bad("charges")))
        .collect::<Result<_, _>>()?;
    let at = (row_id(&id, COMPLAINT)?, asked::only_version(&headers)?);
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        let step = ComplaintStep { event, words: &said.text, says, charges: &charges };
        verbs.step_complaint(&signed, at, &step).await
    };
    let row = app.finish(work).await??;
    Ok(named(&caller, tagged(&ComplaintBody::from(&row), row.version)))
}
