//! `/api/v1/company` and `/api/v1/partners`: companies, for their own people and for the desk.
//!
//! Name, NIP and account are not changed here: they stand in contracts, and the account has a way
//! of its own. What surprises: the account number is null for whoever may not see it (S-23), and
//! the desk and the company itself use one shape.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, Paging, tagged},
    openapi::Problems,
    session::named,
};
use crate::{
    domain::{PartnerId, Refusal, Right, company::CompanyForm, row_id},
    http::{App, error::Problem, signed::SignedCaller},
    store::CompanyRow,
};

/// A company.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Company)]
pub(crate) struct CompanyBody {
    /// Number of the partner, for every other question.
    partner: i64,
    /// `prospect`, `contracted`, `live`, `suspended`, `closed`.
    state: String,
    /// The number that it got with its framework agreement.
    #[schema(required)]
    partner_number: Option<String>,
    legal_name: String,
    nip: String,
    regon: String,
    krs: String,
    street: String,
    postal_code: String,
    city: String,
    country: String,
    /// Null if there is none, or if your role may not see it.
    #[schema(required)]
    bank_account: Option<String>,
    language: String,
    /// The entity tag without its quotes.
    version: i64,
}

impl From<CompanyRow> for CompanyBody {
    fn from(row: CompanyRow) -> Self {
        Self {
            partner: row.partner_id,
            state: row.state,
            partner_number: row.partner_number,
            legal_name: row.legal_name,
            nip: row.nip,
            regon: row.regon,
            krs: row.krs,
            street: row.street,
            postal_code: row.postal_code,
            city: row.city,
            country: row.country,
            bank_account: Some(row.bank_account).filter(|account| !account.is_empty()),
            language: row.language,
            version: row.version,
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Partners)]
pub(crate) struct PartnersBody {
    partners: Vec<CompanyBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<i64>,
}

/// Address and registers; what is not given stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyChangeBody {
    #[schema(nullable = false)]
    street: Option<String>,
    #[schema(nullable = false, example = "00-950")]
    postal_code: Option<String>,
    #[schema(nullable = false)]
    city: Option<String>,
    /// Two letters.
    #[schema(nullable = false)]
    country: Option<String>,
    #[schema(nullable = false)]
    regon: Option<String>,
    #[schema(nullable = false)]
    krs: Option<String>,
}

/// Shows your company.
#[utoipa::path(
    get, path = "/api/v1/company", operation_id = "getCompany", tag = "companies",
    responses((status = 200, description = "Your company", body = CompanyBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn own(State(app): State<App>, caller: SignedCaller) -> Result<Response, Problem> {
    shown(&app, &caller, own_partner(&caller)?).await
}

/// Changes your company.
#[utoipa::path(
    patch, path = "/api/v1/company", operation_id = "changeCompany", tag = "companies",
    params(("If-Match" = String, Header, description = "The ETag that was read")),
    request_body(content = inline(CompanyChangeBody), content_type = "application/json"),
    responses((status = 200, description = "Changed", body = CompanyBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn change_own(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let partner = own_partner(&caller)?;
    changed(&app, &caller, partner, (headers, body)).await
}

/// Lists partners by their number.
#[utoipa::path(
    get, path = "/api/v1/partners", operation_id = "listPartners", tag = "companies",
    params(Paging),
    responses((status = 200, description = "The partners", body = PartnersBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(paging): Asked<Paging>,
) -> Result<Response, Problem> {
    let (after, limit) = paging.cut()?;
    let mut rows = app.partnership.companies(&caller.0, after).await?;
    let next = asked::paged(&mut rows, limit, |row| row.partner_id);
    if !caller.0.may(Right::SeeBank) {
        for row in &mut rows {
            row.bank_account.clear();
        }
    }
    let partners = rows.into_iter().map(CompanyBody::from).collect();
    Ok(named(&caller, Json(PartnersBody { partners, next }).into_response()))
}

/// Shows a partner's company.
#[utoipa::path(
    get, path = "/api/v1/partners/{id}", operation_id = "getPartner", tag = "companies",
    params(("id" = i64, Path, description = "Number of the partner")),
    responses((status = 200, description = "The company", body = CompanyBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let partner = reached(&caller, &id)?;
    shown(&app, &caller, partner).await
}

/// Changes a partner's company.
#[utoipa::path(
    patch, path = "/api/v1/partners/{id}", operation_id = "changePartner", tag = "companies",
    params(
        ("id" = i64, Path, description = "Number of the partner"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(CompanyChangeBody), content_type = "application/json"),
    responses((status = 200, description = "Changed", body = CompanyBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let partner = reached(&caller, &id)?;
    changed(&app, &caller, partner, (headers, body)).await
}

fn own_partner(caller: &SignedCaller) -> Result<PartnerId, Refusal> {
    caller.0.partner.ok_or(Refusal::NotAllowed)
}

/// The list is the operator's alone, and so is everything below it: a partner has `/company`.
fn reached(caller: &SignedCaller, id: &str) -> Result<PartnerId, Refusal> {
    if !caller.0.is_operator() {
        return Err(Refusal::NotAllowed);
    }
    row_id(id, "partner").map(PartnerId)
}

async fn shown(app: &App, caller: &SignedCaller, partner: PartnerId) -> Result<Response, Problem> {
    let row = app.partnership.company(&caller.0, partner).await?;
    let version = row.version;
    Ok(named(caller, tagged(&CompanyBody::from(row), version)))
}

async fn changed(
    app: &App,
    caller: &SignedCaller,
    partner: PartnerId,
    (headers, body): (HeaderMap, Body),
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::EditCompany)?;
    let change: CompanyChangeBody = asked::body(app, &headers, body).await?;
    let version = asked::only_version(&headers)?;
    let row = app.partnership.company(&caller.0, partner).await?;
    let form = CompanyForm {
        street: change.street.unwrap_or(row.street),
        postal_code: change.postal_code.unwrap_or(row.postal_code),
        city: change.city.unwrap_or(row.city),
        country: change.country.unwrap_or(row.country),
        regon: change.regon.unwrap_or(row.regon),
        krs: change.krs.unwrap_or(row.krs),
        ..CompanyForm::default()
    };
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.edit_company(&signed, (partner, version), &form).await };
    app.finish(work).await??;
    shown(app, caller, partner).await
}
