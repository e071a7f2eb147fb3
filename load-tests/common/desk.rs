//! A house that has been in business for years: companies, people, agreements, applications and a
//! long audit trail.
//!
//! The rows are written by SQL and not by the verbs, which would need hours. What surprises: the
//! hashes of the trail are invented, so `bramka audit verify` would rightly complain.

use std::{path::Path, time::Instant};

use super::bulk::Bulk;

/// Ids of companies made here begin behind the partners that send messages.
pub(crate) const FIRST: u64 = 1_000;
/// Rows of the trail in one transaction.
const BATCH: u64 = 100_000;

/// Fills an existing store with `companies`, three people, two agreements and one application
/// each, and `records` of the audit trail.
pub(crate) async fn fill(database: &Path, companies: u64, records: u64) {
    let started = Instant::now();
    let mut bulk = Bulk::open(database).await;
    let now = jiff::Timestamp::now().as_microsecond();
    bulk.write(companies_of(companies, now)).await;
    let mut made = 0;
    while made < records {
        let rows = BATCH.min(records - made);
        bulk.write([trail(made, rows, companies, now)]).await;
        made += rows;
    }
    bulk.close().await;
    println!("{companies} companies, {records} audit records, made in {:.0?}", started.elapsed());
}

fn companies_of(count: u64, now: i64) -> Vec<String> {
    let numbers = format!(
        "with recursive n(i) as (select {FIRST} union all select i + 1 from n where i < {}) ",
        FIRST + count - 1
    );
    let people = "with p(role, place) as (values ('admin', 1), ('developer', 2), ('finance', 3)) ";
    let kinds = "with k(kind, place) as (values ('nda', 1), ('framework', 2)) ";
    vec![
        format!(
            "insert into partner (id, name, is_active, rate, burst, backlog_max, waiting_max, \
             message_id_form, receipt_seconds, receipt_zone, default_alphabet, \
             strip_trailing_nul, prefers_rx_t_appn, vendor_tlvs, splits_long, takes_data_sm, \
             made_at) {numbers} select i, 'company' || i, 1, 10, 10, 1000, 1000, 'decimal', 0, \
             'Europe/Warsaw', 'gsm7', 0, 0, 0, 1, 0, {now} from n"
        ),
        format!(
            "insert into company (partner_id, state, partner_number, legal_name, nip, regon, krs, \
             street, postal_code, city, country, bank_account, language, level, version, made_at) \
             {numbers} select i, 'contracted', printf('P-%06d', i), 'Company ' || i \
             || ' sp. z o.o.', printf('%010d', i), '123456785', '', 'ul. Prosta 1', '00-950', \
             'Warszawa', 'PL', '', 'pl', 0, 1, {now} from n"
        ),
        format!(
            "insert into person (id, partner_id, mail, name, role, state, totp_step, language, \
             theme, failures, version, made_at) {people} select c.partner_id * 10 + p.place, \
             c.partner_id, p.role || c.partner_id || '@example.com', 'Anna Nowak', p.role, \
             'active', 0, 'pl', 'auto', 0, 1, {now} from company c cross join p"
        ),
        format!(
            "insert into agreement (id, number, partner_id, kind, language, state, contact_name, \
             contact_mail, prepared_at, sent_at, signed_at, in_force_at, reminders, reason, \
             replied, version) {kinds} select c.partner_id * 10 + k.place, upper(k.kind) || '/' || \
             c.partner_id, c.partner_id, k.kind, 'pl', 'in_force', 'Anna Nowak', \
             'anna@example.com', {now}, {now}, {now}, {now}, 0, '', '', 1 \
             from company c cross join k"
        ),
        format!(
            "insert into application (id, reference, purpose, state, link_hash, link_sealed, \
             language, mail, nip, legal_name, search_name, form, partner_id, reviewer, \
             is_accepted, notice_version, consented_from, version, made_at, changed_at, \
             submitted_at) select c.partner_id, printf('A-2026-%06d', c.partner_id), 'join', \
             case when c.partner_id % 10 = 0 then 'in_review' else 'decided' end, \
             printf('%064d', c.partner_id), x'00', 'pl', 'anna@example.com', c.nip, \
             c.legal_name, lower(c.legal_name), '{{}}', c.partner_id, '', 1, '2026-01', '', 1, \
             {now}, {now}, {now} from company c"
        ),
        format!(
            "insert into application_area (application_id, area, revenue_minor, reason, \
             reason_text, reapply_on, refer_to) select id, 'special_wap', 1000000, '', '', '', '' \
             from application"
        ),
        format!(
            "insert into deadline (id, subject, rule, owner, started_at, due_at, promised_at, \
             met_at) select id, 'application:' || id, 'decision', 'operator', {now}, \
             {now} + 86400000000, {now} + 86400000000, \
             case when state = 'in_review' then null else {now} end from application"
        ),
        format!(
            "insert into happening (id, subject, at, who, kind, note, is_public) select id, \
             'application:' || id, {now}, 'applicant', 'application_submitted', '', 1 \
             from application"
        ),
    ]
}

/// Records `made + 1` to `made + rows` of the trail.
fn trail(made: u64, rows: u64, companies: u64, now: i64) -> String {
    format!(
        "insert into audit (seq, at, who, what, subject, detail, previous, hash) \
         with recursive n(i) as (select {} union all select i + 1 from n where i < {}) \
         select (select coalesce(max(seq), 0) from audit) + i - {made}, {now} - 1000000000000 + i, \
         'user:' || (i % 500) || ' anna', case i % 4 when 0 then 'person.role' when 1 then \
         'credential.rotate' when 2 then 'agreement.send' else 'application.score' end, \
         'company:' || ({FIRST} + i % {companies}), '{{\"before\":1,\"after\":2}}', \
         randomblob(32), randomblob(32) from n",
        made + 1,
        made + rows
    )
}
