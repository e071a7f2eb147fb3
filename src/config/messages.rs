//! `[messages]` and `[limits]`: how long things live, and how many there may be.

use std::time::Duration;

use super::machine::{days, secs};
use super::range::{between, digits, each, lasting};

use super::walk::section;

section! {
    /// How long messages are tried and remembered, where a service says nothing else.
    pub struct Messages {
        /// Validity of an MT the subscriber does not pay for (P18).
        fixed validity_uncharged: Duration = secs(86_400), lasting(secs(60), days(30));
        /// Validity of a charged MT (P18): nobody wants to pay tomorrow for today's answer.
        fixed validity_charged: Duration = secs(3600), lasting(secs(60), days(30));
        /// How long an MO waits for its partner (P18).
        fixed validity_mo: Duration = days(7), lasting(secs(60), days(30));
        /// How long a receipt waits for its partner (P17).
        fixed validity_receipt: Duration = days(7), lasting(secs(60), days(30));
        /// Longest validity a partner may ask for.
        fixed validity_max: Duration = days(7), lasting(secs(60), days(30));
        /// How far ahead a partner may schedule an MT.
        fixed schedule_max: Duration = days(7), lasting(Duration::ZERO, days(90));
        /// Pauses between tries of one message, fully jittered; the last one repeats (P19).
        fixed retry: Vec<Duration> = [5, 30, 120, 600, 1800, 3600].map(secs).to_vec(), each(1, 32, lasting(secs(1), days(1)));
        /// When an UNKNOWN that nothing resolved becomes final (P8).
        fixed unknown_ttl: Duration = days(3), lasting(secs(10), days(30));
        /// How long after its validity a message without its receipt is waited for. Then it ends as
        /// UNKNOWN: its partner is told, and its text can be erased (S-45).
        fixed receipt_ttl: Duration = days(3), lasting(secs(10), days(30));
        /// How long a receipt without its message is kept (P15).
        fixed orphan_ttl: Duration = days(3), lasting(secs(60), days(30));
        /// How long a partner's idempotency id is remembered (P11).
        fixed idempotency_ttl: Duration = secs(86_400), lasting(secs(3600), days(30));
        /// How far back a repeat after an uncertain answer is looked for (P11, P12).
        fixed duplicate_window: Duration = secs(600), lasting(Duration::ZERO, days(1));
        /// Times a message may end a session or panic a task before it is put aside (P21).
        fixed quarantine_after: u32 = 2, between(1, 100);
        /// Country code of subscribers' numbers in national form.
        fixed default_country_prefix: String = "48".into(), digits(1, 4);
    }
}

section! {
    /// Limits of memory and fairness, where a partner or a service says nothing else.
    pub struct Limits {
        /// Messages of one lane held in memory; the rest waits in the store.
        live lane_head: u32 = 256, between(1, 100_000);
        /// MT of one partner waiting; beyond it `ESME_RMSGQFUL` (P24).
        live backlog_partner: u32 = 100_000, between(1, 100_000_000);
        /// MO waiting for one partner; beyond it the operator keeps them (P29).
        live backlog_mo: u32 = 100_000, between(1, 100_000_000);
        /// Messages remembered to answer repeats and queries without the store.
        live recent_messages: u32 = 100_000, between(100, 10_000_000);
        /// Parts of one long MO; 255 is what a header can say.
        live mo_parts_max: u32 = 16, between(1, 255);
        /// Long MO waiting for their parts.
        live reassemblies_max: u32 = 10_000, between(16, 1_000_000);
        /// Parts of one long MT.
        live mt_parts_max: u32 = 10, between(1, 255);
        /// Messages per second of a partner without a rate of its own.
        live partner_rate: u32 = 10, between(1, 100_000);
        /// Sessions of a partner without a limit of its own.
        live partner_binds: u32 = 4, between(1, 1000);
        /// Charged messages to one subscriber in a minute (P13).
        live subscriber_charges_minute: u32 = 5, between(1, 1000);
        /// Charged messages to one subscriber in a day (P13).
        live subscriber_charges_day: u32 = 50, between(1, 10_000);
        /// Receipts kept whose message is not known (P15).
        live orphan_receipts: u32 = 100_000, between(100, 10_000_000);
        /// An alarm when messages could go for so long and none does: `bramka_stalled`.
        live stalled_after: Duration = secs(300), lasting(secs(5), secs(86_400));
        /// HTTP requests per minute from one address without an account; a whole office may be behind it. Log-in, registration and reset have stricter limits of their own (S-56).
        live anonymous_requests_minute: u32 = 600, between(1, 100_000);
        /// HTTP requests per minute in one session of a person (S-56).
        live session_requests_minute: u32 = 300, between(1, 100_000);
        /// Requests per minute with one API key (S-56).
        live key_requests_minute: u32 = 6000, between(1, 1_000_000);
    }
}
