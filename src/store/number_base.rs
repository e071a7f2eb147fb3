//! The base of numbers: what there is, what it costs now, who has it; its import, the words nobody
//! may have and the quotas of partners.
//!
//! Reservations have a file of their own. What surprises: a number has no column for its state.
//! The reservation that holds it is the only truth, and a number without one is free.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Constraint, Error, NewTariff, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::next_id,
};
use crate::domain::{Caller, NumberState, PartnerId, number_import::NewNumber};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;
/// Words that staff may add.
const WORDS_MAX: i64 = 5000;

/// A number, its price at the moment that was asked for, and who holds it whole.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct NumberRow {
    pub id: i64,
    pub digits: String,
    pub class: String,
    pub is_shared: i64,
    pub pool: String,
    #[sqlx(try_from = "String")]
    pub state: NumberState,
    pub partner_id: Option<i64>,
    pub partner: Option<String>,
    pub reservation_id: Option<i64>,
    pub tariff: Option<String>,
    pub net_minor: Option<i64>,
    pub vat_permille: Option<i64>,
    pub gross_minor: Option<i64>,
    pub currency: Option<String>,
    /// Keywords on it that somebody holds.
    pub keywords: i64,
    pub version: i64,
}

impl TryFrom<String> for NumberState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or(word)
    }
}

/// What somebody looks for; an empty text is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberFilter {
    /// For `like`, see `look_alike::like`.
    pub like: String,
    pub class: String,
    pub state: String,
    pub is_shared: Option<bool>,
    /// Published gross, from and to, both included.
    pub gross: Option<(i64, i64)>,
    /// Numbers that this partner holds, or holds a keyword on.
    pub held_by: Option<PartnerId>,
    /// Digits after which the page begins.
    pub after: String,
    pub limit: u32,
}

/// One dated price of a number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct NumberPrice {
    pub valid_from: i64,
    pub net_minor: i64,
    pub vat_permille: i64,
    pub gross_minor: i64,
    pub currency: String,
}

/// A word that staff barred.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct NumberWord {
    pub word: String,
    pub kind: String,
    pub made_at: i64,
}

/// A quota that is not the class's own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct NumberQuota {
    pub partner_id: i64,
    pub class: String,
    pub most: i64,
}

macro_rules! numbers {
    ($rest:literal) => {
        concat!(
            "select * from (select n.id, n.digits, n.class, n.is_shared, n.pool, \
             case when n.is_withdrawn = 1 then 'withdrawn' when n.is_shared = 1 then 'active' \
             else coalesce(r.state, 'free') end as state, r.partner_id, p.name as partner, \
             r.id as reservation_id, t.code as tariff, v.net_minor, v.vat_permille, \
             v.gross_minor, v.currency, (select count(*) from reservation k \
             where k.number_id = n.id and k.slot <> '') as keywords, n.version \
             from number n left join reservation r on r.number_id = n.id and r.slot = '' \
             left join partner p on p.id = r.partner_id \
             left join tariff t on t.id = n.tariff_id \
             left join tariff_version v on v.tariff_id = n.tariff_id and v.valid_from = \
             (select max(w.valid_from) from tariff_version w \
             where w.tariff_id = n.tariff_id and w.valid_from <= $1)) a ",
            $rest
        )
    };
}

impl Store {
    /// Numbers that fit, by their digits, with their prices at `at`.
    pub async fn numbers(&self, at: i64, wish: &NumberFilter) -> Result<Vec<NumberRow>, Error> {
        let (from, to) = wish.gross.unwrap_or((0, i64::MAX));
        fetch_all!(
            &self.db,
            NumberRow,
            numbers!(
                "where ($2 = '' or a.digits like $2) and ($3 = '' or a.class = $3) \
                 and ($4 = '' or a.state = $4) and ($5 < 0 or a.is_shared = $5) \
                 and coalesce(a.gross_minor, 0) between $6 and $7 \
                 and ($8 = 0 or exists (select 1 from reservation h where h.number_id = a.id \
                 and h.slot is not null and h.partner_id = $8)) \
                 and a.digits > $9 order by a.digits limit $10"
            ),
            at,
            wish.like.as_str(),
            wish.class.as_str(),
            wish.state.as_str(),
            wish.is_shared.map_or(-1, i64::from),
            from,
            to,
            wish.held_by.map_or(0, |partner| partner.0),
            wish.after.as_str(),
            i64::from(wish.limit).clamp(1, PAGE_MAX)
        )
    }

    pub async fn number(&self, at: i64, id: i64) -> Result<Option<NumberRow>, Error> {
        fetch_optional!(&self.db, NumberRow, numbers!("where a.id = $2"), at, id)
    }

    /// The same by its digits.
    pub async fn number_called(&self, at: i64, digits: &str) -> Result<Option<NumberRow>, Error> {
        fetch_optional!(&self.db, NumberRow, numbers!("where a.digits = $2"), at, digits)
    }

    /// What the number cost, costs and will cost, the oldest first.
    pub async fn number_prices(&self, id: i64) -> Result<Vec<NumberPrice>, Error> {
        fetch_all!(
            &self.db,
            NumberPrice,
            "select v.valid_from, v.net_minor, v.vat_permille, v.gross_minor, v.currency \
             from number n join tariff_version v on v.tariff_id = n.tariff_id where n.id = $1 \
             order by v.valid_from limit $2",
            id,
            PAGE_MAX
        )
    }

    /// How many numbers there are of each class and state, for the metrics.
    pub async fn numbers_by_state(&self) -> Result<Vec<(String, String, i64)>, Error> {
        fetch_all!(
            &self.db,
            (String, String, i64),
            "select class, state, count(*) from (select n.class, \
             case when n.is_withdrawn = 1 then 'withdrawn' when n.is_shared = 1 then 'active' \
             else coalesce(r.state, 'free') end as state \
             from number n left join reservation r on r.number_id = n.id and r.slot = '') a \
             group by class, state"
        )
    }

    /// Takes one page of an import; answers with what is in the base already, by its place in the
    /// page. Routed numbers become short codes, so that services can be described for them.
    pub async fn import_numbers(
        &self,
        by: &Caller,
        at: i64,
        numbers: &[NewNumber],
        tariffs: &[NewTariff],
        is_routed: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<usize>, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::take_turn(&mut tx).await?;
        let ids = plan_tariffs(&mut tx, tariffs).await?;
        let mut id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from number").await?;
        let mut known = Vec::new();
        for (place, number) in numbers.iter().enumerate() {
            let tariff = number.tariff.as_ref().and_then(|code| ids.get(code.as_str()).copied());
            let taken = execute!(
                &mut tx,
                "insert into number (id, digits, class, is_shared, tariff_id, pool, \
                 is_withdrawn, made_at, version) values ($1, $2, $3, $4, $5, $6, 0, $7, 1) \
                 on conflict do nothing",
                id,
                number.digits.as_str(),
                number.class.as_str(),
                i64::from(number.is_shared),
                tariff,
                number.pool.as_str(),
                at
            )?;
            if taken == 0 {
                known.push(place);
                continue;
            }
            id += 1;
            if is_routed(&number.class) {
                add_short_code(&mut tx, at, &number.digits).await?;
            }
        }
        let taken = numbers.len() - known.len();
        if taken == 0 {
            return Ok(known);
        }
        let first = numbers.first().map_or("", |number| number.digits.as_str());
        let detail = json!({ "taken": taken, "known": known.len(), "first": first });
        audit::append(&mut tx, at, by, "number.import", "numbers", &detail).await?;
        tx.commit().await?;
        Ok(known)
    }

    /// Which of these digits are in the base.
    pub async fn known_numbers(&self, from: &str, to: &str) -> Result<Vec<String>, Error> {
        let rows = fetch_all!(
            &self.db,
            (String,),
            "select digits from number where digits >= $1 and digits <= $2",
            from,
            to
        )?;
        Ok(rows.into_iter().map(|(digits,)| digits).collect())
    }

    /// Takes a number that nobody holds out of the offer, or into it again. False: somebody holds
    /// it, or it was changed since.
    pub async fn set_withdrawn(
        &self,
        by: &Caller,
        at: i64,
        (id, version): (i64, i64),
        is_withdrawn: bool,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let what = if is_withdrawn { "number.withdraw" } else { "number.offer" };
        audit::append(&mut tx, at, by, what, &format!("number:{id}"), &json!({})).await?;
        let done = execute!(
            &mut tx,
            "update number set is_withdrawn = $1, version = version + 1 where id = $2 \
             and version = $3 and is_withdrawn <> $1 and not exists \
             (select 1 from reservation r where r.number_id = $2 and r.slot is not null)",
            i64::from(is_withdrawn),
            id,
            version
        )?;
        if done > 0 {
            tx.commit().await?;
        }
        Ok(done > 0)
    }

    pub async fn number_words(&self) -> Result<Vec<NumberWord>, Error> {
        fetch_all!(
            &self.db,
            NumberWord,
            "select word, kind, made_at from number_word order by word limit $1",
            WORDS_MAX
        )
    }

    /// Bars a word, or lets it go where `kind` is none.
    pub async fn set_number_word(
        &self,
        by: &Caller,
        at: i64,
        word: &str,
        kind: Option<&str>,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "kind": kind });
        audit::append(&mut tx, at, by, "number.word", word, &detail).await?;
        execute!(&mut tx, "delete from number_word where word = $1", word)?;
        if let Some(kind) = kind {
            let sql = "insert into number_word (word, kind, made_at) values ($1, $2, $3)";
            execute!(&mut tx, sql, word, kind, at)?;
        }
        tx.commit().await
    }

    pub async fn number_quotas(&self, partner: PartnerId) -> Result<Vec<NumberQuota>, Error> {
        fetch_all!(
            &self.db,
            NumberQuota,
            "select partner_id, class, most from number_quota where partner_id = $1 order by class",
            partner.0
        )
    }

    /// Gives a partner a quota of its own, or the class's where `most` is none.
    pub async fn set_number_quota(
        &self,
        by: &Caller,
        at: i64,
        (partner, class): (PartnerId, &str),
        most: Option<i64>,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "class": class, "most": most });
        let subject = format!("company:{}", partner.0);
        audit::append(&mut tx, at, by, "number.quota", &subject, &detail).await?;
        let sql = "delete from number_quota where partner_id = $1 and class = $2";
        execute!(&mut tx, sql, partner.0, class)?;
        if let Some(most) = most {
            let sql = "insert into number_quota (partner_id, class, most) values ($1, $2, $3)";
            execute!(&mut tx, sql, partner.0, class, most)?;
        }
        tx.commit().await
    }
}

/// The plan's tariffs as rows of the ledger. A price that is there is never changed: messages
/// were charged by it.
async fn plan_tariffs(
    tx: &mut Tx<'_>,
    tariffs: &[NewTariff],
) -> Result<BTreeMap<String, i64>, Error> {
    let mut ids = BTreeMap::new();
    for new in tariffs {
        let code = new.code.as_str();
        if !ids.contains_key(code) {
            execute!(
                &mut *tx,
                "insert into tariff (id, code) values \
                 ((select coalesce(max(id), 0) + 1 from tariff), $1) on conflict do nothing",
                code
            )?;
            let row = fetch_in!(&mut *tx, (i64,), "select id from tariff where code = $1", code)?;
            let (id,) = row.ok_or(Error::Conflict(Constraint::TariffCode))?;
            ids.insert(code.to_owned(), id);
        }
        execute!(
            &mut *tx,
            "insert into tariff_version (tariff_id, valid_from, net_minor, vat_permille, \
             gross_minor, currency) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            ids[code],
            new.valid_from,
            new.net_minor,
            new.vat_permille,
            new.gross_minor,
            new.currency.as_str()
        )?;
    }
    Ok(ids)
}

pub(super) async fn add_short_code(tx: &mut Tx<'_>, at: i64, digits: &str) -> Result<(), Error> {
    let sql = "insert into short_code (digits, made_at) values ($1, $2) on conflict do nothing";
    execute!(tx, sql, digits, at)?;
    Ok(())
}
