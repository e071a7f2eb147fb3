//! What the base of numbers says of who has which number and keyword.
//!
//! It reads for the catalog alone. The surprise: all that is held of one number comes in one long
//! text, because a row costs more than a word, and a shared number may have a hundred thousand.

use super::{
    Error,
    db::{Tx, fetch_each},
    load::{corrupt, keyword},
};
use crate::domain::{NumberState, PartnerId, ShortCode, catalog::Holding};

/// A number with keyword, partner and state of each that has it or a keyword on it: one long text,
/// for a row costs more than a word.
macro_rules! holdings {
    ($rest:literal) => {
        concat!(
            "select n.digits, n.is_shared, n.is_withdrawn, coalesce(string_agg( \
             r.keyword || ' ' || r.partner_id || ' ' || r.state, ' '), '') from number n \
             left join reservation r on r.number_id = n.id and r.slot is not null ",
            $rest,
            " group by n.id, n.digits, n.is_shared, n.is_withdrawn"
        )
    };
}

/// Of every number that a service uses.
pub(super) async fn of_services(tx: &mut Tx<'_>) -> Result<Vec<Holding>, Error> {
    let mut holdings = Vec::new();
    let sql = holdings!("where n.digits in (select short_code from service)");
    fetch_each!(tx, HoldingRow, sql; row => hold(row, &mut holdings)?);
    Ok(holdings)
}

/// What the base of numbers says about a number and about each keyword on it.
pub(super) async fn on_number(tx: &mut Tx<'_>, number: &ShortCode) -> Result<Vec<Holding>, Error> {
    let mut holdings = Vec::new();
    let sql = holdings!("where n.digits = $1");
    fetch_each!(tx, HoldingRow, sql, number.as_str(); row => hold(row, &mut holdings)?);
    Ok(holdings)
}

type HoldingRow = (String, i64, i64, String);

/// Nothing of a shared number as a whole: of that only its keywords have holders.
fn hold(
    (digits, is_shared, is_withdrawn, users): HoldingRow,
    to: &mut Vec<Holding>,
) -> Result<(), Error> {
    let wrong = |column, value: &str, why: &str| {
        corrupt("number", column, &digits, &format!("`{value}` {why}"))
    };
    let short_code =
        ShortCode::parse(&digits).map_err(|error| wrong("digits", &digits, &error.to_string()))?;
    if users.is_empty() && (is_shared == 0 || is_withdrawn != 0) {
        to.push(Holding { short_code, keyword: None, partner: None, is_active: false });
        return Ok(());
    }
    let mut fields = users.split(' ');
    while let (Some(word), Some(partner), Some(state)) =
        (fields.next(), fields.next(), fields.next())
    {
        let keyword = if word.is_empty() { None } else { Some(keyword(word)?) };
        if is_shared != 0 && is_withdrawn == 0 && keyword.is_none() {
            continue;
        }
        let partner = partner.parse().map_err(|_| wrong("users", partner, "is no partner"))?;
        to.push(Holding {
            short_code: short_code.clone(),
            keyword,
            partner: Some(PartnerId(partner)),
            is_active: state == NumberState::Active.as_str() && is_withdrawn == 0,
        });
    }
    Ok(())
}
