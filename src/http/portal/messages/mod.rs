//! Messages: the look for them, and the biography of one.
//!
//! What surprises: a page shows no whole number and no text by itself. Whoever has the right asks
//! for them with a button, so that each such look is a request of its own and stands in the trail.

mod list;
mod show;
mod steps;
#[cfg(test)]
mod tests;

pub(super) use list::{moment, services};

use axum::{
    Router,
    routing::{get, post},
};

use super::{
    cell::{Tag, Tone},
    page::Page,
};
use crate::{
    domain::{MessageId, MessageState, Refusal},
    http::App,
};

/// Digits of the largest id.
const ID_MAX: usize = 19;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/messages", get(list::show))
        .route("/messages/{id}", get(show::show))
        // Whoever changes the language there comes back with a GET.
        .route("/messages/{id}/reveal", get(show::show).post(steps::reveal))
        .route("/messages/{id}/redeliver", post(steps::redeliver))
}

/// What cannot be an id is as unknown as one that nobody has (S-28).
fn message_id(text: &str) -> Result<MessageId, Refusal> {
    let is_plain =
        (1..=ID_MAX).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    let shown = || text.chars().filter(|letter| !letter.is_control()).take(32).collect();
    text.parse()
        .ok()
        .filter(|_| is_plain)
        .map(MessageId)
        .ok_or_else(|| Refusal::UnknownMessage(shown()))
}

fn state_tag(page: &Page, state: &str) -> Tag {
    use MessageState as S;
    let tone = match MessageState::parse(state) {
        Some(S::Accepted | S::Deleted) | None => Tone::Calm,
        Some(S::Claimed | S::Submitted) => Tone::Busy,
        Some(S::Delivered) => Tone::Good,
        Some(S::Unknown | S::UnknownFinal | S::Held | S::Quarantined) => Tone::Warn,
        Some(S::Undeliverable | S::Expired | S::Rejected | S::VoidUnacked | S::Unrouted) => {
            Tone::Bad
        }
    };
    Tag::new(tone, page.word("messages-state-", state))
}
