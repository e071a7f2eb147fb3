//! Numbers of the verbs that an operator may turn, and what they are if nobody does.

use std::time::Duration;

use smol_str::SmolStr;

use crate::config::ClockLimits;

/// Numbers that an operator sets; see `[messages]` and `[limits]` of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    pub node: u8,
    pub validity_uncharged: Duration,
    pub validity_charged: Duration,
    pub validity_mo: Duration,
    pub validity_receipt: Duration,
    pub validity_max: Duration,
    pub schedule_max: Duration,
    pub retry: Vec<Duration>,
    pub unknown_ttl: Duration,
    pub receipt_ttl: Duration,
    pub orphan_ttl: Duration,
    pub orphans_max: usize,
    pub idempotency_ttl: Duration,
    pub duplicate_window: Duration,
    pub quarantine_after: u32,
    pub country_prefix: SmolStr,
    pub lane_head: usize,
    pub recent_max: usize,
    pub parts_max: u8,
    /// Parts of one long MO that are joined; of more, each is handed on by itself.
    pub mo_parts_max: u8,
    pub mo_parts_waiting_max: usize,
    /// HTTP requests of one address without a key, and of one key.
    pub anonymous_requests_minute: u32,
    /// Of one person's session.
    pub session_requests_minute: u32,
    pub key_requests_minute: u32,
    /// Work without progress for so long is an alarm.
    pub stalled_after: Duration,
    pub reassembly_wait: Duration,
    pub drops_incomplete: bool,
    /// When the wall clock is not believed; as it was at the start.
    pub clock: ClockLimits,
}

impl Default for Settings {
    fn default() -> Self {
        let hours = |n: u64| Duration::from_secs(n * 3600);
        Self {
            node: 0,
            validity_uncharged: hours(24),
            validity_charged: hours(1),
            validity_mo: hours(7 * 24),
            validity_receipt: hours(7 * 24),
            validity_max: hours(7 * 24),
            schedule_max: hours(30 * 24),
            retry: [5, 30, 120, 600, 1800, 3600].map(Duration::from_secs).to_vec(),
            unknown_ttl: hours(72),
            receipt_ttl: hours(72),
            orphan_ttl: hours(72),
            orphans_max: 100_000,
            idempotency_ttl: hours(24),
            duplicate_window: Duration::from_mins(10),
            quarantine_after: 2,
            country_prefix: "48".into(),
            lane_head: 2000,
            recent_max: 200_000,
            parts_max: 16,
            mo_parts_max: 16,
            mo_parts_waiting_max: 10_000,
            anonymous_requests_minute: 600,
            session_requests_minute: 300,
            key_requests_minute: 6000,
            stalled_after: Duration::from_mins(5),
            reassembly_wait: Duration::from_mins(2),
            drops_incomplete: false,
            clock: ClockLimits::default(),
        }
    }
}
