//! `/api/v1/sandbox`: a subscriber's text by hand, and what a partner's software has shown so far.
//!
//! A test run of the partner plays both ends with it. What surprises: the text needs a key of the
//! sandbox; a live key is refused, so that nobody takes a played text for a subscriber's.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::{
    asked::logged,
    fields::{self, Fields},
    openapi::{LookProblems, SendProblems},
    shapes::moment,
};
use crate::{
    domain::{Mode, Msisdn, Refusal, ShortCode},
    gateway::sandbox::{TEXT_CHARS_MAX, TestText},
    http::{App, auth::ApiCaller, edge::LoggedAs, error::Problem},
};

#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct TestTextBody {
    /// The subscriber who texts; that of `repeated_mo` texts twice.
    #[schema(pattern = r"^\+?[1-9][0-9]{6,14}$", example = "48000000001")]
    from: String,
    /// A number of yours.
    #[schema(pattern = "^[0-9]{3,8}$", example = "7455")]
    to: String,
    #[schema(min_length = 1, max_length = 160, example = "WIN PLEASE")]
    text: String,
}

/// The messages that it became, in their order.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TestTexts)]
pub(crate) struct TextedBody {
    ids: Vec<String>,
}

/// One thing that the software of a partner has to show.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Exercise)]
pub(crate) struct ExerciseBody {
    #[schema(pattern = "^(bind|enquire_link|mt|receipt|mo|throttle)$")]
    exercise: &'static str,
    /// Null: not yet.
    #[schema(required, format = DateTime)]
    done_at: Option<String>,
    /// The session or the message that did it; null: not yet.
    #[schema(required)]
    evidence: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Checklist)]
pub(crate) struct ChecklistBody {
    exercises: Vec<ExerciseBody>,
    /// All of them are done: the technical test of services over SMPP is passed.
    is_complete: bool,
}

/// Sends a text as a subscriber would, to your test sessions, at no cost.
#[utoipa::path(
    post, path = "/api/v1/sandbox/messages", operation_id = "textAsSubscriber", tag = "sandbox",
    request_body(content = inline(TestTextBody), content_type = "application/json"),
    responses((status = 202, description = "On its way", body = TextedBody), SendProblems),
    security(("api_key" = []))
)]
pub(crate) async fn text(
    State(app): State<App>,
    caller: ApiCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if caller.mode == Mode::Live {
        return Err(Refusal::NotAllowed.into());
    }
    let object = fields::object(&headers, body, app.limits.body_octets_max.as_usize()).await?;
    let mut fields = Fields::new(object);
    let wrong = |error: crate::domain::number::BadNumber| ("invalid", error.to_string());
    let sender = needed(&mut fields, "from", (7, 16), |text| Msisdn::parse(text).map_err(wrong));
    let number = needed(&mut fields, "to", (3, 8), |text| ShortCode::parse(text).map_err(wrong));
    let text = needed(&mut fields, "text", (1, TEXT_CHARS_MAX), |text| Ok(text.to_owned()));
    fields.finish(&["from", "to", "text"])?;
    let (Some(sender), Some(recipient), Some(text)) = (sender, number, text) else {
        return Err(Refusal::BadField("a field is missing".to_owned()).into());
    };
    let new = TestText { sender, recipient, text };
    let (gateway, from) = (app.gateway.clone(), caller.submitter());
    let work =
        async move { gateway.text_by_hand(from.partner, &new, &from.caller.to_string()).await };
    let ids = app.finish(work).await??.iter().map(ToString::to_string).collect();
    let answer = (StatusCode::ACCEPTED, Json(TextedBody { ids })).into_response();
    Ok(logged(answer, LoggedAs::from(&caller)))
}

/// A field that must be there.
fn needed<T>(
    fields: &mut Fields,
    name: &str,
    size: (usize, usize),
    read: impl FnOnce(&str) -> Result<T, (&'static str, String)>,
) -> Option<T> {
    if !fields.has(name) {
        fields.wrong(name, "missing", "is missing");
        return None;
    }
    fields.text(name, size, read)
}

/// Shows what your software has done in the sandbox, and what it has still to do.
#[utoipa::path(
    get, path = "/api/v1/sandbox/checklist", operation_id = "getChecklist", tag = "sandbox",
    responses((status = 200, description = "Every item", body = ChecklistBody), LookProblems),
    security(("api_key" = []))
)]
pub(crate) async fn checklist(
    State(app): State<App>,
    caller: ApiCaller,
) -> Result<Response, Problem> {
    let items = app.partnership.sandbox_checklist(caller.partner).await?;
    let is_complete = items.iter().all(|item| item.at.is_some());
    let exercises = items
        .into_iter()
        .map(|item| ExerciseBody {
            exercise: item.exercise.as_str(),
            done_at: item.at.map(moment),
            evidence: item.at.map(|_| item.evidence),
        })
        .collect();
    let answer = Json(ChecklistBody { exercises, is_complete }).into_response();
    Ok(logged(answer, LoggedAs::from(&caller)))
}
