//! Who holds a number or a keyword on it, step by step, and who is next.
//!
//! It knows no dates and no rules but one: of many who ask at once exactly one wins, which the
//! constraint `reservation_taken` says and no look beforehand. What surprises: what becomes free is
//! never free for a moment if somebody waits for it; it changes hands in the same transaction.

use serde_json::json;

use super::{
    Addressee, Constraint, Error, Happening, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::{next_id, note_happening, queue_mail},
    number_base::add_short_code,
};
use crate::domain::{Caller, NumberState, PartnerId, UserId};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;
/// Those who wait that are asked before a number is left free.
const WAITERS_MAX: usize = 50;

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
        let detail = json!({ "from": before.state, "to": after.state, "digits": before.digits,
            "keyword": before.keyword, "expires_at": after.expires_at });
        audit::append(&mut tx, at, by, write.what, &subject, &detail).await?;
        if update(&mut tx, before, after).await? == 0 {
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

const HOLDER: &str = "select partner_id, mail, name, language from person where partner_id = $1 \
     and state = 'active' and (id = $2 or role = 'admin') \
     order by case when id = $2 then 0 else 1 end, id limit 1";

/// The row of a new reservation, or why there is none.
async fn insert(
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

/// Gives what became free to the first in the line who may have it, and tells them.
async fn pass_on(
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
