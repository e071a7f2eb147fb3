//! TMF621 v4: the same faults as an operator's ticketing desk reads and writes them.
//!
//! It makes nothing that `faults` does not; the hub of notifications is not here. What surprises:
//! a status that is set is a step of ours, and one that no step leads to is refused in the words
//! of TMF621; there is no If-Match there, so that the step is taken from where the ticket is now.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    asked::{self, Asked, placed},
    faults::FAULT,
    openapi::Problems,
    session::named,
    shapes::moment,
    tmf::{TmfMembers, counted, only, page},
};
use crate::{
    domain::{FaultArea, Right, Severity, TicketEvent, TicketState, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::{FaultView, FaultWish},
    store::{FaultFilter, FaultRow},
};

const TMF: &str = "/tmf-api/troubleTicket/v4/troubleTicket";
/// Characters of a description that become the name, if none is given.
const NAME_MAX: usize = 100;

/// What TMF630 lets a client ask for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketsWanted {
    /// Only tickets with this status.
    status: Option<String>,
    /// Only tickets of this severity.
    severity: Option<String>,
    /// Members that are wanted, with commas between.
    fields: Option<String>,
    /// Rows to leave out.
    #[param(minimum = 0, maximum = 1_000_000)]
    offset: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 0, maximum = 100)]
    limit: Option<i64>,
}

/// A ticket to open, as far as TMF621 asks for it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewTicketBody {
    #[schema(min_length = 1, max_length = 4000)]
    description: String,
    /// `critical`, `major`, `minor` or `question`.
    #[schema(pattern = "^(critical|major|minor|question)$")]
    severity: String,
    /// `fault`; the area may follow, as in `fault/wap`.
    #[schema(pattern = "^fault(/(sms|wap|number|portal|settlement))?$")]
    ticket_type: String,
    #[serde(default)]
    #[schema(max_length = 120)]
    name: String,
}

/// What may be changed of a ticket.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TicketPatch {
    /// The status that it shall have.
    #[schema(pattern = "^(rejected|pending|inProgress|cancelled|closed|resolved)$")]
    status: String,
    /// Why; the other side is told.
    #[serde(default)]
    #[schema(max_length = 4000)]
    status_change_reason: String,
}

/// TMF621 `listTroubleTicket`.
#[utoipa::path(
    get, path = "/tmf-api/troubleTicket/v4/troubleTicket", operation_id = "listTroubleTicket",
    tag = "tmf621", params(TicketsWanted),
    responses(
        (status = 200, description = "Tickets; their count stands in X-Total-Count",
            body = Vec<Object>, headers(("X-Total-Count" = i64), ("X-Result-Count" = i64))),
        Problems
    ),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<TicketsWanted>,
) -> Result<Response, Problem> {
    let bad = |name: &str| Fault::InvalidFields.says(format!("`{name}` is none of a ticket"));
    let state = match &wanted.status {
        None => "",
        Some(word) => TicketState::of_tmf(word).ok_or_else(|| bad("status"))?.as_str(),
    };
    let severity = wanted.severity.unwrap_or_default();
    if !severity.is_empty() && Severity::parse(&severity).is_none() {
        return Err(bad("severity"));
    }
    let (offset, limit) = page(wanted.offset, wanted.limit)?;
    let filter = FaultFilter {
        state: state.to_owned(),
        severity,
        offset,
        limit: u32::try_from(limit).unwrap_or_default(),
        ..FaultFilter::default()
    };
    let total = app.partnership.count_faults(&caller.0, &filter).await?;
    let rows = match limit {
        0 => Vec::new(),
        _ => app.partnership.faults(&caller.0, &filter).await?,
    };
    let fields = wanted.fields.as_deref();
    let items: Vec<Value> = rows.iter().map(|row| only(ticket(row), fields)).collect();
    Ok(named(&caller, counted(&items, total)))
}

/// TMF621 `retrieveTroubleTicket`.
#[utoipa::path(
    get, path = "/tmf-api/troubleTicket/v4/troubleTicket/{id}",
    operation_id = "retrieveTroubleTicket", tag = "tmf621",
    params(("id" = String, Path, description = "Id of the ticket"), TmfMembers),
    responses((status = 200, description = "The ticket", body = Object), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    Asked(wanted): Asked<TmfMembers>,
) -> Result<Response, Problem> {
    let view = app.partnership.fault_view(&caller.0, row_id(&id, FAULT)?).await?;
    let item = only(whole(&view), wanted.fields());
    Ok(named(&caller, Json(item).into_response()))
}

/// TMF621 `createTroubleTicket`.
#[utoipa::path(
    post, path = "/tmf-api/troubleTicket/v4/troubleTicket", operation_id = "createTroubleTicket",
    tag = "tmf621",
    request_body(content = inline(NewTicketBody), content_type = "application/json"),
    responses((status = 201, description = "Opened", body = Object), Problems),
    security(("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::FileTickets)?;
    let new: NewTicketBody = asked::body(&app, &headers, body).await?;
    let bad = |name: &str| Fault::InvalidFields.says(format!("`{name}` is none of a ticket"));
    let area = match new.ticket_type.split_once('/') {
        None if new.ticket_type == "fault" => FaultArea::Sms,
        Some(("fault", area)) => FaultArea::parse(area).ok_or_else(|| bad("ticketType"))?,
        _ => return Err(bad("ticketType")),
    };
    let title = if new.name.is_empty() {
        new.description.chars().take(NAME_MAX).collect()
    } else {
        new.name
    };
    let wish = FaultWish {
        partner: None,
        area,
        severity: Severity::parse(&new.severity).ok_or_else(|| bad("severity"))?,
        title,
        story: new.description,
        since_at: app.partnership.now(),
        contact: String::new(),
        items: Vec::new(),
        incident: None,
    };
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.report_fault(&signed, &wish).await };
    let row = app.finish(work).await??;
    let response = (StatusCode::CREATED, Json(ticket(&row))).into_response();
    Ok(named(&caller, placed(response, &format!("{TMF}/{}", row.id))))
}

/// TMF621 `patchTroubleTicket`: another status.
#[utoipa::path(
    patch, path = "/tmf-api/troubleTicket/v4/troubleTicket/{id}",
    operation_id = "patchTroubleTicket", tag = "tmf621",
    params(("id" = String, Path, description = "Id of the ticket")),
    request_body(content = inline(TicketPatch), content_type = "application/json"),
    responses((status = 200, description = "The ticket", body = Object), Problems),
    security(("session" = []))
)]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish: TicketPatch = asked::body(&app, &headers, body).await?;
    let id = row_id(&id, FAULT)?;
    // First, or the state of the ticket would be told to whoever may not change it.
    let is_partner = caller.0.partner.is_some();
    app.partnership.require(&caller.0, Right::on_tickets(is_partner))?;
    let state = TicketState::of_tmf(&wish.status)
        .ok_or_else(|| Fault::InvalidFields.says("`status` is none of a ticket"))?;
    let row = app.partnership.fault(&caller.0, id).await?;
    let event = step_to(row.state, state).ok_or_else(|| {
        let (from, to) = (row.state.tmf(), state.tmf());
        let detail = format!("a ticket that is {from} does not become {to}");
        crate::domain::Refusal::WrongState(detail)
    })?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        let words = wish.status_change_reason;
        verbs.step_fault(&signed, (id, row.version), event, &words).await
    };
    let row = app.finish(work).await??;
    Ok(named(&caller, Json(ticket(&row)).into_response()))
}

/// The step that leads there; merging and recovering are no steps of a client.
fn step_to(from: TicketState, to: TicketState) -> Option<TicketEvent> {
    from.steps().find(|event| {
        !matches!(event, TicketEvent::Merge | TicketEvent::Recover)
            && from.after(*event) == Some(to)
    })
}

fn ticket(row: &FaultRow) -> Value {
    let changed = row.ended_at.or(row.resolved_at).or(row.taken_at).unwrap_or(row.made_at);
    let mut all = json!({
        "id": row.id.to_string(),
        "href": format!("{TMF}/{}", row.id),
        "name": row.title,
        "description": row.story,
        "severity": row.severity,
        "priority": row.severity.rank().to_string(),
        "ticketType": format!("fault/{}", row.area),
        "status": row.state.tmf(),
        "creationDate": moment(row.made_at),
        "lastUpdate": moment(changed),
        "statusChangeDate": moment(changed),
        "expectedResolutionDate": moment(row.due_at),
        "externalId": row.reference(),
        "@type": "TroubleTicket",
    });
    // What has no value is absent there, other than in our own API.
    if let Some(at) = row.resolved_at {
        all["resolutionDate"] = json!(moment(at));
    }
    if !row.answer.is_empty() {
        all["statusChangeReason"] = json!(row.answer);
    }
    if let Some(partner) = row.partner_id {
        let party = json!({
            "id": partner.to_string(), "role": "partner", "@referredType": "Organization",
        });
        all["relatedParty"] = json!([party]);
    }
    if let Some(other) = row.merged_into {
        let relation = json!({
            "id": other.to_string(), "relationshipType": "duplicate", "href": format!("{TMF}/{other}"),
        });
        all["troubleTicketRelationship"] = json!([relation]);
    }
    all
}

fn whole(view: &FaultView) -> Value {
    let mut all = ticket(&view.row);
    let notes = view.history.iter().filter(|one| one.kind == "fault_note");
    let notes: Vec<Value> = notes
        .map(|one| json!({ "id": one.id.to_string(), "date": moment(one.at), "text": one.note }))
        .collect();
    all["note"] = json!(notes);
    let related: Vec<Value> = view
        .items
        .iter()
        .map(|item| json!({ "id": item.name, "role": "affected", "@referredType": item.kind }))
        .collect();
    all["relatedEntity"] = json!(related);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_reached_by_the_step_that_tmf621_means() {
        use TicketState as S;
        for (from, to, event) in [
            (S::Acknowledged, S::InProgress, Some("take")),
            (S::Acknowledged, S::Rejected, Some("reject")),
            (S::Acknowledged, S::Cancelled, Some("cancel")),
            (S::InProgress, S::Pending, Some("pend")),
            (S::Pending, S::InProgress, Some("resume")),
            (S::InProgress, S::Resolved, Some("resolve")),
            (S::Resolved, S::InProgress, Some("reopen")),
            (S::Resolved, S::Closed, Some("close")),
            // A merge and a recovery close too, and neither is a client's.
            (S::InProgress, S::Closed, None),
            (S::Closed, S::InProgress, None),
        ] {
            assert_eq!(step_to(from, to).map(TicketEvent::as_str), event, "{from} {to}");
        }
    }
}
