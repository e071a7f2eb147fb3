//! What the API says of an order.
//!
//! What surprises: titles of steps come in both languages, as the operator wrote them when the
//! order was opened; a client that decides by a step goes by its name.

use serde::Serialize;

use super::shapes::moment;
use crate::{
    partnership::OrderView,
    store::{HappeningRow, OrderItem, OrderRow, OrderStepRow},
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderBody {
    id: i64,
    #[schema(example = "Z-000012")]
    reference: String,
    partner: i64,
    /// `number_activation`, `number_release`, `service_launch`, `service_change`,
    /// `service_closure`.
    kind: &'static str,
    /// `acknowledged`, `in_progress`, `pending` (the partner has the next step), `completed`,
    /// `rejected`, `cancelled`, `failed`.
    state: &'static str,
    /// What it is about.
    #[schema(example = "reservation:7")]
    about: String,
    #[schema(example = "8055 WIN")]
    name: String,
    /// Why it was asked for, or how it ended.
    reason: String,
    /// Who answers for it.
    #[schema(required)]
    partner_owner: Option<String>,
    #[schema(required)]
    operator_owner: Option<String>,
    #[schema(format = DateTime)]
    opened_at: String,
    /// When the whole is expected.
    #[schema(format = DateTime)]
    due_at: String,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    /// For If-Match.
    version: i64,
}

impl From<&OrderRow> for OrderBody {
    fn from(row: &OrderRow) -> Self {
        Self {
            id: row.id,
            reference: row.reference(),
            partner: row.partner_id,
            kind: row.kind.as_str(),
            state: row.state.as_str(),
            about: row.about.clone(),
            name: row.name.clone(),
            reason: row.reason.clone(),
            partner_owner: row.partner_owner.clone(),
            operator_owner: row.operator_owner.clone(),
            opened_at: moment(row.made_at),
            due_at: moment(row.due_at),
            ended_at: row.ended_at.map(moment),
            version: row.version,
        }
    }
}

/// What an order names.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OrderItem)]
pub(crate) struct OrderItemBody {
    /// `number`, `keyword` or `service`.
    kind: String,
    name: String,
}

impl From<&OrderItem> for OrderItemBody {
    fn from(item: &OrderItem) -> Self {
        Self { kind: item.kind.clone(), name: item.name.clone() }
    }
}

/// One step, done or not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OrderStep)]
pub(crate) struct StepBody {
    name: String,
    title_pl: String,
    title_en: String,
    /// `partner` or `operator`.
    side: &'static str,
    /// `hand`, or the step of the number or the service that finishes it.
    done_by: String,
    /// Null before it is its turn.
    #[schema(required, format = DateTime)]
    due_at: Option<String>,
    #[schema(required, format = DateTime)]
    done_at: Option<String>,
}

impl From<&OrderStepRow> for StepBody {
    fn from(step: &OrderStepRow) -> Self {
        Self {
            name: step.name.clone(),
            title_pl: step.title_pl.clone(),
            title_en: step.title_en.clone(),
            side: step.side.as_str(),
            done_by: step.done_by.clone(),
            due_at: step.due_at.map(moment),
            done_at: step.done_at.map(moment),
        }
    }
}

/// One thing that happened to it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OrderHappening)]
pub(crate) struct OrderHappenedBody {
    #[schema(format = DateTime)]
    at: String,
    what: String,
    note: String,
    is_internal: bool,
}

impl From<&HappeningRow> for OrderHappenedBody {
    fn from(row: &HappeningRow) -> Self {
        Self {
            at: moment(row.at),
            what: row.kind.trim_start_matches("order_").to_owned(),
            note: row.note.clone(),
            is_internal: row.is_public == 0,
        }
    }
}

/// One order with everything around it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OrderView)]
pub(crate) struct OrderViewBody {
    #[serde(flatten)]
    order: OrderBody,
    items: Vec<OrderItemBody>,
    steps: Vec<StepBody>,
    history: Vec<OrderHappenedBody>,
}

impl From<&OrderView> for OrderViewBody {
    fn from(view: &OrderView) -> Self {
        Self {
            order: OrderBody::from(&view.row),
            items: view.items.iter().map(OrderItemBody::from).collect(),
            steps: view.steps.iter().map(StepBody::from).collect(),
            history: view.history.iter().map(OrderHappenedBody::from).collect(),
        }
    }
}
