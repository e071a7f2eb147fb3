//! What a message's row and steps say in one sentence: which sentence it is, for the page and the
//! API to put into words.
//!
//! It writes no sentence itself. What surprises: the state alone does not tell it. `expired` may
//! mean that the gateway never sent it or that the network never found the subscriber, and who has
//! to do something differs; so the reason that was stored and the last steps are read as well.

use super::{MessageState, NetworkError, catalog::Unrouted};

/// Reasons as the gateway stores them in `message.error`; everything else there is the name of an
/// SMSC's status or a network's cause.
pub const NO_ANSWER: &str = "no answer";
pub const NO_ID: &str = "taken without an id";
pub const REPLACED: &str = "replaced";
pub const REFUSED_BY_PARTNER: &str = "refused by the partner";
/// The name of the parameter that its link wants follows.
pub const NO_VALUE: &str = "no value for ";
/// Of the step that wrote a message off.
pub const NO_RECEIPT: &str = "no receipt came in time";

/// Steps that move no state, beside those of `MessageEvent`.
pub const NOTES: [&str; 19] = [
    "accepted",
    "answered",
    "unrouted",
    "intermediate",
    "late_receipt",
    "late_response",
    "part_receipt",
    "receipt_dropped",
    "receipt_expired",
    "receipt_handed",
    "receipt_refused",
    "receipt_released",
    "redelivered",
    "redelivery_refused",
    "release_proposed",
    "repeat_suppressed",
    "replaced",
    "sent_proposed",
    "write_off_proposed",
];

macro_rules! stories {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// What became of a message, and so what can be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Story { $($(#[$doc])* $name),+ }

        impl Story {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in keys of texts and in the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

stories! {
    MtWaits = "mt_waits",
    /// Its partner wants it later.
    MtPlanned = "mt_planned",
    /// The SMSC asked to try later, or its answer was lost.
    MtRetries = "mt_retries",
    MtGoes = "mt_goes",
    MtSent = "mt_sent",
    MtDelivered = "mt_delivered",
    MtUndeliverable = "mt_undeliverable",
    /// The network said why.
    MtNetwork = "mt_network",
    /// Never sent.
    MtExpiredHere = "mt_expired_here",
    MtExpiredThere = "mt_expired_there",
    MtRefused = "mt_refused",
    /// Its link wants a parameter that it does not have.
    MtIncomplete = "mt_incomplete",
    /// Taken first, and refused in the receipt.
    MtRefusedLater = "mt_refused_later",
    /// Two people took it out of quarantine for good.
    MtGivenUp = "mt_given_up",
    MtTakenBack = "mt_taken_back",
    MtReplaced = "mt_replaced",
    MtDeletedThere = "mt_deleted_there",
    MtUnanswered = "mt_unanswered",
    MtNameless = "mt_nameless",
    MtSilent = "mt_silent",
    MtWrittenOff = "mt_written_off",
    MtHeld = "mt_held",
    MtQuarantined = "mt_quarantined",
    MtVoided = "mt_voided",
    MoWaits = "mo_waits",
    MoRetries = "mo_retries",
    MoDelivered = "mo_delivered",
    /// A standard word, which the gateway answers alone.
    MoAnswered = "mo_answered",
    MoExpired = "mo_expired",
    MoRefused = "mo_refused",
    MoGivenUp = "mo_given_up",
    MoQuarantined = "mo_quarantined",
    MoNoSuchNumber = "mo_no_such_number",
    MoNoSuchKeyword = "mo_no_such_keyword",
    MoServiceNotLive = "mo_service_not_live",
    MoNotATestNumber = "mo_not_a_test_number",
    MoPartnerSuspended = "mo_partner_suspended",
    MoNumberNotActive = "mo_number_not_active",
    MoOutOfSchedule = "mo_out_of_schedule",
    /// A state that a message of its direction never has.
    Odd = "odd",
}

/// How far it came the last time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Went {
    /// Nobody tried, or a person sends it from the beginning.
    #[default]
    Nowhere,
    /// It was tried, and goes again.
    Back,
    /// The SMSC had it.
    Out,
    /// The gateway answered it, and no partner got it.
    Answered,
}

/// What the sentence is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts<'f> {
    pub is_mo: bool,
    pub error: Option<&'f str>,
    pub went: Went,
    /// Its time has not come.
    pub is_planned: bool,
    /// Written off because no receipt came.
    pub is_silent: bool,
}

impl<'f> Facts<'f> {
    /// Reads the steps, oldest first, each a kind and its detail.
    pub fn read<'s>(
        is_mo: bool,
        error: Option<&'f str>,
        steps: impl IntoIterator<Item = (&'s str, Option<&'s str>)>,
    ) -> Self {
        let mut facts = Self { is_mo, error, ..Self::default() };
        for (kind, detail) in steps {
            match kind {
                "submitted" | "proved_sent" => facts.went = Went::Out,
                "retry_planned" | "resend_planned" => facts.went = Went::Back,
                "let_go" => facts.went = Went::Nowhere,
                "answered" => facts.went = Went::Answered,
                "delivered" if facts.went == Went::Answered => facts.went = Went::Nowhere,
                "written_off" => facts.is_silent = detail == Some(NO_RECEIPT),
                _ => {}
            }
        }
        facts
    }
}

impl Story {
    /// Every state of either direction has one.
    pub fn of(state: MessageState, facts: &Facts<'_>) -> Self {
        if facts.is_mo { Self::of_mo(state, facts) } else { Self::of_mt(state, facts) }
    }

    fn of_mt(state: MessageState, facts: &Facts<'_>) -> Self {
        use MessageState as S;
        match (state, facts.error) {
            (S::Accepted, _) if facts.is_planned => Self::MtPlanned,
            (S::Accepted, _) if facts.went == Went::Back => Self::MtRetries,
            (S::Accepted, _) => Self::MtWaits,
            (S::Claimed, _) => Self::MtGoes,
            (S::Submitted, _) => Self::MtSent,
            (S::Delivered, _) => Self::MtDelivered,
            (S::Undeliverable, Some(_)) => Self::MtNetwork,
            (S::Undeliverable, None) => Self::MtUndeliverable,
            (S::Expired, _) if facts.went == Went::Out => Self::MtExpiredThere,
            (S::Expired, _) => Self::MtExpiredHere,
            (S::Rejected, _) if facts.went == Went::Out => Self::MtRefusedLater,
            (S::Rejected, Some(why)) if why.starts_with(NO_VALUE) => Self::MtIncomplete,
            (S::Rejected, Some(_)) => Self::MtRefused,
            (S::Rejected, None) => Self::MtGivenUp,
            (S::Deleted, _) if facts.went == Went::Out => Self::MtDeletedThere,
            (S::Deleted, Some(REPLACED)) => Self::MtReplaced,
            (S::Deleted, _) => Self::MtTakenBack,
            (S::Unknown, Some(NO_ID)) => Self::MtNameless,
            (S::Unknown, _) => Self::MtUnanswered,
            (S::UnknownFinal, _) if facts.is_silent => Self::MtSilent,
            (S::UnknownFinal, _) => Self::MtWrittenOff,
            (S::Held, _) => Self::MtHeld,
            (S::Quarantined, _) => Self::MtQuarantined,
            (S::VoidUnacked, _) => Self::MtVoided,
            (S::Unrouted, _) => Self::Odd,
        }
    }

    fn of_mo(state: MessageState, facts: &Facts<'_>) -> Self {
        use MessageState as S;
        match (state, facts.error) {
            (S::Accepted, _) if facts.went == Went::Back => Self::MoRetries,
            (S::Accepted, _) => Self::MoWaits,
            (S::Delivered, _) if facts.went == Went::Answered => Self::MoAnswered,
            (S::Delivered, _) => Self::MoDelivered,
            (S::Expired, _) => Self::MoExpired,
            (S::Rejected, Some(_)) => Self::MoRefused,
            (S::Rejected, None) => Self::MoGivenUp,
            (S::Quarantined, _) => Self::MoQuarantined,
            (S::Unrouted, why) => Self::of_unrouted(why.unwrap_or_default()),
            (
                S::Claimed
                | S::Submitted
                | S::Undeliverable
                | S::Deleted
                | S::Unknown
                | S::UnknownFinal
                | S::Held
                | S::VoidUnacked,
                _,
            ) => Self::Odd,
        }
    }

    fn of_unrouted(word: &str) -> Self {
        match Unrouted::ALL.into_iter().find(|why| why.as_str() == word) {
            Some(Unrouted::NoSuchNumber) => Self::MoNoSuchNumber,
            Some(Unrouted::NoSuchKeyword) => Self::MoNoSuchKeyword,
            Some(Unrouted::ServiceNotLive) => Self::MoServiceNotLive,
            Some(Unrouted::NotATestNumber) => Self::MoNotATestNumber,
            Some(Unrouted::PartnerSuspended) => Self::MoPartnerSuspended,
            Some(Unrouted::NumberNotActive) => Self::MoNumberNotActive,
            Some(Unrouted::OutOfSchedule) => Self::MoOutOfSchedule,
            None => Self::Odd,
        }
    }
}

/// Words for causes of networks that people can do something about.
pub const CAUSES: [&str; 6] =
    ["unknown_subscriber", "absent", "barred", "busy", "handset", "network"];

/// The word for a cause: of GSM networks alone, whose numbers are those of MAP. [29.002 s17.6.6]
pub fn cause(error: NetworkError) -> Option<&'static str> {
    match (error.kind, error.code) {
        (3, 1 | 5) => Some("unknown_subscriber"),
        (3, 6 | 27) => Some("absent"),
        (3, 9 | 11 | 12 | 13 | 21) => Some("barred"),
        (3, 31) => Some("busy"),
        (3, 32) => Some("handset"),
        (3, 33..=36) => Some("network"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::{MessageEvent, message::ReceiptState};

    /// Every reason that is ever stored, and one that is not.
    const ERRORS: [Option<&str>; 15] = [
        None,
        Some(NO_ANSWER),
        Some(NO_ID),
        Some(REPLACED),
        Some(REFUSED_BY_PARTNER),
        Some("no value for 0x1401"),
        Some("ESME_RINVDSTADR"),
        Some("3:27"),
        Some("no_such_number"),
        Some("no_such_keyword"),
        Some("service_not_live"),
        Some("not_a_test_number"),
        Some("partner_suspended"),
        Some("number_not_active"),
        Some("out_of_schedule"),
    ];

    fn told(is_mo: bool, state: MessageState, error: Option<&str>, steps: &str) -> &'static str {
        let steps = steps.split_whitespace().map(|step| match step {
            "silence" => ("written_off", Some(NO_RECEIPT)),
            step => (step, None),
        });
        Story::of(state, &Facts::read(is_mo, error, steps)).as_str()
    }

    #[test]
    fn state_reason_and_steps_tell_one_story() {
        use MessageState as S;
        for (is_mo, state, error, steps, expected) in [
            (false, S::Accepted, None, "accepted", "mt_waits"),
            (false, S::Accepted, None, "accepted claimed retry_planned", "mt_retries"),
            (false, S::Accepted, None, "accepted claimed resend_planned", "mt_retries"),
            (false, S::Accepted, Some(NO_ANSWER), "retry_planned outcome_lost let_go", "mt_waits"),
            (false, S::Claimed, None, "claimed", "mt_goes"),
            (false, S::Submitted, None, "submitted", "mt_sent"),
            (false, S::Delivered, None, "submitted delivered", "mt_delivered"),
            (false, S::Undeliverable, None, "submitted failed", "mt_undeliverable"),
            (false, S::Undeliverable, Some("3:27"), "submitted failed", "mt_network"),
            (false, S::Expired, None, "accepted retry_planned expired", "mt_expired_here"),
            (false, S::Expired, None, "submitted expired", "mt_expired_there"),
            (false, S::Expired, None, "submitted let_go expired", "mt_expired_here"),
            (false, S::Rejected, Some("ESME_RINVDSTADR"), "claimed rejected", "mt_refused"),
            (false, S::Rejected, Some("no value for 0x1401"), "rejected", "mt_incomplete"),
            (false, S::Rejected, None, "submitted rejected", "mt_refused_later"),
            (false, S::Rejected, Some("3:13"), "submitted rejected", "mt_refused_later"),
            (false, S::Rejected, None, "quarantined rejected", "mt_given_up"),
            (false, S::Deleted, None, "deleted", "mt_taken_back"),
            (false, S::Deleted, Some(REPLACED), "deleted", "mt_replaced"),
            (false, S::Deleted, None, "submitted deleted", "mt_deleted_there"),
            (false, S::Unknown, Some(NO_ANSWER), "outcome_lost", "mt_unanswered"),
            (false, S::Unknown, Some(NO_ID), "submitted outcome_lost", "mt_nameless"),
            (false, S::UnknownFinal, None, "submitted silence", "mt_silent"),
            (false, S::UnknownFinal, None, "outcome_lost written_off", "mt_written_off"),
            (false, S::Held, None, "held", "mt_held"),
            (false, S::Quarantined, None, "quarantined", "mt_quarantined"),
            (false, S::VoidUnacked, None, "voided", "mt_voided"),
            (true, S::Accepted, None, "accepted", "mo_waits"),
            (true, S::Accepted, None, "accepted retry_planned", "mo_retries"),
            (true, S::Delivered, None, "delivered", "mo_delivered"),
            (true, S::Delivered, None, "accepted answered", "mo_answered"),
            (true, S::Delivered, None, "accepted answered delivered", "mo_delivered"),
            (true, S::Expired, None, "expired", "mo_expired"),
            (true, S::Rejected, Some(REFUSED_BY_PARTNER), "failed", "mo_refused"),
            (true, S::Rejected, None, "quarantined rejected", "mo_given_up"),
            (true, S::Quarantined, None, "quarantined", "mo_quarantined"),
            (true, S::Unrouted, Some("no_such_keyword"), "unrouted", "mo_no_such_keyword"),
            (true, S::Claimed, None, "", "odd"),
            (false, S::Unrouted, None, "", "odd"),
        ] {
            assert_eq!(told(is_mo, state, error, steps), expected, "{is_mo} {state:?} {steps}");
        }
        let planned = Facts { is_planned: true, ..Facts::default() };
        assert_eq!(Story::of(S::Accepted, &planned), Story::MtPlanned);
    }

    #[test]
    fn every_story_is_told_by_something_and_none_that_can_happen_is_odd() {
        let mut told = HashSet::from([Story::MtPlanned]);
        for state in MessageState::ALL {
            for error in ERRORS {
                for steps in ["", "submitted", "retry_planned", "silence", "answered"] {
                    for is_mo in [false, true] {
                        let steps = steps.split_whitespace().map(|step| match step {
                            "silence" => ("written_off", Some(NO_RECEIPT)),
                            step => (step, None),
                        });
                        told.insert(Story::of(state, &Facts::read(is_mo, error, steps)));
                    }
                }
            }
        }
        assert_eq!(told.len(), Story::ALL.len());
        let words: HashSet<&str> = Story::ALL.iter().map(|story| story.as_str()).collect();
        assert_eq!(words.len(), Story::ALL.len());
        for why in Unrouted::ALL {
            assert_ne!(Story::of_unrouted(why.as_str()), Story::Odd, "{why:?}");
        }
        // What a receipt can make of a message that was sent.
        for state in ReceiptState::ALL {
            let next = state.event().and_then(|event| MessageState::Submitted.after(event));
            let facts = Facts { went: Went::Out, ..Facts::default() };
            assert!(next.is_none_or(|next| Story::of(next, &facts) != Story::Odd), "{state:?}");
        }
    }

    #[test]
    fn causes_have_the_words_that_are_listed() {
        let mut found = HashSet::new();
        for code in 0..100 {
            found.extend(cause(NetworkError { kind: 3, code }));
            assert_eq!(cause(NetworkError { kind: 1, code }), None);
        }
        assert_eq!(found, HashSet::from(CAUSES));
    }

    /// The steps that the gateway writes are in its sources as words in quotes.
    #[test]
    fn every_step_that_the_gateway_notes_is_listed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway");
        let known: HashSet<&str> =
            NOTES.into_iter().chain(MessageEvent::ALL.map(MessageEvent::as_str)).collect();
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for call in text.split("note_row(").skip(1) {
                let arguments = call.split(')').next().unwrap_or_default();
                for word in arguments.split('"').skip(1).step_by(2) {
                    assert!(known.contains(word), "`{word}` has no text");
                    seen += 1;
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
