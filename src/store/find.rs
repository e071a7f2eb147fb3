//! Looking for messages: by what they are called, and by whose, when, where and how they ended.
//!
//! A page goes by key and never by number. What surprises: a look has an end. Where no index knows
//! the answer, it reads so many entries, says how far it came, and is asked again; a rare word
//! among ten million messages must not hold a connection for minutes. No index begins with the
//! subscriber's number, because each message would pay for it (migration 12 says how).

use super::{
    Error, Store,
    callbacks::CallbackAttempt,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{MessageId, MessageState, NumberPattern, PartnerId, ServiceId, ids::first_at};

/// Messages that a look reads whole. Tests have few, and still want to see a look end.
const ROWS_READ: i64 = if cfg!(test) { 50 } else { 20_000 };
/// Entries of an index that a look reads: a sixth of a second.
const ENTRIES_READ: i64 = if cfg!(test) { 100 } else { 1_000_000 };
/// Messages of one name: the second and later destinations of a submit share one.
const CALLED_MAX: i64 = 50;
/// Tries of one message that are shown.
const TRIES_MAX: i64 = 200;

/// The subscriber, whichever side that is; word for word as the index has it.
const SUBSCRIBER: &str = "(case m.direction when 'mt' then m.recipient else m.sender end)";
/// States of which `message_trouble` knows; word for word as the index has them.
const TROUBLE: &str = "m.state not in ('accepted', 'claimed', 'submitted', 'delivered')";

const FOUND: &str = "select m.id, m.direction, m.partner_id, p.name as partner, m.service_id, \
    s.name as service, m.sender, m.recipient, m.state, m.state_at, m.accepted_at, m.parts, \
    m.tariff_code, m.gross_minor, m.currency, m.keyword, m.partner_reference, m.short_id, \
    m.error \
    from message m left join partner p on p.id = m.partner_id \
    left join service s on s.id = m.service_id";

/// Which messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    pub partner: Option<PartnerId>,
    pub service: Option<ServiceId>,
    pub state: Option<MessageState>,
    /// `mt`, `mo`, or empty for both.
    pub direction: String,
    pub number: Option<NumberPattern>,
    /// Accepted at or after, and before, in microseconds UTC.
    pub from: Option<i64>,
    pub until: Option<i64>,
    /// Those with a smaller id.
    pub before: Option<MessageId>,
    pub limit: usize,
}

/// A message in a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundMessage {
    pub id: i64,
    pub direction: String,
    pub partner_id: Option<i64>,
    pub partner: Option<String>,
    pub service_id: Option<i64>,
    pub service: Option<String>,
    pub sender: String,
    pub recipient: String,
    pub state: String,
    pub state_at: i64,
    pub accepted_at: i64,
    pub parts: i64,
    pub tariff_code: Option<String>,
    pub gross_minor: Option<i64>,
    pub currency: Option<String>,
    pub keyword: Option<String>,
    pub partner_reference: Option<String>,
    /// The id that a peer with short ids was given.
    pub short_id: Option<String>,
    pub error: Option<String>,
}

/// One page, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundMessages {
    pub rows: Vec<FoundMessage>,
    /// For `before` of the next page; none at the end.
    pub next: Option<MessageId>,
    /// The look ended here although the page is not full; there may be more behind it.
    pub looked_to: Option<i64>,
}

/// What leads a look to its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leader {
    /// What ended badly.
    Trouble,
    Partner,
    /// Of every partner, one after the other.
    EachPartner,
    /// The order of ids alone.
    Time,
}

impl MessageFilter {
    fn leader(&self) -> Leader {
        let is_trouble = self.state.is_some_and(|state| {
            use MessageState as S;
            !matches!(state, S::Accepted | S::Claimed | S::Submitted | S::Delivered)
        });
        match (is_trouble, self.partner, &self.number) {
            (true, ..) => Leader::Trouble,
            (false, Some(_), _) => Leader::Partner,
            (false, None, Some(_)) => Leader::EachPartner,
            (false, None, None) => Leader::Time,
        }
    }

    /// How much a look may read; none where each entry that it reads is one that it finds.
    fn budget(&self) -> Option<i64> {
        let has_state = self.state.is_some() || !self.direction.is_empty();
        let has_entry = self.service.is_some() || self.number.is_some();
        match self.leader() {
            Leader::Partner if has_state => Some(ROWS_READ),
            Leader::Partner => has_entry.then_some(ENTRIES_READ),
            Leader::Time => (has_state || has_entry).then_some(ROWS_READ),
            Leader::Trouble if has_entry || !self.direction.is_empty() => Some(ROWS_READ),
            Leader::Trouble => self.partner.is_some().then_some(ENTRIES_READ),
            Leader::EachPartner => None,
        }
    }

    /// The condition that an index answers. `$1` is the partner, `state` the place of the state.
    fn led(&self, state: &str) -> String {
        match self.leader() {
            Leader::Trouble => {
                format!("m.state = {state} and {TROUBLE} and ($1 = 0 or m.partner_id = $1)")
            }
            Leader::Partner => format!("m.partner_id = $1 and {state} = {state}"),
            Leader::EachPartner | Leader::Time => format!("$1 = 0 and {state} = {state}"),
        }
    }

    /// Where a look that may read `$5` entries comes to, and whether it read as many.
    fn floor_text(&self) -> String {
        format!(
            "select min(id), count(*) from (select m.id from message m where {} \
             and m.id >= $2 and m.id < $3 order by m.id desc limit $5) as look",
            self.led("$4")
        )
    }

    /// The ids of a page; a clause that is not asked for still names its value.
    fn hits_text(&self) -> String {
        let service = if self.service.is_some() { "m.service_id = $4" } else { "$4 = 0" };
        let state = if self.state.is_some() { "m.state = $5" } else { "$5 = ''" };
        let direction = if self.direction.is_empty() { "$6 = ''" } else { "m.direction = $6" };
        let number = match &self.number {
            None => "$7 = ''".to_owned(),
            Some(NumberPattern::Whole(_)) => format!("{SUBSCRIBER} = $7"),
            Some(NumberPattern::Ends { .. }) => format!("{SUBSCRIBER} like $7"),
        };
        let fits = format!(
            "{} and m.id >= $2 and m.id < $3 and {service} and {state} and {direction} \
             and {number}",
            self.led("$5")
        );
        if self.leader() == Leader::EachPartner {
            // An MO that nobody takes has no partner, and an index has no place for nobody else.
            return format!(
                "select id from (select m.id from partner p cross join message m \
                 where m.partner_id = p.id and {fits} union all select m.id from message m \
                 where m.partner_id is null and {fits}) as hit order by id desc limit $8"
            );
        }
        format!("select m.id from message m where {fits} order by m.id desc limit $8")
    }

    fn rows_text(&self) -> String {
        let hits = self.hits_text();
        // `FOUND` begins with its own table; the hits decide which of its rows are read. They come
        // first: `SQLite` does not know how few they are, and would read every message for them.
        let found = FOUND.replacen(
            "from message m",
            &format!("from ({hits}) as hit cross join message m"),
            1,
        );
        format!("{found} where m.id = hit.id order by m.id desc")
    }

    /// The number as the statement wants it.
    fn number_text(&self) -> String {
        match &self.number {
            None => String::new(),
            Some(NumberPattern::Whole(number)) => number.as_str().to_owned(),
            Some(NumberPattern::Ends { head, tail }) => format!("{head}%{tail}"),
        }
    }
}

impl Store {
    /// One page of messages, the newest first.
    pub async fn find_messages(&self, wish: &MessageFilter) -> Result<FoundMessages, Error> {
        let high = wish.until.map_or(i64::MAX, |until| first_at(until).0);
        let high = wish.before.map_or(high, |before| high.min(before.0));
        let low = wish.from.map_or(0, |from| first_at(from).0);
        let (low, is_cut) = self.floor(wish, (low, high)).await?;
        let limit = i64::try_from(wish.limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows = fetch_all!(
            &self.db,
            FoundMessage,
            sqlx::AssertSqlSafe(wish.rows_text()),
            wish.partner.map_or(0, |partner| partner.0),
            low,
            high,
            wish.service.map_or(0, |service| service.0),
            wish.state.map_or("", MessageState::as_str),
            wish.direction.as_str(),
            wish.number_text(),
            limit
        )?;
        let is_full = rows.len() > wish.limit;
        rows.truncate(wish.limit);
        let next = if is_full {
            rows.last().map(|row| MessageId(row.id))
        } else {
            is_cut.then_some(MessageId(low))
        };
        let looked_to = (is_cut && !is_full).then(|| crate::domain::ids::moment_of(MessageId(low)));
        Ok(FoundMessages { rows, next, looked_to })
    }

    /// The smallest id that this look goes down to, and whether that is before its end.
    async fn floor(
        &self,
        wish: &MessageFilter,
        (low, high): (i64, i64),
    ) -> Result<(i64, bool), Error> {
        if wish.leader() == Leader::EachPartner {
            return self.floor_of_all((low, high)).await;
        }
        let Some(budget) = wish.budget() else { return Ok((low, false)) };
        let found = fetch_optional!(
            &self.db,
            (Option<i64>, i64),
            sqlx::AssertSqlSafe(wish.floor_text()),
            wish.partner.map_or(0, |partner| partner.0),
            low,
            high,
            wish.state.map_or("", MessageState::as_str),
            budget
        )?;
        Ok(match found {
            Some((Some(floor), count)) if count >= budget && floor > low => (floor, true),
            _ => (low, false),
        })
    }

    /// The same for entries of all partners, which no index counts: ids are moments, and how dense
    /// the newest messages are tells how far back as many go as may be read.
    async fn floor_of_all(&self, (low, high): (i64, i64)) -> Result<(i64, bool), Error> {
        let found = fetch_optional!(
            &self.db,
            (Option<i64>, Option<i64>, i64),
            DENSITY,
            low,
            high,
            ROWS_READ
        )?;
        let Some((Some(oldest), Some(newest), ROWS_READ..)) = found else {
            return Ok((low, false));
        };
        let span = (newest - oldest).saturating_mul(ENTRIES_READ / ROWS_READ);
        let floor = newest.saturating_sub(span).min(oldest);
        Ok((floor.max(low), floor > low))
    }

    /// Messages that somebody calls by this name: our id in either form, the short one, an SMSC's,
    /// or the partner's own word. Of one partner if it is given, the newest first.
    pub async fn messages_called(
        &self,
        partner: Option<PartnerId>,
        name: &str,
    ) -> Result<Vec<FoundMessage>, Error> {
        let hex = i64::from_str_radix(name, 16).ok();
        let mut ids: Vec<i64> = name.parse().ok().into_iter().chain(hex).collect();
        for text in [
            called_text(partner, "partner_reference"),
            called_text(partner, "short_id"),
            SMSC_CALLS.to_owned(),
        ] {
            let rows = fetch_all!(
                &self.db,
                (i64,),
                sqlx::AssertSqlSafe(text),
                partner.map_or(0, |partner| partner.0),
                name,
                CALLED_MAX
            )?;
            ids.extend(rows.into_iter().map(|(id,)| id));
        }
        ids.sort_unstable_by(|one, two| two.cmp(one));
        ids.dedup();
        let mut found = Vec::new();
        for id in ids {
            let row = self.found_message(MessageId(id)).await?;
            let is_own = |row: &FoundMessage| {
                partner.is_none_or(|partner| row.partner_id == Some(partner.0))
            };
            found.extend(row.filter(is_own));
        }
        Ok(found)
    }

    /// One message as lists show it, with the names of its partner and service.
    pub async fn found_message(&self, id: MessageId) -> Result<Option<FoundMessage>, Error> {
        let text = format!("{FOUND} where m.id = $1");
        fetch_optional!(&self.db, FoundMessage, sqlx::AssertSqlSafe(text), id.0)
    }

    /// The tries to hand a message, or its receipt, to a callback, oldest first.
    pub async fn message_tries(&self, id: MessageId) -> Result<Vec<CallbackAttempt>, Error> {
        fetch_all!(
            &self.db,
            CallbackAttempt,
            "select message_id, at, attempt, outcome, took_ms from callback_attempt \
             where message_id = $1 order by id limit $2",
            id.0,
            TRIES_MAX
        )
    }

    /// What described a service when it had a version: the service of the portal, and the number
    /// of the description.
    pub async fn described_by(
        &self,
        service: ServiceId,
        version: i64,
    ) -> Result<Option<(i64, Option<i64>)>, Error> {
        fetch_optional!(
            &self.db,
            (i64, Option<i64>),
            "select o.id, (select max(r.number) from service_revision r \
             where r.offering_id = o.id and r.service_version <= $2) \
             from offering o where o.service_id = $1",
            service.0,
            version
        )
    }
}

/// The newest messages of all, how many and from when to when.
const DENSITY: &str = "select min(id), max(id), count(*) from (select id from message \
    where id >= $1 and id < $2 order by id desc limit $3) as look";

/// A name is unique to its partner at best, so without one every partner is asked.
fn called_text(partner: Option<PartnerId>, column: &str) -> String {
    if partner.is_some() {
        return format!(
            "select m.id from message m where m.partner_id = $1 and m.{column} = $2 \
             order by m.id desc limit $3"
        );
    }
    format!(
        "select m.id from partner p cross join message m where $1 = 0 and m.partner_id = p.id \
         and m.{column} = $2 order by m.id desc limit $3"
    )
}

/// Names of SMSCs are unique in their group of links.
const SMSC_CALLS: &str = "select k.message_id from link_group g cross join receipt_key k \
    where $1 = $1 and k.link_group = g.name and k.smsc_message_id = $2 limit $3";

/// How the statements of a look would be carried out: the rows, the floor, the names.
#[cfg(test)]
pub(super) async fn plans(store: &Store, wish: &MessageFilter) -> Vec<String> {
    let names =
        [called_text(wish.partner, "partner_reference"), called_text(wish.partner, "short_id")];
    let mut plans = Vec::new();
    let looks = [wish.rows_text(), wish.floor_text(), DENSITY.to_owned()];
    for text in looks.into_iter().chain(names) {
        let text = sqlx::AssertSqlSafe(format!("explain query plan {text}"));
        let rows = fetch_all!(&store.db, (i64, i64, i64, String), text).expect("it can be planned");
        plans.push(rows.into_iter().map(|row| row.3).collect::<Vec<_>>().join("; "));
    }
    plans
}
