//! `/api/v1/agreements` and the TMF651 v4 views: agreements to read.
//!
//! Steps are taken in the portal, by a person; no key signs for a partner. Every function takes
//! its caller as an argument and leaves to the verb what that caller may see. What surprises: our
//! numbers are texts and TMF651's `documentNumber` is an integer, so the number is a characteristic.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::shapes::moment;
use crate::{
    domain::{AgreementKind, AgreementState, Caller, Refusal},
    http::{
        App,
        error::{Fault, Problem, ProblemBody},
    },
    partnership::Checklist,
    store::{AgreementRow, SignatureRow},
};

const LIMIT: i64 = 20;
const LIMIT_MAX: i64 = 100;
const OFFSET_MAX: i64 = 1_000_000;
/// Members that `fields` may name at most.
const FIELDS_MAX: usize = 40;
const TMF: &str = "/tmf-api/agreementManagement/v4";

/// Which of the agreements.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub state: Option<String>,
    pub kind: Option<String>,
    pub offset: Option<i64>,
    pub limit: Option<i64>,
}

/// What TMF630 lets a client ask for.
#[derive(Debug, Default, Deserialize)]
pub struct TmfWanted {
    pub status: Option<String>,
    #[serde(rename = "agreementType")]
    pub agreement_type: Option<String>,
    pub fields: Option<String>,
    pub offset: Option<i64>,
    pub limit: Option<i64>,
}

/// An agreement as its partner sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Agreement)]
pub struct AgreementBody {
    #[schema(example = "7")]
    id: String,
    #[schema(example = "NDA/2026/0007")]
    number: String,
    kind: String,
    title: String,
    /// `pl` or `en`.
    language: String,
    /// `sent`, `signed_by_partner`, `in_force`, `suspended`, `terminated`, `expired`,
    /// `superseded`, `lapsed` or `declined`.
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

/// One step of an agreement.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AgreementEvent)]
pub struct HistoryBody {
    #[schema(format = DateTime)]
    at: String,
    what: String,
    note: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AgreementList)]
pub struct ListBody {
    total: i64,
    items: Vec<AgreementBody>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AgreementHistory)]
pub struct HistoryList {
    items: Vec<HistoryBody>,
}

/// Lists your agreements, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/agreements",
    operation_id = "listAgreements",
    tag = "agreements",
    params(
        ("state" = Option<String>, Query, description = "Only those in this state"),
        ("kind" = Option<String>, Query, description = "Only those of this kind"),
        ("offset" = Option<i64>, Query, description = "How many to skip"),
        ("limit" = Option<i64>, Query, description = "How many at most; 20 if not given")
    ),
    responses(
        (status = 200, description = "Your agreements", body = ListBody),
        (status = 400, description = "A parameter is wrong", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 401, description = "Not logged in", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = ProblemBody,
            content_type = "application/problem+json"),
    )
)]
pub async fn list(app: &App, by: &Caller, wanted: &Wanted) -> Result<Response, Problem> {
    let state = match &wanted.state {
        None => None,
        Some(word) => Some(
            AgreementState::parse(word)
                .ok_or_else(|| Fault::BadRequest.says("`state` is no state of an agreement"))?,
        ),
    };
    let page = page(wanted.offset, wanted.limit)?;
    let (rows, total) = app.partnership.agreements(by, state, wanted.kind.as_deref(), page).await?;
    let items = rows.iter().map(|row| described(app, row)).collect();
    Ok(fresh(Json(ListBody { total, items }).into_response()))
}

/// Shows one agreement; its version is the entity tag.
#[utoipa::path(
    get,
    path = "/api/v1/agreements/{id}",
    operation_id = "getAgreement",
    tag = "agreements",
    params(("id" = String, Path, description = "Id of the agreement")),
    responses(
        (status = 200, description = "The agreement", body = AgreementBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "Not logged in", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "None of yours", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = ProblemBody,
            content_type = "application/problem+json"),
    )
)]
pub async fn show(app: &App, by: &Caller, id: &str) -> Result<Response, Problem> {
    let row = app.partnership.agreement(by, number(id)?).await?;
    let mut response = Json(described(app, &row)).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", row.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(fresh(response))
}

/// Shows what happened to an agreement, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/agreements/{id}/history",
    operation_id = "getAgreementHistory",
    tag = "agreements",
    params(("id" = String, Path, description = "Id of the agreement")),
    responses(
        (status = 200, description = "Every step", body = HistoryList),
        (status = 401, description = "Not logged in", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "None of yours", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = ProblemBody,
            content_type = "application/problem+json"),
    )
)]
pub async fn history(app: &App, by: &Caller, id: &str) -> Result<Response, Problem> {
    let rows = app.partnership.agreement_history(by, number(id)?).await?;
    let items = rows
        .into_iter()
        .map(|row| HistoryBody { at: moment(row.at), what: row.kind, note: row.note })
        .collect();
    Ok(fresh(Json(HistoryList { items }).into_response()))
}

/// TMF651 `listAgreement`.
pub async fn tmf_list(app: &App, by: &Caller, wanted: &TmfWanted) -> Result<Response, Problem> {
    let state = match &wanted.status {
        None => None,
        Some(word) => {
            let known = AgreementState::ALL.iter().find(|state| state.tmf_status() == word);
            let no = || Fault::BadRequest.says("`status` is no status of an agreement");
            Some(*known.ok_or_else(no)?)
        }
    };
    let page = page(wanted.offset, wanted.limit)?;
    let kind = wanted.agreement_type.as_deref();
    let (rows, total) = app.partnership.agreements(by, state, kind, page).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let signatures = app.partnership.agreement_signatures(by, row.id).await?;
        items.push(only(tmf_agreement(app, row, &signatures), wanted.fields.as_deref()));
    }
    Ok(counted(Json(items.clone()).into_response(), total, items.len()))
}

/// TMF651 `retrieveAgreement`.
pub async fn tmf_show(
    app: &App,
    by: &Caller,
    id: &str,
    fields: Option<&str>,
) -> Result<Response, Problem> {
    let id = number(id)?;
    let row = app.partnership.agreement(by, id).await?;
    let signatures = app.partnership.agreement_signatures(by, id).await?;
    Ok(fresh(Json(only(tmf_agreement(app, &row, &signatures), fields)).into_response()))
}

/// TMF651 `listAgreementSpecification`: the kinds. They are no secret.
pub fn tmf_specifications(app: &App, wanted: &TmfWanted) -> Result<Response, Problem> {
    let (offset, limit) = page(wanted.offset, wanted.limit)?;
    let as_size = |number: i64| usize::try_from(number).unwrap_or_default();
    let all: Vec<_> = app.partnership.agreement_kinds().iter().map(tmf_specification).collect();
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let fields = wanted.fields.as_deref();
    let items: Vec<_> = all
        .into_iter()
        .skip(as_size(offset))
        .take(as_size(limit))
        .map(|kind| only(kind, fields))
        .collect();
    Ok(counted(Json(items.clone()).into_response(), total, items.len()))
}

/// TMF651 `retrieveAgreementSpecification`.
pub fn tmf_specification_of(
    app: &App,
    id: &str,
    fields: Option<&str>,
) -> Result<Response, Problem> {
    let kind = app.partnership.agreement_kinds().get(id);
    let kind = kind.ok_or(Refusal::UnknownId("agreement specification"))?;
    Ok(fresh(Json(only(tmf_specification(kind), fields)).into_response()))
}

fn described(app: &App, row: &AgreementRow) -> AgreementBody {
    let kind = app.partnership.agreement_kinds().get(&row.kind);
    let has_replied = kind.is_none_or(|kind| Checklist::of(kind, row).is_complete());
    AgreementBody {
        id: row.id.to_string(),
        number: row.number.clone(),
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

fn title(kind: Option<&AgreementKind>, row: &AgreementRow) -> String {
    kind.map_or(&*row.kind, |kind| kind.title.of(&row.language)).to_owned()
}

fn tmf_agreement(app: &App, row: &AgreementRow, signatures: &[SignatureRow]) -> Value {
    let kind = app.partnership.agreement_kinds().get(&row.kind);
    let title = title(kind, row);
    let authorizations: Vec<_> = signatures
        .iter()
        .map(|one| {
            json!({
                "date": moment(one.recorded_at),
                "signatureRepresentation": one.way,
                "state": if one.rejected_at.is_some() { "rejected" } else { "approved" },
                "@type": "AgreementAuthorization",
            })
        })
        .collect();
    let terms = row.terms_id.map(|id| json!([{ "id": id.to_string(), "description": title }]));
    let mut all = json!({
        "id": row.id.to_string(),
        "href": format!("{TMF}/agreement/{}", row.id),
        "name": format!("{title} {}", row.number),
        "agreementType": row.kind,
        "agreementSpecification": {
            "id": row.kind,
            "href": format!("{TMF}/agreementSpecification/{}", row.kind),
            "name": title,
        },
        "engagedParty": [{
            "id": row.partner_id.to_string(),
            "role": "partner",
            "@referredType": "Organization",
        }],
        "agreementItem": [{ "termOrCondition": terms.unwrap_or_else(|| json!([])) }],
        "agreementAuthorization": authorizations,
        "characteristic": [{ "name": "number", "valueType": "string", "value": row.number }],
        "initialDate": moment(row.prepared_at),
        "status": row.state.tmf_status(),
        "version": row.version.to_string(),
        "@type": "Agreement",
    });
    if let Value::Object(all) = &mut all {
        // What has no value is absent there, other than in our own API.
        if let Some(from) = row.in_force_at {
            let mut period = json!({ "startDateTime": moment(from) });
            if let Some(until) = row.ended_at.or(row.valid_until) {
                period["endDateTime"] = json!(moment(until));
            }
            all.insert("agreementPeriod".to_owned(), period);
        }
        if let Some(at) = row.ended_at {
            all.insert("completionDate".to_owned(), json!(moment(at)));
        }
    }
    all
}

fn tmf_specification(kind: &AgreementKind) -> Value {
    json!({
        "id": kind.name,
        "href": format!("{TMF}/agreementSpecification/{}", kind.name),
        "name": kind.title.en,
        "description": kind.title.pl,
        "attachment": [],
        "isBundle": false,
        "lifecycleStatus": "active",
        "specificationCharacteristic": [
            { "name": "signatories", "valueType": "array", "value": kind.signatories },
            { "name": "returnWays", "valueType": "array", "value": kind.return_ways },
            { "name": "requires", "valueType": "array", "value": kind.requires },
        ],
        "@type": "AgreementSpecification",
    })
}

/// The members that `fields` names; the id and the address always (TMF630).
fn only(all: Value, fields: Option<&str>) -> Value {
    let (Some(fields), Value::Object(all)) = (fields, &all) else { return all };
    let wanted: Vec<_> = fields.split(',').map(str::trim).take(FIELDS_MAX).collect();
    let kept: Map<_, _> = all
        .iter()
        .filter(|(name, _)| matches!(&***name, "id" | "href") || wanted.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(kept)
}

fn page(offset: Option<i64>, limit: Option<i64>) -> Result<(i64, i64), Problem> {
    let (offset, limit) = (offset.unwrap_or(0), limit.unwrap_or(LIMIT));
    if !(0..=OFFSET_MAX).contains(&offset) || !(0..=LIMIT_MAX).contains(&limit) {
        let detail = format!("`offset` is 0 to {OFFSET_MAX}, `limit` 0 to {LIMIT_MAX}");
        return Err(Fault::BadRequest.says(detail));
    }
    Ok((offset, limit))
}

/// What cannot be an id is unknown, in the same words as an unknown one.
fn number(id: &str) -> Result<i64, Problem> {
    let is_plain =
        !id.is_empty() && id.len() <= 18 && id.bytes().all(|octet| octet.is_ascii_digit());
    let id = id.parse().ok().filter(|_| is_plain);
    Ok(id.ok_or(Refusal::UnknownId("agreement"))?)
}

fn counted(mut response: Response, total: i64, here: usize) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
    headers.insert(HeaderName::from_static("x-result-count"), HeaderValue::from(here));
    response.headers_mut().extend(headers);
    fresh(response)
}

fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What these handlers add to the description of the API.
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(list, show, history),
    tags((name = "agreements", description = "Your agreements with the operator"))
)]
pub struct Description;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_choose_members_and_never_take_the_id_away() {
        let all = json!({ "id": "1", "href": "/x", "name": "n", "status": "sent" });
        assert_eq!(only(all.clone(), None), all);
        let some = json!({ "id": "1", "href": "/x", "status": "sent" });
        assert_eq!(only(all.clone(), Some("status, none")), some);
        assert_eq!(only(all, Some("")), json!({ "id": "1", "href": "/x" }));
    }

    #[test]
    fn what_cannot_be_an_id_is_unknown_like_one_that_is_not_there() {
        let no = number("9").map(|_| ()).is_ok();
        assert!(no);
        for bad in ["", "-1", "+1", "1x", "９", "9999999999999999999999"] {
            assert_eq!(number(bad).unwrap_err().code, "unknown_id", "{bad}");
        }
    }

    #[test]
    fn pages_have_limits() {
        assert_eq!(page(None, None).unwrap(), (0, 20));
        for (offset, limit) in [(-1, 1), (0, 101), (0, -1), (i64::MAX, 1)] {
            assert_eq!(page(Some(offset), Some(limit)).unwrap_err().code, "bad_request");
        }
    }

    #[test]
    fn every_kind_has_a_specification_with_what_tmf651_wants() {
        for kind in crate::domain::AgreementKinds::shipped().iter() {
            let all = tmf_specification(kind);
            assert!(all["name"].is_string() && all["attachment"].is_array());
            assert_eq!(all["id"], kind.name.as_str());
        }
    }
}
