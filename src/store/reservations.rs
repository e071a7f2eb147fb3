//! Reservations of numbers and keywords as they are read: one, a partner's, those whose time is over.
//!
//! It writes nothing (`holds`). What surprises: rows stay when a reservation is over; live is what
//! still has its `slot`.

use super::{
    Addressee, Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{NumberState, PartnerId};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;

/// A reservation, live or over.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ReservationRow {
    pub id: i64,
    pub number_id: i64,
    pub digits: String,
    pub class: String,
    pub keyword: String,
    #[serde(skip)]
    pub look: String,
    #[serde(skip)]
    pub slot: Option<String>,
    pub partner_id: i64,
    pub partner: String,
    pub person_id: Option<i64>,
    #[sqlx(try_from = "String")]
    pub state: NumberState,
    pub reserved_at: i64,
    pub expires_at: i64,
    pub extensions: i64,
    pub warned_at: Option<i64>,
    pub ordered_by: Option<String>,
    pub ordered_at: Option<i64>,
    pub active_at: Option<i64>,
    pub cools_until: Option<i64>,
    pub ended_at: Option<i64>,
    pub reason: String,
    pub version: i64,
}

impl ReservationRow {
    /// Its name in timelines, letters and the audit trail.
    pub fn subject(&self) -> String {
        format!("reservation:{}", self.id)
    }
}

/// Which reservations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReservationFilter {
    pub partner: Option<PartnerId>,
    /// A state, or empty for all that are live.
    pub state: String,
    pub number: Option<i64>,
    /// Reservations with a smaller number.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Every column of a reservation, with the names of its number and partner.
macro_rules! reservations {
    ($rest:literal) => {
        concat!(
            "select r.id, r.number_id, n.digits, n.class, r.keyword, r.look, r.slot, \
             r.partner_id, p.name as partner, r.person_id, r.state, r.reserved_at, r.expires_at, \
             r.extensions, r.warned_at, r.ordered_by, r.ordered_at, r.active_at, r.cools_until, \
             r.ended_at, r.reason, r.version from reservation r \
             join number n on n.id = r.number_id join partner p on p.id = r.partner_id ",
            $rest
        )
    };
}

pub(super) use reservations;

impl Store {
    pub async fn reservation(&self, id: i64) -> Result<Option<ReservationRow>, Error> {
        fetch_optional!(&self.db, ReservationRow, reservations!("where r.id = $1"), id)
    }

    /// The newest first.
    pub async fn reservations(
        &self,
        wish: &ReservationFilter,
    ) -> Result<Vec<ReservationRow>, Error> {
        fetch_all!(
            &self.db,
            ReservationRow,
            reservations!(
                "where ($1 = 0 or r.partner_id = $1) and ($2 = 0 or r.number_id = $2) \
                 and (($3 = '' and r.slot is not null) or r.state = $3) and r.id < $4 \
                 order by r.id desc limit $5"
            ),
            wish.partner.map_or(0, |partner| partner.0),
            wish.number.unwrap_or(0),
            wish.state.as_str(),
            wish.before.unwrap_or(i64::MAX),
            i64::from(wish.limit).clamp(1, PAGE_MAX)
        )
    }

    /// Whether somebody has it now. It spares those who come late the turn at the writer's lock;
    /// who is first is said by the constraint.
    pub async fn is_held(&self, number: i64, keyword: &str) -> Result<bool, Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select id from reservation where number_id = $1 and slot = $2",
            number,
            keyword
        )?;
        Ok(found.is_some())
    }

    /// Keywords on a number that look the same, and whose they are.
    pub async fn keywords_like(
        &self,
        number: i64,
        look: &str,
    ) -> Result<Vec<(String, i64)>, Error> {
        fetch_all!(
            &self.db,
            (String, i64),
            "select keyword, partner_id from reservation where number_id = $1 and look = $2 \
             and slot is not null order by keyword limit 20",
            number,
            look
        )
    }

    /// Reservations that end at or before a moment; `unwarned`: and whose partner was not told.
    pub async fn ending_reservations(
        &self,
        until: i64,
        unwarned: bool,
    ) -> Result<Vec<ReservationRow>, Error> {
        fetch_all!(
            &self.db,
            ReservationRow,
            reservations!(
                "where r.state = 'reserved' and r.expires_at <= $1 \
                 and ($2 = 0 or r.warned_at is null) order by r.expires_at limit $3"
            ),
            until,
            i64::from(unwarned),
            PAGE_MAX
        )
    }

    /// What has rested long enough.
    pub async fn cooled_reservations(&self, now: i64) -> Result<Vec<ReservationRow>, Error> {
        fetch_all!(
            &self.db,
            ReservationRow,
            reservations!(
                "where r.state = 'quarantined' and r.cools_until <= $1 \
                 order by r.cools_until limit $2"
            ),
            now,
            PAGE_MAX
        )
    }

    /// Whom letters about a reservation go to: who made it, else an administrator.
    pub async fn holder(
        &self,
        partner: PartnerId,
        person: Option<i64>,
    ) -> Result<Option<Addressee>, Error> {
        fetch_optional!(&self.db, Addressee, HOLDER, partner.0, person.unwrap_or(0))
    }
}

/// Somebody active of a partner: the one who is named, else an administrator.
pub(super) const HOLDER: &str = "select partner_id, mail, name, language from person where partner_id = $1 \
     and state = 'active' and (id = $2 or role = 'admin') \
     order by case when id = $2 then 0 else 1 end, id limit 1";
