//! Incidents: what is broken for many, with news for everybody whom it concerns.
//!
//! What surprises: a public incident is read by anybody without an account, so that its texts are
//! written for the street; who follows it and whose faults belong to it is never said outside.

use serde_json::json;

use super::{Error, Partnership, Signed};
use crate::{
    domain::{FaultArea, PartnerId, Refusal, Right, refusal::FieldFault},
    metrics,
    store::{Addressee, IncidentNews, IncidentRow, NewIncident, NewMail},
};

const UNKNOWN: Refusal = Refusal::UnknownId("incident");
const TITLE_MAX: usize = 120;
const TEXT_MAX: usize = 2000;

/// An incident as staff writes it; an empty English text is the Polish one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentWish {
    pub area: FaultArea,
    pub title_pl: String,
    pub title_en: String,
    pub text_pl: String,
    pub text_en: String,
    /// Anybody may read it.
    pub is_public: bool,
}

impl Partnership {
    /// Says that something is broken for many; answers its number.
    pub async fn open_incident(&self, signed: &Signed, wish: &IncidentWish) -> Result<i64, Error> {
        self.staff_of_faults(signed)?;
        let mut wrong = Vec::new();
        let titles = both(
            &mut wrong,
            ["title_pl", "title_en"],
            [&wish.title_pl, &wish.title_en],
            (true, TITLE_MAX),
        );
        let texts = both(
            &mut wrong,
            ["text_pl", "text_en"],
            [&wish.text_pl, &wish.text_en],
            (true, TEXT_MAX),
        );
        if !wrong.is_empty() {
            return Err(Refusal::FieldErrors(wrong).into());
        }
        let now = self.now();
        let new = NewIncident {
            area: wish.area,
            title: titles,
            text: texts,
            is_public: wish.is_public,
            began_at: now,
        };
        let id = self.store.open_incident(&signed.caller(), now, &new).await?;
        metrics::fault_step("incident");
        Ok(id)
    }

    /// News of an incident, or its end; everybody whom it concerns gets a letter.
    pub async fn tell_incident(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        [polish, english]: [&str; 2],
        ends: bool,
    ) -> Result<(), Error> {
        self.staff_of_faults(signed)?;
        let row = self.store.incident(id).await?.ok_or(UNKNOWN)?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        if row.ended_at.is_some() {
            return Err(Refusal::WrongState("it is over".to_owned()).into());
        }
        let mut wrong = Vec::new();
        let texts = both(&mut wrong, ["text_pl", "text_en"], [polish, english], (true, TEXT_MAX));
        if !wrong.is_empty() {
            return Err(Refusal::FieldErrors(wrong).into());
        }
        let letter = |row: &IncidentRow, told: &Addressee| news_letter(row, told, texts, ends);
        let by = signed.caller();
        let done = self.store.tell_incident(&by, self.now(), (&row, ends), texts, &letter).await?;
        if done { Ok(()) } else { Err(Refusal::VersionConflict.into()) }
    }

    fn staff_of_faults(&self, signed: &Signed) -> Result<(), Error> {
        self.require(signed, Right::WorkTickets)?;
        if signed.partner.is_some() { Err(Refusal::NotAllowed.into()) } else { Ok(()) }
    }

    /// Incidents for people with an account, those that are open first.
    pub async fn incidents(
        &self,
        signed: &Signed,
        open_only: bool,
    ) -> Result<Vec<IncidentRow>, Error> {
        self.require(signed, Right::SeeTickets)?;
        Ok(self.store.incidents(false, open_only).await?)
    }

    pub async fn incident(&self, signed: &Signed, id: i64) -> Result<IncidentRow, Error> {
        self.require(signed, Right::SeeTickets)?;
        Ok(self.store.incident(id).await?.ok_or(UNKNOWN)?)
    }

    /// News of one, the latest first, and whether the caller is told of them.
    pub async fn incident_news(
        &self,
        signed: &Signed,
        id: i64,
    ) -> Result<(Vec<IncidentNews>, bool), Error> {
        self.incident(signed, id).await?;
        let follows = self.store.follows_incident(id, signed.person).await?;
        Ok((self.store.incident_news(id).await?, follows))
    }

    /// What anybody may read, with its news.
    pub async fn public_incidents(&self) -> Result<Vec<(IncidentRow, Vec<IncidentNews>)>, Error> {
        const SHOWN: usize = 20;
        let mut found = Vec::new();
        for row in self.store.incidents(true, false).await?.into_iter().take(SHOWN) {
            let news = self.store.incident_news(row.id).await?;
            found.push((row, news));
        }
        Ok(found)
    }

    /// "This is it, tell me when it is over."
    pub async fn follow_incident(&self, signed: &Signed, id: i64) -> Result<(), Error> {
        self.require(signed, Right::FileTickets)?;
        let row = self.store.incident(id).await?.ok_or(UNKNOWN)?;
        if row.ended_at.is_some() {
            return Err(Refusal::WrongState("it is over".to_owned()).into());
        }
        let at = self.now();
        // Saying it twice is no mistake.
        self.store.follow_incident(&signed.caller(), at, (id, signed.person)).await?;
        Ok(())
    }
}

/// A text in both languages within its limit; an empty English one is the Polish one.
pub(super) fn both<'t>(
    wrong: &mut Vec<FieldFault>,
    fields: [&'static str; 2],
    texts: [&'t str; 2],
    (is_needed, most): (bool, usize),
) -> [&'t str; 2] {
    let [polish, english] = texts.map(str::trim);
    if is_needed && polish.is_empty() {
        wrong.push(FieldFault::new(fields[0], "missing", "must not be empty"));
    }
    for (field, text) in fields.into_iter().zip([polish, english]) {
        if text.chars().count() > most {
            let detail = format!("has {most} characters at most");
            wrong.push(FieldFault::new(field, "too_long", detail));
        }
    }
    [polish, if english.is_empty() { polish } else { english }]
}

fn news_letter(row: &IncidentRow, told: &Addressee, texts: [&str; 2], ends: bool) -> NewMail {
    let text = texts[usize::from(told.language != "pl")];
    let data = json!({
        "title": row.title(&told.language), "text": text, "is_over": ends,
        "link": format!("/incidents/{}", row.id),
    });
    let partner = (told.partner_id != 0).then_some(PartnerId(told.partner_id));
    told.letter("incident_news", data, row.subject(), partner)
}
