//! `/api/v1/reservations`: hold a number or a keyword, take its steps, wait for what is taken.
//!
//! Of many who ask at once exactly one is answered 201. What surprises: a step needs `If-Match`, so
//! that an order is never approved that somebody changed in between.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, placed, tagged_as},
    fields::Fields,
    numbers::id_of,
    openapi::Problems,
    session::{named, needed},
    shapes::moment,
};
use crate::{
    domain::{NumberEvent, NumberState, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::HoldWish,
    store::{ReservationFilter, ReservationRow, WaitRow},
};

const DIGITS: (usize, usize) = (3, 9);
const KEYWORD: (usize, usize) = (0, 40);
const REASON: (usize, usize) = (0, 1000);

/// Which reservations.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// One state; without it all that are live.
    #[param(pattern = "^(free|reserved|ordered|active|suspended|quarantined)$")]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    /// Those older than this one.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    before: Option<i64>,
    /// How many at most; 50 if not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What is wanted.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewReservationBody {
    /// Digits of the number.
    #[schema(min_length = 3, max_length = 9, example = "7455")]
    short_code: String,
    /// On a shared number.
    #[schema(max_length = 40, nullable = false, example = "WIN")]
    keyword: Option<String>,
    /// You know that it looks like another keyword.
    #[schema(nullable = false)]
    despite_likeness: Option<bool>,
}

/// Why a step is taken; the other side reads it.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct StepBody {
    #[schema(max_length = 1000, nullable = false)]
    reason: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Reservation)]
pub(crate) struct ReservationBody {
    id: i64,
    short_code: String,
    /// Empty for a whole number.
    keyword: String,
    class: String,
    partner: String,
    /// `reserved`, `ordered`, `active`, `suspended`, `quarantined`, or `free` when it is over.
    state: &'static str,
    #[schema(format = DateTime)]
    reserved_at: String,
    /// Null unless it is `reserved`.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    extensions: i64,
    #[schema(required, format = DateTime)]
    ordered_at: Option<String>,
    #[schema(required, format = DateTime)]
    active_at: Option<String>,
    #[schema(required, format = DateTime)]
    cools_until: Option<String>,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    reason: String,
    /// For If-Match.
    version: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ReservationList)]
pub(crate) struct ListBody {
    reservations: Vec<ReservationBody>,
}

/// A place in the line for something that is taken.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NumberWait)]
pub(crate) struct WaitBody {
    id: i64,
    short_code: String,
    keyword: String,
    /// How many stand before you.
    ahead: i64,
    #[schema(format = DateTime)]
    since: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NumberWaitList)]
pub(crate) struct WaitsBody {
    waits: Vec<WaitBody>,
}

impl From<ReservationRow> for ReservationBody {
    fn from(row: ReservationRow) -> Self {
        let is_reserved = row.state == NumberState::Reserved;
        Self {
            id: row.id,
            short_code: row.digits,
            keyword: row.keyword,
            class: row.class,
            partner: row.partner,
            state: row.state.as_str(),
            reserved_at: moment(row.reserved_at),
            expires_at: is_reserved.then(|| moment(row.expires_at)),
            extensions: row.extensions,
            ordered_at: row.ordered_at.map(moment),
            active_at: row.active_at.map(moment),
            cools_until: row.cools_until.map(moment),
            ended_at: row.ended_at.map(moment),
            reason: row.reason,
            version: row.version,
        }
    }
}

impl From<WaitRow> for WaitBody {
    fn from(row: WaitRow) -> Self {
        Self {
            id: row.id,
            short_code: row.digits,
            keyword: row.keyword,
            ahead: row.ahead,
            since: moment(row.made_at),
        }
    }
}

/// Lists reservations, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/reservations",
    operation_id = "listReservations",
    tag = "numbers",
    params(Wanted),
    responses((status = 200, description = "The reservations", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let bad = |name: &str| Fault::BadRequest.says(format!("`{name}` is not as it should be"));
    let limit = asked::long_limit(wanted.limit)?;
    if wanted.state.as_deref().is_some_and(|state| NumberState::parse(state).is_none()) {
        return Err(bad("state"));
    }
    let state = wanted.state.unwrap_or_default();
    let filter =
        ReservationFilter { state, before: wanted.before, limit, ..ReservationFilter::default() };
    let rows = app.partnership.reservations(&caller.0, &filter).await?;
    let reservations = rows.into_iter().map(ReservationBody::from).collect();
    Ok(named(&caller, Json(ListBody { reservations }).into_response()))
}

/// Reserves a number, or a keyword on a shared one.
#[utoipa::path(
    post,
    path = "/api/v1/reservations",
    operation_id = "reserveNumber",
    tag = "numbers",
    request_body(content = inline(NewReservationBody), content_type = "application/json"),
    responses((status = 201, description = "It is yours", body = ReservationBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish = wish(&app, &caller, &headers, body).await?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.reserve_number(&signed, &wish).await };
    let row = app.finish(work).await??;
    let place = format!("/api/v1/reservations/{}", row.id);
    Ok(placed(shown(&caller, StatusCode::CREATED, row), &place))
}

/// What a body asks for; the digits become our own id.
async fn wish(
    app: &App,
    caller: &SignedCaller,
    headers: &HeaderMap,
    body: Body,
) -> Result<HoldWish, Problem> {
    let mut fields = Fields::read(app, headers, body).await?;
    let digits = needed(&mut fields, "short_code", DIGITS);
    let keyword = fields.plain("keyword", KEYWORD).unwrap_or_default();
    let despite_likeness = fields.flag("despite_likeness");
    fields.finish(&["short_code", "keyword", "despite_likeness"])?;
    let number = id_of(app, caller, &digits).await?;
    Ok(HoldWish { number, keyword, despite_likeness })
}

/// Shows a reservation.
#[utoipa::path(
    get,
    path = "/api/v1/reservations/{id}",
    operation_id = "getReservation",
    tag = "numbers",
    params(("id" = i64, Path, description = "Number of the reservation")),
    responses((status = 200, description = "The reservation", body = ReservationBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = app.partnership.reservation(&caller.0, row_id(&id, "reservation")?).await?;
    Ok(shown(&caller, StatusCode::OK, row))
}

/// Takes a reservation one step on: a partner `extend`, `order`, `release`, `ask_release`; staff
/// `activate`, `reject`, `suspend`, `resume`, `close`.
#[utoipa::path(
    post,
    path = "/api/v1/reservations/{id}/{step}",
    operation_id = "stepReservation",
    tag = "numbers",
    params(
        ("id" = i64, Path, description = "Number of the reservation"),
        ("step" = String, Path, description = "What to do",
            pattern = "^(extend|order|release|ask_release|activate|reject|suspend|resume|close)$"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(StepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = ReservationBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path((id, step)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (id, event) = (row_id(&id, "reservation")?, NumberEvent::parse(&step));
    let event = event.ok_or_else(|| Problem::from(Fault::NotFound))?;
    let mut fields = Fields::read(&app, &headers, body).await?;
    let reason = fields.plain("reason", REASON).unwrap_or_default();
    let version = fields.version(&headers);
    fields.finish(&["reason"])?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work =
        async move { partnership.step_reservation(&signed, (id, version), event, &reason).await };
    let row = app.finish(work).await??;
    Ok(shown(&caller, StatusCode::OK, row))
}

/// Lists what you wait for.
#[utoipa::path(
    get,
    path = "/api/v1/number-waits",
    operation_id = "listNumberWaits",
    tag = "numbers",
    responses((status = 200, description = "Your places", body = WaitsBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn waits(
    State(app): State<App>,
    caller: SignedCaller,
) -> Result<Response, Problem> {
    let rows = app.partnership.waits(&caller.0).await?;
    let waits = rows.into_iter().map(WaitBody::from).collect();
    Ok(named(&caller, Json(WaitsBody { waits }).into_response()))
}

/// Waits for what another partner has; the first in the line gets it when it is free.
#[utoipa::path(
    post,
    path = "/api/v1/number-waits",
    operation_id = "waitForNumber",
    tag = "numbers",
    request_body(content = inline(NewReservationBody), content_type = "application/json"),
    responses((status = 201, description = "You are in the line", body = WaitBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn wait(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish = wish(&app, &caller, &headers, body).await?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.wait_for_number(&signed, &wish).await };
    let row = app.finish(work).await??;
    Ok(named(&caller, (StatusCode::CREATED, Json(WaitBody::from(row))).into_response()))
}

/// Leaves the line.
#[utoipa::path(
    delete,
    path = "/api/v1/number-waits/{id}",
    operation_id = "stopWaiting",
    tag = "numbers",
    params(("id" = i64, Path, description = "Number of the place")),
    responses((status = 204, description = "You wait no longer"), Problems),
    security(("session" = []))
)]
pub(crate) async fn stop_waiting(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = row_id(&id, "place in the line")?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { partnership.stop_waiting(&signed, id).await };
    app.finish(work).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

fn shown(caller: &SignedCaller, status: StatusCode, row: ReservationRow) -> Response {
    let version = row.version;
    named(caller, tagged_as(status, &ReservationBody::from(row), version))
}
