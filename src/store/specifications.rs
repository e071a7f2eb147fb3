//! Specifications that the operator published, their editions, and who looked at which.
//!
//! It knows no rule and nothing of what ships with the program. What surprises: an edition is never
//! changed; what is wrong in it is mended by the next one.

use serde_json::json;

use super::{
    Error, NewFile, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    files::put_file,
    letters::next_id,
};
use crate::domain::{Caller, UserId};

/// Specifications of the library, and editions of one.
const PAGE_MAX: i64 = 500;

/// One with its edition in force.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SpecificationRow {
    pub id: i64,
    pub name: String,
    pub area: String,
    pub level: i64,
    pub state: String,
    pub version: i64,
    #[sqlx(flatten)]
    pub edition: EditionRow,
}

/// An edition without its text.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EditionRow {
    pub number: i64,
    pub label: String,
    pub title_pl: String,
    pub title_en: String,
    pub news_pl: String,
    pub news_en: String,
    pub file_id: Option<String>,
    pub made_by: String,
    pub made_at: i64,
}

/// An edition that was checked. Texts are Polish, English.
#[derive(Debug)]
pub struct NewEdition<'a> {
    pub name: &'a str,
    pub area: &'a str,
    pub level: i64,
    pub label: &'a str,
    pub title: [&'a str; 2],
    pub text: [&'a str; 2],
    pub news: [&'a str; 2],
    pub file: Option<NewFile>,
    /// The version that was read; 0 for the first edition.
    pub version: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select s.id, s.name, s.area, s.level, s.state, s.version, e.number, e.label, \
             e.title_pl, e.title_en, e.news_pl, e.news_en, e.file_id, e.made_by, e.made_at \
             from specification s join specification_edition e on e.specification_id = s.id ",
            $rest
        )
    };
}

impl Store {
    /// All of them with the edition in force, by name.
    pub async fn specifications(&self) -> Result<Vec<SpecificationRow>, Error> {
        fetch_all!(
            &self.db,
            SpecificationRow,
            select!("and e.number = s.edition order by s.name limit $1"),
            PAGE_MAX
        )
    }

    /// One with each of its editions, the newest first; none if there is none of the name.
    pub async fn specification(&self, name: &str) -> Result<Vec<SpecificationRow>, Error> {
        fetch_all!(
            &self.db,
            SpecificationRow,
            select!("where s.name = $1 order by e.number desc limit $2"),
            name,
            PAGE_MAX
        )
    }

    /// The text of an edition, Polish and English.
    pub async fn specification_text(
        &self,
        id: i64,
        number: i64,
    ) -> Result<Option<(String, String)>, Error> {
        fetch_optional!(
            &self.db,
            (String, String),
            "select text_pl, text_en from specification_edition \
             where specification_id = $1 and number = $2",
            id,
            number
        )
    }

    /// Writes an edition. False: somebody changed the specification since it was read.
    pub async fn publish_specification(
        &self,
        by: &Caller,
        at: i64,
        new: &NewEdition<'_>,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::take_turn(&mut tx).await?;
        let known = fetch_in!(
            &mut tx,
            (i64, i64, i64),
            "select id, edition, version from specification where name = $1",
            new.name
        )?;
        if known.map_or(0, |(_, _, version)| version) != new.version {
            return Ok(false);
        }
        let number = known.map_or(1, |(_, edition, _)| edition + 1);
        let file = new.file.as_ref().map(|file| json!({ "id": file.id, "sha256": file.sha256 }));
        let detail = json!({
            "edition": number, "label": new.label, "area": new.area, "level": new.level,
            "file": file,
        });
        let subject = format!("specification:{}", new.name);
        audit::append(&mut tx, at, by, "specification.publish", &subject, &detail).await?;
        let id = move_on(&mut tx, (known.map(|(id, ..)| id), number), new).await?;
        execute!(
            &mut tx,
            "insert into specification_edition (specification_id, number, label, title_pl, \
             title_en, text_pl, text_en, news_pl, news_en, file_id, made_by, made_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            id,
            number,
            new.label,
            new.title[0],
            new.title[1],
            new.text[0],
            new.text[1],
            new.news[0],
            new.news[1],
            new.file.as_ref().map(|file| file.id.as_str()),
            by.to_string(),
            at
        )?;
        if let Some(file) = &new.file {
            put_file(&mut tx, at, by, file).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Takes one out of the partners' sight. False: somebody changed it since it was read.
    pub async fn withdraw_specification(
        &self,
        by: &Caller,
        at: i64,
        (name, version): (&str, i64),
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = format!("specification:{name}");
        audit::append(&mut tx, at, by, "specification.withdraw", &subject, &json!({})).await?;
        let moved = execute!(
            &mut tx,
            "update specification set state = 'withdrawn', version = version + 1 \
             where name = $1 and version = $2 and state = 'published'",
            name,
            version
        )?;
        if moved == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// What a person has looked at: names and editions.
    pub async fn specification_looks(
        &self,
        person: UserId,
    ) -> Result<Vec<(String, String)>, Error> {
        fetch_all!(
            &self.db,
            (String, String),
            "select name, edition from specification_look where person_id = $1 order by name",
            person.0
        )
    }

    /// Remembers that a person looked at an edition.
    pub async fn look_at_specification(
        &self,
        person: UserId,
        at: i64,
        (name, edition): (&str, &str),
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "insert into specification_look (person_id, name, edition, looked_at) \
             values ($1, $2, $3, $4) on conflict (person_id, name) \
             do update set edition = excluded.edition, looked_at = excluded.looked_at",
            person.0,
            name,
            edition,
            at
        )?;
        tx.commit().await
    }
}

/// Makes edition `number` the one in force; the number of the specification, new or not.
async fn move_on(
    tx: &mut Tx<'_>,
    (known, number): (Option<i64>, i64),
    new: &NewEdition<'_>,
) -> Result<i64, Error> {
    if let Some(id) = known {
        execute!(
            tx,
            "update specification set area = $1, level = $2, state = 'published', \
             edition = $3, version = version + 1 where id = $4",
            new.area,
            new.level,
            number,
            id
        )?;
        return Ok(id);
    }
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from specification").await?;
    execute!(
        tx,
        "insert into specification (id, name, area, level, state, edition, version) \
         values ($1, $2, $3, $4, 'published', $5, 1)",
        id,
        new.name,
        new.area,
        new.level,
        number
    )?;
    Ok(id)
}
