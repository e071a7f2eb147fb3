//! What the gateway says of itself in numbers. The names, units and labels are a contract:
//! [`CONTRACT`] lists them, a test compares the list with what is served (D30), and a change of
//! the list is a change of version.
//!
//! Labels are bounded: partners and links are names that an operator gave, never a subscriber's
//! number, a message's id or a peer's text. After [`PARTNERS_MAX`] partners the rest is `other`.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use metrics::{counter, gauge, histogram};

use crate::domain::Price;

mod contract;
pub use contract::{CONTRACT, Kind, Series};

mod orders;
#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
mod tickets;

pub use orders::{order_step, orders};
pub use tickets::{
    complaint_refunds, complaint_step, complaints, fault_step, faults, ticket_news,
    ticket_news_waiting,
};

/// Partners that have a label of their own; the others share `other`.
pub const PARTNERS_MAX: usize = 500;

/// Upper bounds of the histograms, in seconds or records.
pub const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0,
    3600.0,
];
pub const RECORDS: &[f64] = &[1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0];

/// The bounds of every histogram.
pub fn buckets() -> impl Iterator<Item = (&'static str, &'static [f64])> {
    CONTRACT.iter().filter(|series| series.kind == Kind::Histogram).map(|series| {
        let bounds = if series.name.ends_with("_seconds") { SECONDS } else { RECORDS };
        (series.name, bounds)
    })
}

/// Tells the recorder what every series means.
pub fn describe() {
    for series in CONTRACT {
        match series.kind {
            Kind::Counter => metrics::describe_counter!(series.name, series.help),
            Kind::Gauge => metrics::describe_gauge!(series.name, series.help),
            Kind::Histogram => metrics::describe_histogram!(series.name, series.help),
        }
    }
    charged_twice(0);
    gauge!("bramka_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// A partner's label, or `other` once there are too many.
pub fn partner_label(name: &str) -> String {
    static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    label_among(&mut SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner), name)
}

/// First come, first labelled: a label that was given is kept, or its series would end in the
/// middle of a graph.
fn label_among(seen: &mut HashSet<String>, name: &str) -> String {
    if seen.contains(name) {
        return name.to_owned();
    }
    if seen.len() >= PARTNERS_MAX {
        return "other".to_owned();
    }
    seen.insert(name.to_owned());
    name.to_owned()
}

pub fn message(flow: &'static str, result: &'static str) {
    counter!("bramka_messages_total", "flow" => flow, "result" => result).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a duration fit a float well")]
pub fn duration(flow: &'static str, micros: i64) {
    histogram!("bramka_message_duration_seconds", "flow" => flow)
        .record(micros.max(0) as f64 / 1e6);
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
pub fn queue(class: &'static str, partner: &str, waiting: i64, age_micros: i64) {
    let partner = partner_label(partner);
    gauge!("bramka_queue_messages", "lane_class" => class, "partner" => partner.clone())
        .set(waiting.max(0) as f64);
    gauge!("bramka_queue_oldest_age_seconds", "lane_class" => class, "partner" => partner)
        .set(age_micros.max(0) as f64 / 1e6);
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
pub fn unknown(counts: &[(String, i64)]) {
    for state in ["unknown", "held", "quarantined"] {
        let count = counts.iter().find(|(known, _)| known == state).map_or(0, |(_, count)| *count);
        gauge!("bramka_unknown_messages", "state" => state).set(count as f64);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
pub fn orphans(count: i64) {
    gauge!("bramka_orphan_receipts").set(count as f64);
}

pub fn forgotten(what: &'static str, rows: u64) {
    counter!("bramka_forgotten_total", "what" => what).increment(rows);
}

pub fn orphan_matched() {
    counter!("bramka_orphan_receipts_matched_total").increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a group has a few hundred records")]
pub fn commit(took: Duration, records: usize) {
    histogram!("bramka_commit_duration_seconds").record(took.as_secs_f64());
    histogram!("bramka_commit_batch_size").record(records as f64);
}

pub fn guests(took: Duration) {
    histogram!("bramka_commit_guests_seconds").record(took.as_secs_f64());
}

pub fn store_up(up: bool) {
    gauge!("bramka_store_up").set(f64::from(u8::from(up)));
}

pub fn receipt(link: &str, matched: &'static str) {
    counter!("bramka_receipts_total", "link" => link.to_owned(), "match" => matched).increment(1);
}

pub fn submit_response(link: &str, status: &str, took: Duration) {
    counter!("bramka_submit_responses_total", "link" => link.to_owned(),
        "status" => status.to_owned())
    .increment(1);
    histogram!("bramka_submit_response_seconds", "link" => link.to_owned())
        .record(took.as_secs_f64());
}

pub fn accepted_in(side: &'static str, took: Duration) {
    histogram!("bramka_accept_seconds", "side" => side).record(took.as_secs_f64());
}

pub fn quarantined(count: u64) {
    counter!("bramka_quarantined_messages_total").increment(count);
}

pub fn charge_mismatch() {
    counter!("bramka_charge_mismatch_total").increment(1);
}

pub fn charge_reversed(price: &Price) {
    counter!("bramka_charges_reversed_total", "tariff" => price.code.to_string()).increment(1);
}

pub fn charge(price: &Price) {
    counter!("bramka_charges_total", "tariff" => price.code.to_string()).increment(1);
    counter!("bramka_charge_amount_minor_total",
        "currency" => price.gross.currency.as_str().to_owned())
    .increment(price.gross.amount_minor.unsigned_abs());
}

pub fn replayed(why: &'static str) {
    counter!("bramka_replayed_total", "why" => why).increment(1);
}

pub fn retried(what: &'static str) {
    counter!("bramka_retries_total", "what" => what).increment(1);
}

pub fn unrouted(why: &'static str) {
    counter!("bramka_unrouted_total", "why" => why).increment(1);
}

pub fn standard_word(word: &'static str) {
    counter!("bramka_standard_words_total", "word" => word).increment(1);
}

pub fn incomplete(link: &str) {
    counter!("bramka_incomplete_messages_total", "link" => link.to_owned()).increment(1);
}

pub fn throttled(partner: &str, limit: &'static str) {
    counter!("bramka_throttled_total", "partner" => partner_label(partner), "limit" => limit)
        .increment(1);
}

pub fn refusal(side: &'static str, code: &'static str) {
    counter!("bramka_refusals_total", "side" => side, "code" => code).increment(1);
}

pub fn bind(side: &'static str, result: &'static str) {
    counter!("bramka_binds_total", "side" => side, "result" => result).increment(1);
}

pub fn session(side: &'static str, kind: &'static str, state: &'static str, change: f64) {
    gauge!("bramka_sessions", "side" => side, "type" => kind, "state" => state).increment(change);
}

pub fn session_closed(side: &'static str, reason: &'static str) {
    counter!("bramka_session_closed_total", "side" => side, "reason" => reason).increment(1);
}

pub fn pdu(side: &'static str, direction: &'static str, command: &'static str) {
    counter!("bramka_smpp_pdus_total", "side" => side, "direction" => direction,
        "command" => command)
    .increment(1);
}

pub fn bad_pdu(side: &'static str, status: &str) {
    counter!("bramka_bad_pdus_total", "side" => side, "status" => status.to_owned()).increment(1);
}

pub fn link_up(link: &str, sessions: u32) {
    gauge!("bramka_link_up", "link" => link.to_owned()).set(f64::from(sessions));
}

pub fn link_limits(link: &str, window: u32, rate: u32) {
    gauge!("bramka_window_limit", "link" => link.to_owned()).set(f64::from(window));
    gauge!("bramka_rate_limit", "link" => link.to_owned()).set(f64::from(rate));
}

pub fn window_in_use(link: &str, change: f64) {
    gauge!("bramka_window_in_use", "link" => link.to_owned()).increment(change);
}

pub fn link_reconnect(link: &str) {
    counter!("bramka_link_reconnects_total", "link" => link.to_owned()).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "epochs count take-overs")]
pub fn lease_epoch(link: &str, epoch: i64) {
    gauge!("bramka_lease_epoch", "link" => link.to_owned()).set(epoch as f64);
}

/// Limits that can hold a lane or a link back (D35).
pub const LIMITS: [&str; 7] =
    ["none", "window", "rate", "smsc_throttle", "store", "absent", "paused"];

pub fn binding_limit(subject: &'static str, name: &str, limit: &'static str) {
    for known in LIMITS {
        gauge!("bramka_binding_limit", "subject" => subject, "name" => name.to_owned(),
            "limit" => known)
        .set(f64::from(u8::from(known == limit)));
    }
}

pub fn stalled(subject: &'static str, name: &str, count: u32) {
    gauge!("bramka_stalled", "subject" => subject, "name" => name.to_owned()).set(f64::from(count));
}

pub fn callback(outcome: &'static str) {
    counter!("bramka_callback_attempts_total", "outcome" => outcome).increment(1);
}

pub fn redelivered(flow: &'static str, result: &'static str) {
    counter!("bramka_redelivered_total", "flow" => flow, "result" => result).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a float counts replays well enough for a gauge")]
pub fn replays_running(count: usize) {
    gauge!("bramka_replays_running").set(count as f64);
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
pub fn mails(counts: &[(&'static str, i64)], oldest_age_micros: i64) {
    for (state, count) in counts {
        gauge!("bramka_mails", "state" => *state).set(*count as f64);
    }
    gauge!("bramka_mail_oldest_age_seconds").set(oldest_age_micros.max(0) as f64 / 1e6);
}

pub fn mail_sent(result: &'static str) {
    counter!("bramka_mail_sent_total", "result" => result).increment(1);
}

pub fn http_request(route: &str, status: u16) {
    counter!("bramka_http_requests_total", "route" => route.to_owned(),
        "status" => status.to_string())
    .increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a float counts promises well enough for a gauge")]
pub fn deadlines_overdue(rule: &str, count: i64) {
    gauge!("bramka_deadlines_overdue", "rule" => rule.to_owned()).set(count as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a float counts numbers well enough for a gauge")]
pub fn numbers(class: &str, state: &str, count: i64) {
    let (class, state) = (class.to_owned(), state.to_owned());
    gauge!("bramka_numbers", "class" => class, "state" => state).set(count as f64);
}

pub fn service_step(step: &str) {
    counter!("bramka_service_steps_total", "step" => step.to_owned()).increment(1);
}

pub fn number_step(step: &str) {
    counter!("bramka_number_steps_total", "step" => step.to_owned()).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a float counts octets well enough for a gauge")]
pub fn disk_free(octets: u64) {
    gauge!("bramka_disk_free_bytes").set(octets as f64);
}

/// Starts at 0 with [`describe`], so that an alert sees the first one as a step.
pub fn charged_twice(messages: u64) {
    counter!("bramka_charges_submitted_twice_total").increment(messages);
}

#[expect(clippy::cast_precision_loss, reason = "settings are few")]
pub fn insecure_settings(count: usize) {
    gauge!("bramka_insecure_settings").set(count as f64);
}

pub fn clock_believed(is_believed: bool) {
    gauge!("bramka_clock_believed").set(f64::from(u8::from(is_believed)));
}

pub fn clock_jump() {
    counter!("bramka_clock_jumps_total").increment(1);
}
