//! Incidents: what is broken for many at once, its news, and who wants to be told.
//!
//! It knows no rule. What surprises: whoever reported a fault of an incident is told its news
//! without asking for it; whoever pressed "this is it" is told too, and nobody twice.

use serde_json::json;

use super::{
    Addressee, Error, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::{next_id, queue_mail},
};
use crate::domain::{Caller, FaultArea, UserId};

/// Incidents of one page.
const PAGE_MAX: i64 = 200;
/// Letters about one piece of news.
const TOLD_MAX: i64 = 5000;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct IncidentRow {
    pub id: i64,
    #[sqlx(try_from = "String")]
    pub area: FaultArea,
    /// `open` or `over`.
    pub state: String,
    pub title_pl: String,
    pub title_en: String,
    pub is_public: i64,
    pub began_at: i64,
    pub ended_at: Option<i64>,
    pub made_by: String,
    pub made_at: i64,
    pub version: i64,
}

impl IncidentRow {
    pub fn subject(&self) -> String {
        format!("incident:{}", self.id)
    }

    pub fn title(&self, language: &str) -> &str {
        if language == "pl" { &self.title_pl } else { &self.title_en }
    }
}

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct IncidentNews {
    pub id: i64,
    pub incident_id: i64,
    pub at: i64,
    pub text_pl: String,
    pub text_en: String,
}

impl IncidentNews {
    pub fn text(&self, language: &str) -> &str {
        if language == "pl" { &self.text_pl } else { &self.text_en }
    }
}

/// An incident that was checked, with its first news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIncident<'a> {
    pub area: FaultArea,
    pub title: [&'a str; 2],
    pub text: [&'a str; 2],
    pub is_public: bool,
    pub began_at: i64,
}

/// Writes the letter about news to one of those who are told.
pub type NewsLetter<'a> = &'a (dyn Fn(&IncidentRow, &Addressee) -> NewMail + Send + Sync);

macro_rules! incidents {
    ($rest:literal) => {
        concat!(
            "select id, area, state, title_pl, title_en, is_public, began_at, ended_at, made_by, \
             made_at, version from incident ",
            $rest
        )
    };
}

impl Store {
    pub async fn incident(&self, id: i64) -> Result<Option<IncidentRow>, Error> {
        fetch_optional!(&self.db, IncidentRow, incidents!("where id = $1"), id)
    }

    /// Those that are open first, then the newest; `public_only` for people without an account.
    pub async fn incidents(
        &self,
        public_only: bool,
        open_only: bool,
    ) -> Result<Vec<IncidentRow>, Error> {
        fetch_all!(
            &self.db,
            IncidentRow,
            incidents!(
                "where is_public >= $1 and ($2 = 0 or ended_at is null) \
                 order by case when ended_at is null then 0 else 1 end, id desc limit $3"
            ),
            i64::from(public_only),
            i64::from(open_only),
            PAGE_MAX
        )
    }

    /// News of an incident, the latest first.
    pub async fn incident_news(&self, id: i64) -> Result<Vec<IncidentNews>, Error> {
        fetch_all!(
            &self.db,
            IncidentNews,
            "select id, incident_id, at, text_pl, text_en from incident_news \
             where incident_id = $1 order by id desc limit $2",
            id,
            PAGE_MAX
        )
    }

    pub async fn open_incident(
        &self,
        by: &Caller,
        at: i64,
        new: &NewIncident<'_>,
    ) -> Result<i64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::take_turn(&mut tx).await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from incident").await?;
        let detail = json!({ "area": new.area, "title": new.title[0], "public": new.is_public });
        let subject = format!("incident:{id}");
        audit::append(&mut tx, at, by, "incident.open", &subject, &detail).await?;
        execute!(
            &mut tx,
            "insert into incident (id, area, state, title_pl, title_en, is_public, began_at, \
             made_by, made_at, version) values ($1, $2, 'open', $3, $4, $5, $6, $7, $8, 1)",
            id,
            new.area.as_str(),
            new.title[0],
            new.title[1],
            i64::from(new.is_public),
            new.began_at,
            by.to_string(),
            at
        )?;
        add_news(&mut tx, at, id, new.text).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Adds news and tells everybody whom it concerns; `ends` it with them. False: it changed
    /// since it was read.
    pub async fn tell_incident(
        &self,
        by: &Caller,
        at: i64,
        (row, ends): (&IncidentRow, bool),
        text: [&str; 2],
        letter: NewsLetter<'_>,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let what = if ends { "incident.end" } else { "incident.tell" };
        audit::append(&mut tx, at, by, what, &row.subject(), &json!({})).await?;
        let found = execute!(
            &mut tx,
            "update incident set state = case when $1 = 0 then state else 'over' end, \
             ended_at = $2, version = version + 1 \
             where id = $3 and version = $4 and ended_at is null",
            i64::from(ends),
            ends.then_some(at),
            row.id,
            row.version
        )?;
        if found == 0 {
            return Ok(false);
        }
        add_news(&mut tx, at, row.id, text).await?;
        let told = fetch_all_in(&mut tx, row.id).await?;
        for one in &told {
            queue_mail(&mut tx, at, &letter(row, one)).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// "This is it, tell me when it is over." False: it was said already.
    pub async fn follow_incident(
        &self,
        by: &Caller,
        at: i64,
        (id, person): (i64, UserId),
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = format!("incident:{id}");
        audit::append(&mut tx, at, by, "incident.follow", &subject, &json!({})).await?;
        let written = execute!(
            &mut tx,
            "insert into incident_follower (incident_id, person_id, made_at) \
             values ($1, $2, $3) on conflict do nothing",
            id,
            person.0,
            at
        )?;
        if written == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    pub async fn follows_incident(&self, id: i64, person: UserId) -> Result<bool, Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select made_at from incident_follower where incident_id = $1 and person_id = $2",
            id,
            person.0
        )?;
        Ok(found.is_some())
    }
}

async fn add_news(tx: &mut Tx<'_>, at: i64, id: i64, text: [&str; 2]) -> Result<(), Error> {
    let news = next_id(tx, "select coalesce(max(id), 0) + 1 from incident_news").await?;
    execute!(
        tx,
        "insert into incident_news (id, incident_id, at, text_pl, text_en) \
         values ($1, $2, $3, $4, $5)",
        news,
        id,
        at,
        text[0],
        text[1]
    )?;
    Ok(())
}

/// Active people who follow it or reported a fault of it, each once.
async fn fetch_all_in(tx: &mut Tx<'_>, id: i64) -> Result<Vec<Addressee>, Error> {
    let mut told = Vec::new();
    let mut after = 0;
    while told.len() < usize::try_from(TOLD_MAX).unwrap_or(usize::MAX) {
        let next = fetch_in!(
            &mut *tx,
            (i64, i64, String, String, String),
            "select p.id, coalesce(p.partner_id, 0), p.mail, p.name, p.language from person p \
             where p.state = 'active' and p.id > $2 and (p.id in \
             (select person_id from incident_follower where incident_id = $1) or p.id in \
             (select person_id from fault where incident_id = $1 and person_id is not null)) \
             order by p.id limit 1",
            id,
            after
        )?;
        let Some((person, partner_id, mail, name, language)) = next else { break };
        after = person;
        told.push(Addressee { partner_id, mail, name, language });
    }
    Ok(told)
}
