//! A catalog of many partners and keywords that send nothing, beside those that do.
//!
//! The rows are written by SQL and not by the verbs, which would need hours. Each partner holds its
//! keywords in the base of numbers, so that both sources of a number are as big as each other.

use std::{path::Path, time::Instant};

use super::bulk::Bulk;

/// Ids of what is made here begin behind all others.
const FIRST: u64 = 1_000_000;
/// Keywords on one shared number, and of one service.
const PER_NUMBER: u64 = 10_000;
const PER_SERVICE: u64 = 20;

/// The number that has a keyword.
pub(crate) fn number_of(keyword: u64) -> String {
    (80_000 + keyword / PER_NUMBER).to_string()
}

/// The keyword of that place.
pub(crate) fn word_of(keyword: u64) -> String {
    format!("LOS{keyword}")
}

pub(crate) async fn fill(database: &Path, partners: u64, keywords: u64) {
    let started = Instant::now();
    let mut bulk = Bulk::open(database).await;
    bulk.write(rows(partners, keywords)).await;
    bulk.close().await;
    let took = started.elapsed();
    println!("{partners} partners and {keywords} keywords that are silent, made in {took:.0?}");
}

fn rows(partners: u64, keywords: u64) -> Vec<String> {
    let up_to = |count: u64| {
        format!(
            "with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < {count}) "
        )
    };
    let of_partners = up_to(partners);
    let of_keywords = up_to(keywords);
    let of_numbers = up_to(keywords.div_ceil(PER_NUMBER));
    let of_services = up_to(keywords.div_ceil(PER_SERVICE));
    vec![
        format!(
            "insert into partner (id, name, is_active, rate, burst, backlog_max, waiting_max, \
             message_id_form, receipt_seconds, receipt_zone, default_alphabet, \
             strip_trailing_nul, prefers_rx_t_appn, vendor_tlvs, splits_long, takes_data_sm, \
             made_at) {of_partners} select {FIRST} + i, 'silent' || i, 1, 10, 10, 1000, 1000, \
             'decimal', 0, 'Europe/Warsaw', 'gsm7', 0, 0, 0, 1, 0, 0 from n"
        ),
        format!(
            "insert into credential (system_id, partner_id, secret, is_active, addresses, \
             tls_only, may_transmit, may_receive, binds_max, send_window, service_types, \
             may_have_receipts, pdu_octets_max, made_at) {of_partners} select 'silent' || i, \
             {FIRST} + i, printf('%064x', i), 1, '', 0, 1, 1, 10, 10, '', 1, 70000, 0 from n"
        ),
        format!(
            "insert into short_code (digits, made_at) {of_numbers} \
             select cast(80000 + i as text), 0 from n"
        ),
        format!(
            "insert into number (id, digits, class, is_shared, pool, is_withdrawn, made_at, \
             version) {of_numbers} select {FIRST} + i, cast(80000 + i as text), 'sms_shared', 1, \
             '', 0, 0, 1 from n"
        ),
        format!(
            "insert into service (id, version, partner_id, name, state, short_code, billing, \
             tariffs_allowed, link_group, delivery, callback_enabled, on_unknown, charge_at, \
             charges_per_minute, charges_per_day, spend_per_day_minor, validity_max_us, \
             test_numbers, made_at) {of_services} select {FIRST} + i, 1, \
             {FIRST} + i % {partners}, 'silent' || i, 'live', \
             cast(80000 + i * {PER_SERVICE} / {PER_NUMBER} as text), 'free', '', 'main', 'smpp', \
             1, 'resend', 'delivered', 0, 0, 0, 0, '', 0 from n"
        ),
        format!(
            "insert into keyword (short_code, word, service_id) {of_keywords} \
             select cast(80000 + i / {PER_NUMBER} as text), 'LOS' || i, \
             {FIRST} + i / {PER_SERVICE} from n"
        ),
        format!(
            "insert into reservation (id, number_id, keyword, look, slot, partner_id, state, \
             reserved_at, expires_at, extensions, reason, version) {of_keywords} \
             select {FIRST} + i, {FIRST} + i / {PER_NUMBER}, 'LOS' || i, 'LOS' || i, 'LOS' || i, \
             {FIRST} + i / {PER_SERVICE} % {partners}, 'active', 0, 0, 0, '', 1 from n"
        ),
    ]
}
