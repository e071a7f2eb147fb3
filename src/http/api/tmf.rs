//! TMF651 v4, as a business support system reads it: agreements and their kinds.
//!
//! Views to read, made of what `agreements` shows; nothing is written here. What surprises: our
//! numbers are texts and TMF651's `documentNumber` is an integer, so the number is a
//! characteristic. Pages go by offset here, because TMF630 wants it so.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderName, HeaderValue},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    agreements::{AGREEMENT, title},
    asked::{Asked, Reader},
    openapi::Problems,
    shapes::moment,
};
use crate::{
    domain::{AgreementKind, AgreementState, Refusal, row_id},
    http::{
        App,
        error::{Fault, Problem},
    },
    store::{AgreementRow, SignatureRow},
};

const LIMIT: i64 = 20;
const LIMIT_MAX: i64 = 100;
const OFFSET_MAX: i64 = 1_000_000;
/// Members that `fields` may name at most.
const FIELDS_MAX: usize = 40;
const TMF: &str = "/tmf-api/agreementManagement/v4";

/// What TMF630 lets a client ask for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TmfWanted {
    /// Only agreements with this status.
    status: Option<String>,
    /// Only agreements of this kind.
    #[serde(rename = "agreementType")]
    #[param(rename = "agreementType")]
    agreement_type: Option<String>,
    /// Members that are wanted, with commas between.
    fields: Option<String>,
    /// Rows to leave out.
    #[param(minimum = 0, maximum = 1_000_000)]
    offset: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 0, maximum = 100)]
    limit: Option<i64>,
}

/// What is asked of a list of specifications, or of one thing.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TmfFields {
    /// Members that are wanted, with commas between.
    fields: Option<String>,
    /// Rows to leave out.
    #[param(minimum = 0, maximum = 1_000_000)]
    offset: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 0, maximum = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TmfMembers {
    /// Members that are wanted, with commas between.
    fields: Option<String>,
}

impl TmfMembers {
    pub(super) fn fields(&self) -> Option<&str> {
        self.fields.as_deref()
    }
}

/// TMF651 `listAgreement`.
#[utoipa::path(
    get, path = "/tmf-api/agreementManagement/v4/agreement", operation_id = "listAgreement",
    tag = "tmf651", params(TmfWanted),
    responses(
        (status = 200, description = "Agreements; their count stands in X-Total-Count",
            body = Vec<Object>, headers(("X-Total-Count" = i64), ("X-Result-Count" = i64))),
        Problems
    ),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Asked(wanted): Asked<TmfWanted>,
) -> Result<Response, Problem> {
    let states = match &wanted.status {
        None => None,
        Some(word) => {
            let known = AgreementState::ALL.iter().find(|state| state.tmf_status() == word);
            let no = || Fault::InvalidFields.says("`status` is no status of an agreement");
            Some(*known.ok_or_else(no)?)
        }
    };
    let page = page(wanted.offset, wanted.limit)?;
    let kind = wanted.agreement_type.as_deref();
    let (rows, total) = app.partnership.agreements(&reader.by, states, kind, page).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let signatures = app.partnership.agreement_signatures(&reader.by, row.id).await?;
        items.push(only(tmf_agreement(&app, row, &signatures), wanted.fields.as_deref()));
    }
    Ok(reader.named(counted(&items, total)))
}

/// TMF651 `retrieveAgreement`.
#[utoipa::path(
    get, path = "/tmf-api/agreementManagement/v4/agreement/{id}",
    operation_id = "retrieveAgreement", tag = "tmf651",
    params(("id" = String, Path, description = "Id of the agreement"), TmfMembers),
    responses((status = 200, description = "The agreement", body = Object), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    Asked(wanted): Asked<TmfMembers>,
) -> Result<Response, Problem> {
    let id = row_id(&id, AGREEMENT)?;
    let row = app.partnership.agreement(&reader.by, id).await?;
    let signatures = app.partnership.agreement_signatures(&reader.by, id).await?;
    let item = only(tmf_agreement(&app, &row, &signatures), wanted.fields.as_deref());
    Ok(reader.named(Json(item).into_response()))
}

/// TMF651 `listAgreementSpecification`: the kinds.
#[utoipa::path(
    get, path = "/tmf-api/agreementManagement/v4/agreementSpecification",
    operation_id = "listAgreementSpecification", tag = "tmf651", params(TmfFields),
    responses(
        (status = 200, description = "The kinds", body = Vec<Object>,
            headers(("X-Total-Count" = i64), ("X-Result-Count" = i64))),
        Problems
    ),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn specifications(
    State(app): State<App>,
    reader: Reader,
    Asked(wanted): Asked<TmfFields>,
) -> Result<Response, Problem> {
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
    Ok(reader.named(counted(&items, total)))
}

/// TMF651 `retrieveAgreementSpecification`.
#[utoipa::path(
    get, path = "/tmf-api/agreementManagement/v4/agreementSpecification/{id}",
    operation_id = "retrieveAgreementSpecification", tag = "tmf651",
    params(("id" = String, Path, description = "Name of the kind"), TmfMembers),
    responses((status = 200, description = "The kind", body = Object), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn specification(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    Asked(wanted): Asked<TmfMembers>,
) -> Result<Response, Problem> {
    let kind = app.partnership.agreement_kinds().get(&id);
    let kind = kind.ok_or(Refusal::UnknownId("agreement specification"))?;
    let item = only(tmf_specification(kind), wanted.fields.as_deref());
    Ok(reader.named(Json(item).into_response()))
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
pub(super) fn only(all: Value, fields: Option<&str>) -> Value {
    let (Some(fields), Value::Object(all)) = (fields, &all) else { return all };
    let wanted: Vec<_> = fields.split(',').map(str::trim).take(FIELDS_MAX).collect();
    let kept: Map<_, _> = all
        .iter()
        .filter(|(name, _)| matches!(&***name, "id" | "href") || wanted.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(kept)
}

pub(super) fn page(offset: Option<i64>, limit: Option<i64>) -> Result<(i64, i64), Problem> {
    let (offset, limit) = (offset.unwrap_or(0), limit.unwrap_or(LIMIT));
    if !(0..=OFFSET_MAX).contains(&offset) || !(0..=LIMIT_MAX).contains(&limit) {
        let detail = format!("`offset` is 0 to {OFFSET_MAX}, `limit` 0 to {LIMIT_MAX}");
        return Err(Fault::BadRequest.says(detail));
    }
    Ok((offset, limit))
}

pub(super) fn counted(items: &[Value], total: i64) -> Response {
    let mut response = Json(items).into_response();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
    headers.insert(HeaderName::from_static("x-result-count"), HeaderValue::from(items.len()));
    response
}

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
