//! Orders as they are read: one, a partner's, those about a thing, what is open by kind.
//!
//! It writes nothing (`order_steps`). What surprises: both sides read the same list; only the
//! partner's own is a narrower one.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
    faults::word_from_text,
};
use crate::domain::{OrderKind, OrderState, PartnerId, Side, order_plan::BY_HAND};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;
/// Items, or steps, of one order.
const PARTS_MAX: i64 = 100;

/// An order, with the names of its partner and of those who answer for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct OrderRow {
    pub id: i64,
    pub partner_id: i64,
    pub partner: String,
    #[sqlx(try_from = "String")]
    pub kind: OrderKind,
    #[sqlx(try_from = "String")]
    pub state: OrderState,
    /// What it is about: `reservation:12`, `service:7`.
    pub about: String,
    pub name: String,
    pub reason: String,
    pub partner_owner_id: Option<i64>,
    pub partner_owner: Option<String>,
    pub operator_owner_id: Option<i64>,
    pub operator_owner: Option<String>,
    pub made_by: String,
    pub made_at: i64,
    pub due_at: i64,
    pub ended_at: Option<i64>,
    pub version: i64,
}

impl OrderRow {
    /// Its name in timelines, letters and the audit trail.
    pub fn subject(&self) -> String {
        format!("order:{}", self.id)
    }

    /// The number that people say.
    pub fn reference(&self) -> String {
        format!("Z-{:06}", self.id)
    }

    pub fn is_late(&self, now: i64) -> bool {
        self.ended_at.is_none() && self.due_at < now
    }
}

/// What an order names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct OrderItem {
    /// `number`, `keyword`, `service`.
    pub kind: String,
    pub name: String,
}

impl OrderItem {
    pub fn new(kind: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned() }
    }
}

/// One step of an order, done or not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct OrderStepRow {
    pub place: i64,
    pub name: String,
    pub title_pl: String,
    pub title_en: String,
    #[sqlx(try_from = "String")]
    pub side: Side,
    pub working_days: i64,
    pub done_by: String,
    pub due_at: Option<i64>,
    pub done_at: Option<i64>,
    pub done_who: Option<String>,
}

impl OrderStepRow {
    pub fn title(&self, language: &str) -> &str {
        if language == "en" { &self.title_en } else { &self.title_pl }
    }

    /// Somebody ticks it.
    pub fn is_by_hand(&self) -> bool {
        self.done_by == BY_HAND
    }
}

/// Which orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    pub partner: Option<PartnerId>,
    /// Words of the code, or empty for any.
    pub state: String,
    pub kind: String,
    /// What they are about, or empty.
    pub about: String,
    /// Only those that are not over.
    pub open: bool,
    /// Those with a smaller number.
    pub before: Option<i64>,
    /// Rows to leave out, for those who count pages and not rows (TMF630).
    pub offset: i64,
    pub limit: u32,
}

word_from_text!(OrderKind, OrderState, Side);

/// Every column of an order, with the names of its partner and of its owners.
macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "select o.id, o.partner_id, p.name as partner, o.kind, o.state, o.subject as about, \
             o.name, o.reason, o.partner_owner_id, a.name as partner_owner, \
             o.operator_owner_id, b.name as operator_owner, o.made_by, o.made_at, o.due_at, \
             o.ended_at, o.version from partner_order o join partner p on p.id = o.partner_id \
             left join person a on a.id = o.partner_owner_id \
             left join person b on b.id = o.operator_owner_id ",
            $rest
        )
    };
}

pub(super) use orders;

impl Store {
    pub async fn order(&self, id: i64) -> Result<Option<OrderRow>, Error> {
        fetch_optional!(&self.db, OrderRow, orders!("where o.id = $1"), id)
    }

    /// The newest first.
    pub async fn orders(&self, wish: &OrderFilter) -> Result<Vec<OrderRow>, Error> {
        let before = wish.before.unwrap_or(i64::MAX);
        let limit = i64::from(wish.limit).clamp(1, PAGE_MAX);
        // Two statements: with one, neither engine would go by the partner's own index.
        if let Some(partner) = wish.partner {
            return fetch_all!(
                &self.db,
                OrderRow,
                orders!(
                    "where o.partner_id = $1 and ($2 = '' or o.state = $2) \
                     and ($3 = '' or o.kind = $3) and ($4 = '' or o.subject = $4) \
                     and ($5 = 0 or o.ended_at is null) and o.id < $6 \
                     order by o.id desc limit $7 offset $8"
                ),
                partner.0,
                wish.state.as_str(),
                wish.kind.as_str(),
                wish.about.as_str(),
                i64::from(wish.open),
                before,
                limit,
                wish.offset
            );
        }
        fetch_all!(
            &self.db,
            OrderRow,
            orders!(
                "where ($1 = '' or o.state = $1) and ($2 = '' or o.kind = $2) \
                 and ($3 = '' or o.subject = $3) and ($4 = 0 or o.ended_at is null) \
                 and o.id < $5 order by o.id desc limit $6 offset $7"
            ),
            wish.state.as_str(),
            wish.kind.as_str(),
            wish.about.as_str(),
            i64::from(wish.open),
            before,
            limit,
            wish.offset
        )
    }

    /// How many there are like that, wherever a page begins.
    pub async fn count_orders(&self, wish: &OrderFilter) -> Result<i64, Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from partner_order o where ($1 = 0 or o.partner_id = $1) \
             and ($2 = '' or o.state = $2) and ($3 = '' or o.kind = $3) \
             and ($4 = '' or o.subject = $4) and ($5 = 0 or o.ended_at is null)",
            wish.partner.map_or(0, |partner| partner.0),
            wish.state.as_str(),
            wish.kind.as_str(),
            wish.about.as_str(),
            i64::from(wish.open)
        )?;
        Ok(found.map_or(0, |(count,)| count))
    }

    /// What is open about a thing; of each kind one at most.
    pub async fn open_orders_about(&self, about: &str) -> Result<Vec<OrderRow>, Error> {
        fetch_all!(
            &self.db,
            OrderRow,
            orders!("where o.subject = $1 and o.open_subject = $1 order by o.id"),
            about
        )
    }

    pub async fn order_items(&self, id: i64) -> Result<Vec<OrderItem>, Error> {
        fetch_all!(
            &self.db,
            OrderItem,
            "select kind, name from order_item where order_id = $1 \
             order by kind desc, name limit $2",
            id,
            PARTS_MAX
        )
    }

    pub async fn order_steps(&self, id: i64) -> Result<Vec<OrderStepRow>, Error> {
        fetch_all!(
            &self.db,
            OrderStepRow,
            "select place, name, title_pl, title_en, side, working_days, done_by, due_at, \
             done_at, done_who from order_step where order_id = $1 order by place limit $2",
            id,
            PARTS_MAX
        )
    }

    /// How many are open by kind, and how many of these are late.
    pub async fn open_orders_by(&self, now: i64) -> Result<Vec<(String, i64, i64)>, Error> {
        fetch_all!(
            &self.db,
            (String, i64, i64),
            "select kind, count(*), cast(sum(case when due_at < $1 then 1 else 0 end) as bigint) \
             from partner_order where ended_at is null group by kind order by kind",
            now
        )
    }
}
