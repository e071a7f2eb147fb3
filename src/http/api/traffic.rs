//! `/api/v1/traffic`: how much went through services, by minute, quarter of an hour or day.
//!
//! What surprises: the last minute is missing. Figures are written when a minute is over, and are
//! no ledger: after a kill of the gateway up to a minute of them is lost.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked},
    message_search::Seeker,
    openapi::Problems,
    shapes::moment,
};
use crate::{
    domain::{Counted, Mode, PartnerId, Refusal, ServiceId, TrafficCounts, TrafficStep},
    http::{
        App,
        error::{Fault, Problem},
    },
    partnership::TrafficView,
    store::TrafficFilter,
};

/// Services of one answer.
const SERVICES_MAX: u32 = 500;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrafficWanted {
    /// How fine: minutes of the last two days, quarters of the last 40 days, days of three years.
    #[param(pattern = "^(minute|quarter|day)$")]
    #[serde(default, deserialize_with = "asked::word")]
    step: Option<String>,
    /// Number of a service; without it all.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    service: Option<i64>,
    /// Of staff: number of a partner.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    partner: Option<i64>,
    /// From this moment; without it an hour, a day or 30 days before the end.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before this moment; without it now.
    #[param(format = DateTime)]
    until: Option<String>,
}

/// Figures by time, and by service. A step counts as a whole where the time begins within it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Traffic)]
pub(crate) struct TrafficBody {
    #[schema(pattern = "^(minute|quarter|day)$")]
    step: &'static str,
    total: CountsBody,
    /// Every step of the time, also those without traffic; 1500 at most.
    steps: Vec<StepBody>,
    /// The busiest first; 500 at most.
    services: Vec<ServiceBody>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TrafficStep)]
struct StepBody {
    /// When it began; a day begins at midnight in Warsaw.
    #[schema(format = DateTime)]
    at: String,
    counts: CountsBody,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ServiceTraffic)]
struct ServiceBody {
    #[schema(minimum = 1)]
    id: i64,
    name: String,
    partner: String,
    counts: CountsBody,
}

/// Messages of live traffic; tests are not counted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TrafficCounts)]
struct CountsBody {
    /// From subscribers.
    taken: i64,
    /// To subscribers, accepted.
    accepted: i64,
    /// Of those, delivered; they count when they end.
    delivered: i64,
    /// Of those, over without having been delivered; not those that were taken back.
    failed: i64,
    /// To subscribers, refused; counted where their service was known.
    refused: i64,
}

impl From<TrafficCounts> for CountsBody {
    fn from(counts: TrafficCounts) -> Self {
        Self {
            taken: counts.of(Counted::Taken),
            accepted: counts.of(Counted::Accepted),
            delivered: counts.of(Counted::Delivered),
            failed: counts.of(Counted::Failed),
            refused: counts.of(Counted::Refused),
        }
    }
}

/// Shows how much went through services: of a partner its own.
#[utoipa::path(
    get, path = "/api/v1/traffic", operation_id = "getTraffic", tag = "live",
    params(TrafficWanted),
    responses((status = 200, description = "The figures", body = TrafficBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    seeker: Seeker,
    Asked(wanted): Asked<TrafficWanted>,
) -> Result<Response, Problem> {
    let wish = read(&wanted, app.gateway.now())?;
    let view = match &seeker {
        // What a test key does is not counted, and live traffic is not its affair.
        Seeker::Key(key) if key.mode == Mode::Test => return Err(Refusal::NotAllowed.into()),
        Seeker::Key(key) => app.partnership.own_traffic_figures(key.partner, &wish).await?,
        Seeker::Person(caller) => app.partnership.traffic_figures(&caller.0, &wish).await?,
    };
    Ok(seeker.named(Json(body(wish.step, view)).into_response()))
}

fn read(wanted: &TrafficWanted, now: i64) -> Result<TrafficFilter, Problem> {
    // What has the right shape and still is none: the document can say the shape only.
    let odd = |name: &str| Fault::InvalidFields.says(format!("`{name}` is none that can be"));
    let at = |name: &str, text: Option<&str>| {
        let parsed = text.map(|text| text.parse::<jiff::Timestamp>().map_err(|_| odd(name)));
        parsed.transpose().map(|at| at.map(jiff::Timestamp::as_microsecond))
    };
    let step = match wanted.step.as_deref() {
        None => TrafficStep::Quarter,
        Some(word) => TrafficStep::parse(word)
            .ok_or_else(|| Fault::BadRequest.says("`step` is minute, quarter or day"))?,
    };
    let until = at("until", wanted.until.as_deref())?.unwrap_or(now);
    let from = at("from", wanted.from.as_deref())?;
    let from = from.unwrap_or_else(|| step.next(step.begin(until), -step.usual()));
    if from >= until {
        return Err(odd("from"));
    }
    Ok(TrafficFilter {
        partner: wanted.partner.map(PartnerId),
        service: wanted.service.map(ServiceId),
        step,
        during: (from, until),
        limit: SERVICES_MAX,
    })
}

fn body(step: TrafficStep, view: TrafficView) -> TrafficBody {
    TrafficBody {
        step: step.as_str(),
        total: view.total.into(),
        steps: view
            .steps
            .into_iter()
            .map(|(at, counts)| StepBody { at: moment(at), counts: counts.into() })
            .collect(),
        services: view
            .services
            .into_iter()
            .map(|row| ServiceBody {
                id: row.service.0,
                name: row.name.to_string(),
                partner: row.partner_name.to_string(),
                counts: row.counts.into(),
            })
            .collect(),
    }
}
