//! What changed in the catalog since somebody looked, as the audit trail tells.
//!
//! It reads again only what changed: with a million keywords the whole takes seconds, and people
//! change services and reserve keywords all day. The surprise: a record that is not understood
//! means that everything may have changed, so that a new kind of change can cost time and never
//! leave an old catalog in force.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
    holdings,
    load::service_of,
};
use crate::domain::{Catalog, ServiceId, ShortCode};

/// Records that are looked at one by one; after more of them everything is read.
const RECORDS_MAX: i64 = 200;

/// The first words of records that no message depends on: people who come and go, papers, tickets.
const APART: &[&str] = &[
    "bank",
    "complaint",
    "complaint_alarm",
    "deadline",
    "fault",
    "file",
    "hub",
    "incident",
    "mail",
    "order",
    "person",
    "session",
    "specification",
    "view",
];

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogNews {
    Everything,
    These {
        services: Vec<ServiceId>,
        /// Numbers of which somebody holds more or less than before.
        numbers: Vec<ShortCode>,
    },
}

impl CatalogNews {
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::These { services, numbers }
            if services.is_empty() && numbers.is_empty())
    }
}

/// What one record of the trail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Nothing,
    Offering(i64),
    Service(i64),
    Number(i64),
    Reservation(i64),
    Anything,
}

impl About {
    fn of(what: &str, subject: &str) -> Self {
        let id = |kind: &str| subject.strip_prefix(kind)?.strip_prefix(':')?.parse().ok();
        let about = match what.split_once('.') {
            Some((area, _)) if APART.contains(&area) => Some(Self::Nothing),
            // Who may ask for a number and who waits for one says nothing of who has it.
            Some(("number", "quota" | "wait" | "wait_end" | "word")) => Some(Self::Nothing),
            Some(("service", "set")) => subject.parse().ok().map(Self::Service),
            Some(("service", _)) => id("service").map(Self::Offering),
            Some(("number", _)) => {
                id("number").map(Self::Number).or_else(|| id("reservation").map(Self::Reservation))
            }
            _ => None,
        };
        about.unwrap_or(Self::Anything)
    }
}

impl Store {
    /// What changed after a record of the trail, and the record up to which that holds.
    pub async fn catalog_news(&self, since: i64) -> Result<(i64, CatalogNews), Error> {
        let records = fetch_all!(
            &self.db,
            (i64, String, String),
            "select seq, what, subject from audit where seq > $1 order by seq limit $2",
            since,
            RECORDS_MAX
        )?;
        let last = records.last().map_or(since, |(seq, ..)| *seq);
        // Whoever never looked has nothing that could be renewed.
        if since < 0 || records.len() >= usize::try_from(RECORDS_MAX).unwrap_or(usize::MAX) {
            return Ok((self.last_audit().await?, CatalogNews::Everything));
        }
        let (mut services, mut numbers) = (Vec::new(), Vec::<ShortCode>::new());
        let mut abouts: Vec<_> = records.iter().map(|(_, what, on)| About::of(what, on)).collect();
        // What is done to one service comes in a row: drafted, submitted, approved.
        abouts.dedup();
        for about in abouts {
            match about {
                About::Nothing => {}
                About::Anything => return Ok((last, CatalogNews::Everything)),
                About::Service(id) => services.push(ServiceId(id)),
                About::Offering(id) => services.extend(self.routed(id).await?),
                About::Number(id) => numbers.extend(self.digits_of(id).await?),
                About::Reservation(id) => numbers.extend(self.reserved_on(id).await?),
            }
        }
        services.sort_unstable();
        services.dedup();
        numbers.sort_unstable();
        numbers.dedup();
        Ok((last, CatalogNews::These { services, numbers }))
    }

    /// The catalog with what changed read again.
    pub async fn renew_catalog(
        &self,
        catalog: &Catalog,
        services: &[ServiceId],
        numbers: &[ShortCode],
    ) -> Result<Catalog, Error> {
        let tx = &mut self.db.snapshot().await?;
        let mut fresh = Vec::with_capacity(services.len());
        let mut numbers = numbers.to_vec();
        for id in services {
            let Some(service) = service_of(tx, *id).await? else { continue };
            // Of numbers that no service used nothing was read before.
            if !catalog.has_number(&service.short_code) && !numbers.contains(&service.short_code) {
                numbers.push(service.short_code.clone());
            }
            fresh.push(service);
        }
        let mut holdings = Vec::new();
        for number in &numbers {
            holdings.extend(holdings::on_number(tx, number).await?);
        }
        Ok(catalog.renewed(fresh, &numbers, holdings))
    }

    /// The service that the gateway routes for a described one, if it does.
    async fn routed(&self, offering: i64) -> Result<Option<ServiceId>, Error> {
        let sql = "select service_id from offering where id = $1";
        let row = fetch_optional!(&self.db, (Option<i64>,), sql, offering)?;
        Ok(row.and_then(|(id,)| id).map(ServiceId))
    }

    async fn digits_of(&self, number: i64) -> Result<Option<ShortCode>, Error> {
        let sql = "select digits from number where id = $1";
        let row = fetch_optional!(&self.db, (String,), sql, number)?;
        Ok(row.and_then(|(digits,)| ShortCode::parse(&digits).ok()))
    }

    async fn reserved_on(&self, reservation: i64) -> Result<Option<ShortCode>, Error> {
        let sql = "select n.digits from number n join reservation r on r.number_id = n.id \
                   where r.id = $1";
        let row = fetch_optional!(&self.db, (String,), sql, reservation)?;
        // A voice number is no short code and routes nothing.
        Ok(row.and_then(|(digits,)| ShortCode::parse(&digits).ok()))
    }
}

#[cfg(test)]
#[path = "catalog_news_tests.rs"]
mod tests;
