//! What is shown of things: one JSON shape each, for the socket and for commands alike.
//!
//! Moments are RFC 3339 texts in UTC. What surprises: message ids are texts too, because they are
//! larger than what many JSON readers keep exactly. Subscribers' numbers are masked here (S-44).

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::{
    domain::{Lane, number::mask},
    gateway::{
        Gateway,
        lane::LaneHead,
        registry::{LinkCard, SessionCard, TraceLine},
    },
    store::{
        EventLine, FoundMessage, MessageLine, QuarantinedReceipt, UnknownLine, change::Orphan,
    },
};

/// A moment as people and their tools read it; null for "never".
pub fn moment(at: i64) -> Value {
    if at == 0 {
        return Value::Null;
    }
    match jiff::Timestamp::from_microsecond(at) {
        Ok(stamp) => Value::String(stamp.to_string()),
        Err(_) => Value::Null,
    }
}

pub(crate) fn session(card: &SessionCard) -> Value {
    let counters = &card.counters;
    let error = counters.last_error.load();
    json!({
        "id": card.id,
        "partner": card.partner_name,
        "system_id": card.system_id,
        "kind": card.kind,
        "version": card.version,
        "peer": card.peer.to_string(),
        "tls": !card.tls_version.is_empty(),
        "bound_at": moment(card.bound_at),
        "window": card.window,
        "window_in_use": counters.window_in_use.load(Ordering::Relaxed),
        "rate": card.rate,
        "submitted": counters.submitted.load(Ordering::Relaxed),
        "refused": counters.refused.load(Ordering::Relaxed),
        "delivered": counters.delivered.load(Ordering::Relaxed),
        "last_heard_at": moment(counters.last_heard_at.load(Ordering::Relaxed)),
        "throttled": counters.throttled.load(Ordering::Relaxed),
        "last_error": error.as_ref().as_ref().map(|error| error.code.as_str()),
        "last_error_at": error.as_ref().as_ref().map(|error| moment(error.at)),
    })
}

pub(crate) fn link(card: &LinkCard) -> Value {
    json!({
        "name": card.name,
        "group": card.group,
        "address": card.address,
        "state": card.state(),
        "bound": card.bound.load(Ordering::Relaxed),
        "binds": card.binds,
        "window": card.window.load(Ordering::Relaxed),
        "in_flight": card.in_flight.load(Ordering::Relaxed),
        "rate": card.rate.load(Ordering::Relaxed),
        "submitted": card.submitted.load(Ordering::Relaxed),
        "received": card.received.load(Ordering::Relaxed),
        "since_at": moment(card.since.load(Ordering::Relaxed)),
        "limit": **card.binding_limit.load(),
        "habits": card.habits.load().as_ref(),
        "last_error": card.last_error.load().as_ref(),
    })
}

pub(crate) fn queue(gateway: &Gateway, head: &LaneHead, oldest_at: Option<i64>) -> Value {
    let catalog = gateway.catalog();
    let partner = match head.lane {
        Lane::Mt { partner, .. } | Lane::Mo { partner, .. } | Lane::Receipt { partner, .. } => {
            Some(partner)
        }
        Lane::Callback { service } => catalog.service(service).map(|service| service.partner),
    };
    let group = match head.lane {
        Lane::Mt { group, .. } => Some(gateway.group_name(group)),
        _ => None,
    };
    let service = match head.lane {
        Lane::Callback { service } => catalog.service(service).map(|known| known.name.clone()),
        _ => None,
    };
    let age = oldest_at.map(|at| gateway.now().saturating_sub(at).max(0) / 1_000_000);
    json!({
        "lane": head.id.0.to_string(),
        "kind": head.lane.class(),
        "partner": partner.and_then(|id| catalog.partner(id)).map(|known| known.name.clone()),
        "group": group,
        "service": service,
        "waiting": head.waiting.load(Ordering::Acquire).max(0),
        "in_flight": head.in_flight(),
        "oldest_age_seconds": age,
        "limit": gateway.binding_limit(head),
    })
}

/// A message without its text; the subscriber's number is masked unless `is_open`.
pub fn message(line: &MessageLine, is_open: bool) -> Value {
    let mut value = json!(line);
    let mo = line.direction == "mo";
    let (sender, recipient) = shown(&line.sender, &line.recipient, mo, is_open);
    value["id"] = line.id.to_string().into();
    value["sender"] = sender.into();
    value["recipient"] = recipient.into();
    for (key, at) in [
        ("accepted_at", line.accepted_at),
        ("valid_until", line.valid_until),
        ("state_at", line.state_at),
    ] {
        value[key] = moment(at);
    }
    value
}

/// A message in a list, its number masked.
pub fn found(row: &FoundMessage) -> Value {
    let mo = row.direction == "mo";
    let (sender, recipient) = shown(&row.sender, &row.recipient, mo, false);
    json!({
        "id": row.id.to_string(),
        "accepted_at": moment(row.accepted_at),
        "direction": row.direction,
        "partner": row.partner,
        "service": row.service,
        "sender": sender,
        "recipient": recipient,
        "state": row.state,
        "state_at": moment(row.state_at),
        "error": row.error,
        "parts": row.parts,
        "tariff": row.tariff_code,
        "gross_minor": row.gross_minor,
        "currency": row.currency,
        "keyword": row.keyword,
        "partner_reference": row.partner_reference,
    })
}

pub fn event(line: &EventLine) -> Value {
    let mut value = json!(line);
    value["seq"] = line.seq.to_string().into();
    value["at"] = moment(line.at);
    value
}

pub fn unknown(line: &UnknownLine, partner: Option<&str>) -> Value {
    json!({
        "id": line.id.to_string(),
        "partner": partner,
        "state": line.state,
        "state_at": moment(line.state_at),
        "sender": line.sender,
        "recipient": mask(&line.recipient),
        "gross_minor": line.gross_minor,
        "currency": line.currency,
        "caller": line.caller,
        "link_group": line.link_group,
    })
}

/// A receipt that no message claims.
pub fn orphan(line: &Orphan) -> Value {
    json!({
        "id": line.id.to_string(),
        "kind": "orphan",
        "at": moment(line.received_at),
        "link": line.link,
        "smsc_message_id": line.smsc_message_id,
        "sender": mask(&line.sender),
        "recipient": line.recipient,
        "state": line.state.stat(),
    })
}

/// A receipt that was put aside; its id is that of its message.
pub fn quarantined(line: &QuarantinedReceipt, partner: Option<&str>) -> Value {
    json!({
        "id": line.message_id.to_string(),
        "kind": "quarantined",
        "at": moment(line.at),
        "partner": partner,
        "sender": mask(&line.recipient),
        "recipient": line.sender,
        "state": line.state,
        "reason": line.reason,
    })
}

pub(crate) fn trace_line(line: &TraceLine) -> Value {
    let mut value = json!(line);
    value["at"] = moment(line.at);
    value
}

/// Which side is the subscriber depends on the direction; short codes are never masked.
fn shown(sender: &str, recipient: &str, mo: bool, is_open: bool) -> (String, String) {
    match (is_open, mo) {
        (true, _) => (sender.to_owned(), recipient.to_owned()),
        (false, true) => (mask(sender), recipient.to_owned()),
        (false, false) => (sender.to_owned(), mask(recipient)),
    }
}
