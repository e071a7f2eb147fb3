//! TMF641 v4: the same orders as an operator's order management reads them.
//!
//! Views to read; nothing is ordered here, and the task to cancel one is not there. What surprises:
//! the steps of an order are its milestones there, and its items, a number with its keyword or a
//! service, share one action and one state.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    asked::Asked,
    openapi::Problems,
    orders::ORDER,
    session::named,
    shapes::moment,
    tmf::{TmfMembers, counted, only, page},
};
use crate::{
    domain::{OrderKind, OrderState, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::OrderView,
    store::{OrderFilter, OrderRow},
};

const TMF: &str = "/tmf-api/serviceOrdering/v4/serviceOrder";

/// What TMF630 lets a client ask for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceOrdersWanted {
    /// Only orders in this state.
    state: Option<String>,
    /// Only orders of this kind.
    category: Option<String>,
    /// Members that are wanted, with commas between.
    fields: Option<String>,
    /// Rows to leave out.
    #[param(minimum = 0, maximum = 1_000_000)]
    offset: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 0, maximum = 100)]
    limit: Option<i64>,
}

/// TMF641 `listServiceOrder`.
#[utoipa::path(
    get, path = "/tmf-api/serviceOrdering/v4/serviceOrder", operation_id = "listServiceOrder",
    tag = "tmf641", params(ServiceOrdersWanted),
    responses(
        (status = 200, description = "Orders; their count stands in X-Total-Count",
            body = Vec<Object>, headers(("X-Total-Count" = i64), ("X-Result-Count" = i64))),
        Problems
    ),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<ServiceOrdersWanted>,
) -> Result<Response, Problem> {
    let bad = |name: &str| Fault::InvalidFields.says(format!("`{name}` is none of an order"));
    let state = match &wanted.state {
        None => "",
        Some(word) => OrderState::of_tmf(word).ok_or_else(|| bad("state"))?.as_str(),
    };
    let kind = match &wanted.category {
        None => "",
        Some(word) => OrderKind::parse(word).ok_or_else(|| bad("category"))?.as_str(),
    };
    let (offset, limit) = page(wanted.offset, wanted.limit)?;
    let filter = OrderFilter {
        state: state.to_owned(),
        kind: kind.to_owned(),
        offset,
        limit: u32::try_from(limit).unwrap_or_default(),
        ..OrderFilter::default()
    };
    let total = app.partnership.count_orders(&caller.0, &filter).await?;
    let rows = match limit {
        0 => Vec::new(),
        _ => app.partnership.orders(&caller.0, &filter).await?,
    };
    let fields = wanted.fields.as_deref();
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        // TMF641 has no order without its items.
        let view = app.partnership.order_view(&caller.0, row.id).await?;
        items.push(only(service_order(&view), fields));
    }
    Ok(named(&caller, counted(&items, total)))
}

/// TMF641 `retrieveServiceOrder`.
#[utoipa::path(
    get, path = "/tmf-api/serviceOrdering/v4/serviceOrder/{id}",
    operation_id = "retrieveServiceOrder", tag = "tmf641",
    params(("id" = String, Path, description = "Id of the order"), TmfMembers),
    responses((status = 200, description = "The order", body = Object), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    Asked(wanted): Asked<TmfMembers>,
) -> Result<Response, Problem> {
    let view = app.partnership.order_view(&caller.0, row_id(&id, ORDER)?).await?;
    Ok(named(&caller, Json(only(service_order(&view), wanted.fields())).into_response()))
}

fn service_order(view: &OrderView) -> Value {
    let row = &view.row;
    let mut all = json!({
        "id": row.id.to_string(),
        "href": format!("{TMF}/{}", row.id),
        "externalId": row.reference(),
        "category": row.kind,
        "description": row.name,
        "state": row.state.tmf(),
        "orderDate": moment(row.made_at),
        "expectedCompletionDate": moment(row.due_at),
        "serviceOrderItem": items(view),
        "milestone": milestones(view),
        "note": notes(view),
        "relatedParty": parties(row),
        "@type": "ServiceOrder",
    });
    // What has no value is absent there, other than in our own API.
    if let Some(at) = row.ended_at {
        let member = match row.state {
            OrderState::Cancelled => "cancellationDate",
            _ => "completionDate",
        };
        all[member] = json!(moment(at));
    }
    if row.state == OrderState::Cancelled && !row.reason.is_empty() {
        all["cancellationReason"] = json!(row.reason);
    }
    if matches!(row.state, OrderState::Rejected | OrderState::Failed) {
        let timestamp = moment(row.ended_at.unwrap_or(row.made_at));
        all["errorMessage"] = json!([{
            "code": row.state.tmf(), "reason": row.reason, "timestamp": timestamp,
        }]);
    }
    all
}

fn items(view: &OrderView) -> Value {
    let row = &view.row;
    let what = view.items.iter().filter(|item| item.kind != "service");
    let described: Vec<Value> =
        what.map(|item| json!({ "name": item.kind, "value": item.name })).collect();
    let service = json!({
        "name": row.name,
        "serviceType": row.about.split(':').next().unwrap_or_default(),
        "id": row.about,
        "state": service_state(row),
        "serviceCharacteristic": described,
    });
    json!([{
        "id": "1", "action": row.kind.action(), "state": row.state.tmf(), "service": service,
    }])
}

/// Where the thing is by its order, in the words of TMF638.
fn service_state(row: &OrderRow) -> &'static str {
    let is_done = row.state == OrderState::Completed;
    match row.kind.action() {
        "add" if !is_done => "reserved",
        "delete" if is_done => "terminated",
        _ => "active",
    }
}

fn milestones(view: &OrderView) -> Value {
    let milestone = |step: &crate::store::OrderStepRow| {
        let mut all = json!({
            "id": step.name, "name": step.title_en,
            "description": format!("{} ({})", step.title_en, step.side),
            "status": if step.done_at.is_some() { "completed" } else { "open" },
        });
        if let Some(at) = step.done_at.or(step.due_at) {
            all["milestoneDate"] = json!(moment(at));
        }
        all
    };
    json!(view.steps.iter().map(milestone).collect::<Vec<_>>())
}

fn notes(view: &OrderView) -> Value {
    let notes = view.history.iter().filter(|one| one.kind == "order_note");
    let note = |one: &crate::store::HappeningRow| json!({ "id": one.id.to_string(), "date": moment(one.at), "text": one.note });
    json!(notes.map(note).collect::<Vec<_>>())
}

fn parties(row: &OrderRow) -> Value {
    let partner = json!({
        "id": row.partner_id.to_string(), "name": row.partner, "role": "partner",
        "@referredType": "Organization",
    });
    let owners = [
        ("partnerOwner", row.partner_owner_id, &row.partner_owner),
        ("operatorOwner", row.operator_owner_id, &row.operator_owner),
    ];
    let owners = owners.into_iter().filter_map(|(role, id, name)| {
        let (id, name) = (id?.to_string(), name.as_ref()?);
        Some(json!({ "id": id, "name": name, "role": role, "@referredType": "Individual" }))
    });
    json!(std::iter::once(partner).chain(owners).collect::<Vec<_>>())
}
