//! Complaints as they are read: one, a partner's, the queue by the clock of the law, what is due by
//! time; with the messages in question and their ledger rows.
//!
//! It writes nothing (`complaint_steps`) and hides nothing: whose eyes a number is for is a verb's
//! to know. What surprises: prices stand in no row of a complaint. What was charged and what was
//! given back is read from the ledger each time, because only that is true.

use super::{
    Addressee, Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{
    ComplaintChannel, ComplaintDecision, ComplaintDemand, ComplaintState, ComplaintSubject,
    PartnerId, PartnerSays,
};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;
/// Earlier complaints of one number that are shown.
const EARLIER_MAX: i64 = 50;

/// A complaint, with the names of its partner, its service and who works on it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ComplaintRow {
    pub id: i64,
    pub partner_id: Option<i64>,
    pub partner: Option<String>,
    pub service_id: Option<i64>,
    pub service: Option<String>,
    pub person_id: Option<i64>,
    #[sqlx(try_from = "String")]
    pub subject: ComplaintSubject,
    #[sqlx(try_from = "String")]
    pub channel: ComplaintChannel,
    #[sqlx(try_from = "String")]
    pub demand: ComplaintDemand,
    #[sqlx(try_from = "String")]
    pub state: ComplaintState,
    pub msisdn: String,
    pub name: String,
    pub mail: String,
    pub address: String,
    pub story: String,
    pub from_at: i64,
    pub until_at: i64,
    pub received_at: i64,
    pub counts_from: i64,
    pub due_at: i64,
    pub partner_due_at: Option<i64>,
    pub told_step: i64,
    pub step_at: Option<i64>,
    pub owner_id: Option<i64>,
    pub owner: Option<String>,
    pub partner_says: Option<String>,
    pub partner_answer: String,
    pub answered_at: Option<i64>,
    pub decision: Option<String>,
    pub reason: String,
    pub decided_at: Option<i64>,
    pub decided_by: Option<String>,
    pub refund_minor: i64,
    pub currency: String,
    pub appeals: i64,
    pub answer_file: Option<String>,
    pub pack_file: Option<String>,
    pub pack_sha256: Option<String>,
    pub pack_copy: Option<String>,
    pub pack_copy_sha256: Option<String>,
    pub pack_at: Option<i64>,
    pub made_by: String,
    pub made_at: i64,
    pub ended_at: Option<i64>,
    pub version: i64,
}

impl ComplaintRow {
    /// Its name in timelines, letters and the audit trail.
    pub fn trail(&self) -> String {
        format!("complaint:{}", self.id)
    }

    /// The number that people say.
    pub fn reference(&self) -> String {
        reference(self.id)
    }

    pub fn decided(&self) -> Option<ComplaintDecision> {
        self.decision.as_deref().and_then(ComplaintDecision::parse)
    }

    pub fn says(&self) -> Option<PartnerSays> {
        self.partner_says.as_deref().and_then(PartnerSays::parse)
    }

    pub fn partner(&self) -> Option<PartnerId> {
        self.partner_id.map(PartnerId)
    }
}

/// `R-000012`; the R is that of *reklamacja*.
pub fn reference(id: i64) -> String {
    format!("R-{id:06}")
}

/// A message in question.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ComplaintMessage {
    pub message_id: i64,
    pub partner_id: Option<i64>,
    pub service_id: Option<i64>,
    pub service_version: Option<i64>,
    pub direction: String,
    pub short_code: String,
    pub keyword: Option<String>,
    pub accepted_at: i64,
    pub trace: String,
}

/// A ledger row of a message in question.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ComplaintCharge {
    pub message_id: i64,
    pub partner_id: i64,
    pub line: i64,
    pub tariff_code: String,
    pub gross_minor: i64,
    pub currency: String,
    pub charged_at: i64,
    pub reason: String,
}

/// Another complaint of the same number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct EarlierComplaint {
    pub id: i64,
    pub partner_id: Option<i64>,
    pub subject: String,
    pub state: String,
    pub decision: Option<String>,
    pub received_at: i64,
    pub refund_minor: i64,
}

/// Which complaints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComplaintFilter {
    pub partner: Option<PartnerId>,
    /// Words of the code, or empty for any.
    pub state: String,
    pub subject: String,
    /// The whole number, or empty.
    pub msisdn: String,
    /// Those with a smaller number.
    pub before: Option<i64>,
    pub limit: u32,
}

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

word_from_text!(ComplaintSubject, ComplaintChannel, ComplaintDemand, ComplaintState);

/// Every column of a complaint, with the names that belong to it.
macro_rules! complaints {
    ($rest:literal) => {
        concat!(
            "select c.id, c.partner_id, p.name as partner, c.service_id, s.name as service, \
             c.person_id, c.subject, c.channel, c.demand, c.state, c.msisdn, c.name, c.mail, \
             c.address, c.story, c.from_at, c.until_at, c.received_at, c.counts_from, c.due_at, \
             c.partner_due_at, c.told_step, c.step_at, c.owner_id, o.name as owner, \
             c.partner_says, c.partner_answer, c.answered_at, c.decision, c.reason, \
             c.decided_at, c.decided_by, c.refund_minor, c.currency, c.appeals, c.answer_file, \
             c.pack_file, c.pack_sha256, c.pack_copy, c.pack_copy_sha256, c.pack_at, c.made_by, \
             c.made_at, c.ended_at, c.version from complaint c \
             left join partner p on p.id = c.partner_id \
             left join service s on s.id = c.service_id \
             left join person o on o.id = c.owner_id ",
            $rest
        )
    };
}

pub(super) use complaints;

impl Store {
    pub async fn complaint(&self, id: i64) -> Result<Option<ComplaintRow>, Error> {
        fetch_optional!(&self.db, ComplaintRow, complaints!("where c.id = $1"), id)
    }

    /// The newest first.
    pub async fn complaints(&self, wish: &ComplaintFilter) -> Result<Vec<ComplaintRow>, Error> {
        let before = wish.before.unwrap_or(i64::MAX);
        let limit = i64::from(wish.limit).clamp(1, PAGE_MAX);
        // Statements of their own: with one, neither engine would go by the index of each.
        if !wish.msisdn.is_empty() {
            return fetch_all!(
                &self.db,
                ComplaintRow,
                complaints!(
                    "where c.msisdn = $1 and ($2 = 0 or c.partner_id = $2) \
                     and ($3 = '' or c.state = $3) and ($4 = '' or c.subject = $4) \
                     and c.id < $5 order by c.id desc limit $6"
                ),
                wish.msisdn.as_str(),
                wish.partner.map_or(0, |partner| partner.0),
                wish.state.as_str(),
                wish.subject.as_str(),
                before,
                limit
            );
        }
        if let Some(partner) = wish.partner {
            return fetch_all!(
                &self.db,
                ComplaintRow,
                complaints!(
                    "where c.partner_id = $1 and ($2 = '' or c.state = $2) \
                     and ($3 = '' or c.subject = $3) and c.id < $4 order by c.id desc limit $5"
                ),
                partner.0,
                wish.state.as_str(),
                wish.subject.as_str(),
                before,
                limit
            );
        }
        fetch_all!(
            &self.db,
            ComplaintRow,
            complaints!(
                "where ($1 = '' or c.state = $1) and ($2 = '' or c.subject = $2) \
                 and c.id < $3 order by c.id desc limit $4"
            ),
            wish.state.as_str(),
            wish.subject.as_str(),
            before,
            limit
        )
    }

    /// What is open, the least time left first, behind a place of the queue.
    pub async fn complaint_queue(
        &self,
        wish: &ComplaintFilter,
        (due_at, id): (i64, i64),
    ) -> Result<Vec<ComplaintRow>, Error> {
        fetch_all!(
            &self.db,
            ComplaintRow,
            complaints!(
                "where c.decided_at is null and ($1 = '' or c.state = $1) \
                 and ($2 = '' or c.subject = $2) and ($3 = '' or c.msisdn = $3) \
                 and (c.due_at, c.id) > ($4, $5) order by c.due_at, c.id limit $6"
            ),
            wish.state.as_str(),
            wish.subject.as_str(),
            wish.msisdn.as_str(),
            due_at,
            id,
            i64::from(wish.limit).clamp(1, PAGE_MAX)
        )
    }

    /// Open ones whose time of the law is over, the latest first to fall.
    pub async fn complaints_to_lapse(&self, now: i64) -> Result<Vec<ComplaintRow>, Error> {
        fetch_all!(
            &self.db,
            ComplaintRow,
            complaints!(
                "where c.decided_at is null and c.due_at < $1 order by c.due_at, c.id limit $2"
            ),
            now,
            PAGE_MAX
        )
    }

    /// Those that time does something with now.
    pub async fn complaints_to_step(&self, now: i64) -> Result<Vec<ComplaintRow>, Error> {
        fetch_all!(
            &self.db,
            ComplaintRow,
            complaints!(
                "where c.ended_at is null and c.step_at <= $1 order by c.step_at, c.id limit $2"
            ),
            now,
            PAGE_MAX
        )
    }

    /// The messages in question, oldest first.
    pub async fn complaint_messages(&self, id: i64) -> Result<Vec<ComplaintMessage>, Error> {
        fetch_all!(
            &self.db,
            ComplaintMessage,
            "select message_id, partner_id, service_id, service_version, direction, short_code, \
             keyword, accepted_at, trace from complaint_message where complaint_id = $1 \
             order by message_id",
            id
        )
    }

    /// What the ledger says of them now.
    pub async fn complaint_charges(&self, id: i64) -> Result<Vec<ComplaintCharge>, Error> {
        fetch_all!(
            &self.db,
            ComplaintCharge,
            "select l.message_id, l.partner_id, l.line, l.tariff_code, l.gross_minor, \
             l.currency, l.charged_at, l.reason from complaint_message m \
             join charge l on l.message_id = m.message_id where m.complaint_id = $1 \
             order by l.message_id, l.line",
            id
        )
    }

    /// Other complaints of a number, the newest first.
    pub async fn earlier_complaints(
        &self,
        msisdn: &str,
        but: i64,
    ) -> Result<Vec<EarlierComplaint>, Error> {
        fetch_all!(
            &self.db,
            EarlierComplaint,
            "select id, partner_id, subject, state, decision, received_at, refund_minor \
             from complaint where msisdn = $1 and id <> $2 order by id desc limit $3",
            msisdn,
            but,
            EARLIER_MAX
        )
    }

    /// Where somebody of the staff is written to; none once the account is not in use.
    pub async fn staff_addressee(&self, person: i64) -> Result<Option<Addressee>, Error> {
        fetch_optional!(
            &self.db,
            Addressee,
            "select coalesce(partner_id, 0) as partner_id, mail, name, language from person \
             where id = $1 and partner_id is null and state = 'active'",
            person
        )
    }

    /// How many are open, by state.
    pub async fn open_complaints_by(&self) -> Result<Vec<(String, i64)>, Error> {
        fetch_all!(
            &self.db,
            (String, i64),
            "select state, count(*) from complaint where decided_at is null \
             group by state order by state"
        )
    }
}
