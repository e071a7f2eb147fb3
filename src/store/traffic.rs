//! Figures of traffic by service and time: added to once a minute, read by charts.
//!
//! What surprises: a figure is written at three steps at once, and nothing is folded later. The day
//! is then as right as the minute from the first moment, and old minutes can simply go.

use smol_str::SmolStr;

use super::{
    Error, Store,
    db::{Tx, execute, fetch_all},
};
use crate::domain::{PartnerId, ServiceId, TrafficCounts, TrafficStep};

/// What was counted of a service within one minute.
#[derive(Debug, Clone)]
pub struct ServiceCounts {
    pub service: ServiceId,
    /// When the minute began.
    pub at: i64,
    pub counts: TrafficCounts,
}

/// Whose figures, how fine, of when.
#[derive(Debug, Clone, Copy)]
pub struct TrafficFilter {
    pub partner: Option<PartnerId>,
    pub service: Option<ServiceId>,
    pub step: TrafficStep,
    /// From the first moment, up to and without the second.
    pub during: (i64, i64),
    pub limit: u32,
}

/// Figures of one service over some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceTraffic {
    pub service: ServiceId,
    pub name: SmolStr,
    pub partner: PartnerId,
    pub partner_name: SmolStr,
    pub counts: TrafficCounts,
}

/// A row is found by its step, and by service and partner where they are asked for.
macro_rules! chosen {
    ($db:expr, $row:ty, $wish:expr, $before:literal, $after:literal) => {
        fetch_all!(
            $db,
            $row,
            concat!(
                "select ",
                $before,
                " from traffic t join service s on s.id = t.service_id \
                 join partner p on p.id = s.partner_id \
                 where t.step = $1 and t.begin_at >= $2 and t.begin_at < $3 \
                 and ($4 = -1 or t.service_id = $4) and ($5 = -1 or s.partner_id = $5) ",
                $after,
                " limit $6"
            ),
            $wish.step.as_str(),
            $wish.during.0,
            $wish.during.1,
            $wish.service.map_or(-1, |service| service.0),
            $wish.partner.map_or(-1, |partner| partner.0),
            i64::from($wish.limit)
        )
    };
}

/// Of one service, or of all that were asked for.
type Sums = (i64, i64, i64, i64, i64, i64);
/// With the names of whose they are.
type Named = (i64, i64, String, i64, String, i64, i64, i64, i64, i64);

impl Store {
    /// The sums of all services that were asked for, by time; a step without traffic has no row.
    pub async fn traffic(&self, wish: &TrafficFilter) -> Result<Vec<(i64, TrafficCounts)>, Error> {
        // PostgreSQL makes a decimal number of a sum of whole ones.
        let rows = chosen!(
            &self.db,
            Sums,
            wish,
            "t.begin_at, cast(sum(t.taken) as bigint), cast(sum(t.accepted) as bigint), \
             cast(sum(t.delivered) as bigint), cast(sum(t.failed) as bigint), \
             cast(sum(t.refused) as bigint)",
            "group by t.begin_at order by t.begin_at"
        )?;
        let counts = |row: Sums| (row.0, TrafficCounts([row.1, row.2, row.3, row.4, row.5]));
        Ok(rows.into_iter().map(counts).collect())
    }

    /// The sums of each service over the whole time, the busiest first.
    pub async fn traffic_of_services(
        &self,
        wish: &TrafficFilter,
    ) -> Result<Vec<ServiceTraffic>, Error> {
        let rows = chosen!(
            &self.db,
            Named,
            wish,
            "min(t.begin_at), t.service_id, s.name, s.partner_id, p.name, \
             cast(sum(t.taken) as bigint), cast(sum(t.accepted) as bigint), \
             cast(sum(t.delivered) as bigint), cast(sum(t.failed) as bigint), \
             cast(sum(t.refused) as bigint)",
            "group by t.service_id, s.name, s.partner_id, p.name \
             order by sum(t.taken + t.accepted + t.refused) desc, t.service_id"
        )?;
        Ok(rows.into_iter().map(|row| of_service(row).1).collect())
    }

    /// Every row as it is, by time and service.
    pub async fn traffic_lines(
        &self,
        wish: &TrafficFilter,
    ) -> Result<Vec<(i64, ServiceTraffic)>, Error> {
        let rows = chosen!(
            &self.db,
            Named,
            wish,
            "t.begin_at, t.service_id, s.name, s.partner_id, p.name, \
             t.taken, t.accepted, t.delivered, t.failed, t.refused",
            "order by t.begin_at, t.service_id"
        )?;
        Ok(rows.into_iter().map(of_service).collect())
    }
}

fn of_service(row: Named) -> (i64, ServiceTraffic) {
    let (at, service, name, partner, partner_name, ..) = row;
    let counts = TrafficCounts([row.5, row.6, row.7, row.8, row.9]);
    let traffic = ServiceTraffic {
        service: ServiceId(service),
        name: name.into(),
        partner: PartnerId(partner),
        partner_name: partner_name.into(),
        counts,
    };
    (at, traffic)
}

/// Adds what was counted, at every step.
pub(super) async fn add(tx: &mut Tx<'_>, rows: &[ServiceCounts]) -> Result<(), Error> {
    for row in rows {
        let [taken, accepted, delivered, failed, refused] = row.counts.0;
        for step in TrafficStep::ALL {
            execute!(
                tx,
                "insert into traffic (service_id, step, begin_at, taken, accepted, delivered, \
                 failed, refused) values ($1, $2, $3, $4, $5, $6, $7, $8) \
                 on conflict (service_id, step, begin_at) do update set \
                 taken = traffic.taken + excluded.taken, \
                 accepted = traffic.accepted + excluded.accepted, \
                 delivered = traffic.delivered + excluded.delivered, \
                 failed = traffic.failed + excluded.failed, \
                 refused = traffic.refused + excluded.refused",
                row.service.0,
                step.as_str(),
                step.begin(row.at),
                taken,
                accepted,
                delivered,
                failed,
                refused
            )?;
        }
    }
    Ok(())
}

/// Forgets what began before a moment, at each step its own.
pub(super) async fn forget(tx: &mut Tx<'_>, before: &[(TrafficStep, i64)]) -> Result<(), Error> {
    for (step, at) in before {
        let sql = "delete from traffic where step = $1 and begin_at < $2";
        execute!(tx, sql, step.as_str(), *at)?;
    }
    Ok(())
}
