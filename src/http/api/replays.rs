//! `/api/v1/replays`: have a window of texts and receipts handed over again, for partners' systems
//! and for people.
//!
//! What surprises: a stop needs no `If-Match`. There is only one thing that it can mean, and who
//! wants it must not have to look first; a second one is a 409.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, tagged},
    message_search::Seeker,
    once::{self, Once},
    openapi::{IdempotencyKey, Problems},
    shapes::moment,
};
use crate::{
    domain::{Mode, PartnerId, Refusal, ReplayCounts, ReplayState, ServiceId, row_id},
    http::{
        App,
        auth::ApiCaller,
        error::{Fault, Problem},
    },
    partnership::{ReplayFilter, ReplayWish},
    store::ReplayRow,
};

const REPLAY: &str = "replay";

/// What to hand over again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReplayBody {
    /// `mo` are subscribers' texts, `receipt` the final receipts of your messages.
    #[schema(min_items = 1, max_items = 2, inline)]
    kinds: Vec<Kind>,
    /// Accepted at or after this moment.
    #[schema(format = DateTime)]
    from: String,
    /// Accepted before this moment; not given: until now.
    #[serde(default)]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Number of one service; not given: all of yours.
    #[serde(default)]
    #[schema(minimum = 1)]
    service: Option<i64>,
    /// Of staff: number of the partner.
    #[serde(default)]
    #[schema(minimum = 1)]
    partner: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReplayKind)]
enum Kind {
    Mo,
    Receipt,
}

impl NewReplayBody {
    fn wish(&self) -> Result<ReplayWish, Problem> {
        let at = |name: &str, text: &str| {
            let wrong = || Fault::InvalidFields.says(format!("`{name}` is no moment that can be"));
            text.parse().map(jiff::Timestamp::as_microsecond).map_err(|_| wrong())
        };
        Ok(ReplayWish {
            partner: self.partner.map(PartnerId),
            service: self.service.map(ServiceId),
            mo: self.kinds.contains(&Kind::Mo),
            receipts: self.kinds.contains(&Kind::Receipt),
            from: at("from", &self.from)?,
            until: self.until.as_deref().map(|until| at("until", until)).transpose()?,
        })
    }
}

/// How many messages, by what becomes of them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ReplayCounts)]
pub(crate) struct CountsBody {
    /// All that were found.
    found: i64,
    /// Handed over; in a preview: that would be.
    sent: i64,
    /// Skipped: the text is erased, or was empty.
    erased: i64,
    /// Skipped: not final, so that it comes by itself.
    unfinished: i64,
    /// Skipped: your system would not take it.
    refused: i64,
    /// Skipped: its service is closed, or it was never meant for you.
    no_way: i64,
}

impl CountsBody {
    fn of(found: i64, counts: &ReplayCounts) -> Self {
        let ReplayCounts { sent, erased, unfinished, refused, no_way } = *counts;
        Self { found, sent, erased, unfinished, refused, no_way }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Replay)]
pub(crate) struct ReplayBody {
    id: i64,
    partner: i64,
    #[schema(required)]
    service: Option<i64>,
    kinds: Vec<Kind>,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    until: String,
    /// `waiting`, `running`, `done`, `stopped` or `failed`.
    #[schema(pattern = "^(waiting|running|done|stopped|failed)$")]
    state: &'static str,
    /// What it waits for, or why it failed.
    #[schema(required)]
    reason: Option<String>,
    counts: CountsBody,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
}

impl From<&ReplayRow> for ReplayBody {
    fn from(row: &ReplayRow) -> Self {
        let kinds = [(row.mo, Kind::Mo), (row.receipts, Kind::Receipt)];
        Self {
            id: row.id,
            partner: row.partner_id,
            service: row.service_id,
            kinds: kinds.into_iter().filter(|(has, _)| *has == 1).map(|(_, kind)| kind).collect(),
            from: moment(row.from_at),
            until: moment(row.until_at),
            state: row.state.as_str(),
            reason: row.reason.clone(),
            counts: CountsBody::of(row.found, &row.counts()),
            started_at: moment(row.made_at),
            ended_at: row.ended_at.map(moment),
        }
    }
}

/// Which replays.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// One state; without it all.
    #[param(pattern = "^(waiting|running|done|stopped|failed)$")]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    /// Of staff: number of a partner.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    partner: Option<i64>,
    /// `next` of the page before.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    after: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Replays)]
pub(crate) struct ListBody {
    /// The newest first.
    replays: Vec<ReplayBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<i64>,
}

/// Lists replays, the newest first: of a partner its own.
#[utoipa::path(
    get, path = "/api/v1/replays", operation_id = "listReplays", tag = "replays", params(Wanted),
    responses((status = 200, description = "The replays", body = ListBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    seeker: Seeker,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let limit = asked::limit(wanted.limit)?;
    let bad = || Fault::BadRequest.says("`state` is not as it should be");
    let state = wanted.state.as_deref();
    let filter = ReplayFilter {
        partner: wanted.partner.map(PartnerId),
        state: state.map(|word| ReplayState::parse(word).ok_or_else(bad)).transpose()?,
        before: wanted.after,
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
    };
    let mut rows = match &seeker {
        Seeker::Key(key) => app.partnership.replays_of(live(key)?, &filter).await?,
        Seeker::Person(person) => app.partnership.replays(&person.0, &filter).await?,
    };
    let next = asked::paged(&mut rows, limit, |row| row.id);
    let replays = rows.iter().map(ReplayBody::from).collect();
    Ok(seeker.named(Json(ListBody { replays, next }).into_response()))
}

/// Counts what a replay would hand over, and hands over nothing.
#[utoipa::path(
    post, path = "/api/v1/replays/preview", operation_id = "previewReplay", tag = "replays",
    request_body(content = inline(NewReplayBody), content_type = "application/json"),
    responses((status = 200, description = "What it would come to", body = CountsBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn preview(
    State(app): State<App>,
    seeker: Seeker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish = asked::body::<NewReplayBody>(&app, &headers, body).await?.wish()?;
    let preview = match &seeker {
        Seeker::Key(key) => app.partnership.preview_replay_of(live(key)?, &wish).await?,
        Seeker::Person(person) => app.partnership.preview_replay(&person.0, &wish).await?,
    };
    let body = CountsBody::of(preview.counts.total(), &preview.counts);
    Ok(seeker.named(Json(body).into_response()))
}

/// Hands a window of texts and receipts over again: the same ids, marked as repeats, nothing
/// charged.
///
/// One at a time. What you had is given to you by the way that each service has now: its callback,
/// or your sessions. If nobody takes it, it waits, for an hour where nothing else was agreed.
#[utoipa::path(
    post, path = "/api/v1/replays", operation_id = "startReplay", tag = "replays",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat starts nothing twice")),
    request_body(content = inline(NewReplayBody), content_type = "application/json"),
    responses((status = 201, description = "Started", body = ReplayBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    seeker: Seeker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (new, repeat) = once::read::<NewReplayBody>(&app, &headers, body).await?;
    let (wish, verbs) = (new.wish()?, app.partnership.clone());
    let (row, is_again) = match &seeker {
        Seeker::Key(key) => {
            let (partner, by) = (live(key)?, key.submitter().caller);
            let work = async move { verbs.start_replay_of(&by, partner, &wish, repeat).await };
            app.finish(work).await??
        }
        Seeker::Person(person) => {
            let signed = person.0.clone();
            app.finish(async move { verbs.start_replay(&signed, &wish, repeat).await }).await??
        }
    };
    let id = row.id.to_string();
    let place = format!("/api/v1/replays/{id}");
    let made = if is_again { Once::Again(id) } else { Once::Made(id) };
    let answer = tagged(&ReplayBody::from(&row), row.version);
    Ok(seeker.named(made.placed(answer, &place)))
}

/// Shows a replay and how far it is.
#[utoipa::path(
    get, path = "/api/v1/replays/{id}", operation_id = "getReplay", tag = "replays",
    params(("id" = String, Path, description = "Number of the replay")),
    responses((status = 200, description = "The replay", body = ReplayBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    seeker: Seeker,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = row_id(&id, REPLAY)?;
    let row = match &seeker {
        Seeker::Key(key) => app.partnership.replay_of(live(key)?, id).await?,
        Seeker::Person(person) => app.partnership.replay(&person.0, id).await?,
    };
    Ok(seeker.named(tagged(&ReplayBody::from(&row), row.version)))
}

/// Stops a replay. What was handed over stays handed over.
#[utoipa::path(
    post, path = "/api/v1/replays/{id}/stop", operation_id = "stopReplay", tag = "replays",
    params(("id" = String, Path, description = "Number of the replay")),
    responses((status = 200, description = "Stopped", body = ReplayBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn stop(
    State(app): State<App>,
    seeker: Seeker,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (id, verbs) = (row_id(&id, REPLAY)?, app.partnership.clone());
    let row = match &seeker {
        Seeker::Key(key) => {
            let (partner, by) = (live(key)?, key.submitter().caller);
            app.finish(async move { verbs.stop_replay_of(&by, partner, id).await }).await??
        }
        Seeker::Person(person) => {
            let signed = person.0.clone();
            app.finish(async move { verbs.stop_replay(&signed, id).await }).await??
        }
    };
    Ok(seeker.named(tagged(&ReplayBody::from(&row), row.version)))
}

/// Tests are not handed over again, and a key for tests moves nothing that is live.
fn live(key: &ApiCaller) -> Result<PartnerId, Refusal> {
    if key.mode == Mode::Live { Ok(key.partner) } else { Err(Refusal::NotAllowed) }
}
