//! What the traffic knows of a subscriber in some days: the messages that a complaint is about, and
//! what the services behind them said of themselves.
//!
//! What surprises: messages are found by walking their numbers. A number leads with its moment, so
//! that days are a range of it, and an index on subscribers would be written for every message for
//! the sake of a few complaints.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{Msisdn, PartnerId, ids::first_at};

/// Messages looked at in one step, and steps of one look: twenty million messages.
const AT_ONCE: i64 = 50_000;
const STEPS_MAX: usize = 400;

/// A message of a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DisputedMessage {
    pub id: i64,
    pub direction: String,
    pub partner_id: Option<i64>,
    pub service_id: Option<i64>,
    pub service_version: Option<i64>,
    pub sender: String,
    pub recipient: String,
    pub keyword: Option<String>,
    pub accepted_at: i64,
    pub state: String,
    pub state_at: i64,
    pub error: Option<String>,
}

/// What was found, and whether there may be more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTraffic {
    pub messages: Vec<DisputedMessage>,
    pub is_cut: bool,
}

/// The description by which a message was charged, with who approved it and when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ServiceText {
    pub service_id: i64,
    pub name: String,
    pub number: i64,
    pub service_version: Option<i64>,
    pub body: String,
    pub approved_by: Option<String>,
    pub approved_at: Option<i64>,
}

/// A service that a subscriber ended with STOP and did not start again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct StoppedService {
    pub service_id: i64,
    /// The MO that ended it.
    pub message_id: i64,
    pub at: i64,
}

impl Store {
    /// Whether and when a number ended a service.
    pub async fn stopped(
        &self,
        service: i64,
        number: &str,
    ) -> Result<Option<StoppedService>, Error> {
        fetch_optional!(
            &self.db,
            StoppedService,
            "select service_id, message_id, at from stopped_subscriber \
             where service_id = $1 and msisdn = $2",
            service,
            number
        )
    }

    /// The services that a number ended.
    pub async fn stops_of(&self, number: &Msisdn) -> Result<Vec<StoppedService>, Error> {
        fetch_all!(
            &self.db,
            StoppedService,
            "select service_id, message_id, at from stopped_subscriber where msisdn = $1 \
             order by at",
            number.as_str()
        )
    }

    /// Messages from and to a number between two moments, oldest first; of one partner, or all.
    pub async fn traffic_of(
        &self,
        number: &Msisdn,
        partner: Option<PartnerId>,
        (from, until): (i64, i64),
        most: usize,
    ) -> Result<FoundTraffic, Error> {
        let mut found = FoundTraffic::default();
        let (mut after, end) = (first_at(from).0 - 1, first_at(until.saturating_add(1000)).0);
        for _ in 0..STEPS_MAX {
            let last = fetch_optional!(
                &self.db,
                (Option<i64>,),
                "select max(id) from (select id from message where id > $1 and id < $2 \
                 order by id limit $3) as step",
                after,
                end,
                AT_ONCE
            )?;
            let Some((Some(last),)) = last else { return Ok(found) };
            // One more than is wanted tells that there are more.
            let room = i64::try_from(most + 1 - found.messages.len()).unwrap_or(i64::MAX);
            let page = fetch_all!(
                &self.db,
                DisputedMessage,
                "select id, direction, partner_id, service_id, service_version, sender, \
                 recipient, keyword, accepted_at, state, state_at, error from message \
                 where id > $1 and id <= $2 and (sender = $3 or recipient = $3) \
                 and ($4 = 0 or partner_id = $4) and link_group <> 'sandbox' \
                 order by id limit $5",
                after,
                last,
                number.as_str(),
                partner.map_or(0, |partner| partner.0),
                room
            )?;
            found.messages.extend(page);
            if found.messages.len() > most {
                found.messages.truncate(most);
                found.is_cut = true;
                return Ok(found);
            }
            after = last;
        }
        found.is_cut = true;
        Ok(found)
    }

    /// The number of a service by the name that its partner gives it.
    pub async fn service_called(
        &self,
        partner: PartnerId,
        name: &str,
    ) -> Result<Option<i64>, Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select id from service where partner_id = $1 and name = $2",
            partner.0,
            name
        )?;
        Ok(found.map(|(id,)| id))
    }

    /// A partner by its name.
    pub async fn partner_called(&self, name: &str) -> Result<Option<PartnerId>, Error> {
        let found =
            fetch_optional!(&self.db, (i64,), "select id from partner where name = $1", name)?;
        Ok(found.map(|(id,)| PartnerId(id)))
    }

    /// What a service said of itself to those whom it served at one of its versions: the last
    /// approved description that had begun by then.
    pub async fn service_text(
        &self,
        service: i64,
        version: i64,
    ) -> Result<Option<ServiceText>, Error> {
        fetch_optional!(
            &self.db,
            ServiceText,
            "select o.service_id, o.name, r.number, r.service_version, r.body, r.approved_by, \
             r.approved_at from offering o join service_revision r on r.offering_id = o.id \
             where o.service_id = $1 and r.service_version <= $2 \
             order by r.service_version desc, r.number desc limit 1",
            service,
            version
        )
    }
}
