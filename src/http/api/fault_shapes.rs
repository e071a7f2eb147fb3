//! What the API says of a fault, and what it is told of a new one.
//!
//! What surprises: internal notes and the evidence of the gateway are for the staff alone; for a
//! partner the fields are there and empty, so that every answer has the same fields.

use serde::{Deserialize, Serialize};

use super::shapes::moment;
use crate::{
    domain::{FaultArea, FaultItemKind, PartnerId, Severity},
    http::error::{Fault, Problem},
    partnership::{FaultView, FaultWish},
    store::{FaultItem, FaultRow, HappeningRow},
};

/// A fault to report.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFaultBody {
    /// `sms`, `wap`, `number`, `portal` or `settlement`.
    #[schema(pattern = "^(sms|wap|number|portal|settlement)$")]
    pub(super) area: String,
    /// `critical`, `major`, `minor` or `question`.
    #[schema(pattern = "^(critical|major|minor|question)$")]
    pub(super) severity: String,
    #[schema(min_length = 1, max_length = 120)]
    pub(super) title: String,
    #[schema(min_length = 1, max_length = 4000)]
    pub(super) description: String,
    /// Since when it is so.
    #[schema(format = DateTime)]
    pub(super) since: String,
    /// Whom to call.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub(super) contact: String,
    /// Names of your services.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub(super) services: Vec<String>,
    /// Your numbers.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub(super) numbers: Vec<String>,
    /// Your SMPP accounts, by `system_id`.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub(super) links: Vec<String>,
    /// Ids of your messages; their traces are attached.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub(super) messages: Vec<String>,
    /// The incident that it belongs to.
    #[serde(default)]
    pub(super) incident: Option<i64>,
    /// Of staff: for which partner.
    #[serde(default)]
    pub(super) partner: Option<i64>,
}

impl NewFaultBody {
    pub(super) fn wish(self) -> Result<FaultWish, Problem> {
        let bad =
            |name: &str| Fault::InvalidFields.says(format!("`{name}` is not as it should be"));
        let since: jiff::Timestamp = self.since.parse().map_err(|_| bad("since"))?;
        let mut items = Vec::new();
        for (kind, names) in [
            (FaultItemKind::Service, self.services),
            (FaultItemKind::Number, self.numbers),
            (FaultItemKind::Link, self.links),
            (FaultItemKind::Message, self.messages),
        ] {
            items.extend(names.into_iter().map(|name| (kind, name)));
        }
        Ok(FaultWish {
            partner: self.partner.map(PartnerId),
            area: FaultArea::parse(&self.area).ok_or_else(|| bad("area"))?,
            severity: Severity::parse(&self.severity).ok_or_else(|| bad("severity"))?,
            title: self.title,
            story: self.description,
            since_at: since.as_microsecond(),
            contact: self.contact,
            items,
            incident: self.incident,
        })
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FaultBody {
    id: i64,
    #[schema(example = "F-000012")]
    reference: String,
    /// Null: the operator's own.
    #[schema(required)]
    partner: Option<i64>,
    area: &'static str,
    severity: &'static str,
    /// `acknowledged`, `in_progress`, `pending`, `resolved`, `closed`, `rejected`, `cancelled`.
    state: &'static str,
    title: String,
    description: String,
    #[schema(format = DateTime)]
    since: String,
    contact: String,
    #[schema(required)]
    incident: Option<i64>,
    #[schema(required)]
    merged_into: Option<i64>,
    /// How it was solved, or why it was rejected.
    answer: String,
    #[schema(format = DateTime)]
    reported_at: String,
    /// When a solution is promised.
    #[schema(format = DateTime)]
    due_at: String,
    #[schema(required, format = DateTime)]
    resolved_at: Option<String>,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    /// For If-Match.
    version: i64,
}

impl From<&FaultRow> for FaultBody {
    fn from(row: &FaultRow) -> Self {
        Self {
            id: row.id,
            reference: row.reference(),
            partner: row.partner_id,
            area: row.area.as_str(),
            severity: row.severity.as_str(),
            state: row.state.as_str(),
            title: row.title.clone(),
            description: row.story.clone(),
            since: moment(row.since_at),
            contact: row.contact.clone(),
            incident: row.incident_id,
            merged_into: row.merged_into,
            answer: row.answer.clone(),
            reported_at: moment(row.made_at),
            due_at: moment(row.due_at),
            resolved_at: row.resolved_at.map(moment),
            ended_at: row.ended_at.map(moment),
            version: row.version,
        }
    }
}

/// What a fault names.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FaultItem)]
pub(crate) struct ItemBody {
    /// `service`, `number`, `link` or `message`.
    kind: String,
    name: String,
    /// Of a message: its state and steps when it was reported.
    #[schema(required, value_type = Option<Object>)]
    trace: Option<serde_json::Value>,
}

impl From<&FaultItem> for ItemBody {
    fn from(item: &FaultItem) -> Self {
        let trace = serde_json::from_str(&item.trace).ok();
        Self { kind: item.kind.clone(), name: item.name.clone(), trace }
    }
}

/// One thing that happened to it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FaultEvent)]
pub(crate) struct HappenedBody {
    #[schema(format = DateTime)]
    at: String,
    what: String,
    note: String,
    is_internal: bool,
}

impl From<&HappeningRow> for HappenedBody {
    fn from(row: &HappeningRow) -> Self {
        Self {
            at: moment(row.at),
            what: row.kind.trim_start_matches("fault_").to_owned(),
            note: row.note.clone(),
            is_internal: row.is_public == 0,
        }
    }
}

/// One fault with everything around it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FaultView)]
pub(crate) struct FaultViewBody {
    #[serde(flatten)]
    fault: FaultBody,
    items: Vec<ItemBody>,
    history: Vec<HappenedBody>,
    /// What the gateway saw, of what it filed itself.
    evidence: String,
}

impl FaultViewBody {
    pub(super) fn of(view: &FaultView, is_staff: bool) -> Self {
        Self {
            fault: FaultBody::from(&view.row),
            items: view.items.iter().map(ItemBody::from).collect(),
            history: view.history.iter().map(HappenedBody::from).collect(),
            evidence: if is_staff { view.row.evidence.clone() } else { String::new() },
        }
    }
}
