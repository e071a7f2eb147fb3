//! A lane: the ordered, stored stream to one destination. Each has one owner at a time.
//!
//! The number of a lane is computed from what it is, so that no look-up stands between an
//! accepted message and its place in line.

use super::{partner::PartnerId, sandbox::Mode, service::ServiceId};

/// A group of SMSC links, numbered by the store when its name first appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId(pub i64);

/// Every partner has lanes of its own in both directions, so that one partner's offline week or
/// flood delays nobody else (P27).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// MT of one partner to one group of links; charged ones apart from bulk.
    Mt { group: GroupId, partner: PartnerId, is_charged: bool },
    /// MO to the partner's sessions of one mode.
    Mo { partner: PartnerId, mode: Mode },
    /// Receipts to the partner's sessions, apart so that a million of them never delay an MO.
    Receipt { partner: PartnerId, mode: Mode },
    /// MO of one service, and receipts of what its partner sent over HTTP, to a callback.
    Callback { service: ServiceId },
}

const KIND: u32 = 56;
const GROUP: u32 = 40;
const LOW: i64 = (1 << 40) - 1;

impl Lane {
    pub fn id(self) -> LaneId {
        let (kind, group, low) = match self {
            Self::Mt { group, partner, is_charged: true } => (1, i64::from(group.0), partner.0),
            Self::Mt { group, partner, is_charged: false } => (2, i64::from(group.0), partner.0),
            Self::Mo { partner, mode: Mode::Live } => (3, 0, partner.0),
            Self::Receipt { partner, mode: Mode::Live } => (4, 0, partner.0),
            Self::Callback { service } => (5, 0, service.0),
            Self::Mo { partner, mode: Mode::Test } => (6, 0, partner.0),
            Self::Receipt { partner, mode: Mode::Test } => (7, 0, partner.0),
        };
        LaneId(kind << KIND | group << GROUP | (low & LOW))
    }

    /// The lane that an id stands for; none for a number that no lane has.
    pub fn of(id: LaneId) -> Option<Self> {
        let group = GroupId(u16::try_from(id.0 >> GROUP & 0xffff).ok()?);
        let low = id.0 & LOW;
        let partner = PartnerId(low);
        Some(match id.0 >> KIND {
            1 => Self::Mt { group, partner, is_charged: true },
            2 => Self::Mt { group, partner, is_charged: false },
            3 => Self::Mo { partner, mode: Mode::Live },
            4 => Self::Receipt { partner, mode: Mode::Live },
            5 => Self::Callback { service: ServiceId(low) },
            6 => Self::Mo { partner, mode: Mode::Test },
            7 => Self::Receipt { partner, mode: Mode::Test },
            _ => return None,
        })
    }

    /// The class used as a metric label.
    pub fn class(self) -> &'static str {
        match self {
            Self::Mt { is_charged: true, .. } => "mt_charged",
            Self::Mt { .. } => "mt_bulk",
            Self::Mo { mode: Mode::Live, .. } => "mo",
            Self::Mo { mode: Mode::Test, .. } => "mo_test",
            Self::Receipt { mode: Mode::Live, .. } => "receipt",
            Self::Receipt { mode: Mode::Test, .. } => "receipt_test",
            Self::Callback { .. } => "callback",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_read_back_from_its_number() {
        let partner = PartnerId(1_234_567);
        for lane in [
            Lane::Mt { group: GroupId(7), partner, is_charged: true },
            Lane::Mt { group: GroupId(65_535), partner, is_charged: false },
            Lane::Mo { partner, mode: Mode::Live },
            Lane::Mo { partner, mode: Mode::Test },
            Lane::Receipt { partner, mode: Mode::Live },
            Lane::Receipt { partner, mode: Mode::Test },
            Lane::Callback { service: ServiceId(9) },
        ] {
            assert!(lane.id().0 > 0);
            assert_eq!(Lane::of(lane.id()), Some(lane));
        }
        assert_eq!(Lane::of(LaneId(3)), None);
    }
}
