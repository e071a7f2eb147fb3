//! Figures of traffic for charts: for partners of their own services, for the staff of all.
//!
//! What surprises: a service of somebody else has no figures, in the same way as one that nobody
//! has; it is no refusal, because a filter that finds nothing is none.

use super::{Error, Partnership, Signed};
use crate::{
    domain::{PartnerId, Refusal, Right, TrafficCounts},
    store::{ServiceTraffic, TrafficFilter},
};

/// Steps of one look: a day of minutes, and a few.
const STEPS_MAX: usize = 1500;
/// Rows of one look, of services or of lines.
const ROWS_MAX: u32 = 10_000;

/// Figures by time, and by service.
#[derive(Debug, Clone, Default)]
pub struct TrafficView {
    /// Every step of the time, those without traffic too.
    pub steps: Vec<(i64, TrafficCounts)>,
    pub total: TrafficCounts,
    /// The busiest first; as many as were asked for at most.
    pub services: Vec<ServiceTraffic>,
}

impl Partnership {
    pub async fn traffic_figures(
        &self,
        signed: &Signed,
        wish: &TrafficFilter,
    ) -> Result<TrafficView, Error> {
        let wish = self.traffic_for(signed, wish)?;
        self.figures(&wish).await
    }

    /// The same for a partner's own system.
    pub async fn own_traffic_figures(
        &self,
        partner: PartnerId,
        wish: &TrafficFilter,
    ) -> Result<TrafficView, Error> {
        self.figures(&TrafficFilter { partner: Some(partner), ..*wish }).await
    }

    /// Each figure of each service by itself, for a file.
    pub async fn traffic_lines(
        &self,
        signed: &Signed,
        wish: &TrafficFilter,
    ) -> Result<Vec<(i64, ServiceTraffic)>, Error> {
        let wish = self.traffic_for(signed, wish)?;
        Ok(self.store.traffic_lines(&wish).await?)
    }

    fn traffic_for(&self, signed: &Signed, wish: &TrafficFilter) -> Result<TrafficFilter, Refusal> {
        self.require(signed, Right::SeeTraffic)?;
        let partner = signed.whose(wish.partner)?;
        Ok(TrafficFilter { partner, limit: wish.limit.min(ROWS_MAX), ..*wish })
    }

    async fn figures(&self, wish: &TrafficFilter) -> Result<TrafficView, Error> {
        let begins = wish.step.begins(wish.during, STEPS_MAX + 1);
        if begins.len() > STEPS_MAX {
            let why = format!("at most {STEPS_MAX} steps at once; ask for coarser ones");
            return Err(Refusal::BadField(why).into());
        }
        // A step counts as a whole, also where the time begins or ends within it.
        let during = (begins.first().copied().unwrap_or(wish.during.0), wish.during.1);
        let wish = TrafficFilter { during, ..*wish };
        let all = TrafficFilter { limit: ROWS_MAX, ..wish };
        let mut counted = self.store.traffic(&all).await?.into_iter().peekable();
        let mut view = TrafficView {
            services: self.store.traffic_of_services(&wish).await?,
            ..TrafficView::default()
        };
        for begin in begins {
            let found = counted.next_if(|(at, _)| *at == begin);
            let counts = found.map(|(_, counts)| counts).unwrap_or_default();
            view.total += counts;
            view.steps.push((begin, counts));
        }
        Ok(view)
    }
}
