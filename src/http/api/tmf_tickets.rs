//! TMF621 v4: the same faults and complaints as an operator's ticketing desk reads and writes them.
//!
//! It makes nothing that `faults` and `complaints` do not; the hub is in `tmf_hub`. What surprises:
//! a status that is set is a step of ours, and one that no step leads to is refused in the words
//! of TMF621; there is no If-Match there, so that the step is taken from where the ticket is now.
//! In a list all faults stand before all complaints, each the newest first.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    asked::{self, Asked, placed},
    complaints::COMPLAINT,
    faults::FAULT,
    openapi::Problems,
    session::named,
    tmf::{TmfMembers, counted, only, page},
    tmf_shapes::{NewTicketBody, Sought, TicketsWanted, whole, whole_complaint},
};
use crate::{
    domain::{ComplaintEvent, ComplaintState, Refusal, Right, TicketEvent, TicketState, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::{
        ComplaintStep,
        trouble_ticket::{TICKETS, complaint_ticket as complaint, fault_ticket as ticket},
    },
    store::{ComplaintTickets, FaultFilter},
};

/// What may be changed of a ticket.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TicketPatch {
    /// The status that it shall have.
    #[schema(pattern = "^(acknowledged|rejected|pending|inProgress|cancelled|closed|resolved)$")]
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
    let sought = Sought::of(&wanted)?;
    let (offset, limit) = page(wanted.offset, wanted.limit)?;
    let fields = wanted.fields.as_deref();
    let mut items: Vec<Value> = Vec::new();
    let mut total = 0;
    if let Some(filter) = sought.faults {
        let filter =
            FaultFilter { offset, limit: u32::try_from(limit).unwrap_or_default(), ..filter };
        total = app.partnership.count_faults(&caller.0, &filter).await?;
        if limit > 0 && offset < total {
            let rows = app.partnership.faults(&caller.0, &filter).await?;
            items.extend(rows.iter().map(|row| only(ticket(row), fields)));
        }
    }
    if let Some(states) = sought.complaints {
        let taken = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let (offset, limit) = ((offset - total).max(0), limit - taken);
        let wish = ComplaintTickets { states, offset, limit, ..ComplaintTickets::default() };
        let (rows, count) = app.partnership.complaint_tickets(&caller.0, &wish).await?;
        items.extend(rows.iter().map(|row| only(complaint(row), fields)));
        total += count;
    }
    Ok(named(&caller, counted(&items, total)))
}

/// Which ticket an id is of.
enum TicketId {
    Fault(i64),
    Complaint(i64),
}

impl TicketId {
    /// Faults have their number, complaints what people say: `R-000012`.
    fn of(id: &str) -> Result<Self, Refusal> {
        match id.strip_prefix("R-") {
            None => Ok(Self::Fault(row_id(id, FAULT)?)),
            Some(number) => Ok(Self::Complaint(row_id(number.trim_start_matches('0'), COMPLAINT)?)),
        }
    }
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
    let item = match TicketId::of(&id)? {
        TicketId::Fault(id) => whole(&app.partnership.fault_view(&caller.0, id).await?),
        TicketId::Complaint(id) => {
            whole_complaint(&app.partnership.complaint_view(&caller.0, id).await?)
        }
    };
    let item = only(item, wanted.fields());
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
    let wish = new.wish(app.partnership.now())?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.report_fault(&signed, &wish).await };
    let row = app.finish(work).await??;
    let response = (StatusCode::CREATED, Json(ticket(&row))).into_response();
    Ok(named(&caller, placed(response, &format!("{TICKETS}/{}", row.id))))
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
    let id = TicketId::of(&id)?;
    // First, or the state of the ticket would be told to whoever may not change it.
    let is_partner = caller.0.partner.is_some();
    app.partnership.require(&caller.0, Right::on_tickets(is_partner))?;
    let state = TicketState::of_tmf(&wish.status)
        .ok_or_else(|| Fault::InvalidFields.says("`status` is none of a ticket"))?;
    let words = wish.status_change_reason;
    let item = match id {
        TicketId::Fault(id) => step_fault(&app, &caller, id, (state, words)).await?,
        TicketId::Complaint(id) => step_complaint(&app, &caller, id, (state, words)).await?,
    };
    Ok(named(&caller, Json(item).into_response()))
}

async fn step_fault(
    app: &App,
    caller: &SignedCaller,
    id: i64,
    (state, words): (TicketState, String),
) -> Result<Value, Problem> {
    let row = app.partnership.fault(&caller.0, id).await?;
    let event = step_to(row.state, state).ok_or_else(|| no_step(row.state, state))?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { verbs.step_fault(&signed, (id, row.version), event, &words).await };
    Ok(ticket(&app.finish(work).await??))
}

async fn step_complaint(
    app: &App,
    caller: &SignedCaller,
    id: i64,
    (state, words): (TicketState, String),
) -> Result<Value, Problem> {
    let row = app.partnership.complaint(&caller.0, id).await?;
    let event = complaint_step_to(row.state, state);
    let event = event.ok_or_else(|| no_step(row.state.ticket(), state))?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        let step = ComplaintStep { event, words: &words, says: None, charges: &[] };
        verbs.step_complaint(&signed, (id, row.version), &step).await
    };
    Ok(complaint(&app.finish(work).await??))
}

fn no_step(from: TicketState, to: TicketState) -> Refusal {
    let (from, to) = (from.tmf(), to.tmf());
    Refusal::WrongState(format!("a ticket that is {from} does not become {to} by its status alone"))
}

/// The same of a complaint. What is decided is decided there where it is said how, and who takes a
/// complaint back says so by name: neither is the meaning of a status.
fn complaint_step_to(from: ComplaintState, to: TicketState) -> Option<ComplaintEvent> {
    use ComplaintEvent as E;
    let event = match (from.is_open(), to) {
        (true, TicketState::Pending) => E::Ask,
        (false, TicketState::Closed) => E::Close,
        (false, TicketState::Acknowledged) => E::Appeal,
        _ => return None,
    };
    from.after(event).map(|_| event)
}

/// The step that leads there; merging and recovering are no steps of a client.
fn step_to(from: TicketState, to: TicketState) -> Option<TicketEvent> {
    from.steps().find(|event| {
        !matches!(event, TicketEvent::Merge | TicketEvent::Recover)
            && from.after(*event) == Some(to)
    })
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

    #[test]
    fn a_complaint_is_asked_closed_and_opened_by_its_status_and_never_decided_by_it() {
        use {ComplaintState as C, TicketState as S};
        for (from, to, event) in [
            (C::Received, S::Pending, Some("ask")),
            (C::Answered, S::Pending, Some("ask")),
            (C::AskedPartner, S::Pending, None),
            (C::Accepted, S::Closed, Some("close")),
            (C::Refused, S::Closed, Some("close")),
            // That would be a withdrawal, and nobody said so.
            (C::Received, S::Closed, None),
            (C::Answered, S::Resolved, None),
            (C::Received, S::Cancelled, None),
            (C::Closed, S::Acknowledged, Some("appeal")),
            (C::Received, S::Acknowledged, None),
        ] {
            let step = complaint_step_to(from, to).map(ComplaintEvent::as_str);
            assert_eq!(step, event, "{from} {to}");
        }
    }
}
