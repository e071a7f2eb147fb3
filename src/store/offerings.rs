//! Services as partner and operator work on them, as they are read: one, a partner's, its
//! descriptions and what was said about their fields.
//!
//! It writes nothing (`offering_steps`). What surprises: the routed service is another row, which
//! is there only from the first test on; what is asked here is never asked by traffic.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{
    LifeState, PartnerId, service_life::RevisionState, service_revision::ServiceForm,
};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;
/// Descriptions and comments of one service that are shown.
const FILE_MAX: i64 = 200;

/// A service from its first draft to its end.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OfferingRow {
    pub id: i64,
    pub partner_id: i64,
    pub partner: String,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub state: LifeState,
    pub person_id: Option<i64>,
    pub service_id: Option<i64>,
    pub link_group: String,
    pub tested_at: Option<i64>,
    pub tested_by: Option<String>,
    pub tested_revision: Option<i64>,
    pub reason: String,
    pub made_at: i64,
    pub live_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub version: i64,
    /// The newest description, and where that is.
    pub body: String,
    #[sqlx(try_from = "String")]
    pub revision_state: RevisionState,
}

/// One description.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RevisionRow {
    pub offering_id: i64,
    pub number: i64,
    #[sqlx(try_from = "String")]
    pub state: RevisionState,
    pub body: String,
    pub made_by: String,
    pub made_at: i64,
    pub submitted_by: Option<String>,
    pub submitted_at: Option<i64>,
    pub approved_by: Option<String>,
    pub approved_at: Option<i64>,
    pub service_version: Option<i64>,
    pub ended_at: Option<i64>,
}

/// What somebody said about a field.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ServiceCommentRow {
    pub id: i64,
    pub revision: i64,
    pub field: String,
    pub text: String,
    pub who: String,
    pub side: String,
    pub at: i64,
}

/// Which services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferingFilter {
    pub partner: Option<PartnerId>,
    /// A state, or empty for all.
    pub state: String,
    /// Something waits for the operator: a submitted description.
    pub is_waiting: bool,
    /// Services with a smaller number.
    pub before: Option<i64>,
    pub limit: u32,
}

impl TryFrom<String> for LifeState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or(word)
    }
}

impl TryFrom<String> for RevisionState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or(word)
    }
}

impl OfferingRow {
    /// Its name in timelines, letters and the audit trail.
    pub fn subject(&self) -> String {
        format!("service:{}", self.id)
    }

    /// The newest description.
    pub fn form(&self) -> ServiceForm {
        read(&self.body)
    }
}

impl RevisionRow {
    pub fn form(&self) -> ServiceForm {
        read(&self.body)
    }
}

/// A field that a later release took away is forgotten; one that it added is empty.
fn read(body: &str) -> ServiceForm {
    serde_json::from_str(body).unwrap_or_default()
}

/// Every column of a service, with its partner's name and its newest description.
macro_rules! offerings {
    ($rest:literal) => {
        concat!(
            "select o.id, o.partner_id, p.name as partner, o.name, o.state, o.person_id, \
             o.service_id, o.link_group, o.tested_at, o.tested_by, o.tested_revision, o.reason, \
             o.made_at, o.live_at, o.ended_at, o.version, r.body, r.state as revision_state \
             from offering o join partner p on p.id = o.partner_id \
             join service_revision r on r.offering_id = o.id and r.number = (select max(n.number) \
             from service_revision n where n.offering_id = o.id and n.state <> 'withdrawn') ",
            $rest
        )
    };
}

pub(super) use offerings;

impl Store {
    pub async fn offering(&self, id: i64) -> Result<Option<OfferingRow>, Error> {
        fetch_optional!(&self.db, OfferingRow, offerings!("where o.id = $1"), id)
    }

    /// The newest first.
    pub async fn offerings(&self, wish: &OfferingFilter) -> Result<Vec<OfferingRow>, Error> {
        fetch_all!(
            &self.db,
            OfferingRow,
            offerings!(
                "where ($1 = 0 or o.partner_id = $1) and ($2 = '' or o.state = $2) \
                 and ($3 = 0 or r.state = 'submitted') and o.id < $4 order by o.id desc limit $5"
            ),
            wish.partner.map_or(0, |partner| partner.0),
            wish.state.as_str(),
            i64::from(wish.is_waiting),
            wish.before.unwrap_or(i64::MAX),
            i64::from(wish.limit).clamp(1, PAGE_MAX)
        )
    }

    /// Descriptions of a service, the newest first: the last ones, and whatever has not ended.
    pub async fn revisions(&self, offering: i64) -> Result<Vec<RevisionRow>, Error> {
        self.last_revisions(offering, FILE_MAX).await
    }

    /// Descriptions of a service that a step may be about: those that have not ended, and the
    /// newest one, whatever became of it.
    pub async fn working_revisions(&self, offering: i64) -> Result<Vec<RevisionRow>, Error> {
        self.last_revisions(offering, 1).await
    }

    async fn last_revisions(&self, offering: i64, last: i64) -> Result<Vec<RevisionRow>, Error> {
        fetch_all!(
            &self.db,
            RevisionRow,
            "select * from service_revision where offering_id = $1 and (ended_at is null \
             or number > (select max(number) from service_revision where offering_id = $1) - $2) \
             order by number desc",
            offering,
            last
        )
    }

    /// What was said about one description, oldest first.
    pub async fn service_comments(
        &self,
        offering: i64,
        revision: i64,
    ) -> Result<Vec<ServiceCommentRow>, Error> {
        fetch_all!(
            &self.db,
            ServiceCommentRow,
            "select id, revision, field, text, who, side, at from service_comment \
             where offering_id = $1 and revision = $2 order by id limit $3",
            offering,
            revision,
            FILE_MAX
        )
    }

    /// Keywords on a number that a partner uses now; an empty one is the whole number.
    pub async fn used_keywords(
        &self,
        partner: PartnerId,
        digits: &str,
    ) -> Result<Vec<String>, Error> {
        let rows = fetch_all!(
            &self.db,
            (String,),
            "select r.keyword from reservation r join number n on n.id = r.number_id \
             where n.digits = $1 and r.partner_id = $2 and r.state = 'active' order by r.id",
            digits,
            partner.0
        )?;
        Ok(rows.into_iter().map(|(keyword,)| keyword).collect())
    }

    /// The gross of a tariff at a moment; none: no such tariff, or no price yet.
    pub async fn price_now(&self, tariff: &str, now: i64) -> Result<Option<i64>, Error> {
        let row = fetch_optional!(
            &self.db,
            (i64,),
            "select v.gross_minor from tariff_version v join tariff t on t.id = v.tariff_id \
             where t.code = $1 and v.valid_from <= $2 order by v.valid_from desc limit 1",
            tariff,
            now
        )?;
        Ok(row.map(|(gross,)| gross))
    }
}
