//! `/api/v1/terms`: versions of terms, who was told of them, and what partners say to them.
//!
//! It publishes nothing by itself: a version is drafted, read by a second person, published for a
//! day, and the sweep tells everybody. The surprise: an answer needs no version, because what is
//! answered is a published wording, and that never changes.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};

use super::{
    asked::{self, Asked, Paging, Reader},
    once,
    openapi::{IdempotencyKey, Problems},
    session::named,
    terms_shapes::{
        AnswerBody, ComparisonBody, LanguageWanted, ListBody, NewTermsBody, NoticeBody,
        NoticesBody, TermsStepBody, TermsWanted, WholeBody, WordingBody, described, whole,
    },
};
use crate::{
    domain::{
        Right, row_id,
        terms::{AppliesTo, Consent},
    },
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::TermsDraft,
};

const TERMS: &str = "terms";

/// Lists versions of terms, newest first; drafts only for the operator.
#[utoipa::path(
    get, path = "/api/v1/terms", operation_id = "listTerms", tag = "terms", params(TermsWanted),
    responses((status = 200, description = "The versions", body = ListBody), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    reader: Reader,
    Asked(wanted): Asked<TermsWanted>,
) -> Result<Response, Problem> {
    let rows = app.partnership.terms_list(&reader.by, wanted.kind.as_deref()).await?;
    let page = (wanted.after.as_deref(), wanted.limit);
    let (rows, next) = asked::page_of(rows, page, |row| row.id.to_string())?;
    let terms = rows.iter().map(described).collect();
    Ok(reader.named(Json(ListBody { terms, next }).into_response()))
}

/// Drafts a version.
#[utoipa::path(
    post, path = "/api/v1/terms", operation_id = "draftTerms", tag = "terms",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewTermsBody), content_type = "application/json"),
    responses((status = 201, description = "Drafted", body = WholeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::PublishTerms)?;
    let (new, repeat) = once::read::<NewTermsBody>(&app, &headers, body).await?;
    let wrong = |words: &str| Fault::InvalidFields.says(words);
    let draft = TermsDraft {
        kind: new.kind,
        label: new.label,
        applies_to: AppliesTo::parse(&new.applies_to)
            .ok_or_else(|| wrong("`applies_to` is not one"))?,
        consent: Consent::parse(&new.consent).ok_or_else(|| wrong("`consent` is not one"))?,
        text: new.text.into(),
        summary: new.summary.into(),
    };
    let (partnership, by) = (app.partnership.clone(), caller.0.caller());
    let work = async move { Ok(partnership.draft_terms(&by, &draft).await?.id.to_string()) };
    let made = once::once(&app, &caller, repeat, "terms", Box::pin(work)).await?;
    let row = app.partnership.terms(&caller.0.caller(), row_id(made.id(), TERMS)?).await?;
    let place = format!("/api/v1/terms/{}", row.id);
    Ok(named(&caller, made.placed(whole(&row), &place)))
}

/// Shows a version with its wording.
#[utoipa::path(
    get, path = "/api/v1/terms/{id}", operation_id = "getTerms", tag = "terms",
    params(("id" = String, Path, description = "Id of the version")),
    responses((status = 200, description = "The version", body = WholeBody), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = app.partnership.terms(&reader.by, row_id(&id, TERMS)?).await?;
    Ok(reader.named(whole(&row)))
}

/// Changes the wording of a draft; an approval that was given is void.
#[utoipa::path(
    patch, path = "/api/v1/terms/{id}", operation_id = "changeTerms", tag = "terms",
    params(
        ("id" = String, Path, description = "Id of the version"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(WordingBody), content_type = "application/json"),
    responses((status = 200, description = "Changed", body = WholeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::PublishTerms)?;
    let wording: WordingBody = asked::body(&app, &headers, body).await?;
    let (id, version) = (row_id(&id, TERMS)?, asked::only_version(&headers)?);
    let texts = (wording.text.into(), wording.summary.into());
    let (partnership, by) = (app.partnership.clone(), caller.0.caller());
    let work = async move { partnership.edit_terms(&by, id, version, texts).await };
    let row = app.finish(work).await??;
    Ok(named(&caller, whole(&row)))
}

/// Approves, publishes or withdraws a version.
#[utoipa::path(
    post, path = "/api/v1/terms/{id}/steps", operation_id = "stepTerms", tag = "terms",
    params(
        ("id" = String, Path, description = "Id of the version"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(TermsStepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = WholeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::PublishTerms)?;
    let wish: TermsStepBody = asked::body(&app, &headers, body).await?;
    let (id, version) = (row_id(&id, TERMS)?, asked::only_version(&headers)?);
    let day = wish.effective_day.as_deref().and_then(|day| day.parse().ok());
    if !matches!(&*wish.step, "approve" | "publish" | "withdraw") {
        return Err(Fault::InvalidFields.says("`step` is no step of terms"));
    }
    if wish.step == "publish" && day.is_none() {
        return Err(Fault::InvalidFields.says("`effective_day` is no day such as 2027-03-01"));
    }
    let (partnership, by) = (app.partnership.clone(), caller.0.caller());
    let work = async move {
        match (&*wish.step, day) {
            ("approve", _) => partnership.approve_terms(&by, id, version).await,
            ("publish", Some(day)) => partnership.publish_terms(&by, id, version, day).await,
            _ => partnership.withdraw_terms(&by, id, version).await,
        }
    };
    let row = app.finish(work).await??;
    Ok(named(&caller, whole(&row)))
}

/// Says whether the partner accepts a version, until its day comes.
#[utoipa::path(
    post, path = "/api/v1/terms/{id}/answer", operation_id = "answerTerms", tag = "terms",
    params(("id" = String, Path, description = "Id of the version")),
    request_body(content = inline(AnswerBody), content_type = "application/json"),
    responses((status = 204, description = "Noted"), Problems),
    security(("session" = []))
)]
pub(crate) async fn answer(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::SignAgreements)?;
    let AnswerBody { accepts } = asked::body(&app, &headers, body).await?;
    let id = row_id(&id, TERMS)?;
    let (partnership, by) = (app.partnership.clone(), caller.0.caller());
    app.finish(async move { partnership.answer_terms(&by, id, accepts).await }).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

/// Compares a version with the one before it, clause by clause.
#[utoipa::path(
    get, path = "/api/v1/terms/{id}/comparison", operation_id = "compareTerms", tag = "terms",
    params(("id" = String, Path, description = "Id of the version"), LanguageWanted),
    responses((status = 200, description = "Both wordings", body = ComparisonBody), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn compare(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    Asked(wanted): Asked<LanguageWanted>,
) -> Result<Response, Problem> {
    let language = wanted.language.as_deref().unwrap_or("en");
    if !matches!(language, "pl" | "en") {
        return Err(Fault::InvalidFields.says("`language` is pl or en"));
    }
    let id = row_id(&id, TERMS)?;
    let found = app.partnership.compare_terms(&reader.by, id, language).await?;
    let clauses = found.clauses.iter().map(|clause| serde_json::json!(clause)).collect();
    let body = ComparisonBody { old: found.old, new: found.new, clauses };
    Ok(reader.named(Json(body).into_response()))
}

/// Lists who was told when, and who answered; a partner sees its own people.
#[utoipa::path(
    get, path = "/api/v1/terms/{id}/notices", operation_id = "listNotices", tag = "terms",
    params(("id" = String, Path, description = "Id of the version"), Paging),
    responses((status = 200, description = "The notices", body = NoticesBody), Problems),
    security(("session" = []), ("api_key" = []))
)]
pub(crate) async fn notices(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<Response, Problem> {
    let id = row_id(&id, TERMS)?;
    let (offset, limit) = paging.cut()?;
    app.partnership.terms(&reader.by, id).await?;
    let many = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut rows = app.partnership.notices(&reader.by, id, (offset, many)).await?;
    // The list only grows, and nearly always at its end: a place in it does for a key.
    let next = asked::paged(&mut rows, limit, |_| offset + many - 1);
    let notices = rows.into_iter().map(NoticeBody::from).collect();
    Ok(reader.named(Json(NoticesBody { notices, next }).into_response()))
}
