//! `/api/v1/bank-changes`: another bank account, asked for and answered by two persons (S-25).
//!
//! A change is a resource of its own, because asking for it changes nothing yet. The surprise:
//! both requests need a fresh code (`POST /api/v1/session/step-up`), and an answer needs
//! `If-Match`.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    asked::{self, tagged_as},
    fields::Fields,
    openapi::Problems,
    session::{named, needed},
    shapes::moment,
};
use crate::{
    domain::row_id,
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    store::BankChangeRow,
};

/// Characters of an account as people write it.
const ACCOUNT: (usize, usize) = (1, 64);

#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewBankChangeBody {
    /// IBAN, with or without spaces.
    #[schema(min_length = 1, max_length = 64)]
    account: String,
}

/// A wish for another account.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BankChange)]
pub(crate) struct BankChangeBody {
    id: i64,
    partner: i64,
    account: String,
    /// `asked`, `confirmed`, `refused`, `withdrawn`, `lapsed`.
    state: String,
    asked_by: String,
    #[schema(format = DateTime)]
    asked_at: String,
    #[schema(format = DateTime)]
    lapses_at: String,
    answered_by: String,
    #[schema(required, format = DateTime)]
    answered_at: Option<String>,
    /// For If-Match.
    version: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BankChanges)]
pub(crate) struct BankChangesBody {
    changes: Vec<BankChangeBody>,
}

impl From<BankChangeRow> for BankChangeBody {
    fn from(row: BankChangeRow) -> Self {
        Self {
            id: row.id,
            partner: row.partner_id,
            asked_at: moment(row.asked_at),
            lapses_at: moment(row.lapses_at),
            answered_at: row.answered_at.map(moment),
            version: row.version,
            account: row.account,
            state: row.state,
            asked_by: row.asked_name,
            answered_by: row.answered_name,
        }
    }
}

/// Lists changes: all of the own company, or for the operator those that wait.
#[utoipa::path(
    get,
    path = "/api/v1/bank-changes",
    operation_id = "listBankChanges",
    tag = "company",
    responses((status = 200, description = "The changes", body = BankChangesBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
) -> Result<Response, Problem> {
    let rows = app.partnership.bank_changes(&caller.0).await?;
    let changes = rows.into_iter().map(BankChangeBody::from).collect();
    Ok(named(&caller, Json(BankChangesBody { changes }).into_response()))
}

/// Asks for another account. The one in use stays until a second person has confirmed.
#[utoipa::path(
    post,
    path = "/api/v1/bank-changes",
    operation_id = "askBankChange",
    tag = "company",
    request_body(content = inline(NewBankChangeBody), content_type = "application/json"),
    responses((status = 201, description = "Asked", body = BankChangeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn ask(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read(&app, &headers, body).await?;
    let account = needed(&mut fields, "account", ACCOUNT);
    fields.finish(&["account"])?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.ask_bank(&signed, &account).await };
    let row = app.finish(work).await??;
    Ok(shown(&caller, StatusCode::CREATED, row))
}

/// Shows a change.
#[utoipa::path(
    get,
    path = "/api/v1/bank-changes/{id}",
    operation_id = "getBankChange",
    tag = "company",
    params(("id" = i64, Path, description = "Number of the change")),
    responses((status = 200, description = "The change", body = BankChangeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = app.partnership.bank_change_of(&caller.0, row_id(&id, "bank_change")?).await?;
    Ok(shown(&caller, StatusCode::OK, row))
}

/// Answers a change: `confirm` or `refuse`. Who asked can only refuse, which takes it back.
#[utoipa::path(
    post,
    path = "/api/v1/bank-changes/{id}/{step}",
    operation_id = "answerBankChange",
    tag = "company",
    params(
        ("id" = i64, Path, description = "Number of the change"),
        ("step" = String, Path, description = "What to do", pattern = "^(confirm|refuse)$"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    responses((status = 200, description = "Answered", body = BankChangeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn answer(
    State(app): State<App>,
    caller: SignedCaller,
    Path((id, step)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = row_id(&id, "bank_change")?;
    let confirms = match step.as_str() {
        "confirm" => true,
        "refuse" => false,
        _ => return Err(Fault::NotFound.into()),
    };
    let version = asked::only_version(&headers)?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.answer_bank(&signed, (id, version), confirms).await };
    let row = app.finish(work).await??;
    Ok(shown(&caller, StatusCode::OK, row))
}

fn shown(caller: &SignedCaller, status: StatusCode, row: BankChangeRow) -> Response {
    let version = row.version;
    named(caller, tagged_as(status, &BankChangeBody::from(row), version))
}
