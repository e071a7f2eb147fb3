//! Applications as they are read: one with all that belongs to it, and the desk's lists.
//!
//! Lists go by key, not by page number: the thousandth page costs what the first does, and no
//! line is missed because another one was decided meanwhile.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{
    PartnerId,
    application::{
        ApplicationState, Area, DeclineReason, Declined, JudgedArea, Purpose, Scores, Verdict,
    },
};

/// Lines of one page at most.
const PAGE_MAX: u32 = 200;
/// Lines of a timeline, messages or areas that one look reads.
const PARTS_MAX: i64 = 1000;

#[derive(Debug, Clone, sqlx::FromRow)]
struct Row {
    id: i64,
    reference: String,
    purpose: String,
    state: String,
    link_hash: String,
    link_sealed: Vec<u8>,
    language: String,
    mail: String,
    nip: String,
    legal_name: String,
    form: String,
    partner_id: Option<i64>,
    reviewer: String,
    is_accepted: i64,
    notice_version: String,
    consented_at: Option<i64>,
    version: i64,
    made_at: i64,
    changed_at: i64,
    submitted_at: Option<i64>,
    decided_at: Option<i64>,
}

/// An application as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRow {
    pub id: i64,
    pub reference: String,
    pub purpose: Purpose,
    pub state: ApplicationState,
    pub link_hash: String,
    /// The secret of its link, sealed for its hash.
    pub link_sealed: Vec<u8>,
    pub language: String,
    pub mail: String,
    pub nip: String,
    pub legal_name: String,
    /// JSON of the form, or of an idea.
    pub form: String,
    pub partner: Option<PartnerId>,
    pub reviewer: String,
    pub is_accepted: bool,
    pub notice_version: String,
    pub consented_at: Option<i64>,
    pub version: i64,
    pub made_at: i64,
    pub changed_at: i64,
    pub submitted_at: Option<i64>,
    pub decided_at: Option<i64>,
}

impl ApplicationRow {
    pub fn subject(&self) -> String {
        format!("application:{}", self.id)
    }
}

impl TryFrom<Row> for ApplicationRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let wrong = |column, why: &str| corrupt("application", column, row.id, why);
        Ok(Self {
            purpose: Purpose::parse(&row.purpose).ok_or_else(|| wrong("purpose", &row.purpose))?,
            state: ApplicationState::parse(&row.state).ok_or_else(|| wrong("state", &row.state))?,
            id: row.id,
            reference: row.reference,
            link_hash: row.link_hash,
            link_sealed: row.link_sealed,
            language: row.language,
            mail: row.mail,
            nip: row.nip,
            legal_name: row.legal_name,
            form: row.form,
            partner: row.partner_id.map(PartnerId),
            reviewer: row.reviewer,
            is_accepted: row.is_accepted != 0,
            notice_version: row.notice_version,
            consented_at: row.consented_at,
            version: row.version,
            made_at: row.made_at,
            changed_at: row.changed_at,
            submitted_at: row.submitted_at,
            decided_at: row.decided_at,
        })
    }
}

fn corrupt(table: &'static str, column: &'static str, id: i64, why: &str) -> Error {
    Error::Corrupt { table, column, id: id.to_string(), why: why.to_owned() }
}

/// A question or an answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ApplicationMessage {
    pub id: i64,
    pub at: i64,
    pub who: String,
    /// `operator` or `partner`.
    pub side: String,
    pub text: String,
}

/// A line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct HappeningRow {
    pub id: i64,
    pub at: i64,
    pub who: String,
    pub kind: String,
    pub note: String,
    pub is_public: i64,
}

/// A line of the desk's list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ApplicationLine {
    pub id: i64,
    pub reference: String,
    pub purpose: String,
    pub state: String,
    pub legal_name: String,
    pub nip: String,
    pub mail: String,
    pub reviewer: String,
    pub is_accepted: i64,
    pub version: i64,
    pub submitted_at: Option<i64>,
    pub decided_at: Option<i64>,
    /// When the decision is due; none after it, or before it was promised.
    pub due_at: Option<i64>,
    pub paused_at: Option<i64>,
    /// Planned revenue of all its areas, grosze a year.
    pub revenue_minor: i64,
    /// Where the next page begins.
    pub sort_key: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ApplicationOrder {
    /// By age, the oldest first.
    #[default]
    Oldest,
    Newest,
    /// By the time that is left.
    Due,
    /// By planned revenue, the highest first.
    Revenue,
}

/// Which lines are wanted. Drafts are nobody's but the applicant's and never in a list.
#[derive(Debug, Clone, Default)]
pub struct ApplicationFilter {
    /// A state, `open` for what still needs somebody, or empty for all.
    pub state: String,
    /// A purpose, or empty.
    pub purpose: String,
    /// An area, or empty.
    pub area: String,
    /// Beginning of reference, name, NIP or mail address.
    pub text: String,
    pub order: ApplicationOrder,
    /// `sort_key` and `id` of the last line of the page before.
    pub after: Option<(i64, i64)>,
    pub limit: u32,
}

macro_rules! columns {
    () => {
        "select id, reference, purpose, state, link_hash, link_sealed, language, mail, nip, legal_name, form, partner_id, \
         reviewer, is_accepted, notice_version, consented_at, version, made_at, changed_at, \
         submitted_at, decided_at from application "
    };
}

/// The list by one order: the key to sort by, how a key compares with the last one, the direction.
macro_rules! list {
    ($key:literal, $compare:literal, $direction:literal) => {
        concat!(
            "select * from (select a.id, a.reference, a.purpose, a.state, a.legal_name, a.nip, \
             a.mail, a.reviewer, a.is_accepted, a.version, a.submitted_at, a.decided_at, \
             d.due_at, d.paused_at, cast(coalesce((select sum(r.revenue_minor) from \
             application_area r where r.application_id = a.id), 0) as bigint) as revenue_minor, ",
            $key,
            " as sort_key from application a left join deadline d on d.subject = 'application:' \
             || cast(a.id as text) and d.rule = 'decision' and d.met_at is null \
             where a.state <> 'draft' and ($1 = '' or a.state = $1 or ($1 = 'open' and a.state in \
             ('submitted', 'in_review', 'needs_information'))) and ($2 = '' or a.purpose = $2) \
             and ($3 = '' or exists (select 1 from application_area w where \
             w.application_id = a.id and w.area = $3)) \
             and ($4 = '' or a.reference like $4 or a.search_name like $4 or a.nip like $4 \
             or lower(a.mail) like $4)) as lines where (sort_key, id) ",
            $compare,
            " ($5, $6) order by sort_key ",
            $direction,
            ", id ",
            $direction,
            " limit $7"
        )
    };
}

const BY_OLDEST: &str = list!("a.id", ">", "asc");
const BY_NEWEST: &str = list!("a.id", "<", "desc");
const BY_DUE: &str = list!("coalesce(d.due_at, 9223372036854775806)", ">", "asc");
const BY_REVENUE: &str = list!(
    "cast(coalesce((select sum(s.revenue_minor) from application_area s where \
     s.application_id = a.id), 0) as bigint)",
    "<",
    "desc"
);

impl Store {
    pub async fn application(&self, id: i64) -> Result<Option<ApplicationRow>, Error> {
        let row = fetch_optional!(&self.db, Row, concat!(columns!(), "where id = $1"), id)?;
        row.map(ApplicationRow::try_from).transpose()
    }

    pub async fn application_by_reference(
        &self,
        reference: &str,
    ) -> Result<Option<ApplicationRow>, Error> {
        let sql = concat!(columns!(), "where reference = $1");
        let row = fetch_optional!(&self.db, Row, sql, reference)?;
        row.map(ApplicationRow::try_from).transpose()
    }

    /// The application whose mailed link has this hash.
    pub async fn application_by_link(&self, hash: &str) -> Result<Option<ApplicationRow>, Error> {
        let sql = concat!(columns!(), "where link_hash = $1");
        let row = fetch_optional!(&self.db, Row, sql, hash)?;
        row.map(ApplicationRow::try_from).transpose()
    }

    /// The application that made a company a partner.
    pub async fn first_application(
        &self,
        partner: PartnerId,
    ) -> Result<Option<ApplicationRow>, Error> {
        let sql = concat!(
            columns!(),
            "where partner_id = $1 and is_accepted = 1 and purpose = 'join' order by id limit 1"
        );
        let row = fetch_optional!(&self.db, Row, sql, partner.0)?;
        row.map(ApplicationRow::try_from).transpose()
    }

    /// Its areas in the order of the list, judged or not.
    pub async fn application_areas(&self, id: i64) -> Result<Vec<JudgedArea>, Error> {
        let rows = fetch_all!(
            &self.db,
            AreaRow,
            "select area, revenue_score, marketing_plan_score, innovation_score, decision, reason, \
             reason_text, reapply_on, refer_to from application_area where application_id = $1",
            id
        )?;
        let mut areas =
            rows.into_iter().map(|row| row.judged(id)).collect::<Result<Vec<_>, Error>>()?;
        areas.sort_by_key(|judged| judged.area);
        Ok(areas)
    }

    pub async fn application_messages(&self, id: i64) -> Result<Vec<ApplicationMessage>, Error> {
        fetch_all!(
            &self.db,
            ApplicationMessage,
            "select id, at, who, side, text from application_message where application_id = $1 \
             order by id limit $2",
            id,
            PARTS_MAX
        )
    }

    /// What happened to a subject, the oldest first; for the other side only what is public.
    pub async fn timeline(
        &self,
        subject: &str,
        public_only: bool,
    ) -> Result<Vec<HappeningRow>, Error> {
        fetch_all!(
            &self.db,
            HappeningRow,
            "select id, at, who, kind, note, is_public from happening \
             where subject = $1 and is_public >= $2 order by id limit $3",
            subject,
            i64::from(public_only),
            PARTS_MAX
        )
    }

    /// One page of the desk's list.
    pub async fn applications(
        &self,
        filter: &ApplicationFilter,
    ) -> Result<Vec<ApplicationLine>, Error> {
        let (sql, start) = match filter.order {
            ApplicationOrder::Oldest => (BY_OLDEST, i64::MIN),
            ApplicationOrder::Newest => (BY_NEWEST, i64::MAX),
            ApplicationOrder::Due => (BY_DUE, i64::MIN),
            ApplicationOrder::Revenue => (BY_REVENUE, i64::MAX),
        };
        let (key, id) = filter.after.unwrap_or((start, start));
        fetch_all!(
            &self.db,
            ApplicationLine,
            sql,
            filter.state.as_str(),
            filter.purpose.as_str(),
            filter.area.as_str(),
            pattern(&filter.text),
            key,
            id,
            i64::from(filter.limit.clamp(1, PAGE_MAX))
        )
    }

    /// Other applications of the same company, and the number of its partner if it is one.
    pub async fn applications_of_nip(
        &self,
        nip: &str,
        but: i64,
    ) -> Result<Vec<(i64, String, String)>, Error> {
        fetch_all!(
            &self.db,
            (i64, String, String),
            "select id, reference, state from application where nip = $1 and nip <> '' \
             and id <> $2 and state <> 'draft' order by id desc limit 20",
            nip,
            but
        )
    }

    /// Applications that a partner made or that made it.
    pub async fn applications_of_partner(
        &self,
        partner: PartnerId,
    ) -> Result<Vec<ApplicationRow>, Error> {
        let sql = concat!(columns!(), "where partner_id = $1 order by id desc limit 200");
        let rows = fetch_all!(&self.db, Row, sql, partner.0)?;
        rows.into_iter().map(ApplicationRow::try_from).collect()
    }

    /// How many applications one mail address began since a moment.
    pub async fn applications_begun(&self, mail: &str, since: i64) -> Result<i64, Error> {
        let count = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from application where mail = $1 and made_at > $2",
            mail,
            since
        )?;
        Ok(count.map_or(0, |(count,)| count))
    }

    /// What an earlier request with the same key made: hash of its body, its application.
    pub async fn application_repeat(&self, key_hash: &str) -> Result<Option<(String, i64)>, Error> {
        fetch_optional!(
            &self.db,
            (String, i64),
            "select body_hash, application_id from application_key where key_hash = $1",
            key_hash
        )
    }

    /// Letters about a subject, the oldest first: template and data.
    #[cfg(test)]
    pub(crate) async fn letters_of(&self, subject: &str) -> Result<Vec<(String, String)>, Error> {
        fetch_all!(
            &self.db,
            (String, String),
            "select template, data from mail where subject = $1 order by id",
            subject
        )
    }

    /// Ids and scan results of the files of a subject.
    pub async fn file_marks(&self, subject: &str) -> Result<Vec<(String, String)>, Error> {
        fetch_all!(
            &self.db,
            (String, String),
            "select id, scan from file where subject = $1 order by id limit $2",
            subject,
            PARTS_MAX
        )
    }
}

/// A pattern for the beginning of a text, in lower case; its own wildcards match nothing special.
fn pattern(text: &str) -> String {
    let plain: String = text.trim().chars().filter(|c| !matches!(c, '%' | '_' | '\\')).collect();
    if plain.is_empty() {
        return String::new();
    }
    // A reference is written in capitals, and only a reference begins so.
    let is_reference = plain.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("a-"));
    let plain = if is_reference { plain.to_uppercase() } else { plain.to_lowercase() };
    format!("{plain}%")
}

#[derive(Debug, sqlx::FromRow)]
struct AreaRow {
    area: String,
    revenue_score: Option<i64>,
    marketing_plan_score: Option<i64>,
    innovation_score: Option<i64>,
    decision: Option<String>,
    reason: String,
    reason_text: String,
    reapply_on: String,
    refer_to: String,
}

impl AreaRow {
    fn judged(self, id: i64) -> Result<JudgedArea, Error> {
        let wrong = |column, why: &str| corrupt("application_area", column, id, why);
        let score = |score: Option<i64>| {
            let read = score.map(u8::try_from).transpose();
            read.map_err(|_| wrong("score", "it is not a small number"))
        };
        let verdict = match self.decision.as_deref() {
            None => None,
            Some("accepted") => Some(Verdict::Accepted),
            Some(_) => Some(Verdict::Declined(Declined {
                reason: DeclineReason::parse(&self.reason)
                    .ok_or_else(|| wrong("reason", &self.reason))?,
                text: self.reason_text,
                reapply_on: self.reapply_on.parse().ok(),
                refer_to: Some(self.refer_to).filter(|name| !name.is_empty()),
            })),
        };
        Ok(JudgedArea {
            area: Area::parse(&self.area).ok_or_else(|| wrong("area", &self.area))?,
            scores: Scores {
                revenue: score(self.revenue_score)?,
                marketing_plan: score(self.marketing_plan_score)?,
                innovation: score(self.innovation_score)?,
            },
            verdict,
        })
    }
}
