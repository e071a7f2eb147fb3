//! Faults and complaints in the words of TMF621 v4, and what a step of them is told as.
//!
//! Plain values in, JSON out; it reads and writes nothing. What surprises: the subscriber of a
//! complaint is masked for everybody here, whatever rights the reader has. A ticket goes to other
//! systems, and what these show to whom nobody here knows.

use serde_json::{Value, json};

use crate::{
    domain::{TicketNews, deadline::moment, number::mask},
    store::{Audience, ComplaintRow, ComplaintWrite, FaultRow, FaultWrite, News},
};

/// Where tickets live.
pub const TICKETS: &str = "/tmf-api/troubleTicket/v4/troubleTicket";
/// What a complaint is called among tickets.
pub const COMPLAINT_TYPE: &str = "complaint";
const CREATED: i64 = 1;

/// A fault as a ticket.
pub fn fault_ticket(row: &FaultRow) -> Value {
    let changed = row.ended_at.or(row.resolved_at).or(row.taken_at).unwrap_or(row.made_at);
    let id = row.id.to_string();
    let mut all = json!({
        "id": id,
        "href": format!("{TICKETS}/{id}"),
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
        all["relatedParty"] = json!([party(partner)]);
    }
    if let Some(other) = row.merged_into {
        let relation = json!({
            "id": other.to_string(), "relationshipType": "duplicate",
            "href": format!("{TICKETS}/{other}"),
        });
        all["troubleTicketRelationship"] = json!([relation]);
    }
    all
}

/// A complaint as a ticket. It has no severity: a law, and nobody's choice, says how fast it is.
pub fn complaint_ticket(row: &ComplaintRow) -> Value {
    let changed = row.ended_at.or(row.decided_at).or(row.answered_at).unwrap_or(row.made_at);
    let id = row.reference();
    let characteristic =
        |name: &str, value: &str| json!({ "name": name, "valueType": "string", "value": value });
    let mut more = vec![
        characteristic("subscriber", &mask(&row.msisdn)),
        characteristic("demand", row.demand.as_str()),
    ];
    if let Some(service) = &row.service {
        more.push(characteristic("service", service));
    }
    if let Some(decision) = &row.decision {
        more.push(characteristic("decision", decision));
    }
    if row.refund_minor > 0 {
        let value = json!({ "unit": row.currency, "amount": row.refund_minor });
        more.push(json!({ "name": "refundMinor", "valueType": "object", "value": value }));
    }
    let mut all = json!({
        "id": id,
        "href": format!("{TICKETS}/{id}"),
        "name": row.subject,
        "description": row.story,
        "ticketType": COMPLAINT_TYPE,
        "status": row.state.ticket().tmf(),
        "channel": { "id": row.channel, "name": row.channel },
        "creationDate": moment(row.made_at),
        "lastUpdate": moment(changed),
        "statusChangeDate": moment(changed),
        "expectedResolutionDate": moment(row.due_at),
        "externalId": id,
        "troubleTicketCharacteristic": more,
        "@type": "TroubleTicket",
    });
    if let Some(at) = row.decided_at {
        all["resolutionDate"] = json!(moment(at));
    }
    if !row.reason.is_empty() {
        all["statusChangeReason"] = json!(row.reason);
    }
    if let Some(partner) = row.partner_id {
        all["relatedParty"] = json!([party(partner)]);
    }
    all
}

fn party(partner: i64) -> Value {
    json!({ "id": partner.to_string(), "role": "partner", "@referredType": "Organization" })
}

/// A new fault is told to whom it belongs.
pub(super) fn fault_filed(row: &FaultRow) -> Vec<News> {
    vec![told(TicketNews::Created, &fault_ticket(row), (row.partner_id, CREATED), row.made_at)]
}

/// What a step of a fault is told as.
pub(super) fn fault_stepped(write: &FaultWrite<'_>, row: &FaultRow, at: i64) -> Vec<News> {
    let mut ticket = fault_ticket(row);
    noted(&mut ticket, (write.what, write.note), at);
    TicketNews::of_step(write.before.state, row.state)
        .into_iter()
        .map(|kind| {
            let news = told(kind, &ticket, (row.partner_id, row.version), at);
            News { audience: of(write.is_public), ..news }
        })
        .collect()
}

pub(super) fn complaint_taken(row: &ComplaintRow) -> Vec<News> {
    let ticket = complaint_ticket(row);
    vec![told(TicketNews::Created, &ticket, (row.partner_id, CREATED), row.made_at)]
}

/// The same of a complaint. One that turns out to be another partner's is gone for the first and
/// new for the second.
pub(super) fn complaint_stepped(
    write: &ComplaintWrite<'_>,
    row: &ComplaintRow,
    at: i64,
) -> Vec<News> {
    let mut ticket = complaint_ticket(row);
    noted(&mut ticket, (write.what, write.note), at);
    let whose = (row.partner_id, row.version);
    let kinds = TicketNews::of_step(write.before.state.ticket(), row.state.ticket());
    let mut all: Vec<News> = kinds
        .into_iter()
        .map(|kind| {
            let news = told(kind, &ticket, whose, at);
            News { audience: of(write.is_public), ..news }
        })
        .collect();
    if row.partner_id != write.before.partner_id {
        if let Some(before) = write.before.partner_id {
            let gone = json!({ "id": ticket["id"], "href": ticket["href"] });
            let news = told(TicketNews::Deleted, &gone, (Some(before), row.version), at);
            all.push(News { audience: Audience::Partner, ..news });
        }
        let news = told(TicketNews::Created, &ticket, whose, at);
        all.push(News { audience: Audience::Partner, ..news });
    }
    all
}

/// What the partner does not see its systems do not hear.
fn of(is_public: bool) -> Audience {
    if is_public { Audience::Both } else { Audience::Operator }
}

/// A note is no member of its row, and whoever listens shall read it without asking.
fn noted(ticket: &mut Value, (what, note): (&str, &str), at: i64) {
    if matches!(what, "fault.note" | "complaint.note") {
        ticket["note"] = json!([{ "date": moment(at), "text": note }]);
    }
}

/// The event around a ticket; its name is the same on every node and every try.
fn told(kind: TicketNews, ticket: &Value, (partner, version): (Option<i64>, i64), at: i64) -> News {
    let id = ticket["id"].as_str().unwrap_or_default();
    let event_id = format!("ticket_{id}_{version}_{kind}");
    let body = json!({
        "eventId": event_id,
        "eventTime": moment(at),
        // So it is spelled in TMF621.
        "timeOcurred": moment(at),
        "eventType": kind,
        "correlationId": format!("ticket_{id}"),
        "domain": "troubleTicket",
        "title": kind,
        "description": format!("trouble ticket {id}"),
        "priority": ticket.get("priority").and_then(Value::as_str).unwrap_or("1"),
        "event": { "troubleTicket": ticket },
    });
    News { kind, event_id, body: body.to_string(), partner, audience: Audience::Both }
}
