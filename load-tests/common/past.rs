//! A store that has served for days: messages that are over, with their events and receipts.
//!
//! The rows are written by SQL and not by the gateway, which would need an hour for ten millions.

use std::{path::Path, time::Instant};

use super::bulk::Bulk;

/// Rows in one transaction.
const BATCH: u64 = 100_000;
/// Over how many milliseconds the past messages are spread: six days, so that no text is old
/// enough to be erased while the test runs.
const SPREAD_MS: u64 = 6 * 24 * 3600 * 1000;

/// Fills an existing store with `messages` MT of the first partner to two million subscribers, of
/// which one in a thousand was not delivered.
pub(crate) async fn fill(database: &Path, messages: u64) {
    let started = Instant::now();
    let mut bulk = Bulk::open(database).await;
    let now_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).expect("after 1970");
    let step = (SPREAD_MS / messages).max(1);
    let begin = now_ms - SPREAD_MS - 3_600_000;
    let mut made = 0;
    while made < messages {
        let rows = BATCH.min(messages - made);
        bulk.write(batch(made, rows, begin, step)).await;
        made += rows;
    }
    bulk.close().await;
    let size = std::fs::metadata(database).expect("the store").len() / (1024 * 1024);
    println!("{messages} past messages, {size} MiB, made in {:.0?}", started.elapsed());
}

/// The rows of messages `made` to `made + rows`, one statement for each table.
fn batch(made: u64, rows: u64, begin: u64, step: u64) -> Vec<String> {
    // 1577836800000 is 2020 in milliseconds; a number has 22 bits below them (domain/ids.rs).
    let numbers = format!(
        "with recursive n(i) as (select {made} union all select i + 1 from n where i < {}), \
         m(i, ms) as (select i, {begin} + i * {step} from n), \
         k(i, at, id) as (select i, ms * 1000, (ms - 1577836800000) << 22 from m) ",
        made + rows - 1
    );
    let mut statements = vec![
        format!(
            "{numbers} insert into message (id, direction, partner_id, service_id, \
             service_version, caller, link_group, sender, sender_kind, recipient, data_coding, \
             has_udh, body, parts, on_unknown, accepted_at, deliver_after, valid_until, receipts, \
             service_type, priority, protocol_id, likeness, state, state_at) \
             select id, 'mt', 1, 1, 1, 'smpp:p0#1', 'main', '70000', 'short_code', \
             '4860' || printf('%07d', i * 7919 % 2000000), 0, 0, \
             cast('Thank you. Your code is 4711.' as blob), 1, 'resend', at, 0, \
             at + 172800000000, 1, '', 0, 0, randomblob(32), \
             case i % 997 when 0 then 'undeliverable' else 'delivered' end, at + 900000 from k"
        ),
        format!(
            "{numbers} insert into receipt_key (link_group, smsc_message_id, message_id, part) \
             select 'main', printf('%016d', i), id, 0 from k"
        ),
    ];
    // Each step right behind the others of its message, as the table keeps them.
    statements.push(format!(
        "{numbers}, e(place, kind, link) as (values (1, 'accepted', null), (2, 'claimed', 'main'), \
         (3, 'submitted', 'main'), (4, 'delivered', 'main')) \
         insert into message_event (message_id, seq, at, kind, who, link, attempt, detail) \
         select id, id + place, at + place * 1000, kind, 'gateway', link, 1, null \
         from k cross join e order by id, place"
    ));
    statements
}
