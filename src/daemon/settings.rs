//! The configuration in the words of the verbs.

use std::{sync::Arc, time::Duration};

use crate::{
    config::{self, Config},
    domain::OrderPlan,
    gateway,
};

/// The numbers of the configuration as the verbs take them.
pub fn settings(config: &Config) -> gateway::Settings {
    let messages = &config.messages;
    let limits = &config.limits;
    gateway::Settings {
        node: config.node.id,
        validity_uncharged: messages.validity_uncharged,
        validity_charged: messages.validity_charged,
        validity_mo: messages.validity_mo,
        validity_receipt: messages.validity_receipt,
        validity_max: messages.validity_max,
        schedule_max: messages.schedule_max,
        retry: messages.retry.clone(),
        unknown_ttl: messages.unknown_ttl,
        receipt_ttl: messages.receipt_ttl,
        orphan_ttl: messages.orphan_ttl,
        orphans_max: config.limits.orphan_receipts as usize,
        idempotency_ttl: messages.idempotency_ttl,
        duplicate_window: messages.duplicate_window,
        quarantine_after: messages.quarantine_after,
        country_prefix: messages.default_country_prefix.as_str().into(),
        lane_head: limits.lane_head as usize,
        recent_max: limits.recent_messages as usize,
        parts_max: u8::try_from(limits.mt_parts_max).unwrap_or(u8::MAX),
        mo_parts_max: u8::try_from(limits.mo_parts_max).unwrap_or(u8::MAX),
        mo_parts_waiting_max: limits.reassemblies_max as usize,
        anonymous_requests_minute: limits.anonymous_requests_minute,
        session_requests_minute: limits.session_requests_minute,
        key_requests_minute: limits.key_requests_minute,
        stalled_after: limits.stalled_after,
        reassembly_wait: config
            .smsc_link
            .iter()
            .map(|link| link.reassembly_wait)
            .max()
            .unwrap_or(Duration::from_mins(5)),
        drops_incomplete: config
            .smsc_link
            .iter()
            .any(|link| link.on_missing_part == config::OnMissingPart::Drop),
        clock: config.clock.clone(),
    }
}

/// The steps of orders in force, or everything that is wrong with their file.
pub(crate) fn order_plan(config: &Config) -> Result<Arc<OrderPlan>, Vec<String>> {
    let Some(path) = &config.partnership.orders_file else { return Ok(OrderPlan::shipped()) };
    let path = config.file(path);
    let named = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|error| vec![named(&error)])?;
    let plan = OrderPlan::parse(&text);
    plan.map(Arc::new).map_err(|wrong| wrong.iter().map(|one| named(one)).collect())
}
