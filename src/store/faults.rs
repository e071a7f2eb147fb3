//! Fault reports as they are read: one, a partner's, the queue of the staff, what is due by time.
//!
//! It writes nothing (`fault_steps`). What surprises: a list and the queue are two orders of the
//! same rows. A list begins with the newest; the queue begins with the worst that has the least
//! time left.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{FaultArea, PartnerId, Severity, TicketState, ids::first_at};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;
/// Messages that one look for missing receipts reads.
const SEEN_MAX: i64 = 20_000;

/// A fault, with the names of its partner and of who works on it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct FaultRow {
    pub id: i64,
    pub partner_id: Option<i64>,
    pub partner: Option<String>,
    pub person_id: Option<i64>,
    #[sqlx(try_from = "String")]
    pub area: FaultArea,
    #[sqlx(try_from = "String")]
    pub severity: Severity,
    #[sqlx(try_from = "String")]
    pub state: TicketState,
    pub title: String,
    pub story: String,
    pub since_at: i64,
    pub contact: String,
    pub owner_id: Option<i64>,
    pub owner: Option<String>,
    pub incident_id: Option<i64>,
    pub merged_into: Option<i64>,
    pub cause: Option<String>,
    #[serde(skip)]
    pub open_cause: Option<String>,
    pub evidence: String,
    pub answer: String,
    pub made_by: String,
    pub made_at: i64,
    pub taken_at: Option<i64>,
    pub resolved_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub due_at: i64,
    pub escalated: i64,
    pub version: i64,
}

impl FaultRow {
    /// Its name in timelines, letters and the audit trail.
    pub fn subject(&self) -> String {
        format!("fault:{}", self.id)
    }

    /// The number that people say.
    pub fn reference(&self) -> String {
        reference(self.id)
    }
}

/// `F-000012`.
pub fn reference(id: i64) -> String {
    format!("F-{id:06}")
}

/// What a fault names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct FaultItem {
    pub kind: String,
    pub name: String,
    /// Of a message: its trace when it was reported, as JSON; else empty.
    pub trace: String,
}

/// Which faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultFilter {
    pub partner: Option<PartnerId>,
    /// Words of the code, or empty for any.
    pub state: String,
    pub area: String,
    pub severity: String,
    pub incident: Option<i64>,
    /// Only those that are not over.
    pub open: bool,
    /// Those with a smaller number.
    pub before: Option<i64>,
    /// Rows to leave out, for those who count pages and not rows (TMF630).
    pub offset: i64,
    pub limit: u32,
}

/// Where a page of the queue begins: rank, due time and number of the last row before it.
pub type QueuePlace = (i64, i64, i64);

macro_rules! word_from_text {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                Self::parse(&word).ok_or_else(|| format!("`{word}` is unknown"))
            }
        }
    )+};
}

pub(super) use word_from_text;

word_from_text!(FaultArea, Severity, TicketState);

/// Every column of a fault, with the names of its partner and owner.
macro_rules! faults {
    ($rest:literal) => {
        concat!(
            "select f.id, f.partner_id, p.name as partner, f.person_id, f.area, f.severity, \
             f.state, f.title, f.story, f.since_at, f.contact, f.owner_id, o.name as owner, \
             f.incident_id, f.merged_into, f.cause, f.open_cause, f.evidence, f.answer, \
             f.made_by, f.made_at, f.taken_at, f.resolved_at, f.ended_at, f.due_at, \
             f.escalated, f.version from fault f left join partner p on p.id = f.partner_id \
             left join person o on o.id = f.owner_id ",
            $rest
        )
    };
}

pub(super) use faults;

impl Store {
    pub async fn fault(&self, id: i64) -> Result<Option<FaultRow>, Error> {
        fetch_optional!(&self.db, FaultRow, faults!("where f.id = $1"), id)
    }

    /// The newest first.
    pub async fn faults(&self, wish: &FaultFilter) -> Result<Vec<FaultRow>, Error> {
        let before = wish.before.unwrap_or(i64::MAX);
        let limit = i64::from(wish.limit).clamp(1, PAGE_MAX);
        // Two statements: with one, neither engine would go by the partner's own index.
        if let Some(partner) = wish.partner {
            return fetch_all!(
                &self.db,
                FaultRow,
                faults!(
                    "where f.partner_id = $1 and ($2 = '' or f.state = $2) \
                     and ($3 = '' or f.area = $3) and ($4 = '' or f.severity = $4) \
                     and ($5 = 0 or f.incident_id = $5) and ($6 = 0 or f.ended_at is null) \
                     and f.id < $7 order by f.id desc limit $8 offset $9"
                ),
                partner.0,
                wish.state.as_str(),
                wish.area.as_str(),
                wish.severity.as_str(),
                wish.incident.unwrap_or(0),
                i64::from(wish.open),
                before,
                limit,
                wish.offset
            );
        }
        fetch_all!(
            &self.db,
            FaultRow,
            faults!(
                "where ($1 = '' or f.state = $1) and ($2 = '' or f.area = $2) \
                 and ($3 = '' or f.severity = $3) and ($4 = 0 or f.incident_id = $4) \
                 and ($5 = 0 or f.ended_at is null) and f.id < $6 order by f.id desc limit $7 \
                 offset $8"
            ),
            wish.state.as_str(),
            wish.area.as_str(),
            wish.severity.as_str(),
            wish.incident.unwrap_or(0),
            i64::from(wish.open),
            before,
            limit,
            wish.offset
        )
    }

    /// How many there are like that, wherever a page begins.
    pub async fn count_faults(&self, wish: &FaultFilter) -> Result<i64, Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from fault f where ($1 = 0 or f.partner_id = $1) \
             and ($2 = '' or f.state = $2) and ($3 = '' or f.area = $3) \
             and ($4 = '' or f.severity = $4) and ($5 = 0 or f.ended_at is null)",
            wish.partner.map_or(0, |partner| partner.0),
            wish.state.as_str(),
            wish.area.as_str(),
            wish.severity.as_str(),
            i64::from(wish.open)
        )?;
        Ok(found.map_or(0, |(count,)| count))
    }

    /// What is open, the worst first, and of these the one with the least time left.
    pub async fn fault_queue(
        &self,
        wish: &FaultFilter,
        (rank, due_at, id): QueuePlace,
    ) -> Result<Vec<FaultRow>, Error> {
        fetch_all!(
            &self.db,
            FaultRow,
            faults!(
                "where f.ended_at is null and ($1 = '' or f.state = $1) \
                 and ($2 = '' or f.area = $2) and ($3 = '' or f.severity = $3) \
                 and (f.rank, f.due_at, f.id) > ($4, $5, $6) \
                 order by f.rank, f.due_at, f.id limit $7"
            ),
            wish.state.as_str(),
            wish.area.as_str(),
            wish.severity.as_str(),
            rank,
            due_at,
            id,
            i64::from(wish.limit).clamp(1, PAGE_MAX)
        )
    }

    pub async fn fault_items(&self, id: i64) -> Result<Vec<FaultItem>, Error> {
        fetch_all!(
            &self.db,
            FaultItem,
            "select kind, name, trace from fault_item where fault_id = $1 order by kind, name",
            id
        )
    }

    /// Faults that were solved at or before a moment, and nobody opened again.
    pub async fn resolved_faults(&self, until: i64) -> Result<Vec<FaultRow>, Error> {
        fetch_all!(
            &self.db,
            FaultRow,
            faults!(
                "where f.state = 'resolved' and f.resolved_at <= $1 \
                 order by f.resolved_at limit $2"
            ),
            until,
            PAGE_MAX
        )
    }

    /// Open faults whose time runs and of which the desk was not told everything.
    pub async fn faults_to_escalate(&self, highest: i64) -> Result<Vec<FaultRow>, Error> {
        fetch_all!(
            &self.db,
            FaultRow,
            faults!(
                "where f.ended_at is null and f.state in ('acknowledged', 'in_progress') \
                 and f.escalated < $1 order by f.due_at, f.id limit $2"
            ),
            highest,
            PAGE_MAX
        )
    }

    /// The open fault that the gateway filed for a cause.
    pub async fn fault_of_cause(&self, cause: &str) -> Result<Option<FaultRow>, Error> {
        fetch_optional!(&self.db, FaultRow, faults!("where f.open_cause = $1"), cause)
    }

    /// Everything open that the gateway filed for causes of one kind, such as `link_down:`.
    pub async fn faults_of_causes(&self, prefix: &str) -> Result<Vec<FaultRow>, Error> {
        fetch_all!(
            &self.db,
            FaultRow,
            faults!(
                "where f.open_cause is not null and f.open_cause like $1 order by f.id limit $2"
            ),
            format!("{prefix}%"),
            PAGE_MAX
        )
    }

    /// How many are open, by state and severity; both are words of the code.
    pub async fn open_faults_by(&self) -> Result<Vec<(String, String, i64)>, Error> {
        fetch_all!(
            &self.db,
            (String, String, i64),
            "select state, severity, count(*) from fault where ended_at is null \
             group by state, severity order by state, severity"
        )
    }

    /// Names of services, numbers and accounts of a partner among the given kinds of item.
    pub async fn partner_has(
        &self,
        partner: PartnerId,
        kind: &str,
        name: &str,
    ) -> Result<bool, Error> {
        let sql = match kind {
            "service" => "select 1 from service where partner_id = $1 and name = $2",
            "link" => "select 1 from credential where partner_id = $1 and system_id = $2",
            _ => {
                "select 1 from service where partner_id = $1 and short_code = $2 \
                 union all select 1 from reservation r join number n on n.id = r.number_id \
                 where r.partner_id = $1 and n.digits = $2 and r.slot is not null limit 1"
            }
        };
        let found = fetch_optional!(&self.db, (i32,), sql, partner.0, name)?;
        Ok(found.is_some())
    }

    /// How many became unknown since a moment and still are. What a partner plays is no fault.
    pub async fn unknown_since(&self, from: i64) -> Result<i64, Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from message where state in ('unknown', 'held', 'quarantined') \
             and state = 'unknown' and state_at >= $1 and link_group <> 'sandbox'",
            from
        )?;
        Ok(found.map_or(0, |(count,)| count))
    }

    /// Of the MT accepted between two moments, the newest page of them: how many were sent, and
    /// how many of these have no receipt.
    pub async fn receipts_between(&self, from: i64, until: i64) -> Result<(i64, i64), Error> {
        let first = |at| first_at(at).0;
        let found = fetch_optional!(
            &self.db,
            (i64, i64),
            "select count(*), cast(coalesce(sum(case when state = 'submitted' then 1 else 0 end), \
             0) as bigint) from (select state from message where id >= $1 and id < $2 \
             and direction = 'mt' and link_group <> 'sandbox' \
             order by id desc limit $3) as page \
             where state in ('submitted', 'delivered', 'undeliverable', 'expired')",
            first(from),
            first(until),
            SEEN_MAX
        )?;
        Ok(found.unwrap_or((0, 0)))
    }
}
