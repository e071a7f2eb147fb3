//! Why not faster: the one limit that holds a lane back now (D35).
//!
//! Reads cards and changes nothing. What surprises: a lane in which nothing waits is held back by
//! nothing, even if its partner is away; otherwise every idle partner would look like a fault.

use std::sync::atomic::Ordering;

use smol_str::{SmolStr, format_smolstr};

use super::{Gateway, lane::LaneHead};
use crate::{
    domain::{GroupId, Lane, Mode, PartnerId},
    metrics,
};

impl Gateway {
    /// One of [`metrics::LIMITS`].
    pub fn binding_limit(&self, head: &LaneHead) -> &'static str {
        if head.is_paused() {
            return "paused";
        }
        if head.waiting.load(Ordering::Acquire) <= 0 {
            return "none";
        }
        match head.lane {
            Lane::Mt { group, .. } => self.limit_of_links(group),
            Lane::Mo { partner, mode } | Lane::Receipt { partner, mode } => {
                self.limit_of_sessions(partner, mode)
            }
            Lane::Callback { .. } => "none",
        }
    }

    fn limit_of_links(&self, group: GroupId) -> &'static str {
        let group = self.group_name(group);
        // What plays the operator is always there, and is no configured link.
        if Mode::of(&group) == Mode::Test {
            return "none";
        }
        let links = self.registry().links();
        let mut limits =
            links.iter().filter(|link| link.group == group).map(|link| **link.binding_limit.load());
        // Absent only if every link of the group is.
        limits.find(|limit| *limit != "absent").unwrap_or("absent")
    }

    fn limit_of_sessions(&self, partner: PartnerId, mode: Mode) -> &'static str {
        let sessions = self.registry().sessions();
        let mut receiving = sessions.iter().filter(|card| card.receives(partner, mode)).peekable();
        if receiving.peek().is_none() {
            return "absent";
        }
        let is_full = receiving
            .all(|card| card.counters.window_in_use.load(Ordering::Relaxed) >= card.window);
        if is_full { "window" } else { "none" }
    }

    /// Shows it as a metric; `partner` is the label that the partner has there.
    pub(super) fn publish_limit(&self, head: &LaneHead, partner: &str) {
        metrics::binding_limit("lane", &self.lane_name(head, partner), self.binding_limit(head));
    }

    /// What a lane is called in metrics, logs and alarms.
    pub(super) fn lane_name(&self, head: &LaneHead, partner: &str) -> SmolStr {
        let class = head.lane.class();
        match head.lane {
            Lane::Mt { group, .. } => {
                format_smolstr!("{class}/{partner}/{}", self.group_name(group))
            }
            Lane::Callback { service } => {
                let catalog = self.catalog();
                let service = catalog.service(service).map_or("", |service| service.name.as_str());
                format_smolstr!("{class}/{partner}/{service}")
            }
            Lane::Mo { .. } | Lane::Receipt { .. } => format_smolstr!("{class}/{partner}"),
        }
    }

    /// The name of the partner whose lane it is.
    pub(super) fn partner_of(&self, head: &LaneHead) -> SmolStr {
        let catalog = self.catalog();
        let partner = match head.lane {
            Lane::Mt { partner, .. } | Lane::Mo { partner, .. } | Lane::Receipt { partner, .. } => {
                Some(partner)
            }
            Lane::Callback { service } => catalog.service(service).map(|known| known.partner),
        };
        let partner = partner.and_then(|id| catalog.partner(id));
        partner.map_or_else(|| "other".into(), |partner| partner.name.clone())
    }
}
