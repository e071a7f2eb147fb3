//! `traffic`: how much went through services, from the host.
//!
//! It reads the store itself, so it works while the daemon is down. What surprises: the minute that
//! runs is not there. The daemon writes its figures when it is over.

use serde_json::{Map, Value, json};

use super::{
    Failure,
    args::TrafficArgs,
    desk::{Desk, partner_named},
    failure::Outcome,
};
use crate::{
    clock::Clock,
    control::view::moment,
    domain::{Counted, ServiceId, TrafficCounts, TrafficStep},
    store::{Store, TrafficFilter},
};

/// Services of one answer.
const SERVICES_MAX: u32 = 1000;

pub(crate) async fn traffic(desk: &mut Desk<'_>, wish: &TrafficArgs) -> Outcome {
    let store = desk.store().await?;
    let rows = found(&store, wish).await;
    store.close().await;
    let mut columns = if wish.service.is_some() { vec!["at"] } else { vec!["service", "partner"] };
    columns.extend(Counted::ALL.map(Counted::as_str));
    desk.out.rows(&rows?, &columns);
    Ok(())
}

async fn found(store: &Store, wish: &TrafficArgs) -> Result<Vec<Value>, Failure> {
    let step = TrafficStep::parse(&wish.step).unwrap_or(TrafficStep::Quarter);
    let mut filter = TrafficFilter {
        partner: None,
        service: None,
        step,
        during: step.last(Clock::System.now()),
        limit: SERVICES_MAX,
    };
    if let Some(name) = &wish.partner {
        filter.partner = Some(partner_named(&store.load_catalog().await?, name)?.id);
    }
    let (Some(partner), Some(name)) = (filter.partner, &wish.service) else {
        let services = store.traffic_of_services(&filter).await?;
        let row = |row: &crate::store::ServiceTraffic| {
            let names = json!({ "service": row.name, "partner": row.partner_name });
            with(names, row.counts)
        };
        return Ok(services.iter().map(row).collect());
    };
    let Some(service) = store.service_called(partner, name).await? else {
        return Err(Failure::not_found(format!("no service of this partner is called `{name}`")));
    };
    filter.service = Some(ServiceId(service));
    let steps = store.traffic(&filter).await?;
    Ok(steps.iter().map(|(at, counts)| with(json!({ "at": moment(*at) }), *counts)).collect())
}

/// Names, and behind them the figures.
fn with(names: Value, counts: TrafficCounts) -> Value {
    let mut row = match names {
        Value::Object(row) => row,
        _ => Map::new(),
    };
    row.extend(Counted::ALL.map(|what| (what.as_str().to_owned(), counts.of(what).into())));
    Value::Object(row)
}
