//! Charges that do not fit their messages, as far as both are still here.
//!
//! It judges and repairs nothing. What surprises: reversals do not count. What was given back was
//! owed first, and its first row stays in the ledger.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{MessageId, ids::first_at};

/// Messages that one look reads, and that it names at most.
const SEEN_MAX: i64 = 20_000;
const NAMED_MAX: i64 = 50;

/// A message whose charge is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WrongCharge {
    pub message_id: i64,
    pub state: String,
    /// Its price; none for a message that has none.
    pub owed_minor: Option<i64>,
    pub charged_minor: Option<i64>,
}

/// Of messages `m`, those with a charge without a price, with another price, or with none where
/// one is due: at delivery, or as soon as the message was sent.
macro_rules! wrong_charges {
    ($from:literal, $rest:literal) => {
        concat!(
            "select m.id as message_id, m.state, m.gross_minor as owed_minor, \
             c.gross_minor as charged_minor from ",
            $from,
            " m left join charge c on c.message_id = m.id and c.line = 0 where ((c.id is not null \
             and (m.gross_minor is null or c.gross_minor <> m.gross_minor \
             or c.currency <> m.currency)) or (c.id is null and m.gross_minor is not null \
             and (m.state = 'delivered' or (m.charge_at is not null \
             and m.charge_at <> 'delivered' and m.state in ('submitted', 'undeliverable'))))) ",
            $rest
        )
    };
}

impl Store {
    /// Among the newest messages accepted between two moments, the newest first.
    pub async fn wrong_charges(&self, from: i64, until: i64) -> Result<Vec<WrongCharge>, Error> {
        fetch_all!(
            &self.db,
            WrongCharge,
            wrong_charges!(
                "(select id, state, gross_minor, currency, charge_at from message \
                 where id >= $1 and id < $2 order by id desc limit $3)",
                "order by m.id desc limit $4"
            ),
            first_at(from).0,
            first_at(until).0,
            SEEN_MAX,
            NAMED_MAX
        )
    }

    /// The same of one message.
    pub async fn wrong_charge(&self, id: MessageId) -> Result<Option<WrongCharge>, Error> {
        fetch_optional!(&self.db, WrongCharge, wrong_charges!("message", "and m.id = $1"), id.0)
    }
}
