//! `/api/v1/session`, `/api/v1/me`: log in, confirm with a fresh code, log out.
//!
//! It knows no cookie. The surprise: the answer to a log-in before the second factor is set is a
//! token too, but nothing here takes it; the portal's pages do.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    asked::{logged, private},
    fields::Fields,
    openapi::Problems,
    shapes::moment,
};
use crate::{
    domain::{Right, password},
    http::{
        App,
        edge::LoggedAs,
        error::Problem,
        signed::{Origin, SignedCaller},
    },
    partnership::{LogIn, Signed},
};

/// Characters of a mail address or code that are looked at.
pub(super) const SHORT: (usize, usize) = (1, 254);

/// What is typed at a log-in.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct LogInBody {
    #[schema(min_length = 1, max_length = 254)]
    mail: String,
    #[schema(min_length = 1, max_length = 1024, format = Password)]
    password: String,
    /// Of the authenticator, or a recovery code.
    #[schema(min_length = 1, max_length = 254, nullable = false)]
    code: Option<String>,
}

#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct CodeBody {
    #[schema(min_length = 1, max_length = 254)]
    code: String,
}

/// A session that has begun.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    /// `bs_...`, for the header Authorization. Shown once.
    token: String,
    /// Only the second factor may be set with it, in the portal.
    is_enrolling: bool,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Who is logged in, and what it may do.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Me)]
pub(crate) struct MeBody {
    person: i64,
    name: String,
    mail: String,
    /// Null for the operator's staff.
    #[schema(required)]
    partner: Option<String>,
    role: &'static str,
    language: String,
    /// Words of what this role may do.
    rights: Vec<&'static str>,
    #[schema(format = DateTime)]
    expires_at: String,
    /// Until when what is sensitive is open; null: a fresh code is needed.
    #[schema(required, format = DateTime)]
    stepped_up_until: Option<String>,
}

/// Logs a person in.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    operation_id = "logIn",
    tag = "session",
    request_body(content = inline(LogInBody), content_type = "application/json"),
    responses((status = 201, description = "Logged in", body = SessionBody), Problems),
    security(())
)]
pub(crate) async fn create(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read(&app, &headers, body).await?;
    let mail = needed(&mut fields, "mail", SHORT);
    let password = needed(&mut fields, "password", (1, password::OCTETS_MAX));
    let code = fields.plain("code", SHORT);
    fields.finish(&["mail", "password", "code"])?;
    let partnership = app.partnership.clone();
    let work = async move {
        let code = code.as_deref();
        let wish = LogIn { mail: &mail, password: &password, code, visitor: origin.visitor() };
        partnership.log_in(&wish).await
    };
    let begun = app.finish(work).await??;
    let body = SessionBody {
        token: begun.token.to_string(),
        is_enrolling: begun.is_enrolling,
        expires_at: moment(begun.expires_at),
    };
    Ok(private((StatusCode::CREATED, Json(body)).into_response()))
}

/// Opens what is sensitive for some minutes. The session goes on under the token of the answer.
#[utoipa::path(
    post,
    path = "/api/v1/session/step-up",
    operation_id = "stepUp",
    tag = "session",
    request_body(content = inline(CodeBody), content_type = "application/json"),
    responses((status = 201, description = "Confirmed", body = SessionBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step_up(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read(&app, &headers, body).await?;
    let code = needed(&mut fields, "code", SHORT);
    fields.finish(&["code"])?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let token = app.finish(async move { partnership.step_up(&signed, &code).await }).await??;
    let body = SessionBody {
        token: token.to_string(),
        is_enrolling: false,
        expires_at: moment(caller.0.expires_at),
    };
    Ok(named(&caller, (StatusCode::CREATED, Json(body)).into_response()))
}

/// Logs out: the token is dead from now on.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "logOut",
    tag = "session",
    responses((status = 204, description = "Logged out"), Problems),
    security(("session" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: SignedCaller,
) -> Result<Response, Problem> {
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    app.finish(async move { partnership.log_out(&signed).await }).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

/// Shows who is logged in.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "getMe",
    tag = "session",
    responses((status = 200, description = "The person", body = MeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn me(State(app): State<App>, caller: SignedCaller) -> Response {
    let Signed { person, name, mail, partner_name, role, language, .. } = caller.0.clone();
    let rights = Right::ALL.iter().filter(|right| caller.0.may(**right));
    let fresh = caller.0.stepped_up_until;
    let body = MeBody {
        person: person.0,
        name,
        mail,
        partner: partner_name,
        role: role.as_str(),
        language,
        rights: rights.map(|right| right.as_str()).collect(),
        expires_at: moment(caller.0.expires_at),
        stepped_up_until: (fresh > app.partnership.now()).then(|| moment(fresh)),
    };
    named(&caller, Json(body).into_response())
}

/// A text that must be there.
pub(super) fn needed(fields: &mut Fields, name: &str, size: (usize, usize)) -> String {
    if !fields.has(name) {
        fields.wrong(name, "missing", "is missing");
        return String::new();
    }
    fields.plain(name, size).unwrap_or_default()
}

/// An answer that nobody on the way may keep, with the person's number for the log.
pub(super) fn named(caller: &SignedCaller, response: Response) -> Response {
    logged(response, LoggedAs::from(caller))
}
