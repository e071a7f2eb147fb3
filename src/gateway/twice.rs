//! Looks whether a charged message went to the operator twice, which must never happen (P6, P8).
//!
//! It prevents nothing: the durable claim does that. It is the alarm beside the lock, and reads
//! the store only for a charged message that is not at its first try.

use super::Gateway;
use crate::{
    domain::{MessageEvent, MessageId},
    metrics,
};

impl Gateway {
    /// To be called before the submission that is going on is itself noted.
    pub(super) async fn look_for_a_second_charge(&self, id: MessageId) {
        match self.inner.store.events(id).await {
            Ok(events) => {
                if went_before(events.iter().map(|event| event.kind.as_str())) {
                    tracing::error!(message.id = %id, "a charged message was submitted twice");
                    metrics::charged_twice(1);
                }
            }
            Err(error) => {
                tracing::warn!(%error, message.id = %id, "a second try could not be looked into");
            }
        }
    }
}

/// Whether the steps of a message, oldest first, say that it may already be with the operator. A
/// person who lets it go has decided that it is not.
fn went_before<'e>(kinds: impl Iterator<Item = &'e str>) -> bool {
    let mut went = false;
    for kind in kinds {
        if kind == MessageEvent::Submit.as_str() || kind == MessageEvent::LoseOutcome.as_str() {
            went = true;
        } else if kind == MessageEvent::LetGo.as_str() {
            went = false;
        }
    }
    went
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_try_that_may_have_arrived_makes_the_next_one_a_second_charge() {
        let cases: [(&[&str], bool); 6] = [
            (&["accepted", "claimed"], false),
            (&["accepted", "claimed", "retry_planned", "claimed"], false),
            (&["accepted", "claimed", "released", "claimed"], false),
            (&["accepted", "claimed", "submitted", "claimed"], true),
            (&["accepted", "claimed", "outcome_lost", "claimed"], true),
            (&["accepted", "claimed", "outcome_lost", "let_go", "claimed"], false),
        ];
        for (kinds, expected) in cases {
            assert_eq!(went_before(kinds.iter().copied()), expected, "{kinds:?}");
        }
    }
}
