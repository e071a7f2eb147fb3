//! Numbers of what partners and the operator do together: orders, open and late.
//!
//! What surprises: what a number or a service does to an order is counted with that step and not
//! here; these steps are what people do to an order itself.

use metrics::{counter, gauge};

#[expect(clippy::cast_precision_loss, reason = "a float counts orders well enough for a gauge")]
pub fn orders(kind: &str, open: i64, late: i64) {
    gauge!("bramka_orders", "kind" => kind.to_owned()).set(open as f64);
    gauge!("bramka_orders_late", "kind" => kind.to_owned()).set(late as f64);
}

pub fn order_step(step: &str) {
    counter!("bramka_order_steps_total", "step" => step.to_owned()).increment(1);
}
