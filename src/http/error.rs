//! The HTTP word for every "no": RFC 9457 problems.
//!
//! | what | becomes |
//! |---|---|
//! | `Refusal` | 4xx or 503 with the refusal's own code |
//! | `gateway::Error::Store` | 503 `unavailable`; the cause goes to the log, never to the peer |
//! | `Fault` | what only this edge can find wrong |
//!
//! It knows no wording beyond the titles of `problems`. The surprise: a `Problem` becomes a
//! response without a body; `edge` writes the body, because only it knows the request's id.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use smol_str::SmolStr;

use super::problems;
use crate::{
    domain::{Refusal, refusal::FieldFault},
    gateway, metrics, partnership,
};

/// What only the HTTP edge says no to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    MalformedJson,
    BadRequest,
    InvalidFields,
    Unauthorized,
    TooManyFailures,
    TooManyRequests,
    ForeignPage,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    BodyTooLarge,
    UnsupportedMediaType,
    Internal,
    Unavailable,
    Busy,
}

impl Fault {
    pub const ALL: [Self; 15] = [
        Self::MalformedJson,
        Self::BadRequest,
        Self::InvalidFields,
        Self::Unauthorized,
        Self::TooManyFailures,
        Self::TooManyRequests,
        Self::ForeignPage,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::Internal,
        Self::Unavailable,
        Self::Busy,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::BadRequest => "bad_request",
            Self::InvalidFields => "invalid_fields",
            Self::Unauthorized => "unauthorized",
            Self::TooManyFailures => "too_many_failures",
            Self::TooManyRequests => "too_many_requests",
            Self::ForeignPage => "foreign_page",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson | Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::InvalidFields => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TooManyFailures | Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::ForeignPage => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub fn says(self, detail: impl Into<String>) -> Problem {
        let retry_after = match self {
            Self::Unavailable => Some(Duration::from_secs(5)),
            Self::Busy => Some(Duration::from_secs(1)),
            _ => None,
        };
        Problem {
            code: self.code(),
            status: self.status(),
            detail: detail.into(),
            retry_after,
            errors: Vec::new(),
        }
    }
}

/// One field that is wrong. Either in the body (`pointer`) or in the header (`header`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON Pointer into the body, RFC 6901.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// Name of the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub header: Option<&'static str>,
    /// What is wrong and what would be right.
    pub detail: String,
    /// `missing`, `unknown`, `invalid`, or the code of a refusal.
    pub code: &'static str,
}

/// A "no" on its way out.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: &'static str,
    pub status: StatusCode,
    /// For the peer: no path, no SQL, no other partner's data.
    pub detail: String,
    pub retry_after: Option<Duration>,
    pub errors: Vec<FieldError>,
}

/// What goes over the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Relative address of a page that explains the problem.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: String,
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// Stable machine word.
    code: &'static str,
    /// Names the request in the log of the gateway.
    request_id: String,
    /// Seconds after which the same request may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after: Option<u64>,
    /// Every field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    /// The wait as Retry-After says it: whole seconds, at least one.
    pub(crate) fn seconds(&self) -> Option<u64> {
        let seconds = self.retry_after.map(|wait| wait.as_millis().div_ceil(1000).max(1));
        seconds.map(|seconds| u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    /// The response itself; headers of `before`, such as Allow, stay.
    pub(crate) fn render(self, before: Response, request_id: &SmolStr) -> Response {
        let seconds = self.seconds();
        let body = ProblemBody {
            kind: format!("/problems/{}", self.code),
            title: problems::page(self.code).map_or("Problem", |page| page.title[0]),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            request_id: request_id.to_string(),
            retry_after: seconds,
            errors: self.errors,
        };
        let text = serde_json::to_vec(&body).expect("a problem has only strings and numbers");
        let (mut parts, _) = before.into_parts();
        parts.status = self.status;
        parts.headers.remove(header::CONTENT_LENGTH);
        parts
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = seconds {
            parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            parts.headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"bramka\", error=\"invalid_token\""),
            );
        }
        Response::from_parts(parts, text.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let meaning = problems::page(fault.code()).map_or("", |page| page.meaning[0]);
        fault.says(meaning)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        metrics::refusal("http", refusal.code());
        let retry_after = match &refusal {
            Refusal::Throttled { retry_after, .. } | Refusal::TooManyTries { retry_after } => {
                Some(*retry_after)
            }
            Refusal::BacklogFull { .. } | Refusal::Draining => Some(Duration::from_secs(5)),
            Refusal::StoreFull => Some(Duration::from_mins(1)),
            _ => None,
        };
        let mut errors = Vec::new();
        if let Refusal::FieldErrors(faults) = &refusal {
            errors = faults.iter().map(FieldError::from).collect();
        }
        Self {
            code: refusal.code(),
            status: status(&refusal),
            detail: refusal.to_string(),
            retry_after,
            errors,
        }
    }
}

impl From<&FieldFault> for FieldError {
    fn from(fault: &FieldFault) -> Self {
        Self {
            pointer: Some(format!("/{}", fault.field.replace('.', "/"))),
            header: None,
            detail: fault.detail.clone(),
            code: fault.code,
        }
    }
}

impl From<partnership::Error> for Problem {
    fn from(error: partnership::Error) -> Self {
        match error {
            partnership::Error::Refused(refusal) => refusal.into(),
            partnership::Error::Store(cause) => {
                tracing::error!(%cause, "a request failed for the store");
                Fault::Unavailable.into()
            }
            partnership::Error::Broken(why) => {
                tracing::error!(why, "a request failed");
                Fault::Internal.into()
            }
        }
    }
}

impl From<gateway::Error> for Problem {
    fn from(error: gateway::Error) -> Self {
        match error {
            gateway::Error::Refused(refusal) => refusal.into(),
            gateway::Error::Store(cause) => {
                tracing::error!(%cause, "a request failed for the store");
                Fault::Unavailable.into()
            }
        }
    }
}

/// Status of a refusal. Exhaustive: a new refusal needs a word here before it compiles.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotYourNumber(_)
        | Refusal::RecipientBarred(_)
        | Refusal::SubscriberStopped(..)
        | Refusal::TariffNotAllowed(_)
        | Refusal::TlvNotAllowed { .. }
        | Refusal::ReceiptsNotAllowed
        | Refusal::ReplaceNotAllowed
        | Refusal::SpendLimit(_)
        | Refusal::NotAllowed
        | Refusal::StepUpNeeded
        | Refusal::ViewOnly
        | Refusal::PartnerSuspended => StatusCode::FORBIDDEN,
        Refusal::UnknownMessage(_) | Refusal::NothingToCancel | Refusal::UnknownId(_) => {
            StatusCode::NOT_FOUND
        }
        Refusal::LinkInvalid => StatusCode::GONE,
        Refusal::VersionConflict => StatusCode::PRECONDITION_FAILED,
        Refusal::WrongLogIn => StatusCode::UNAUTHORIZED,
        Refusal::ServiceNotLive { .. }
        | Refusal::WrongState(_)
        | Refusal::Taken(_)
        | Refusal::QuotaReached { .. }
        | Refusal::TooLateToCancel(_)
        | Refusal::CannotReplace(_) => StatusCode::CONFLICT,
        Refusal::NoSender
        | Refusal::BadSender(_)
        | Refusal::BadRecipient(_)
        | Refusal::BadValidity(_)
        | Refusal::BadSchedule(_)
        | Refusal::BadLength(_)
        | Refusal::BadDataCoding(_)
        | Refusal::AlphabetNotAllowed { .. }
        | Refusal::BadUserData(_)
        | Refusal::BadServiceType(_)
        | Refusal::UnknownService(_)
        | Refusal::AmbiguousService(_)
        | Refusal::TariffMissing(_)
        | Refusal::TariffUnknown(_)
        | Refusal::UnknownMo(_)
        | Refusal::UnknownStoredText(_)
        | Refusal::IdempotencyConflict(_)
        | Refusal::BadIdempotencyId(_)
        | Refusal::TooManyRecipients { .. }
        | Refusal::FieldErrors(_)
        | Refusal::BadField(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Throttled { .. } | Refusal::TooManyTries { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::BacklogFull { .. } | Refusal::StoreFull | Refusal::Draining => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
