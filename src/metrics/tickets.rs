//! Numbers of what is reported and complained of: faults and complaints, by state and step.
//!
//! What surprises: words of the code are the only labels. Who reported what about whom is in the
//! trail, never here (S-44).

use metrics::{counter, gauge};

#[expect(clippy::cast_precision_loss, reason = "a float counts faults well enough for a gauge")]
pub fn faults(state: &str, severity: &str, count: i64) {
    let (state, severity) = (state.to_owned(), severity.to_owned());
    gauge!("bramka_faults", "state" => state, "severity" => severity).set(count as f64);
}

pub fn fault_step(step: &str) {
    counter!("bramka_fault_steps_total", "step" => step.to_owned()).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a float counts complaints well enough for a gauge")]
pub fn complaints(state: &str, count: i64) {
    gauge!("bramka_complaints", "state" => state.to_owned()).set(count as f64);
}

pub fn complaint_step(step: &str) {
    counter!("bramka_complaint_steps_total", "step" => step.to_owned()).increment(1);
}

pub fn complaint_refunds(count: usize) {
    counter!("bramka_complaint_refunds_total").increment(count as u64);
}

pub fn ticket_news(outcome: &'static str) {
    counter!("bramka_ticket_news_total", "outcome" => outcome).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a float counts events well enough for a gauge")]
pub fn ticket_news_waiting(count: i64) {
    gauge!("bramka_ticket_news_waiting").set(count as f64);
}
