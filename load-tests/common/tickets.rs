//! A desk with years of tickets: faults and complaints, nearly all of them over.
//!
//! The rows are written by SQL and not by the verbs, which would need hours. What surprises: a
//! third of everything is of one partner, so that somebody's own list is long too.

use std::{path::Path, time::Instant};

use super::bulk::Bulk;

/// Of a hundred tickets so many are complaints.
const COMPLAINTS: u64 = 40;
/// Of a hundred tickets so many are open.
const OPEN: u64 = 2;
const DAY_US: i64 = 86_400_000_000;

/// Fills an existing store with `count` tickets of companies from `first` on, `companies` of them;
/// a third is of the company `busy`.
pub(crate) async fn fill(database: &Path, count: u64, (first, companies, busy): (u64, u64, u64)) {
    let started = Instant::now();
    let mut bulk = Bulk::open(database).await;
    let now = jiff::Timestamp::now().as_microsecond();
    let whose = format!("case when i % 3 = 0 then {busy} else {first} + i % {companies} end");
    let complaints = count * COMPLAINTS / 100;
    bulk.write([
        faults(count - complaints, &whose, now),
        of_complaints(complaints, &whose, now),
        happenings("fault", &["fault_report", "fault_take", "fault_close"], now),
        happenings("complaint", &["complaint_take", "complaint_refuse", "complaint_close"], now),
    ])
    .await;
    bulk.close().await;
    println!("{count} tickets, {complaints} of them complaints, made in {:.0?}", started.elapsed());
}

fn numbers(count: u64) -> String {
    format!("with recursive n(i) as (select 1 union all select i + 1 from n where i < {count}) ")
}

fn faults(count: u64, whose: &str, now: i64) -> String {
    let due = now + 30 * DAY_US;
    format!(
        "insert into fault (id, partner_id, area, severity, rank, state, title, story, since_at, \
         contact, evidence, answer, made_by, made_at, taken_at, resolved_at, ended_at, due_at, \
         escalated, version) {} select i, {whose}, \
         case i % 3 when 0 then 'sms' when 1 then 'wap' else 'portal' end, \
         case i % 4 when 0 then 'critical' when 1 then 'major' when 2 then 'minor' \
         else 'question' end, i % 4, case when i % 100 < {OPEN} then 'in_progress' \
         else 'closed' end, 'Receipts are late ' || i, 'Since this morning receipts come late.', \
         {now}, '', '', 'Repaired.', 'load', {now} - ({count} - i) * 1000000, {now}, {now}, \
         case when i % 100 < {OPEN} then null else {now} end, {due}, 100, 3 from n",
        numbers(count)
    )
}

fn of_complaints(count: u64, whose: &str, now: i64) -> String {
    let due = now + 20 * DAY_US;
    format!(
        "insert into complaint (id, partner_id, subject, channel, demand, state, msisdn, name, \
         mail, address, story, from_at, until_at, received_at, counts_from, due_at, told_step, \
         partner_answer, decision, reason, decided_at, refund_minor, currency, appeals, made_by, \
         made_at, ended_at, version) {} select i, {whose}, \
         case i % 2 when 0 then 'price' else 'not_ordered' end, 'phone', 'refund', \
         case when i % 100 < {OPEN} then 'received' else 'closed' end, \
         '4860' || printf('%07d', i % 5000), 'Jan Nowak', '', '', 'I did not order this.', {now}, \
         {now}, {now}, {now}, {due}, 0, '', \
         case when i % 100 < {OPEN} then null else 'refused' end, '', \
         case when i % 100 < {OPEN} then null else {now} end, 0, 'PLN', 0, 'load', \
         {now} - ({count} - i) * 1000000, case when i % 100 < {OPEN} then null else {now} end, 3 \
         from n",
        numbers(count)
    )
}

/// The timeline of each ticket of a kind.
fn happenings(table: &str, kinds: &[&str; 3], now: i64) -> String {
    let [one, two, three] = kinds;
    format!(
        "with k(kind, place) as (values ('{one}', 1), ('{two}', 2), ('{three}', 3)) \
         insert into happening (id, subject, at, who, kind, note, is_public) \
         select (select coalesce(max(id), 0) from happening) \
         + row_number() over (order by t.id, k.place), '{table}:' || t.id, {now}, 'load', k.kind, \
         '', 1 from {table} t cross join k"
    )
}
