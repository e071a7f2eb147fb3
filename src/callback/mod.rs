//! MO and receipts to partners over signed HTTPS.
//!
//! Read in this order:
//! * `body`        what a partner reads: the event, its fields, its limits
//! * `signature`   why it may believe it: Standard Webhooks, secrets and their rotation
//! * `address`     where it may go: the guard on partners' URLs, with `range`, the table behind it
//! * `client`      one attempt, over a `connection` from the `pool` or a fresh one
//! * `outcome`     how an attempt ended, in words that may be shown
//! * `schedule`    when to try again, and when to stop
//! * `envelope`    what an item of a lane becomes: its webhook id and its octets
//! * `window`      how many posts one partner takes at once
//! * `worker`      takes items from the lanes, posts them and says what became of them
//! * `hub`         the same for events of tickets and those who listen to them
//!
//! Deliberately absent: everything that remembers. Attempts are counted in the store (P22), the
//! lane holds the messages and its window bounds what is in flight, and a disabled endpoint is a
//! row of its service. Nothing before `worker` looks at a clock of the day: timestamps are
//! arguments.
//!
//! The surprise: a partner's 200 is the whole acknowledgement. No word in its body matters, and
//! a repeat carries the same webhook id, so a partner that remembers ids never acts twice.

mod address;
pub mod body;
mod client;
mod connection;
mod envelope;
#[cfg(test)]
mod fake_partner;
mod hub;
mod outcome;
mod pool;
mod range;
mod redelivery;
pub mod schedule;
mod signature;
mod window;
mod worker;

pub use address::{BadAddress, Endpoint, Guard};
pub use client::{BadSettings, Client, Delivery, Settings};
pub use hub::{Hub, address_guard};
pub use outcome::{Outcome, RETRY_AFTER_MAX, Reason};
pub use signature::{
    BadSecret, BadSignature, BadWebhookId, SECRETS_MAX, Secret, Secrets, SignedHeaders,
    TOLERANCE_S, WebhookId,
};
pub use worker::Callbacks;
