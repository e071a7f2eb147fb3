//! Every business reason to say no.
//!
//! The enum is exhaustive on purpose: a new reason does not compile until both dictionaries
//! (`smpp_server::status`, `http::error`) have a word for it, and a test asks for its page.

use std::time::Duration;

use smol_str::SmolStr;

use super::service_field::TextCoding;

/// A "no" that the caller can act on. The text goes to the peer: it names the value and says
/// what would be right, and never holds a secret, a path or another partner's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0} is not one of your numbers")]
    NotYourNumber(SmolStr),
    #[error("no sender given, and your account has no default sender")]
    NoSender,
    #[error("{0}")]
    BadSender(String),
    #[error("{0}")]
    BadRecipient(String),
    #[error("{0} may not receive this service")]
    RecipientBarred(SmolStr),
    #[error("{0} ended service {1} with STOP and has not started it again")]
    SubscriberStopped(SmolStr, SmolStr),
    #[error("over your rate of {rate} messages a second; try again in {} ms", retry_after.as_millis())]
    Throttled { rate: u32, retry_after: Duration },
    #[error("your backlog of {backlog} messages is full; wait until some are final")]
    BacklogFull { backlog: u64 },
    #[error("the gateway's store is nearly full; try again later")]
    StoreFull,
    #[error("the gateway is stopping; bind again in a few seconds")]
    Draining,
    #[error("{0}")]
    BadValidity(String),
    #[error("{0}")]
    BadSchedule(String),
    #[error("{0}")]
    BadLength(String),
    #[error("data coding 0x{0:02X} is not supported; use 0x00, 0x03, 0x04 or 0x08")]
    BadDataCoding(u8),
    #[error("service {service} sends texts in {} only", coding.in_words())]
    AlphabetNotAllowed { service: SmolStr, coding: TextCoding },
    #[error("TLV 0x{tag:04X} is not in the description of service {service}")]
    TlvNotAllowed { tag: u16, service: SmolStr },
    #[error("{0}")]
    BadUserData(String),
    #[error("service type `{0}` is not on your list")]
    BadServiceType(SmolStr),
    #[error("service {service} is {state}; only live services carry traffic")]
    ServiceNotLive { service: SmolStr, state: &'static str },
    #[error("service `{0}` is not one of yours")]
    UnknownService(SmolStr),
    #[error("sender {0} belongs to several charged services; name one with service_ref")]
    AmbiguousService(SmolStr),
    #[error("service {0} charges the subscriber and needs a tariff")]
    TariffMissing(SmolStr),
    #[error("tariff `{0}` does not exist")]
    TariffUnknown(SmolStr),
    #[error("tariff `{0}` is not in your agreement for this service")]
    TariffNotAllowed(SmolStr),
    #[error("MO `{0}` is unknown, expired, or came from another number")]
    UnknownMo(SmolStr),
    #[error("receipts are not part of your account")]
    ReceiptsNotAllowed,
    #[error("replacing is not possible here")]
    ReplaceNotAllowed,
    #[error("stored text {0} does not exist; the gateway has none")]
    UnknownStoredText(u8),
    #[error("message `{0}` is unknown")]
    UnknownMessage(SmolStr),
    #[error("message `{0}` is already on its way or final")]
    TooLateToCancel(SmolStr),
    #[error("no waiting message matches")]
    NothingToCancel,
    #[error("message `{0}` cannot be replaced: it is not waiting, or it is long")]
    CannotReplace(SmolStr),
    #[error("idempotency id `{0}` was used within 24 h with another content")]
    IdempotencyConflict(SmolStr),
    #[error("{0} must be 1 to 64 printable characters")]
    BadIdempotencyId(&'static str),
    #[error("this subscriber reached the service's limit of {0}")]
    SpendLimit(&'static str),
    #[error("{count} destinations are too many; {max} is the most")]
    TooManyRecipients { count: usize, max: usize },
    #[error("partner is suspended")]
    PartnerSuspended,
    #[error("{0}")]
    BadField(String),
    /// One or more fields of a form are wrong; all of them are named.
    #[error("{} of the fields are wrong", .0.len())]
    FieldErrors(Vec<FieldFault>),
    #[error("your role does not allow this")]
    NotAllowed,
    #[error("confirm with a fresh code of your second factor first")]
    StepUpNeeded,
    /// A member of staff looks as a partner (S-27).
    #[error("you look at the portal as a partner and can change nothing; end the view first")]
    ViewOnly,
    /// What is asked is no legal step from where the thing is.
    #[error("{0}")]
    WrongState(String),
    #[error("somebody changed it since you read it; read it again")]
    VersionConflict,
    /// The kind of thing that has no such id, or has it with somebody else.
    #[error("no such {0}")]
    UnknownId(&'static str),
    #[error("this {0} is taken already")]
    Taken(&'static str),
    #[error("your quota of {most} reservations of this class is used up")]
    QuotaReached { most: i64 },
    #[error("mail address, password or code is wrong")]
    WrongLogIn,
    #[error("too many wrong tries; try again in {} s", retry_after.as_secs().max(1))]
    TooManyTries { retry_after: Duration },
    #[error("the link was used already, is too old, or was never sent")]
    LinkInvalid,
}

/// One wrong field, for a form or a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Its name in the JSON body and in the form; dots lead into the depth.
    pub field: SmolStr,
    /// `missing`, `invalid`, or a more exact word.
    pub code: &'static str,
    /// What a page needs to say it in another language.
    pub params: Vec<(&'static str, String)>,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl FieldFault {
    pub fn new(field: impl Into<SmolStr>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code, params: Vec::new(), detail: detail.into() }
    }
}

/// The number of a row in an address, 18 digits at most. What cannot be one is unknown, in the same
/// words as a number that nobody has (S-20).
pub fn row_id(text: &str, what: &'static str) -> Result<i64, Refusal> {
    let is_plain = text.len() <= 18 && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or(Refusal::UnknownId(what))
}

impl Refusal {
    /// The stable machine word: the API's `code`, a metric label, the name of its page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotYourNumber(_) => "not_your_number",
            Self::NoSender => "no_sender",
            Self::BadSender(_) => "bad_sender",
            Self::BadRecipient(_) => "bad_recipient",
            Self::RecipientBarred(_) => "recipient_barred",
            Self::SubscriberStopped(..) => "subscriber_stopped",
            Self::Throttled { .. } => "throttled",
            Self::BacklogFull { .. } => "backlog_full",
            Self::StoreFull => "store_full",
            Self::Draining => "draining",
            Self::BadValidity(_) => "bad_validity",
            Self::BadSchedule(_) => "bad_schedule",
            Self::BadLength(_) => "bad_length",
            Self::BadDataCoding(_) => "bad_data_coding",
            Self::AlphabetNotAllowed { .. } => "alphabet_not_allowed",
            Self::TlvNotAllowed { .. } => "tlv_not_allowed",
            Self::BadUserData(_) => "bad_user_data",
            Self::BadServiceType(_) => "bad_service_type",
            Self::ServiceNotLive { .. } => "service_not_live",
            Self::UnknownService(_) => "unknown_service",
            Self::AmbiguousService(_) => "ambiguous_service",
            Self::TariffMissing(_) => "tariff_missing",
            Self::TariffUnknown(_) => "tariff_unknown",
            Self::TariffNotAllowed(_) => "tariff_not_allowed",
            Self::UnknownMo(_) => "unknown_mo",
            Self::ReceiptsNotAllowed => "receipts_not_allowed",
            Self::ReplaceNotAllowed => "replace_not_allowed",
            Self::UnknownStoredText(_) => "unknown_stored_text",
            Self::UnknownMessage(_) => "unknown_message",
            Self::TooLateToCancel(_) => "too_late_to_cancel",
            Self::NothingToCancel => "nothing_to_cancel",
            Self::CannotReplace(_) => "cannot_replace",
            Self::IdempotencyConflict(_) => "idempotency_conflict",
            Self::BadIdempotencyId(_) => "bad_idempotency_id",
            Self::SpendLimit(_) => "spend_limit",
            Self::TooManyRecipients { .. } => "too_many_recipients",
            Self::PartnerSuspended => "partner_suspended",
            Self::BadField(_) => "bad_field",
            Self::FieldErrors(_) => "invalid_fields",
            Self::NotAllowed => "not_allowed",
            Self::StepUpNeeded => "step_up_needed",
            Self::ViewOnly => "view_only",
            Self::WrongState(_) => "wrong_state",
            Self::VersionConflict => "version_conflict",
            Self::UnknownId(_) => "unknown_id",
            Self::Taken(_) => "taken",
            Self::QuotaReached { .. } => "quota_reached",
            Self::WrongLogIn => "wrong_log_in",
            Self::TooManyTries { .. } => "too_many_tries",
            Self::LinkInvalid => "link_invalid",
        }
    }

    /// The same request may succeed later without a change by the caller.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. }
                | Self::BacklogFull { .. }
                | Self::StoreFull
                | Self::Draining
                | Self::TooManyTries { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_id_is_unknown_like_one_that_is_not_there() {
        assert_eq!(row_id("9", "agreement"), Ok(9));
        for bad in ["", "-1", "+1", "1x", "９", "9999999999999999999999"] {
            assert_eq!(row_id(bad, "agreement"), Err(Refusal::UnknownId("agreement")), "{bad}");
        }
    }
}
