//! What can be asked and ordered at the control socket.
//!
//! Every order names who gave it in the log and in the audit trail. An order to something that
//! lives in memory is carried out even if the audit row cannot be written.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Extension, Json, Router,
    extract::{Path, Query},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    client::WHO,
    server::Extras,
    stream::{LINES_MAX, Lines},
    view, who,
};
use crate::{
    domain::{Caller, Lane, MessageId},
    gateway::{
        self, Gateway,
        lane::LaneHead,
        registry::SessionOrder,
        unknown::{Resolution, Resolved},
    },
    store,
    tasks::Stopping,
};

/// Octets of a request's body; orders are short.
const BODY_OCTETS_MAX: usize = 16 * 1024;
/// Lanes whose age is looked up for one answer; the fullest come first.
const LANES_AGED_MAX: usize = 200;

/// Who is at the other end of the connection, from the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
}

#[derive(Clone)]
pub(crate) struct State {
    pub(crate) gateway: Gateway,
    pub(crate) extras: Extras,
    pub(crate) stopping: Stopping,
}

type Shared = axum::extract::State<Arc<State>>;
type Answer = Result<Json<Value>, Failure>;

pub(crate) fn app(state: State) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/top", get(top))
        .route("/links", get(links))
        .route("/links/{name}/up", post(link_up))
        .route("/links/{name}/down", post(link_down))
        .route("/links/{name}/trace", get(trace_link))
        .route("/binds", get(binds))
        .route("/binds/{id}/kick", post(kick))
        .route("/binds/{id}/trace", get(trace_bind))
        .route("/queues", get(queues))
        .route("/messages/{id}", get(message))
        .route("/messages/{id}/trace", get(message_trace))
        .route("/messages/{id}/redeliver", post(redeliver))
        .route("/unknown", get(unknown))
        .route("/unknown/{id}/resolve", post(resolve))
        .route("/receipts/{id}/release", post(release_receipt))
        .route("/receipts/{id}/drop", post(drop_receipt))
        .route("/catalog/reload", post(reload))
        .route("/clock/confirm", post(confirm_clock))
        .route("/log", post(log_level))
        .fallback(async || Failure::not_found("no such route".to_owned()))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_OCTETS_MAX))
        .with_state(Arc::new(state))
}

/// What is answered instead of a result.
struct Failure {
    status: StatusCode,
    code: &'static str,
    text: String,
}

impl Failure {
    fn not_found(text: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: "not_found", text }
    }

    fn bad(text: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code: "bad_request", text: text.into() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.text, "code": self.code }))).into_response()
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "store", text: error.to_string() }
    }
}

impl From<gateway::Error> for Failure {
    fn from(error: gateway::Error) -> Self {
        match error {
            gateway::Error::Refused(refusal) => {
                let status = match refusal {
                    crate::domain::Refusal::UnknownMessage(_)
                    | crate::domain::Refusal::UnknownId(_) => StatusCode::NOT_FOUND,
                    _ => StatusCode::CONFLICT,
                };
                Self { status, code: refusal.code(), text: refusal.to_string() }
            }
            gateway::Error::Store(error) => {
                let text = error.to_string();
                Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "store", text }
            }
        }
    }
}

fn person(peer: Peer, headers: &HeaderMap) -> String {
    who::believed(peer.uid, headers.get(WHO).and_then(|value| value.to_str().ok()))
}

impl State {
    /// Writes down who did what. The order is carried out whatever becomes of this: an operator
    /// must be able to act while the store is away.
    async fn note(&self, name: &str, what: &str, subject: &str, detail: Value) {
        tracing::info!(who = name, what, subject, "an order at the control socket");
        let by = Caller::Operator { name: name.into() };
        let (store, now) = (self.gateway.store(), self.gateway.now());
        if let Err(error) = store.audit_action(&by, now, what, subject, &detail).await {
            tracing::error!(who = name, what, subject, error = %error, "not in the audit trail");
        }
    }
}

async fn status(state: Shared) -> Json<Value> {
    let gateway = &state.gateway;
    let (binds, links) = (gateway.registry().sessions(), gateway.registry().links());
    let bound = links.iter().filter(|link| link.bound.load(Ordering::Relaxed) > 0).count();
    let mut queued = serde_json::Map::new();
    for kind in ["mt_charged", "mt_bulk", "mo", "receipt", "callback", "mo_test", "receipt_test"] {
        let of_kind = |head: &&Arc<LaneHead>| head.lane.class() == kind;
        let all = gateway.lanes().all();
        let count: i64 = all
            .iter()
            .filter(of_kind)
            .map(|head| head.waiting.load(Ordering::Acquire).max(0))
            .sum();
        queued.insert(kind.to_owned(), count.into());
    }
    let unknown = gateway.store().unknown_counts().await.map_or(Value::Null, |counts| {
        Value::Object(counts.into_iter().map(|(name, count)| (name, count.into())).collect())
    });
    let uptime = gateway.now().saturating_sub(state.extras.began_at).max(0) / 1_000_000;
    Json(json!({
        "node": state.extras.node,
        "version": env!("CARGO_PKG_VERSION"),
        "began_at": view::moment(state.extras.began_at),
        "uptime_seconds": uptime,
        "ready": gateway.is_ready(),
        "draining": gateway.is_draining(),
        "clock_believed": gateway.believes_clock(),
        "store_up": gateway.store().is_up(),
        "store": if gateway.store().is_postgres() { "postgres" } else { "sqlite" },
        "links": links.len(),
        "links_up": bound,
        "binds": binds.len(),
        "queued": queued,
        "stalled": gateway.stalls(),
        "need_a_person": unknown,
    }))
}

async fn top(state: Shared) -> Json<Value> {
    let gateway = &state.gateway;
    let catalog = gateway.catalog();
    let sessions = gateway.registry().sessions();
    let lanes = gateway.lanes().all();
    let mut partners: Vec<Value> = Vec::new();
    for partner in catalog.partners() {
        let own = || sessions.iter().filter(|card| card.partner == partner.id);
        let sum = |count: fn(&gateway::registry::SessionCounters) -> u64| -> u64 {
            own().map(|card| count(&card.counters)).sum()
        };
        let waiting = |wanted: fn(Lane) -> Option<crate::domain::PartnerId>| -> i64 {
            let own = lanes.iter().filter(|head| wanted(head.lane) == Some(partner.id));
            own.map(|head| head.waiting.load(Ordering::Acquire).max(0)).sum()
        };
        partners.push(json!({
            "name": partner.name,
            "active": partner.is_active,
            "binds": own().count(),
            "submitted": sum(|counters| counters.submitted.load(Ordering::Relaxed)),
            "refused": sum(|counters| counters.refused.load(Ordering::Relaxed)),
            "delivered": sum(|counters| counters.delivered.load(Ordering::Relaxed)),
            "mt_waiting": waiting(|lane| match lane {
                Lane::Mt { partner, .. } => Some(partner),
                _ => None,
            }),
            "mo_waiting": waiting(|lane| match lane {
                Lane::Mo { partner, .. } => Some(partner),
                _ => None,
            }),
            "receipts_waiting": waiting(|lane| match lane {
                Lane::Receipt { partner, .. } => Some(partner),
                _ => None,
            }),
        }));
    }
    partners.sort_by_key(|partner| partner["name"].as_str().map(str::to_owned));
    let links: Vec<Value> =
        gateway.registry().links().iter().map(|card| view::link(card)).collect();
    Json(json!({
        "at": view::moment(gateway.now()),
        "node": state.extras.node,
        "ready": gateway.is_ready(),
        "store_up": gateway.store().is_up(),
        "links": links,
        "partners": partners,
    }))
}

async fn links(state: Shared) -> Json<Value> {
    let links = state.gateway.registry().links();
    Json(links.iter().map(|card| view::link(card)).collect())
}

async fn link_up(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Answer {
    want(&state, &person(peer, &headers), &name, true).await
}

async fn link_down(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Answer {
    want(&state, &person(peer, &headers), &name, false).await
}

async fn want(state: &State, person: &str, name: &str, is_wanted: bool) -> Answer {
    let by = Caller::Operator { name: person.into() };
    let card = link_card(state, name)?;
    state.gateway.want_link(&card, is_wanted, "", &by).await;
    Ok(Json(view::link(&card)))
}

fn link_card(state: &State, name: &str) -> Result<Arc<gateway::registry::LinkCard>, Failure> {
    let card = state.gateway.registry().link(name);
    card.ok_or_else(|| Failure::not_found(format!("no link is called `{name}`")))
}

fn bind_card(state: &State, id: u64) -> Result<Arc<gateway::registry::SessionCard>, Failure> {
    let card = state.gateway.registry().session(id);
    card.ok_or_else(|| Failure::not_found(format!("no bind has the number {id}")))
}

async fn binds(state: Shared) -> Json<Value> {
    let sessions = state.gateway.registry().sessions();
    Json(sessions.iter().map(|card| view::session(card)).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kick {
    reason: String,
}

async fn kick(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<u64>,
    Json(order): Json<Kick>,
) -> Answer {
    let by = Caller::Operator { name: person(peer, &headers).into() };
    let card = bind_card(&state, id)?;
    state.gateway.end_bind(&card, &order.reason, &by).await?;
    Ok(Json(view::session(&card)))
}

/// A session that does not take its orders is stuck or gone; say so rather than wait for it.
fn give(card: &gateway::registry::SessionCard, order: SessionOrder) -> Result<(), Failure> {
    card.orders.try_send(order).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => Failure {
            status: StatusCode::CONFLICT,
            code: "busy",
            text: format!("bind {} has not taken the orders before this one", card.id),
        },
        mpsc::error::TrySendError::Closed(_) => {
            Failure::not_found(format!("bind {} has just ended", card.id))
        }
    })
}

async fn trace_bind(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<u64>,
) -> Result<Response, Failure> {
    let card = bind_card(&state, id)?;
    let (sender, lines) = mpsc::channel(LINES_MAX);
    give(&card, SessionOrder::Trace(sender))?;
    let detail = json!({ "bind": id });
    state.note(&person(peer, &headers), "trace.session", &card.system_id, detail).await;
    Ok(streamed(Lines::new(lines, state.stopping.clone(), || ())))
}

async fn trace_link(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let card = link_card(&state, &name)?;
    let (sender, lines) = mpsc::channel(LINES_MAX);
    // Any number that no other trace of this link has.
    let key = state.gateway.registry().next_session();
    card.traces.insert(key, sender);
    let farewell = {
        let card = Arc::clone(&card);
        move || drop(card.traces.remove(&key))
    };
    let body = Lines::new(lines, state.stopping.clone(), farewell);
    state.note(&person(peer, &headers), "trace.link", &name, json!({})).await;
    Ok(streamed(body))
}

fn streamed(lines: Lines) -> Response {
    let body = axum::body::Body::new(lines);
    ([("content-type", "application/x-ndjson")], body).into_response()
}

async fn queues(state: Shared) -> Answer {
    let gateway = &state.gateway;
    let mut heads = gateway.lanes().all();
    heads.sort_by_key(|head| (-head.waiting.load(Ordering::Acquire), head.id));
    let mut rows = Vec::with_capacity(heads.len());
    for (place, head) in heads.iter().enumerate() {
        let is_aged = place < LANES_AGED_MAX && head.waiting.load(Ordering::Acquire) > 0;
        // An age is worth a query, not a refusal: the store may be away just now.
        let oldest =
            if is_aged { gateway.store().oldest(head.id).await.unwrap_or_default() } else { None };
        rows.push(view::queue(gateway, head, oldest));
    }
    Ok(Json(rows.into()))
}

async fn message(state: Shared, Path(id): Path<i64>) -> Answer {
    let line = state.gateway.store().message_line(MessageId(id)).await?;
    let line = line.ok_or_else(|| Failure::not_found(format!("no message has the id {id}")))?;
    Ok(Json(view::message(&line, false)))
}

async fn message_trace(state: Shared, Path(id): Path<i64>) -> Answer {
    let events = state.gateway.store().events(MessageId(id)).await?;
    if events.is_empty() {
        return Err(Failure::not_found(format!("no message has the id {id}")));
    }
    Ok(Json(events.iter().map(view::event).collect()))
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<i64>,
}

async fn unknown(state: Shared, Query(wish): Query<Limit>) -> Answer {
    let limit = wish.limit.unwrap_or(1000).clamp(1, 10_000);
    let catalog = state.gateway.catalog();
    let lines = state.gateway.store().unknown(limit).await?;
    let rows = lines.iter().map(|line| {
        let partner = line.partner_id.and_then(|id| catalog.partner(crate::domain::PartnerId(id)));
        view::unknown(line, partner.map(|partner| partner.name.as_str()))
    });
    Ok(Json(rows.collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolve {
    outcome: String,
    reason: String,
}

/// Four eyes: the first call proposes, the same call by somebody else does it (P8). There is no
/// call that names two people, because one person can type two names.
async fn resolve(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<i64>,
    Json(order): Json<Resolve>,
) -> Answer {
    let resolution = Resolution::parse(&order.outcome)
        .ok_or_else(|| Failure::bad("`outcome` must be release, write-off or sent"))?;
    if order.reason.trim().is_empty() {
        return Err(Failure::bad("`reason` must say what you know"));
    }
    let person = person(peer, &headers);
    let done = state.gateway.resolve(MessageId(id), resolution, &person).await?;
    let (word, message_state) = match done {
        Resolved::Proposed => ("proposed", None),
        Resolved::Done(state) => ("done", Some(state.as_str())),
    };
    let detail = json!({
        "outcome": order.outcome, "reason": order.reason, "result": word,
        "os_user": who::name_of(peer.uid),
    });
    state.note(&person, "unknown.resolve", &id.to_string(), detail).await;
    Ok(Json(json!({ "id": id.to_string(), "result": word, "state": message_state, "by": person })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn release_receipt(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Answer {
    let person = person(peer, &headers);
    let result = state.gateway.retry_receipt(id, &person).await?.as_str();
    state.note(&person, "receipt.release", &id.to_string(), json!({ "result": result })).await;
    Ok(Json(json!({ "id": id.to_string(), "result": result, "by": person })))
}

async fn redeliver(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    let person = person(peer, &headers);
    let (id, done) = state.gateway.redeliver(&id, None, &person).await?;
    let detail = json!({ "outcome": done.outcome });
    state.note(&person, "message.redeliver", &id.to_string(), detail).await;
    Ok(Json(json!({
        "id": id.to_string(), "is_delivered": done.is_delivered(), "outcome": done.outcome,
        "by": person,
    })))
}

async fn drop_receipt(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(id): Path<i64>,
    Json(order): Json<Reason>,
) -> Answer {
    if order.reason.trim().is_empty() {
        return Err(Failure::bad("`reason` must say why nobody needs it"));
    }
    let person = person(peer, &headers);
    state.gateway.drop_receipt(id, &person, &order.reason).await?;
    let detail = json!({ "reason": order.reason });
    state.note(&person, "receipt.drop", &id.to_string(), detail).await;
    Ok(Json(json!({ "id": id.to_string(), "result": "dropped", "by": person })))
}

async fn reload(state: Shared) -> Answer {
    state.gateway.reload_catalog().await?;
    let catalog = state.gateway.catalog();
    Ok(Json(json!({
        "partners": catalog.partners().count(),
        "services": catalog.services().count(),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    level: String,
}

async fn confirm_clock(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Answer {
    state.gateway.confirm_clock();
    let now = view::moment(state.gateway.now());
    let detail = json!({ "now": now });
    state.note(&person(peer, &headers), "clock.confirm", &state.extras.node, detail).await;
    Ok(Json(json!({ "now": now })))
}

async fn log_level(
    state: Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Json(order): Json<Level>,
) -> Answer {
    let Some(log) = &state.extras.log else {
        return Err(Failure::bad("this daemon's log cannot be turned"));
    };
    log.set_level(&order.level).map_err(|error| Failure::bad(format!("{error:#}")))?;
    let detail = json!({ "level": order.level });
    state.note(&person(peer, &headers), "log.level", &state.extras.node, detail).await;
    Ok(Json(json!({ "level": order.level })))
}
