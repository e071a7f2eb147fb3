//! What nobody asks for and time does: late promises, reminders, changed terms, files to scan,
//! rows to erase.
//!
//! It holds no rule; each sweep is a verb that does nothing twice. What surprises: one sweep that
//! fails keeps none of the others from running.

use std::{future::Future, time::Duration};

use crate::{config::Retention, gateway::Gateway, partnership::Partnership, tasks::Stopping};

/// Rounds between two looks at what is too old, and at how often services are complained of.
const FORGET_EVERY: u64 = 60;

/// Looks every minute for what is due; the letters go out once each. While the clock is not
/// believed nothing lapses, is accepted by law or is erased (P37).
pub(super) async fn sweep(
    gateway: Gateway,
    partnership: Partnership,
    keeping: Retention,
    stopping: Stopping,
) -> anyhow::Result<()> {
    let mut rounds = 0_u64;
    let mut every = tokio::time::interval(Duration::from_mins(1));
    loop {
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            _ = every.tick() => if gateway.believes_clock() {
                sweep_once(&partnership).await;
                if rounds.is_multiple_of(FORGET_EVERY) {
                    tell("what is too old", partnership.sweep_old(&keeping)).await;
                    tell("rates of complaints", partnership.sweep_complaint_rates()).await;
                }
                rounds += 1;
            }
        }
    }
}

/// First agreements go out, old ones lapse, changed terms are told and take effect.
async fn sweep_once(partnership: &Partnership) {
    tell("late promises", partnership.sweep_overdue()).await;
    tell("first agreements", Box::pin(partnership.sweep_first_agreements())).await;
    tell("agreements", partnership.sweep_agreements()).await;
    tell("terms", partnership.sweep_terms()).await;
    tell("numbers", partnership.sweep_numbers()).await;
    tell("orders", Box::pin(partnership.sweep_orders())).await;
    tell("faults", Box::pin(partnership.sweep_faults())).await;
    tell("complaints", Box::pin(partnership.sweep_complaints())).await;
    tell("bank accounts", partnership.sweep_bank()).await;
    tell("waiting files", partnership.scan_waiting_files()).await;
}

/// A store that is away is told elsewhere too; the next minute tries again.
async fn tell<T, E: std::fmt::Display>(what: &str, sweep: impl Future<Output = Result<T, E>>) {
    if let Err(error) = sweep.await {
        tracing::warn!(%error, what, "a sweep failed");
    }
}
