//! `/api/v1/credentials`, `/api/v1/keys`: what a partner's systems come in with.
//!
//! A secret is in the answer that made it and nowhere else. The surprise: after each change the
//! routing snapshot is loaded again, or a new account could not bind yet and an ended one still
//! could.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    asked::{self, Asked},
    fields::{self, Fields},
    once::{self, Once},
    openapi::{IdempotencyKey, Problems},
    people::{PageOf, Whose},
    session::{named, needed},
    shapes::moment,
};
use crate::{
    domain::{Mode, Refusal},
    gateway,
    http::{App, error::Problem, signed::SignedCaller},
    partnership::{self, CredentialWish, NewSecret, RequestKey},
    store::{ApiKeyLine, CredentialLine},
};

/// Networks of one account that are looked at.
const NETWORKS_MAX: usize = 50;

#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewCredentialBody {
    #[schema(min_length = 1, max_length = 15, pattern = "^[0-9A-Za-z._-]+$")]
    system_id: String,
    /// Addresses or networks that may bind; without one it binds over TLS only.
    #[schema(max_items = 50, nullable = false)]
    addresses: Option<Vec<String>>,
    /// For live traffic, which is meant without it, or for the sandbox.
    #[schema(pattern = "^(live|test)$", nullable = false)]
    mode: Option<String>,
}

#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewKeyBody {
    /// How long it lives; a year if not given.
    #[schema(minimum = 1, maximum = 730, nullable = false)]
    days: Option<i64>,
    /// For live traffic, which is meant without it, or for the sandbox.
    #[schema(pattern = "^(live|test)$", nullable = false)]
    mode: Option<String>,
}

/// A secret, shown once.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Secret)]
pub(crate) struct SecretBody {
    /// `system_id`, or the public part of a key.
    name: String,
    secret: String,
    /// Null if it does not end by itself.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
}

/// An SMPP account.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Credential)]
pub(crate) struct CredentialBody {
    system_id: String,
    #[schema(pattern = "^(live|test)$")]
    mode: String,
    is_active: bool,
    addresses: Vec<String>,
    tls_only: bool,
    binds_max: i64,
    window: i64,
    /// Two passwords work.
    is_rotating: bool,
    #[schema(format = DateTime)]
    made_at: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Credentials)]
pub(crate) struct CredentialsBody {
    credentials: Vec<CredentialBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<String>,
}

/// An API key by its public part.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyBody {
    name: String,
    #[schema(pattern = "^(live|test)$")]
    mode: String,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    made_at: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ApiKeys)]
pub(crate) struct KeysBody {
    keys: Vec<KeyBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<String>,
}

impl From<CredentialLine> for CredentialBody {
    fn from(line: CredentialLine) -> Self {
        let addresses = line.addresses.split(',').filter(|word| !word.is_empty());
        Self {
            addresses: addresses.map(str::to_owned).collect(),
            is_active: line.is_active != 0,
            tls_only: line.tls_only != 0,
            binds_max: line.binds_max,
            window: line.send_window,
            is_rotating: line.is_rotating != 0,
            made_at: moment(line.made_at),
            mode: line.mode,
            system_id: line.system_id,
        }
    }
}

impl From<ApiKeyLine> for KeyBody {
    fn from(line: ApiKeyLine) -> Self {
        Self {
            name: line.prefix,
            mode: line.mode,
            expires_at: end(line.expires_at),
            made_at: moment(line.made_at),
        }
    }
}

/// For what an account or a key is: live traffic, unless something else is said.
fn mode(fields: &mut Fields) -> Mode {
    let read =
        |word: &str| Mode::parse(word).ok_or(("invalid", "must be `live` or `test`".to_owned()));
    fields.text("mode", (1, 4), read).unwrap_or_default()
}

fn end(at: i64) -> Option<String> {
    (at != 0).then(|| moment(at))
}

/// Lists SMPP accounts.
#[utoipa::path(
    get, path = "/api/v1/credentials", operation_id = "listCredentials", tag = "access",
    params(PageOf),
    responses((status = 200, description = "The accounts", body = CredentialsBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn credentials(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(whose): Asked<PageOf>,
) -> Result<Response, Problem> {
    let lines = app.partnership.credentials(&caller.0, whose.id()).await?;
    let (lines, next) =
        asked::page_of(lines, whose.place(), |line: &CredentialLine| line.system_id.clone())?;
    let credentials = lines.into_iter().map(CredentialBody::from).collect();
    Ok(named(&caller, Json(CredentialsBody { credentials, next }).into_response()))
}

/// Makes an SMPP account; its password is generated.
#[utoipa::path(
    post, path = "/api/v1/credentials", operation_id = "addCredential", tag = "access",
    params(Whose, ("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewCredentialBody), content_type = "application/json"),
    responses((status = 201, description = "Made", body = SecretBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn add_credential(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut object = fields::object(&headers, body, app.limits.body_octets_max.as_usize()).await?;
    let repeat = once::key(&headers, &object)?;
    let addresses = object.remove("addresses");
    let mut fields = Fields::new(object);
    let system_id = needed(&mut fields, "system_id", (1, 15));
    let addresses = texts(&mut fields, "addresses", addresses);
    let mode = mode(&mut fields);
    fields.finish(&["system_id", "addresses", "mode"])?;
    let wish = CredentialWish { system_id, addresses, mode };
    let (running, signed) = (app.clone(), caller.0.clone());
    let work = async move {
        let (pepper, whose) = (&running.pepper, whose.id());
        running.partnership.add_credential(&signed, pepper, whose, &wish).await
    };
    made(&app, &caller, repeat, Box::pin(work)).await
}

/// Gives an account a new password; the old one works until the next rotation.
#[utoipa::path(
    post, path = "/api/v1/credentials/{system_id}/rotate", operation_id = "rotateCredential",
    tag = "access",
    params(("system_id" = String, Path, description = "Name of the account"), Whose),
    responses((status = 201, description = "Rotated", body = SecretBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn rotate_credential(
    State(app): State<App>,
    caller: SignedCaller,
    Path(system_id): Path<String>,
    Asked(whose): Asked<Whose>,
) -> Result<Response, Problem> {
    let (running, signed) = (app.clone(), caller.0.clone());
    let work = async move {
        let (pepper, whose) = (&running.pepper, whose.id());
        running.partnership.rotate_credential(&signed, pepper, whose, &system_id).await
    };
    made(&app, &caller, None, Box::pin(work)).await
}

/// Ends an account: no bind from now on.
#[utoipa::path(
    delete, path = "/api/v1/credentials/{system_id}", operation_id = "revokeCredential",
    tag = "access",
    params(("system_id" = String, Path, description = "Name of the account"), Whose),
    responses((status = 204, description = "Ended"), Problems),
    security(("session" = []))
)]
pub(crate) async fn revoke_credential(
    State(app): State<App>,
    caller: SignedCaller,
    Path(system_id): Path<String>,
    Asked(whose): Asked<Whose>,
) -> Result<Response, Problem> {
    let (running, signed) = (app.clone(), caller.0.clone());
    let work = async move {
        let whose = whose.id();
        running.partnership.revoke_credential(&signed, whose, &system_id).await
    };
    app.finish(work).await??;
    reload(&app).await?;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

/// Lists API keys.
#[utoipa::path(
    get, path = "/api/v1/keys", operation_id = "listKeys", tag = "access",
    params(PageOf),
    responses((status = 200, description = "The keys", body = KeysBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn keys(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(whose): Asked<PageOf>,
) -> Result<Response, Problem> {
    let lines = app.partnership.api_keys(&caller.0, whose.id()).await?;
    let (lines, next) =
        asked::page_of(lines, whose.place(), |line: &ApiKeyLine| line.prefix.clone())?;
    let keys = lines.into_iter().map(KeyBody::from).collect();
    Ok(named(&caller, Json(KeysBody { keys, next }).into_response()))
}

/// Makes an API key.
#[utoipa::path(
    post, path = "/api/v1/keys", operation_id = "addKey", tag = "access",
    params(Whose, ("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewKeyBody), content_type = "application/json"),
    responses((status = 201, description = "Made", body = SecretBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn add_key(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let object = fields::object(&headers, body, app.limits.body_octets_max.as_usize()).await?;
    let repeat = once::key(&headers, &object)?;
    let mut fields = Fields::new(object);
    let days = fields.number("days", 1, 730).and_then(|days| u32::try_from(days).ok());
    let mode = mode(&mut fields);
    fields.finish(&["days", "mode"])?;
    let (running, signed) = (app.clone(), caller.0.clone());
    let work = async move {
        let (pepper, whose) = (&running.pepper, whose.id());
        running.partnership.add_api_key(&signed, pepper, whose, (days, mode)).await
    };
    made(&app, &caller, repeat, Box::pin(work)).await
}

/// Makes a key in the place of another, which works on for a week.
#[utoipa::path(
    post, path = "/api/v1/keys/{name}/rotate", operation_id = "rotateKey", tag = "access",
    params(("name" = String, Path, description = "Public part of the key"), Whose),
    responses((status = 201, description = "Made", body = SecretBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn rotate_key(
    State(app): State<App>,
    caller: SignedCaller,
    Path(name): Path<String>,
    Asked(whose): Asked<Whose>,
) -> Result<Response, Problem> {
    let (running, signed) = (app.clone(), caller.0.clone());
    let work = async move {
        let (pepper, whose) = (&running.pepper, whose.id());
        running.partnership.rotate_api_key(&signed, pepper, whose, &name).await
    };
    made(&app, &caller, None, Box::pin(work)).await
}

/// Ends a key at once.
#[utoipa::path(
    delete, path = "/api/v1/keys/{name}", operation_id = "revokeKey", tag = "access",
    params(("name" = String, Path, description = "Public part of the key"), Whose),
    responses((status = 204, description = "Ended"), Problems),
    security(("session" = []))
)]
pub(crate) async fn revoke_key(
    State(app): State<App>,
    caller: SignedCaller,
    Path(name): Path<String>,
    Asked(whose): Asked<Whose>,
) -> Result<Response, Problem> {
    let (running, signed) = (app.clone(), caller.0.clone());
    let work = async move { running.partnership.revoke_api_key(&signed, whose.id(), &name).await };
    app.finish(work).await??;
    reload(&app).await?;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

/// Runs what makes a secret, and shows it this once.
async fn made(
    app: &App,
    caller: &SignedCaller,
    repeat: Option<RequestKey>,
    work: impl Future<Output = Result<NewSecret, partnership::Error>> + Send + 'static,
) -> Result<Response, Problem> {
    let (keep, kept) = tokio::sync::oneshot::channel();
    let kept_work = async move {
        let made = work.await?;
        let name = made.name.clone();
        // Nobody waits for it any more if its client is gone.
        drop(keep.send(made));
        Ok(name)
    };
    let once = once::once(app, caller, repeat, "secret", Box::pin(kept_work)).await?;
    let (Once::Made(_), Ok(made)) = (&once, kept.await) else {
        let words = format!(
            "an earlier request with this Idempotency-Key made `{}` and showed its secret; \
             revoke it if the answer was lost",
            once.id()
        );
        return Err(Refusal::WrongState(words).into());
    };
    reload(app).await?;
    let body = SecretBody {
        name: made.name,
        secret: made.secret.to_string(),
        expires_at: end(made.expires_at),
    };
    Ok(named(caller, (StatusCode::CREATED, Json(body)).into_response()))
}

async fn reload(app: &App) -> Result<(), Problem> {
    app.gateway.reload_catalog().await.map_err(gateway::Error::from)?;
    Ok(())
}

/// A list of short texts.
fn texts(fields: &mut Fields, name: &str, value: Option<Value>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    let list = value.as_array().filter(|list| list.len() <= NETWORKS_MAX);
    let texts: Option<Vec<String>> = list.and_then(|list| {
        list.iter()
            .map(|one| one.as_str().filter(|text| text.len() <= 64).map(str::to_owned))
            .collect()
    });
    texts.unwrap_or_else(|| {
        fields.wrong(name, "invalid", format!("must be a list of at most {NETWORKS_MAX} texts"));
        Vec::new()
    })
}
