//! Complaints as a list of tickets has them: by page and count, as TMF630 wants it.
//!
//! It writes nothing. What surprises: pages go by offset here, other than in every list of ours;
//! the states are two words, because two states of a complaint are one status of a ticket.

use super::{
    ComplaintRow, Error, Store,
    complaints::complaints,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{ComplaintState, PartnerId};

const PAGE_MAX: i64 = 500;

/// Which complaints, as tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComplaintTickets {
    pub partner: Option<PartnerId>,
    /// None is all of them; two at most.
    pub states: Vec<ComplaintState>,
    pub offset: i64,
    pub limit: i64,
}

impl ComplaintTickets {
    /// The states as two words: empty for all, twice the same for one.
    fn words(&self) -> (&'static str, &'static str) {
        let first = self.states.first().map_or("", |state| state.as_str());
        (first, self.states.last().map_or("", |state| state.as_str()))
    }
}

impl Store {
    /// The newest first.
    pub async fn complaint_tickets(
        &self,
        wish: &ComplaintTickets,
    ) -> Result<Vec<ComplaintRow>, Error> {
        let ((one, other), limit) = (wish.words(), wish.limit.clamp(1, PAGE_MAX));
        // Two statements: with one, neither engine would go by the partner's own index.
        if let Some(partner) = wish.partner {
            return fetch_all!(
                &self.db,
                ComplaintRow,
                complaints!(
                    "where c.partner_id = $1 and ($2 = '' or c.state in ($2, $3)) \
                     order by c.id desc limit $4 offset $5"
                ),
                partner.0,
                one,
                other,
                limit,
                wish.offset
            );
        }
        fetch_all!(
            &self.db,
            ComplaintRow,
            complaints!(
                "where ($1 = '' or c.state in ($1, $2)) order by c.id desc limit $3 offset $4"
            ),
            one,
            other,
            limit,
            wish.offset
        )
    }

    /// How many there are like that, wherever a page begins.
    pub async fn count_complaint_tickets(&self, wish: &ComplaintTickets) -> Result<i64, Error> {
        let (one, other) = wish.words();
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from complaint c where ($1 = 0 or c.partner_id = $1) \
             and ($2 = '' or c.state in ($2, $3))",
            wish.partner.map_or(0, |partner| partner.0),
            one,
            other
        )?;
        Ok(found.map_or(0, |(count,)| count))
    }
}
