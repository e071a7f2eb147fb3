//! The line for a number: who stands in it, and who gets what became free.
//!
//! It decides no right to a number; `holds` does, for everybody alike. What surprises: whoever may
//! not have it when their turn comes keeps the place, and the next one is asked.

use serde_json::json;

use super::{
    Addressee, Constraint, Error, Hold, HoldDenial, HoldTerms, NewReservation, Offer,
    ReservationRow, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in},
    holds::insert,
    letters::{next_id, queue_mail},
    reservations::HOLDER,
};
use crate::domain::{Caller, PartnerId, UserId};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;
/// Those who wait that are asked before a number is left free.
const WAITERS_MAX: usize = 50;

/// Somebody in the line for a number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct WaitRow {
    pub id: i64,
    pub number_id: i64,
    pub digits: String,
    pub keyword: String,
    pub partner_id: i64,
    pub made_at: i64,
    /// How many stand before it.
    pub ahead: i64,
}

impl Store {
    /// Joins the line for something that somebody else has.
    pub async fn wait_for_number(
        &self,
        by: &Caller,
        at: i64,
        new: &NewReservation<'_>,
    ) -> Hold<WaitRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "keyword": new.keyword });
        let subject = format!("number:{}", new.number);
        audit::append(&mut tx, at, by, "number.wait", &subject, &detail).await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from number_wait").await?;
        let done = execute!(
            &mut tx,
            "insert into number_wait (id, number_id, keyword, look, partner_id, person_id, \
             made_at) select $1, r.number_id, r.slot, $2, $3, $4, $5 from reservation r \
             where r.number_id = $6 and r.slot = $7",
            id,
            new.look,
            new.partner.0,
            new.person.map(|person| person.0),
            at,
            new.number,
            new.keyword
        );
        match done {
            Ok(0) => return Ok(Err(HoldDenial::Unknown)),
            Err(Error::Conflict(Constraint::NumberWait)) => return Ok(Err(HoldDenial::Taken)),
            other => other?,
        };
        tx.commit().await?;
        let mut rows = self.waits(new.partner).await?;
        rows.retain(|row| row.id == id);
        Ok(rows.pop().ok_or(HoldDenial::Unknown))
    }

    /// Leaves the line; answers whether it stood there.
    pub async fn stop_waiting(
        &self,
        by: &Caller,
        at: i64,
        (partner, id): (PartnerId, i64),
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::append(&mut tx, at, by, "number.wait_end", &format!("wait:{id}"), &json!({}))
            .await?;
        let sql = "delete from number_wait where id = $1 and partner_id = $2";
        let done = execute!(&mut tx, sql, id, partner.0)?;
        if done > 0 {
            tx.commit().await?;
        }
        Ok(done > 0)
    }

    /// What a partner waits for.
    pub async fn waits(&self, partner: PartnerId) -> Result<Vec<WaitRow>, Error> {
        fetch_all!(
            &self.db,
            WaitRow,
            "select w.id, w.number_id, n.digits, w.keyword, w.partner_id, w.made_at, \
             (select count(*) from number_wait b where b.number_id = w.number_id \
             and b.keyword = w.keyword and b.id < w.id) as ahead \
             from number_wait w join number n on n.id = w.number_id \
             where w.partner_id = $1 order by w.id limit $2",
            partner.0,
            PAGE_MAX
        )
    }
}

/// Gives what became free to the first in the line who may have it, and tells them.
pub(super) async fn pass_on(
    tx: &mut Tx<'_>,
    at: i64,
    freed: &ReservationRow,
    (terms, offer): &(HoldTerms<'_>, Offer<'_>),
) -> Result<(), Error> {
    let mut after = 0;
    for _ in 0..WAITERS_MAX {
        let waiter = fetch_in!(
            &mut *tx,
            (i64, i64, Option<i64>),
            "select w.id, w.partner_id, w.person_id from number_wait w \
             join partner p on p.id = w.partner_id where w.number_id = $1 and w.keyword = $2 \
             and w.id > $3 and p.is_active = 1 order by w.id limit 1",
            freed.number_id,
            freed.keyword.as_str(),
            after
        )?;
        let Some((id, partner, person)) = waiter else { return Ok(()) };
        after = id;
        let new = NewReservation {
            number: freed.number_id,
            keyword: &freed.keyword,
            look: &freed.look,
            partner: PartnerId(partner),
            person: person.map(UserId),
            terms: *terms,
        };
        // Whoever may not have it now keeps the place in the line.
        let Ok(row) = insert(tx, &Caller::Gateway, at, &new).await? else { continue };
        let told = fetch_in!(&mut *tx, Addressee, HOLDER, partner, person.unwrap_or(0))?;
        if let Some(told) = told {
            queue_mail(tx, at, &offer(&row, &told)).await?;
        }
        return Ok(());
    }
    Ok(())
}
