//! `/api/v1/agreements`: agreements to read, and new ones.
//!
//! It takes no step; `agreement_steps` does. What surprises: a system reads with the partner's
//! key, but needs a person with a session for everything else, for no key signs for anybody.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, Reader, tagged},
    once,
    openapi::{IdempotencyKey, Problems},
    session::named,
    shapes::moment,
};
use crate::{
    domain::{AgreementKind, AgreementState, PartnerId, Right, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::{Checklist, NewAgreementOf},
    store::AgreementRow,
};

pub(super) const AGREEMENT: &str = "agreement";

/// Which of the agreements.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those in this state.
    #[param(min_length = 1, max_length = 32)]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    /// Only those of this kind.
    #[param(min_length = 1, max_length = 32)]
    #[serde(default, deserialize_with = "asked::word")]
    kind: Option<String>,
    /// `next` of the page before.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// An agreement.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Agreement)]
pub(crate) struct AgreementBody {
    #[schema(example = "7")]
    id: String,
    #[schema(example = "NDA/2026/0007")]
    number: String,
    /// Number of the partner.
    partner: i64,
    kind: String,
    title: String,
    /// `pl` or `en`.
    language: String,
    /// `draft` (only for the operator), `sent`, `signed_by_partner`, `in_force`, `suspended`,
    /// `terminated`, `expired`, `superseded`, `lapsed` or `declined`.
    state: &'static str,
    /// Who must act: `partner`, `operator`, or null.
    #[schema(required)]
    turn: Option<&'static str>,
    #[schema(required, format = DateTime)]
    sent_at: Option<String>,
    #[schema(required, format = DateTime)]
    return_by: Option<String>,
    #[schema(required, format = DateTime)]
    signed_at: Option<String>,
    #[schema(required, format = DateTime)]
    in_force_at: Option<String>,
    #[schema(required, format = DateTime)]
    valid_until: Option<String>,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    /// The document as it was sent.
    #[schema(required)]
    file: Option<String>,
    /// The entity tag without its quotes.
    version: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Agreements)]
pub(crate) struct ListBody {
    total: i64,
    agreements: Vec<AgreementBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<i64>,
}

/// One step of an agreement.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AgreementEvent)]
pub(crate) struct HistoryBody {
    #[schema(format = DateTime)]
    at: String,
    what: String,
    note: String,
}

/// A signed copy that came back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AgreementCopy)]
pub(crate) struct CopyBody {
    /// `partner` or `operator`.
    side: String,
    way: String,
    #[schema(required)]
    file: Option<String>,
    signed_by: String,
    /// A signature was found in the file; that is not to say that it is a good one.
    has_signature: bool,
    #[schema(format = DateTime)]
    recorded_at: String,
    #[schema(required)]
    rejected_because: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AgreementHistory)]
pub(crate) struct HistoryList {
    events: Vec<HistoryBody>,
    copies: Vec<CopyBody>,
}

/// What is agreed with whom.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAgreementBody {
    /// Number of the partner.
    #[schema(minimum = 1)]
    partner: i64,
    #[schema(example = "nda")]
    kind: String,
    /// `pl` or `en`; the company's if not given.
    #[schema(nullable = false)]
    language: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    contact_name: String,
    #[schema(min_length = 3, max_length = 254)]
    contact_mail: String,
}

/// Lists agreements, newest first.
#[utoipa::path(
    get, path = "/api/v1/agreements", operation_id = "listAgreements", tag = "agreements",
    params(Wanted),
    responses((status = 200, description = "The agreements", body = ListBody), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let state = match &wanted.state {
        None => None,
        Some(word) => Some(
            AgreementState::parse(word)
                .ok_or_else(|| Fault::InvalidFields.says("`state` is no state of an agreement"))?,
        ),
    };
    let limit = asked::limit(wanted.limit)?;
    // The newest has the highest number, and the list goes down from it.
    let before = asked::place(wanted.after)?.unwrap_or(i64::MAX);
    let many = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let (mut rows, total) = app
        .partnership
        .agreements_before(&reader.by, state, wanted.kind.as_deref(), (before, many))
        .await?;
    let next = asked::paged(&mut rows, limit, |row| row.id);
    let agreements = rows.iter().map(|row| described(&app, row)).collect();
    Ok(reader.named(Json(ListBody { total, agreements, next }).into_response()))
}

/// Prepares an agreement with its document.
#[utoipa::path(
    post, path = "/api/v1/agreements", operation_id = "prepareAgreement", tag = "agreements",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewAgreementBody), content_type = "application/json"),
    responses((status = 201, description = "Prepared", body = AgreementBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::PrepareAgreements)?;
    let (wish, repeat) = once::read::<NewAgreementBody>(&app, &headers, body).await?;
    let partner = PartnerId(wish.partner);
    let running = app.clone();
    let signed = caller.0.clone();
    let work = async move {
        // An applicant without an account reads its agreements by the link of its application.
        let application = running.partnership.application_behind(partner).await?;
        let new = NewAgreementOf {
            partner,
            kind: wish.kind,
            language: wish.language,
            contact_name: wish.contact_name,
            contact_mail: wish.contact_mail,
            application,
            valid_until: None,
        };
        Ok(running.partnership.prepare(&signed, &new).await?.id.to_string())
    };
    let made = once::once(&app, &caller, repeat, "agreement", Box::pin(work)).await?;
    let id = row_id(made.id(), AGREEMENT)?;
    let row = app.partnership.agreement(&caller.0.caller(), id).await?;
    let answer = tagged(&described(&app, &row), row.version);
    Ok(named(&caller, made.placed(answer, &format!("/api/v1/agreements/{id}"))))
}

/// Shows one agreement; its version is the entity tag.
#[utoipa::path(
    get, path = "/api/v1/agreements/{id}", operation_id = "getAgreement", tag = "agreements",
    params(("id" = String, Path, description = "Id of the agreement")),
    responses((status = 200, description = "The agreement", body = AgreementBody), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = app.partnership.agreement(&reader.by, row_id(&id, AGREEMENT)?).await?;
    Ok(reader.named(tagged(&described(&app, &row), row.version)))
}

/// Shows what happened to an agreement, oldest first, and which copies came back.
#[utoipa::path(
    get, path = "/api/v1/agreements/{id}/history", operation_id = "getAgreementHistory",
    tag = "agreements",
    params(("id" = String, Path, description = "Id of the agreement")),
    responses((status = 200, description = "Every step", body = HistoryList), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn history(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = row_id(&id, AGREEMENT)?;
    let rows = app.partnership.agreement_history(&reader.by, id).await?;
    let copies = app.partnership.agreement_signatures(&reader.by, id).await?;
    let events = rows
        .into_iter()
        .map(|row| HistoryBody { at: moment(row.at), what: row.kind, note: row.note })
        .collect();
    let copies = copies
        .into_iter()
        .map(|row| CopyBody {
            side: row.side,
            way: row.way,
            file: row.file_id,
            signed_by: row.signed_by,
            has_signature: row.has_signature != 0,
            recorded_at: moment(row.recorded_at),
            rejected_because: row.rejected_why,
        })
        .collect();
    Ok(reader.named(Json(HistoryList { events, copies }).into_response()))
}

pub(super) fn described(app: &App, row: &AgreementRow) -> AgreementBody {
    let kind = app.partnership.agreement_kinds().get(&row.kind);
    let has_replied = kind.is_none_or(|kind| Checklist::of(kind, row).is_complete());
    AgreementBody {
        id: row.id.to_string(),
        number: row.number.clone(),
        partner: row.partner_id,
        kind: row.kind.clone(),
        title: title(kind, row),
        language: row.language.clone(),
        state: row.state.as_str(),
        turn: row.state.turn(has_replied).map(crate::domain::Side::as_str),
        sent_at: row.sent_at.map(moment),
        return_by: row.return_by.map(moment),
        signed_at: row.signed_at.map(moment),
        in_force_at: row.in_force_at.map(moment),
        valid_until: row.valid_until.map(moment),
        ended_at: row.ended_at.map(moment),
        file: row.file_id.clone(),
        version: row.version,
    }
}

pub(super) fn title(kind: Option<&AgreementKind>, row: &AgreementRow) -> String {
    kind.map_or(&*row.kind, |kind| kind.title.of(&row.language)).to_owned()
}
