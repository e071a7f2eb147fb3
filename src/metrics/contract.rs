//! The contract: every series with its kind, unit and labels.
//!
//! It measures nothing. What surprises: `config/metrics.txt` says the same for whoever builds a
//! dashboard, and a test compares both.

/// Kind of series, as Prometheus names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One line of the contract.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Series {
    pub name: &'static str,
    pub kind: Kind,
    /// `count` for whatever the name counts, `flag` for 0 or 1.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const fn series(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Series {
    Series { name, kind, unit, labels, help }
}

/// Every series, with its unit in its name. Version 1.
#[rustfmt::skip] // It is read as a table.
pub const CONTRACT: &[Series] = &[
    series("bramka_messages_total", Kind::Counter, "count", &["flow", "result"], "messages by flow (mt, mo, receipt) and what became of them"),
    series("bramka_message_duration_seconds", Kind::Histogram, "seconds", &["flow"], "from acceptance to the final step"),
    series("bramka_queue_messages", Kind::Gauge, "count", &["lane_class", "partner"], "rows that wait in lanes"),
    series("bramka_queue_oldest_age_seconds", Kind::Gauge, "seconds", &["lane_class", "partner"], "age of the oldest row that waits"),
    series("bramka_unknown_messages", Kind::Gauge, "count", &["state"], "messages that need a person: unknown, held, quarantined"),
    series("bramka_submit_responses_total", Kind::Counter, "count", &["link", "status"], "answers of SMSCs to submit_sm"),
    series("bramka_submit_response_seconds", Kind::Histogram, "seconds", &["link"], "from submit_sm to its answer by the SMSC"),
    series("bramka_accept_seconds", Kind::Histogram, "seconds", &["side"], "from a request to its answer by the gateway"),
    series("bramka_commit_duration_seconds", Kind::Histogram, "seconds", &[], "time of one group commit"),
    series("bramka_commit_batch_size", Kind::Histogram, "changes", &[], "changes in one group commit"),
    series("bramka_commit_guests_seconds", Kind::Histogram, "seconds", &[], "time of one group commit that changes of people took"),
    series("bramka_store_up", Kind::Gauge, "flag", &[], "1 while the store takes commits"),
    series("bramka_sessions", Kind::Gauge, "count", &["side", "type", "state"], "SMPP sessions"),
    series("bramka_binds_total", Kind::Counter, "count", &["side", "result"], "binds and how they ended"),
    series("bramka_session_closed_total", Kind::Counter, "count", &["side", "reason"], "sessions that ended, by reason"),
    series("bramka_smpp_pdus_total", Kind::Counter, "count", &["side", "direction", "command"], "PDUs"),
    series("bramka_bad_pdus_total", Kind::Counter, "count", &["side", "status"], "PDUs that could not be read, by the status they were answered with"),
    series("bramka_refusals_total", Kind::Counter, "count", &["side", "code"], "refused requests by code"),
    series("bramka_window_in_use", Kind::Gauge, "count", &["link"], "requests sent to an SMSC and not answered"),
    series("bramka_window_limit", Kind::Gauge, "count", &["link"], "the window in force on a link, all binds"),
    series("bramka_rate_limit", Kind::Gauge, "messages/second", &["link"], "messages a second in force on a link; 0 is none"),
    series("bramka_binding_limit", Kind::Gauge, "flag", &["subject", "name", "limit"], "1 for the limit that holds a lane or link back now, 0 for the others"),
    series("bramka_stalled", Kind::Gauge, "count", &["subject", "name"], "lanes and links with work that could go and does not for limits.stalled_after"),
    series("bramka_throttled_total", Kind::Counter, "count", &["partner", "limit"], "submits refused for a limit"),
    series("bramka_link_up", Kind::Gauge, "count", &["link"], "bound sessions of a link"),
    series("bramka_link_reconnects_total", Kind::Counter, "count", &["link"], "tries to bind to an SMSC"),
    series("bramka_lease_epoch", Kind::Gauge, "epoch", &["link"], "epoch of the lease of a link"),
    series("bramka_receipts_total", Kind::Counter, "count", &["link", "match"], "receipts of SMSCs by what they matched"),
    series("bramka_orphan_receipts", Kind::Gauge, "count", &[], "receipts that match nothing"),
    series("bramka_orphan_receipts_matched_total", Kind::Counter, "count", &[], "receipts that came before their answer and found it"),
    series("bramka_quarantined_messages_total", Kind::Counter, "count", &[], "messages put aside as poison"),
    series("bramka_charge_mismatch_total", Kind::Counter, "count", &[], "receipts that contradict a final state"),
    series("bramka_charges_total", Kind::Counter, "count", &["tariff"], "ledger rows"),
    series("bramka_charges_reversed_total", Kind::Counter, "count", &["tariff"], "ledger rows that take a charge back"),
    series("bramka_charge_amount_minor_total", Kind::Counter, "minor", &["currency"], "money in ledger rows, minor units"),
    series("bramka_charges_submitted_twice_total", Kind::Counter, "count", &[], "charged messages submitted more than once: must stay 0"),
    series("bramka_replayed_total", Kind::Counter, "count", &["why"], "repeats that got the earlier answer"),
    series("bramka_retries_total", Kind::Counter, "count", &["what"], "items planned for another try"),
    series("bramka_unrouted_total", Kind::Counter, "count", &["why"], "MO that no service takes"),
    series("bramka_standard_words_total", Kind::Counter, "count", &["word"], "texts that the gateway itself understands: help, info, stop, start"),
    series("bramka_incomplete_messages_total", Kind::Counter, "count", &["link"], "long MO that missed a part when their time was over"),
    series("bramka_callback_attempts_total", Kind::Counter, "count", &["outcome"], "posts to partners' callbacks"),
    series("bramka_redelivered_total", Kind::Counter, "count", &["flow", "result"], "messages of replays by flow (mo, receipt) and what became of them"),
    series("bramka_replays_running", Kind::Gauge, "count", &[], "replays that are not over"),
    series("bramka_mails", Kind::Gauge, "count", &["state"], "letters by state: queued, sent, bounced, failed"),
    series("bramka_mail_oldest_age_seconds", Kind::Gauge, "seconds", &[], "age of the oldest letter that waits"),
    series("bramka_mail_sent_total", Kind::Counter, "count", &["result"], "tries to send a letter and how they ended"),
    series("bramka_http_requests_total", Kind::Counter, "count", &["route", "status"], "HTTP requests"),
    series("bramka_deadlines_overdue", Kind::Gauge, "count", &["rule"], "promises that are over and were not kept"),
    series("bramka_forgotten_total", Kind::Counter, "count", &["what"], "rows of the partnership that were erased by age"),
    series("bramka_numbers", Kind::Gauge, "count", &["class", "state"], "numbers of the base"),
    series("bramka_service_steps_total", Kind::Counter, "count", &["step"], "steps of services: draft, submit, approve, go_live and so on"),
    series("bramka_number_steps_total", Kind::Counter, "count", &["step"], "steps of reservations: reserve, extend, order, activate and so on"),
    series("bramka_orders", Kind::Gauge, "count", &["kind"], "orders of partners that are open"),
    series("bramka_orders_late", Kind::Gauge, "count", &["kind"], "open orders whose expected day is over"),
    series("bramka_order_steps_total", Kind::Counter, "count", &["step"], "what people do to orders: tick, own, wait, note and so on"),
    series("bramka_faults", Kind::Gauge, "count", &["state", "severity"], "fault reports that are open"),
    series("bramka_fault_steps_total", Kind::Counter, "count", &["step"], "steps of fault reports: report, take, resolve, escalate and so on"),
    series("bramka_complaints", Kind::Gauge, "count", &["state"], "complaints of subscribers that are open"),
    series("bramka_complaint_steps_total", Kind::Counter, "count", &["step"], "steps of complaints: take, ask, answer, accept, lapse and so on"),
    series("bramka_complaint_refunds_total", Kind::Counter, "count", &[], "charges given back by complaints"),
    series("bramka_ticket_news_total", Kind::Counter, "count", &["outcome"], "posts to listeners of the ticket hub"),
    series("bramka_ticket_news_waiting", Kind::Gauge, "count", &[], "events that wait for listeners of the ticket hub"),
    series("bramka_disk_free_bytes", Kind::Gauge, "bytes", &[], "free space where the database is"),
    series("bramka_clock_believed", Kind::Gauge, "0 or 1", &[], "0 for ten minutes after the wall clock jumped far forward: nothing expires"),
    series("bramka_clock_jumps_total", Kind::Counter, "count", &[], "jumps of the wall clock over 2 s"),
    series("bramka_insecure_settings", Kind::Gauge, "count", &[], "settings spelled insecure_ that are on"),
    series("bramka_build_info", Kind::Gauge, "flag", &["version"], "always 1"),
];
