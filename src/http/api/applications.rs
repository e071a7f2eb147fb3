//! `/api/v1/applications`: a company applies in one request, and follows what becomes of it.
//!
//! The form is the portal's, so that there is one set of rules; amounts are in grosze here. Who
//! asks is whoever has the key of the application, `ba_...`, from the answer or from the mailed
//! link. What surprises: an application without its documents is taken as a draft, because files
//! are uploaded to something that must exist first.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Body as HttpBody,
    extract::{Path, State},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    application_shapes::{ApplicationBody, BegunBody, NewApplicationBody, described},
    asked::{placed, private, shaped},
    fields,
    messages::idempotency_key,
    openapi::{
        ApplyProblems, IdempotencyKey, OwnApplicationProblems, ReferenceText, SubmitProblems,
    },
    shapes::moment,
};
use crate::{
    domain::{
        Caller, Refusal,
        application_form::{Form, PlanForm},
        secret::hex,
    },
    http::{
        App, auth,
        error::{Fault, Problem},
    },
    partnership::{self, Beginning, WholeApplication},
    store::ApplicationRow,
};

/// Applies for a partnership.
///
/// The answer holds the key with which the application is followed; the same key is in the mailed
/// link. State `draft` means that documents are missing: upload them and submit.
#[utoipa::path(
    post,
    path = "/api/v1/applications",
    operation_id = "apply",
    tag = "applications",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat has the same answer")),
    request_body(content = inline(NewApplicationBody), content_type = "application/json"),
    responses(
        (status = 201, description = "Taken", body = BegunBody),
        ApplyProblems,
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    body: HttpBody,
) -> Result<Response, Problem> {
    let octets_max = app.limits.body_octets_max.as_usize();
    let object = fields::object(&headers, body, octets_max).await?;
    let key = idempotency_key(&headers).map_err(|error| {
        let mut problem = Problem::from(Fault::InvalidFields);
        problem.errors.push(error);
        problem
    })?;
    let digest = hex(&Sha256::digest(Value::Object(object.clone()).to_string().as_bytes()));
    let new: NewApplicationBody = shaped(object)?;
    let address = auth::address(&extensions, &headers, &app.limits.trusted_proxies).to_string();
    let partnership = app.partnership.clone();
    let work = async move {
        let whole = WholeApplication {
            begin: Beginning { mail: &new.mail, language: &new.language, address: &address },
            form: form(&new),
            repeat: key.as_deref().map(|key| (key, digest)),
        };
        partnership.apply_whole(&whole).await
    };
    let begun = app.finish(work).await??;
    let body = BegunBody {
        reference: begun.reference.clone(),
        state: begun.state.as_str(),
        key: begun.key.to_string(),
        version: begun.version,
    };
    let place = format!("/api/v1/applications/{}", begun.reference);
    let mut response = placed((StatusCode::CREATED, Json(body)).into_response(), &place);
    if begun.is_replay {
        let replayed = HeaderValue::from_static("true");
        response.headers_mut().insert("idempotency-replayed", replayed);
    }
    Ok(private(response))
}

/// Shows an application to its owner.
#[utoipa::path(
    get,
    path = "/api/v1/applications/{reference}",
    operation_id = "getApplication",
    tag = "applications",
    params(("reference" = inline(ReferenceText), Path, description = "As in the answer 201")),
    responses(
        (status = 200, description = "The application", body = ApplicationBody),
        OwnApplicationProblems,
    ),
    security(("application_key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let (by, row) = owner(&app, &headers, &reference).await?;
    let view = app.partnership.my_application(&by, row.id).await?;
    Ok(private(Json(described(&view, app.partnership.now())).into_response()))
}

/// Submits an application whose documents are there now.
#[utoipa::path(
    post,
    path = "/api/v1/applications/{reference}/submission",
    operation_id = "submitApplication",
    tag = "applications",
    params(("reference" = inline(ReferenceText), Path, description = "As in the answer 201")),
    responses(
        (status = 200, description = "Submitted", body = SubmittedBody),
        SubmitProblems,
    ),
    security(("application_key" = []))
)]
pub(crate) async fn submit(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let (by, row) = owner(&app, &headers, &reference).await?;
    let address = auth::address(&extensions, &headers, &app.limits.trusted_proxies).to_string();
    let partnership = app.partnership.clone();
    let at = (row.id, row.version);
    let work = async move { partnership.submit_application(&by, at, &address).await };
    let (version, promised_at) = app.finish(work).await??;
    let body = SubmittedBody { version, promised_at: moment(promised_at) };
    Ok(private(Json(body).into_response()))
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Submitted)]
pub(crate) struct SubmittedBody {
    version: i64,
    /// Until when a decision is promised.
    promised_at: String,
}

/// Who has the key of that application. All that can be wrong is answered alike.
async fn owner(
    app: &App,
    headers: &HeaderMap,
    reference: &str,
) -> Result<(Caller, ApplicationRow), Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.split_once(' '));
    let key = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let key = key.map_or("", |(_, key)| key.trim());
    match app.partnership.follow_link(reference, key).await {
        Err(partnership::Error::Refused(Refusal::LinkInvalid)) => {
            Err(Fault::Unauthorized.says("the key is not that of this application, or too old"))
        }
        other => Ok(other?),
    }
}

/// The form as the portal has it.
fn form(new: &NewApplicationBody) -> Form {
    let plan = |plan: &super::application_shapes::PlanBody| PlanForm {
        revenue: plan.revenue_minor.iter().copied().take(24).map(amount).collect(),
        marketing_plan: plan.marketing_plan.clone(),
        idea: plan.idea.clone(),
        novelty: plan.novelty.clone(),
    };
    let plans: BTreeMap<String, PlanForm> =
        new.plans.iter().map(|(area, body)| (area.clone(), plan(body))).collect();
    Form {
        company: new.company.clone().into(),
        contacts: new.contacts.iter().cloned().map(Into::into).collect(),
        areas: new.areas.clone(),
        plans,
        documents: Vec::new(),
        consent: crate::domain::application_form::ConsentForm {
            accepted: !new.privacy_notice.is_empty(),
            privacy_notice: new.privacy_notice.clone(),
        },
    }
}

/// Grosze as a person would type them; a negative amount stays one, and is refused as one.
fn amount(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}
