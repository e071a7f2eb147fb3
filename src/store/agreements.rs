//! Agreements as they are read: rows, signed copies, what happened, what is due.
//!
//! It writes nothing (`agreement_steps`). What surprises: a row comes without the text of the
//! agreement, which may be long and is asked for by itself.

use super::{
    Error, HappeningRow, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{AgreementState, PartnerId};

/// Rows of one page at most.
const PAGE_MAX: i64 = 200;
/// Signed copies that are shown of one agreement.
const SIGNATURES_MAX: i64 = 100;

/// An agreement without its text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct AgreementRow {
    pub id: i64,
    pub number: String,
    pub partner_id: i64,
    pub kind: String,
    pub language: String,
    #[sqlx(try_from = "String")]
    pub state: AgreementState,
    pub terms_id: Option<i64>,
    pub application_id: Option<i64>,
    pub slot: Option<String>,
    pub contact_name: String,
    pub contact_mail: String,
    pub file_id: Option<String>,
    pub prepared_at: i64,
    pub sent_at: Option<i64>,
    pub return_by: Option<i64>,
    pub lapse_at: Option<i64>,
    pub reminders: i64,
    pub remind_at: Option<i64>,
    pub signed_at: Option<i64>,
    pub in_force_at: Option<i64>,
    pub valid_until: Option<i64>,
    pub company_was: Option<String>,
    pub ended_at: Option<i64>,
    pub reason: String,
    /// Items of the reply that were done, comma separated.
    pub replied: String,
    pub version: i64,
}

impl AgreementRow {
    /// Its name in timelines, deadlines and the audit trail.
    pub fn subject(&self) -> String {
        format!("agreement:{}", self.id)
    }
}

impl TryFrom<String> for AgreementState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or(word)
    }
}

/// Everything of an agreement but its text, which may be long.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, number, partner_id, kind, language, state, terms_id, application_id, slot, contact_name, \
             contact_mail, file_id, prepared_at, sent_at, return_by, lapse_at, reminders, \
             remind_at, signed_at, in_force_at, valid_until, company_was, ended_at, reason, \
             replied, version from agreement ",
            $rest
        )
    };
}

pub(super) use select;

/// Whose agreements are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    All,
    Partner(PartnerId),
    Application(i64),
}

/// A signed copy, valid or rejected.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct SignatureRow {
    pub line: i64,
    pub side: String,
    pub way: String,
    pub file_id: Option<String>,
    pub signed_by: String,
    pub has_signature: i64,
    pub recorded_by: String,
    pub recorded_at: i64,
    pub rejected_at: Option<i64>,
    pub rejected_why: Option<String>,
}

/// A partner that was accepted and was sent nothing yet, and whom to write to.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FirstRow {
    /// Of the application.
    pub id: i64,
    pub partner_id: i64,
    pub language: String,
    pub mail: String,
    pub name: String,
}

/// What a text is filled with: the company as it is now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct PartyRow {
    pub partner_id: i64,
    pub state: String,
    pub partner_number: Option<String>,
    pub legal_name: String,
    pub nip: String,
    pub regon: String,
    pub krs: String,
    pub street: String,
    pub postal_code: String,
    pub city: String,
    pub country: String,
    pub bank_account: String,
    pub language: String,
}

impl Store {
    pub async fn agreement(&self, id: i64) -> Result<Option<AgreementRow>, Error> {
        fetch_optional!(&self.db, AgreementRow, select!("where id = $1"), id)
    }

    /// Agreements of one partner or of all, newest first, with how many there are in all.
    pub async fn agreements(
        &self,
        whose: Whose,
        state: Option<AgreementState>,
        kind: Option<&str>,
        page: (i64, i64),
        with_drafts: bool,
    ) -> Result<(Vec<AgreementRow>, i64), Error> {
        let (offset, limit) = page;
        let (partner, application) = match whose {
            Whose::All => (0, 0),
            Whose::Partner(partner) => (partner.0, 0),
            Whose::Application(application) => (0, application),
        };
        let with_drafts = i64::from(with_drafts);
        let (state, kind) = (state.map_or("", AgreementState::as_str), kind.unwrap_or_default());
        let rows = fetch_all!(
            &self.db,
            AgreementRow,
            select!(
                "where ($1 = 0 or partner_id = $1) and ($2 = '' or state = $2) \
                 and ($3 = '' or kind = $3) and ($4 = 0 or application_id = $4) \
                 and ($7 = 1 or sent_at is not null) order by id desc limit $5 offset $6"
            ),
            partner,
            state,
            kind,
            application,
            limit.clamp(0, PAGE_MAX),
            offset.max(0),
            with_drafts
        )?;
        let count = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from agreement where ($1 = 0 or partner_id = $1) \
             and ($2 = '' or state = $2) and ($3 = '' or kind = $3) \
             and ($4 = 0 or application_id = $4) and ($5 = 1 or sent_at is not null)",
            partner,
            state,
            kind,
            application,
            with_drafts
        )?;
        Ok((rows, count.map_or(0, |(count,)| count)))
    }

    /// The text that was made for the partner.
    pub async fn agreement_html(&self, id: i64) -> Result<Option<String>, Error> {
        let row = fetch_optional!(
            &self.db,
            (Option<String>,),
            "select html from agreement where id = $1",
            id
        )?;
        Ok(row.and_then(|(html,)| html))
    }

    pub async fn agreement_signatures(&self, id: i64) -> Result<Vec<SignatureRow>, Error> {
        fetch_all!(
            &self.db,
            SignatureRow,
            "select line, side, way, file_id, signed_by, has_signature, recorded_by, recorded_at, \
             rejected_at, rejected_why from agreement_signature where agreement_id = $1 \
             order by line limit $2",
            id,
            SIGNATURES_MAX
        )
    }

    /// What happened to an agreement, oldest first.
    pub async fn agreement_history(&self, id: i64) -> Result<Vec<HappeningRow>, Error> {
        fetch_all!(
            &self.db,
            HappeningRow,
            "select id, at, who, kind, note, is_public from happening where subject = $1 \
             order by id limit $2",
            format!("agreement:{id}"),
            PAGE_MAX
        )
    }

    /// Agreements whose clock has something to do at `now`, the longest waiting first.
    pub async fn agreements_due(&self, now: i64, limit: i64) -> Result<Vec<AgreementRow>, Error> {
        fetch_all!(
            &self.db,
            AgreementRow,
            select!(
                "where (state = 'sent' and (lapse_at <= $1 or remind_at <= $1)) \
                 or (state = 'in_force' and valid_until <= $1) order by id limit $2"
            ),
            now,
            limit.clamp(0, PAGE_MAX)
        )
    }

    /// When a promise that is still open is due.
    pub async fn promised(&self, subject: &str, rule: &str) -> Result<Option<i64>, Error> {
        let row = fetch_optional!(
            &self.db,
            (i64,),
            "select due_at from deadline where subject = $1 and rule = $2 and met_at is null",
            subject,
            rule
        )?;
        Ok(row.map(|(due_at,)| due_at))
    }

    /// Partners that came by an application and were never sent an agreement of a kind.
    pub async fn without_first(&self, kind: &str, limit: i64) -> Result<Vec<FirstRow>, Error> {
        fetch_all!(
            &self.db,
            FirstRow,
            "select a.id, a.partner_id, a.language, a.mail, coalesce((select c.name \
             from application_contact c where c.application_id = a.id and c.ordinal = 0), \
             a.legal_name) as name from application a join company o \
             on o.partner_id = a.partner_id where a.is_accepted = 1 and a.purpose = 'join' \
             and o.state = 'prospect' and not exists (select 1 from agreement g \
             where g.partner_id = a.partner_id and g.kind = $1 and g.state <> 'draft') \
             order by a.id limit $2",
            kind,
            limit.clamp(0, PAGE_MAX)
        )
    }

    pub async fn party(&self, partner: PartnerId) -> Result<Option<PartyRow>, Error> {
        fetch_optional!(
            &self.db,
            PartyRow,
            "select partner_id, state, partner_number, legal_name, nip, regon, krs, street, \
             postal_code, city, country, bank_account, language from company where partner_id = $1",
            partner.0
        )
    }

    /// Number of the newest agreement of a kind that is in force.
    pub async fn number_in_force(
        &self,
        partner: PartnerId,
        kind: &str,
    ) -> Result<Option<String>, Error> {
        let row: Option<(String,)> = fetch_optional!(
            &self.db,
            (String,),
            "select number from agreement where partner_id = $1 and kind = $2 \
             and state = 'in_force' order by in_force_at desc, id desc limit 1",
            partner.0,
            kind
        )?;
        Ok(row.map(|(number,)| number))
    }

    /// Areas in which a partner was accepted, by whichever of its applications.
    pub async fn accepted_areas(&self, partner: PartnerId) -> Result<Vec<String>, Error> {
        let rows: Vec<(String,)> = fetch_all!(
            &self.db,
            (String,),
            "select distinct r.area from application_area r join application a \
             on a.id = r.application_id where a.partner_id = $1 and a.state = 'decided' \
             and r.decision = 'accepted' order by r.area limit $2",
            partner.0,
            PAGE_MAX
        )?;
        Ok(rows.into_iter().map(|(area,)| area).collect())
    }
}
