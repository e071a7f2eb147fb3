//! `/api/v1/incidents`: what is broken for many; staff opens, tells and ends, others follow.
//!
//! What surprises: the news of an incident and its end are one request, because an end without a
//! word about it helps nobody; both need `If-Match`, so that of two who end it one is told so.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, tagged},
    once,
    openapi::{IdempotencyKey, Problems},
    session::named,
    shapes::moment,
};
use crate::{
    domain::{FaultArea, Right, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::IncidentWish,
    store::{IncidentNews, IncidentRow},
};

const INCIDENT: &str = "incident";

/// Which incidents.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those that are not over.
    #[serde(default)]
    open: bool,
}

/// Something that is broken for many. What has no English text is told in Polish.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewIncidentBody {
    #[schema(pattern = "^(sms|wap|number|portal|settlement)$")]
    area: String,
    #[schema(min_length = 1, max_length = 120)]
    title_pl: String,
    #[serde(default)]
    #[schema(max_length = 120)]
    title_en: String,
    #[schema(min_length = 1, max_length = 2000)]
    text_pl: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    text_en: String,
    /// Anybody may read it, without an account.
    #[serde(default)]
    is_public: bool,
}

/// News of an incident.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNewsBody {
    #[schema(min_length = 1, max_length = 2000)]
    text_pl: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    text_en: String,
    /// With this the incident is over.
    #[serde(default)]
    ends: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Incident)]
pub(crate) struct IncidentBody {
    id: i64,
    area: &'static str,
    title_pl: String,
    title_en: String,
    is_public: bool,
    is_over: bool,
    #[schema(format = DateTime)]
    began_at: String,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    /// For If-Match.
    version: i64,
}

impl From<&IncidentRow> for IncidentBody {
    fn from(row: &IncidentRow) -> Self {
        Self {
            id: row.id,
            area: row.area.as_str(),
            title_pl: row.title_pl.clone(),
            title_en: row.title_en.clone(),
            is_public: row.is_public != 0,
            is_over: row.ended_at.is_some(),
            began_at: moment(row.began_at),
            ended_at: row.ended_at.map(moment),
            version: row.version,
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentNews)]
pub(crate) struct NewsBody {
    #[schema(format = DateTime)]
    at: String,
    text_pl: String,
    text_en: String,
}

impl From<&IncidentNews> for NewsBody {
    fn from(news: &IncidentNews) -> Self {
        Self { at: moment(news.at), text_pl: news.text_pl.clone(), text_en: news.text_en.clone() }
    }
}

/// One incident with its news, the latest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentView)]
pub(crate) struct IncidentViewBody {
    #[serde(flatten)]
    incident: IncidentBody,
    news: Vec<NewsBody>,
    /// You are told of news.
    follows: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Incidents)]
pub(crate) struct ListBody {
    incidents: Vec<IncidentBody>,
}

/// Lists incidents, those that are open first.
#[utoipa::path(
    get, path = "/api/v1/incidents", operation_id = "listIncidents", tag = "faults",
    params(Wanted),
    responses((status = 200, description = "The incidents", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let rows = app.partnership.incidents(&caller.0, wanted.open).await?;
    let incidents = rows.iter().map(IncidentBody::from).collect();
    Ok(named(&caller, Json(ListBody { incidents }).into_response()))
}

/// Says that something is broken for many.
#[utoipa::path(
    post, path = "/api/v1/incidents", operation_id = "openIncident", tag = "faults",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewIncidentBody), content_type = "application/json"),
    responses((status = 201, description = "Opened", body = IncidentViewBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn open(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::WorkTickets)?;
    let (new, repeat) = once::read::<NewIncidentBody>(&app, &headers, body).await?;
    let area = FaultArea::parse(&new.area);
    let wish = IncidentWish {
        area: area.ok_or_else(|| Fault::InvalidFields.says("`area` is not as it should be"))?,
        title_pl: new.title_pl,
        title_en: new.title_en,
        text_pl: new.text_pl,
        text_en: new.text_en,
        is_public: new.is_public,
    };
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move { Ok(verbs.open_incident(&signed, &wish).await?.to_string()) };
    let made = once::once(&app, &caller, repeat, INCIDENT, Box::pin(work)).await?;
    let answer = view(&app, &caller, row_id(made.id(), INCIDENT)?).await?;
    let place = format!("/api/v1/incidents/{}", made.id());
    Ok(named(&caller, made.placed(answer, &place)))
}

/// Shows one with its news; its version is the entity tag.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}", operation_id = "getIncident", tag = "faults",
    params(("id" = String, Path, description = "Number of the incident")),
    responses((status = 200, description = "The incident", body = IncidentViewBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let answer = view(&app, &caller, row_id(&id, INCIDENT)?).await?;
    Ok(named(&caller, answer))
}

async fn view(app: &App, caller: &SignedCaller, id: i64) -> Result<Response, Problem> {
    let row = app.partnership.incident(&caller.0, id).await?;
    let (news, follows) = app.partnership.incident_news(&caller.0, id).await?;
    let news = news.iter().map(NewsBody::from).collect();
    let body = IncidentViewBody { incident: IncidentBody::from(&row), news, follows };
    Ok(tagged(&body, row.version))
}

/// Tells news, or the end.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/news", operation_id = "tellIncident", tag = "faults",
    params(
        ("id" = String, Path, description = "Number of the incident"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(NewNewsBody), content_type = "application/json"),
    responses((status = 200, description = "Told", body = IncidentViewBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn tell(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::WorkTickets)?;
    let news: NewNewsBody = asked::body(&app, &headers, body).await?;
    let at = (row_id(&id, INCIDENT)?, asked::only_version(&headers)?);
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        verbs.tell_incident(&signed, at, [&news.text_pl, &news.text_en], news.ends).await
    };
    app.finish(work).await??;
    let answer = view(&app, &caller, at.0).await?;
    Ok(named(&caller, answer))
}

/// "This is it, tell me when it is over."
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/follow", operation_id = "followIncident",
    tag = "faults",
    params(("id" = String, Path, description = "Number of the incident")),
    responses((status = 204, description = "You are told"), Problems),
    security(("session" = []))
)]
pub(crate) async fn follow(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = row_id(&id, INCIDENT)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    app.finish(async move { verbs.follow_incident(&signed, id).await }).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}
