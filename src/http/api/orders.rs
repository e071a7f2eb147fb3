//! `/api/v1/orders`: what partner and operator do together, notes on it, and its steps.
//!
//! What surprises: nothing opens an order here. Ordering a number or submitting a service does; a
//! step needs `If-Match`, so that of two who tick at once one learns of the other.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, tagged},
    faults::NoteBody,
    openapi::Problems,
    order_shapes::{OrderBody, OrderViewBody},
    session::named,
};
use crate::{
    domain::{OrderEvent, OrderKind, OrderState, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    store::OrderFilter,
};

pub(super) const ORDER: &str = "order";

/// Which orders.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrdersWanted {
    /// One state, or `open` for all that are not over; without it all.
    #[param(
        pattern = "^(open|acknowledged|in_progress|pending|completed|rejected|cancelled|failed)$"
    )]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    #[param(
        pattern = "^(number_activation|number_release|service_launch|service_change|service_closure)$"
    )]
    #[serde(default, deserialize_with = "asked::word")]
    kind: Option<String>,
    /// `next` of the page before.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    after: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Orders)]
pub(crate) struct ListBody {
    orders: Vec<OrderBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<i64>,
}

/// What to do with an order.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderStepBody {
    /// `tick` a step by hand; `take` it over for your side; staff: `wait`, `resume`, `reject`,
    /// `fail`; a partner: `resume`, `cancel`.
    #[schema(pattern = "^(tick|take|wait|resume|reject|cancel|fail)$")]
    action: String,
    /// Name of the step to tick.
    #[serde(default)]
    #[schema(max_length = 40)]
    step: String,
    /// The other side reads it.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: String,
}

/// Lists orders, the newest first: of a partner its own.
#[utoipa::path(
    get, path = "/api/v1/orders", operation_id = "listOrders", tag = "orders",
    params(OrdersWanted),
    responses((status = 200, description = "The orders", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<OrdersWanted>,
) -> Result<Response, Problem> {
    let bad = |name: &str| Fault::BadRequest.says(format!("`{name}` is not as it should be"));
    let limit = asked::limit(wanted.limit)?;
    let [state, kind] = [wanted.state, wanted.kind].map(Option::unwrap_or_default);
    let open = state == "open";
    if !state.is_empty() && !open && OrderState::parse(&state).is_none() {
        return Err(bad("state"));
    }
    if !kind.is_empty() && OrderKind::parse(&kind).is_none() {
        return Err(bad("kind"));
    }
    let filter = OrderFilter {
        state: if open { String::new() } else { state },
        open,
        kind,
        before: wanted.after,
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
        ..OrderFilter::default()
    };
    let mut rows = app.partnership.orders(&caller.0, &filter).await?;
    let next = asked::paged(&mut rows, limit, |row| row.id);
    let orders = rows.iter().map(OrderBody::from).collect();
    Ok(named(&caller, Json(ListBody { orders, next }).into_response()))
}

/// Shows one order with its items, steps and timeline; its version is the entity tag.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", operation_id = "getOrder", tag = "orders",
    params(("id" = String, Path, description = "Number of the order")),
    responses((status = 200, description = "The order", body = OrderViewBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = app.partnership.order_view(&caller.0, row_id(&id, ORDER)?).await?;
    Ok(named(&caller, tagged(&OrderViewBody::from(&view), view.row.version)))
}

/// Writes a note.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/notes", operation_id = "noteOrder", tag = "orders",
    params(
        ("id" = String, Path, description = "Number of the order"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(NoteBody), content_type = "application/json"),
    responses((status = 200, description = "Written", body = OrderBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn note(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let note: NoteBody = asked::body(&app, &headers, body).await?;
    let at = (row_id(&id, ORDER)?, asked::only_version(&headers)?);
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.note_order(&signed, at, (&note.text, note.is_internal)).await };
    let row = app.finish(work).await??;
    Ok(named(&caller, tagged(&OrderBody::from(&row), row.version)))
}

/// Takes an order one step on.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/steps", operation_id = "stepOrder", tag = "orders",
    params(
        ("id" = String, Path, description = "Number of the order"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(OrderStepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = OrderBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish: OrderStepBody = asked::body(&app, &headers, body).await?;
    let event = OrderEvent::parse(&wish.action).filter(|event| *event != OrderEvent::Complete);
    if event.is_none() && wish.action != "tick" {
        return Err(Fault::InvalidFields.says("`action` is not as it should be"));
    }
    let at = (row_id(&id, ORDER)?, asked::only_version(&headers)?);
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        match event {
            Some(event) => verbs.step_order(&signed, at, event, &wish.text).await,
            None => verbs.tick_order(&signed, at, (&wish.step, &wish.text)).await,
        }
    };
    let row = app.finish(work).await??;
    Ok(named(&caller, tagged(&OrderBody::from(&row), row.version)))
}
