//! `/api/v1/binds` and `/api/v1/links`: what is connected now, and the orders that staff gives to it.
//!
//! What surprises: these lists have no pages. They are a picture of one moment, and a second page
//! would be of another.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked},
    message_search::Seeker,
    openapi::Problems,
    session::named,
    shapes::moment,
};
use crate::{
    domain::PartnerId,
    gateway::{
        live::{BindLine, LinkLine},
        registry::SeenError,
    },
    http::{
        App,
        error::{Fault, Problem},
        live,
        signed::SignedCaller,
    },
};

/// Characters of a reason.
const REASON_MAX: usize = 200;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindsWanted {
    /// Of staff: number of a partner.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    partner: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Binds)]
pub(crate) struct BindsBody {
    /// By partner and account. An account that is not bound stands here too.
    binds: Vec<BindBody>,
}

/// An SMPP account, and its session if it is bound.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Bind)]
struct BindBody {
    partner: String,
    system_id: String,
    /// `live` or `test`.
    #[schema(pattern = "^(live|test)$")]
    mode: &'static str,
    is_bound: bool,
    /// Bound, or away, since then; null for an account that was not here since the gateway began.
    #[schema(required, format = DateTime)]
    since: Option<String>,
    #[schema(required)]
    last_error: Option<ErrorBody>,
    /// Messages a second that the contract allows; null is no limit.
    #[schema(required)]
    rate_max: Option<u32>,
    /// Null for an account that is not bound.
    #[schema(required)]
    session: Option<SessionBody>,
}

/// What went wrong last.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = LastError)]
struct ErrorBody {
    code: String,
    #[schema(format = DateTime)]
    at: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SmppSession)]
struct SessionBody {
    /// Name of the session, here only.
    id: String,
    /// `transmitter`, `receiver` or `transceiver`.
    #[schema(pattern = "^(transmitter|receiver|transceiver)$")]
    kind: &'static str,
    /// Of SMPP.
    version: &'static str,
    address: String,
    /// Version of TLS; null in the clear.
    #[schema(required)]
    tls: Option<&'static str>,
    /// Deliveries that may be unanswered at once, and those that are.
    window: u32,
    window_in_use: u32,
    /// Requests a second over the last ten seconds.
    #[schema(minimum = 0)]
    rate: f64,
    submitted: u64,
    refused: u64,
    /// Of those refused, for going over a rate.
    throttled: u64,
    delivered: u64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Links)]
pub(crate) struct LinksBody {
    links: Vec<LinkBody>,
}

/// A link to the operator.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Link)]
pub(crate) struct LinkBody {
    name: String,
    group: String,
    address: String,
    /// `down` is what somebody ordered; `broken` is what nobody wanted.
    #[schema(pattern = "^(up|partly|broken|down|closing)$")]
    state: &'static str,
    /// Sessions that are bound, of those that should be.
    bound: u32,
    binds: u32,
    #[schema(required, format = DateTime)]
    since: Option<String>,
    window: u32,
    window_in_use: u32,
    /// Messages a second over the last ten seconds, and at most; null is no limit.
    #[schema(minimum = 0)]
    rate: f64,
    #[schema(required)]
    rate_max: Option<u32>,
    submitted: u64,
    received: u64,
    /// What holds it back now.
    #[schema(pattern = "^(none|window|rate|smsc_throttle|store|absent|paused)$")]
    limit: &'static str,
    #[schema(required)]
    last_error: Option<ErrorBody>,
}

/// Why somebody gives an order; it stands in the audit trail.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderBody {
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    reason: String,
}

impl OrderBody {
    fn reason(&self) -> Result<&str, Problem> {
        let reason = self.reason.trim();
        if reason.is_empty() || self.reason.chars().nth(REASON_MAX).is_some() {
            let words = format!("`reason` says why, in 1 to {REASON_MAX} characters");
            return Err(Fault::InvalidFields.says(words));
        }
        Ok(reason)
    }
}

/// Lists SMPP accounts with their sessions: of a partner its own.
#[utoipa::path(
    get, path = "/api/v1/binds", operation_id = "listBinds", tag = "live", params(BindsWanted),
    responses((status = 200, description = "The binds", body = BindsBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn binds(
    State(app): State<App>,
    seeker: Seeker,
    Asked(wanted): Asked<BindsWanted>,
) -> Result<Response, Problem> {
    let lines = match &seeker {
        // A key sees its own side only: a test key is less well kept.
        Seeker::Key(key) => {
            let own = app.gateway.binds(Some(key.partner)).into_iter();
            own.filter(|line| line.mode == key.mode).collect()
        }
        Seeker::Person(caller) => live::binds(&app, &caller.0, wanted.partner.map(PartnerId))?,
    };
    let body = BindsBody { binds: lines.into_iter().map(bind).collect() };
    Ok(seeker.named(Json(body).into_response()))
}

/// Ends a session of a partner, which may bind again at once.
#[utoipa::path(
    post, path = "/api/v1/binds/{id}/end", operation_id = "endBind", tag = "live",
    params(("id" = String, Path, description = "Name of the session")),
    request_body(content = inline(OrderBody), content_type = "application/json"),
    responses((status = 204, description = "It is told to go"), Problems),
    security(("session" = []))
)]
pub(crate) async fn end(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    live::may_order(&app, &caller.0)?;
    let order: OrderBody = asked::body(&app, &headers, body).await?;
    let reason = order.reason()?.to_owned();
    let (own, signed) = (app.clone(), caller.0.clone());
    app.finish(async move { live::end_bind(&own, &signed, &id, &reason).await }).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

/// Lists the links to the operator, for its staff.
#[utoipa::path(
    get, path = "/api/v1/links", operation_id = "listLinks", tag = "live",
    responses((status = 200, description = "The links", body = LinksBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn links(
    State(app): State<App>,
    caller: SignedCaller,
) -> Result<Response, Problem> {
    let links = live::links(&app, &caller.0)?.into_iter().map(link).collect();
    Ok(named(&caller, Json(LinksBody { links }).into_response()))
}

/// Takes a link up or down. It stays so until somebody orders otherwise, or the next start.
#[utoipa::path(
    post, path = "/api/v1/links/{name}/{step}", operation_id = "orderLink", tag = "live",
    params(
        ("name" = String, Path, description = "Name of the link"),
        ("step" = String, Path, description = "What to do", pattern = "^(up|down)$")
    ),
    request_body(content = inline(OrderBody), content_type = "application/json"),
    responses((status = 200, description = "Ordered", body = LinkBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn order(
    State(app): State<App>,
    caller: SignedCaller,
    Path((name, step)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    live::may_order(&app, &caller.0)?;
    let is_wanted = match &*step {
        "up" => true,
        "down" => false,
        _ => return Err(Fault::NotFound.into()),
    };
    let order: OrderBody = asked::body(&app, &headers, body).await?;
    let reason = order.reason()?.to_owned();
    let (own, signed, link_name) = (app.clone(), caller.0.clone(), name.clone());
    let work = async move { live::want_link(&own, &signed, &link_name, is_wanted, &reason).await };
    app.finish(work).await??;
    let found = app.gateway.links().into_iter().find(|line| line.name == name);
    let found = found.ok_or_else(|| Problem::from(Fault::NotFound))?;
    Ok(named(&caller, Json(link(found)).into_response()))
}

/// A moment that may not have been.
fn since(at: i64) -> Option<String> {
    (at != 0).then(|| moment(at))
}

fn rate(tenths: u32) -> f64 {
    f64::from(tenths) / 10.0
}

fn error(seen: Option<SeenError>) -> Option<ErrorBody> {
    seen.map(|error| ErrorBody { code: error.code.to_string(), at: moment(error.at) })
}

fn bind(line: BindLine) -> BindBody {
    BindBody {
        partner: line.partner_name.to_string(),
        system_id: line.system_id.to_string(),
        mode: line.mode.as_str(),
        is_bound: line.session.is_some(),
        since: since(line.since),
        last_error: error(line.error),
        rate_max: Some(line.rate_max).filter(|rate| *rate > 0),
        session: line.session.map(|session| SessionBody {
            id: session.name.to_string(),
            kind: session.kind,
            version: session.version,
            address: session.address,
            tls: Some(session.tls).filter(|version| !version.is_empty()),
            window: session.window,
            window_in_use: session.window_in_use,
            rate: rate(session.rate_tenths),
            submitted: session.submitted,
            refused: session.refused,
            throttled: session.throttled,
            delivered: session.delivered,
        }),
    }
}

fn link(line: LinkLine) -> LinkBody {
    LinkBody {
        name: line.name.to_string(),
        group: line.group.to_string(),
        address: line.address,
        state: line.state,
        bound: line.bound,
        binds: line.binds,
        since: since(line.since),
        window: line.window,
        window_in_use: line.window_in_use,
        rate: rate(line.rate_tenths),
        rate_max: Some(line.rate_max).filter(|rate| *rate > 0),
        submitted: line.submitted,
        received: line.received,
        limit: line.limit,
        last_error: error(line.error),
    }
}
