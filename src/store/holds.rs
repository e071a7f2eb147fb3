//! What the steps of reservations write, each in one transaction.
//!
//! It knows no dates and no rules but one: of many who ask at once exactly one wins, which the
//! constraint `reservation_taken` says and no look beforehand. What surprises: what becomes free is
//! never free for a moment if somebody waits for it; it changes hands in the same transaction.

use serde_json::json;

use super::{
    Addressee, Constraint, Error, Happening, NewMail, OrderTurn, ReservationRow, Store, audit,
    db::{Tx, execute, fetch_in},
    letters::{next_id, note_happening, queue_mail},
    number_base::add_short_code,
    order_steps::take_turns,
    reservations::reservations,
    waits::pass_on,
};
use crate::domain::{Caller, PartnerId, UserId};

/// A wish for a number or a keyword, checked against the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReservation<'a> {
    pub number: i64,
    /// Empty for the whole number.
    pub keyword: &'a str,
    pub look: &'a str,
    pub partner: PartnerId,
    pub person: Option<UserId>,
    pub terms: HoldTerms<'a>,
}

/// What the class of a number says about holding it, for this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldTerms<'a> {
    pub class: &'a str,
    pub expires_at: i64,
    /// Of a partner without a quota of its own.
    pub quota: i64,
    /// Who let it go after this moment does not get it.
    pub rests_since: i64,
}

/// Writes the letter to the one whose turn has come.
pub type Offer<'a> = &'a (dyn Fn(&ReservationRow, &Addressee) -> NewMail + Send + Sync);

/// Everything that one step writes.
pub struct ReservationWrite<'a> {
    pub what: &'a str,
    pub before: &'a ReservationRow,
    pub after: ReservationRow,
    pub note: &'a str,
    pub mails: Vec<NewMail>,
    /// In use from now on: the gateway must know the number.
    pub is_routed: bool,
    /// For the next one in the line, if this step sets it free.
    pub next: (HoldTerms<'a>, Offer<'a>),
    /// What the step means to the orders about it.
    pub orders: Vec<OrderTurn>,
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldDenial {
    Unknown,
    Stale,
    /// Somebody has it, or it rests.
    Taken,
    Withdrawn,
    /// A keyword is wanted on a number that is not shared, or none on one that is.
    Sharing {
        is_shared: bool,
    },
    Quota {
        most: i64,
    },
    /// The same partner let it go a short time ago.
    Rests,
}

pub type Hold<T> = Result<Result<T, HoldDenial>, Error>;

impl Store {
    /// Reserves for a partner. Of many at once exactly one gets a row.
    pub async fn reserve_number(
        &self,
        by: &Caller,
        at: i64,
        new: &NewReservation<'_>,
    ) -> Hold<ReservationRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "keyword": new.keyword, "partner": new.partner.0 });
        let subject = format!("number:{}", new.number);
        audit::append(&mut tx, at, by, "number.reserve", &subject, &detail).await?;
        let row = match insert(&mut tx, by, at, new).await? {
            Ok(row) => row,
            // Dropped without a commit, the transaction leaves nothing.
            Err(denial) => return Ok(Err(denial)),
        };
        tx.commit().await?;
        Ok(Ok(row))
    }

    /// Writes a reservation as the verb wants it, if it is still the one that was read.
    pub async fn step_reservation(
        &self,
        by: &Caller,
        at: i64,
        write: &ReservationWrite<'_>,
    ) -> Hold<ReservationRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (before, after) = (write.before, &write.after);
        let subject = before.subject();
        let orders: Vec<_> = write.orders.iter().map(OrderTurn::told).collect();
        let detail = json!({ "from": before.state, "to": after.state, "digits": before.digits,
            "keyword": before.keyword, "expires_at": after.expires_at, "orders": orders });
        audit::append(&mut tx, at, by, write.what, &subject, &detail).await?;
        let is_current = update(&mut tx, before, after).await? > 0;
        if !is_current || !take_turns(&mut tx, at, by, &write.orders).await? {
            return Ok(Err(HoldDenial::Stale));
        }
        let kind = write.what.replace('.', "_");
        let happening =
            Happening { subject: &subject, kind: &kind, note: write.note, is_public: true };
        note_happening(&mut tx, at, by, &happening).await?;
        for letter in &write.mails {
            queue_mail(&mut tx, at, letter).await?;
        }
        if write.is_routed {
            add_short_code(&mut tx, at, &before.digits).await?;
        }
        if after.slot.is_none() {
            pass_on(&mut tx, at, before, &write.next).await?;
        }
        let row = fetch_in!(&mut tx, ReservationRow, reservations!("where r.id = $1"), before.id)?;
        tx.commit().await?;
        Ok(row.ok_or(HoldDenial::Unknown))
    }
}

/// The row of a new reservation, or why there is none.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    by: &Caller,
    at: i64,
    new: &NewReservation<'_>,
) -> Hold<ReservationRow> {
    if let Some(denial) = denial(tx, new).await? {
        return Ok(Err(denial));
    }
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from reservation").await?;
    let done = execute!(
        &mut *tx,
        "insert into reservation (id, number_id, keyword, look, slot, partner_id, person_id, \
         state, reserved_at, expires_at, extensions, reason, version) \
         values ($1, $2, $3, $4, $3, $5, $6, 'reserved', $7, $8, 0, '', 1)",
        id,
        new.number,
        new.keyword,
        new.look,
        new.partner.0,
        new.person.map(|person| person.0),
        at,
        new.terms.expires_at
    );
    if let Err(Error::Conflict(Constraint::ReservationTaken)) = done {
        return Ok(Err(HoldDenial::Taken));
    }
    done?;
    execute!(
        &mut *tx,
        "delete from number_wait where number_id = $1 and keyword = $2 and partner_id = $3",
        new.number,
        new.keyword,
        new.partner.0
    )?;
    let subject = format!("reservation:{id}");
    let happening =
        Happening { subject: &subject, kind: "number_reserve", note: "", is_public: true };
    note_happening(tx, at, by, &happening).await?;
    let row = fetch_in!(tx, ReservationRow, reservations!("where r.id = $1"), id)?;
    Ok(row.ok_or(HoldDenial::Unknown))
}

/// Counted under the turn of the writers, so that two at once cannot both be the last one.
async fn denial(tx: &mut Tx<'_>, new: &NewReservation<'_>) -> Result<Option<HoldDenial>, Error> {
    let number = fetch_in!(
        &mut *tx,
        (i64, i64),
        "select is_shared, is_withdrawn from number where id = $1",
        new.number
    )?;
    let Some((is_shared, is_withdrawn)) = number else { return Ok(Some(HoldDenial::Unknown)) };
    if is_withdrawn != 0 {
        return Ok(Some(HoldDenial::Withdrawn));
    }
    if (is_shared != 0) == new.keyword.is_empty() {
        return Ok(Some(HoldDenial::Sharing { is_shared: is_shared != 0 }));
    }
    let own = fetch_in!(
        &mut *tx,
        (i64,),
        "select most from number_quota where partner_id = $1 and class = $2",
        new.partner.0,
        new.terms.class
    )?;
    let most = own.map_or(new.terms.quota, |(most,)| most);
    let counted = fetch_in!(
        &mut *tx,
        (i64,),
        "select count(*) from reservation r join number n on n.id = r.number_id \
         where r.partner_id = $1 and n.class = $2 and r.state in ('reserved', 'ordered')",
        new.partner.0,
        new.terms.class
    )?;
    if counted.is_some_and(|(count,)| count >= most) {
        return Ok(Some(HoldDenial::Quota { most }));
    }
    let let_go = fetch_in!(
        &mut *tx,
        (i64,),
        "select id from reservation where number_id = $1 and keyword = $2 and partner_id = $3 \
         and ended_at > $4 limit 1",
        new.number,
        new.keyword,
        new.partner.0,
        new.terms.rests_since
    )?;
    Ok(let_go.map(|_| HoldDenial::Rests))
}

async fn update(
    tx: &mut Tx<'_>,
    before: &ReservationRow,
    after: &ReservationRow,
) -> Result<u64, Error> {
    execute!(
        tx,
        "update reservation set slot = $1, state = $2, expires_at = $3, extensions = $4, \
         warned_at = $5, ordered_by = $6, ordered_at = $7, active_at = $8, cools_until = $9, \
         ended_at = $10, reason = $11, version = version + 1 where id = $12 and version = $13",
        after.slot.as_deref(),
        after.state.as_str(),
        after.expires_at,
        after.extensions,
        after.warned_at,
        after.ordered_by.as_deref(),
        after.ordered_at,
        after.active_at,
        after.cools_until,
        after.ended_at,
        after.reason.as_str(),
        before.id,
        before.version
    )
}
