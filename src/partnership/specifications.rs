//! The library of specifications: what ships with the program, and what the operator publishes.
//!
//! A partner reads what is for its areas and its level. What surprises: a partner whose areas
//! nobody decided, because it was made on the host, reads those of every area; and what is not for
//! a partner is answered as unknown.

use sha2::{Digest as _, Sha256};

use super::{
    Error, FileFault, OpenFile, Partnership, Signed, fault_steps::is_full, incidents::both,
};
use crate::{
    documents::{Language, specification},
    domain::{Refusal, Right, application::Area, refusal::FieldFault, secret::hex},
    store::{EditionRow, NewEdition, SpecificationRow},
};

const UNKNOWN: Refusal = Refusal::UnknownId("specification");
const NAME_MAX: usize = 40;
const LABEL_MAX: usize = 20;
const TITLE_MAX: usize = 120;
const NEWS_MAX: usize = 1000;
/// The highest level of a partner.
const LEVEL_MAX: i64 = 9;

/// What an edition is to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Never,
    /// It changed since the reader looked last.
    Before,
    Now,
}

impl Seen {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Before => "before",
            Self::Now => "now",
        }
    }
}

/// One of the library, with its edition in force. Pairs are Polish, English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specification {
    pub name: String,
    /// None: for all areas.
    pub area: Option<Area>,
    /// The lowest level of a partner that reads it.
    pub level: i64,
    pub is_withdrawn: bool,
    /// For a change; 0 for what ships with the program.
    pub version: i64,
    pub label: String,
    pub title: [String; 2],
    /// None for what ships with the program.
    pub published_at: Option<i64>,
    pub seen: Seen,
}

/// One edition with its text, and the editions there are, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecificationView {
    pub line: Specification,
    /// Of the edition that is shown; 0 for what ships with the program.
    pub number: i64,
    /// Markdown, in the language that was asked for.
    pub text: String,
    pub editions: Vec<EditionRow>,
}

/// An edition as staff writes it; an empty English text is the Polish one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpecificationWish {
    pub name: String,
    pub area: Option<Area>,
    pub level: i64,
    pub label: String,
    pub title: [String; 2],
    pub text: [String; 2],
    pub news: [String; 2],
    /// Name and octets of a file beside the text.
    pub file: Option<(String, Vec<u8>)>,
    /// That was read; 0 for the first edition.
    pub version: i64,
}

impl Partnership {
    /// What the caller reads: that of the program first, then the operator's by name.
    pub async fn specifications(&self, signed: &Signed) -> Result<Vec<Specification>, Error> {
        self.require(signed, Right::SeeSpecifications)?;
        let looks = self.store.specification_looks(signed.person).await?;
        let mut found: Vec<_> =
            specification::SHIPPED.iter().filter_map(|(name, _)| shipped(name, &looks)).collect();
        let areas = self.areas_of(signed).await?;
        let rows = self.store.specifications().await?;
        let own = rows.iter().map(|row| line(row, &looks));
        found.extend(own.filter(|line| may_read(signed, &areas, line)));
        Ok(found)
    }

    /// One, in the edition of that number or in the one in force.
    pub async fn specification(
        &self,
        signed: &Signed,
        (name, number): (&str, Option<i64>),
        language: Language,
    ) -> Result<SpecificationView, Error> {
        self.require(signed, Right::SeeSpecifications)?;
        let looks = self.store.specification_looks(signed.person).await?;
        if let Some(line) = shipped(name, &looks) {
            let text = specification::shipped(name, language).ok_or(UNKNOWN)?.text.to_owned();
            return Ok(SpecificationView { line, number: 0, text, editions: Vec::new() });
        }
        let rows = self.store.specification(name).await?;
        let newest = rows.first().ok_or(UNKNOWN)?;
        let areas = self.areas_of(signed).await?;
        if !may_read(signed, &areas, &line(newest, &looks)) {
            return Err(UNKNOWN.into());
        }
        let wanted = number.unwrap_or(newest.edition.number);
        let row = rows.iter().find(|row| row.edition.number == wanted).ok_or(UNKNOWN)?;
        let text = self.store.specification_text(row.id, wanted).await?.ok_or(UNKNOWN)?;
        Ok(SpecificationView {
            line: line(row, &looks),
            number: wanted,
            text: if language == Language::Polish { text.0 } else { text.1 },
            editions: rows.into_iter().map(|row| row.edition).collect(),
        })
    }

    /// Remembers that the caller looked at what is in force. Looking as a partner is not looking.
    pub async fn look_at_specification(&self, signed: &Signed, name: &str) -> Result<(), Error> {
        self.require(signed, Right::SeeSpecifications)?;
        if signed.view.is_some() {
            return Ok(());
        }
        let edition = if let Some(edition) = shipped_edition(name) {
            edition
        } else {
            let rows = self.store.specification(name).await?;
            edition(rows.first().ok_or(UNKNOWN)?)
        };
        let at = self.now();
        Ok(self.store.look_at_specification(signed.person, at, (name, &edition)).await?)
    }

    /// The file of an edition. One that is not there is unknown.
    pub async fn specification_file(
        &self,
        signed: &Signed,
        (name, number): (&str, i64),
    ) -> Result<Result<OpenFile, FileFault>, Error> {
        let at = (name, Some(number));
        let view = self.specification(signed, at, Language::Polish).await?;
        let edition = view.editions.iter().find(|edition| edition.number == number);
        let id = edition.and_then(|edition| edition.file_id.as_deref()).ok_or(UNKNOWN)?;
        let line = self.store.file(id).await?.ok_or(UNKNOWN)?;
        Ok(self.give_out(&signed.caller(), &line).await)
    }

    /// Publishes an edition: the first of a new name, or the next.
    pub async fn publish_specification(
        &self,
        signed: &Signed,
        wish: &SpecificationWish,
    ) -> Result<Result<(), FileFault>, Error> {
        self.require(signed, Right::PublishSpecifications)?;
        let mut wrong = Vec::new();
        let title =
            both(&mut wrong, ["title_pl", "title_en"], words(&wish.title), (true, TITLE_MAX));
        let needs_text = wish.file.is_none();
        let most = specification::TEXT_OCTETS_MAX;
        let text = both(&mut wrong, ["text_pl", "text_en"], words(&wish.text), (needs_text, most));
        let news = both(&mut wrong, ["news_pl", "news_en"], words(&wish.news), (false, NEWS_MAX));
        check_head(&mut wrong, wish);
        for (field, text) in ["text_pl", "text_en"].into_iter().zip(words(&wish.text)) {
            if let Err(fault) = specification::html(text) {
                let detail = fault.to_string();
                let params = vec![("name", detail.clone())];
                wrong.push(FieldFault { params, ..FieldFault::new(field, "markdown", detail) });
            }
        }
        if !wrong.is_empty() {
            return Err(Refusal::FieldErrors(wrong).into());
        }
        let file = match &wish.file {
            None => None,
            Some((name, octets)) => {
                let subject = format!("specification:{}", wish.name);
                match self.sealed_upload(&subject, None, name, octets).await {
                    Ok((file, _)) => Some(file),
                    Err(fault) => return Ok(Err(fault)),
                }
            }
        };
        let new = NewEdition {
            name: &wish.name,
            area: wish.area.map_or("", Area::as_str),
            level: wish.level,
            label: wish.label.trim(),
            title,
            text,
            news,
            file,
            version: wish.version,
        };
        match self.store.publish_specification(&signed.caller(), self.now(), &new).await {
            Ok(true) => Ok(Ok(())),
            Ok(false) if wish.version == 0 => Err(Refusal::Taken("name").into()),
            Ok(false) => Err(Refusal::VersionConflict.into()),
            Err(error) if is_full(&error) => Ok(Err(FileFault::NoRoom)),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes one out of the partners' sight; the next edition brings it back.
    pub async fn withdraw_specification(
        &self,
        signed: &Signed,
        (name, version): (&str, i64),
    ) -> Result<(), Error> {
        self.require(signed, Right::PublishSpecifications)?;
        if shipped_edition(name).is_some() {
            return Err(Refusal::WrongState("it ships with the program".to_owned()).into());
        }
        let rows = self.store.specification(name).await?;
        let row = rows.first().ok_or(UNKNOWN)?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        if row.state != "published" {
            return Err(Refusal::WrongState(format!("it is {}", row.state)).into());
        }
        let at = (name, version);
        let done = self.store.withdraw_specification(&signed.caller(), self.now(), at).await?;
        if done { Ok(()) } else { Err(Refusal::VersionConflict.into()) }
    }

    /// Areas of a partner; none if nobody decided about any.
    async fn areas_of(&self, signed: &Signed) -> Result<Vec<Area>, Error> {
        let Some(partner) = signed.partner else { return Ok(Vec::new()) };
        let words = self.store.accepted_areas(partner).await?;
        Ok(words.iter().filter_map(|word| Area::parse(word)).collect())
    }
}

fn words(pair: &[String; 2]) -> [&str; 2] {
    [&pair[0], &pair[1]]
}

fn may_read(signed: &Signed, areas: &[Area], line: &Specification) -> bool {
    let is_of_area = areas.is_empty() || line.area.is_none_or(|area| areas.contains(&area));
    signed.partner.is_none() || (!line.is_withdrawn && line.level <= signed.level && is_of_area)
}

/// What tells one edition from another.
fn edition(row: &SpecificationRow) -> String {
    row.edition.number.to_string()
}

/// The same of what ships with the program: a new release may bring other words.
fn shipped_edition(name: &str) -> Option<String> {
    let (_, texts) = specification::SHIPPED.iter().find(|(known, _)| *known == name)?;
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.as_bytes());
    }
    Some(hex(&hash.finalize())[..16].to_owned())
}

fn seen(looks: &[(String, String)], name: &str, edition: &str) -> Seen {
    match looks.iter().find(|(known, _)| known == name) {
        None => Seen::Never,
        Some((_, looked)) if looked == edition => Seen::Now,
        Some(_) => Seen::Before,
    }
}

fn shipped(name: &str, looks: &[(String, String)]) -> Option<Specification> {
    let polish = specification::shipped(name, Language::Polish)?;
    let english = specification::shipped(name, Language::English)?;
    Some(Specification {
        name: name.to_owned(),
        area: None,
        level: 0,
        is_withdrawn: false,
        version: 0,
        label: polish.label.to_owned(),
        title: [polish.title.to_owned(), english.title.to_owned()],
        published_at: None,
        seen: seen(looks, name, &shipped_edition(name)?),
    })
}

fn line(row: &SpecificationRow, looks: &[(String, String)]) -> Specification {
    Specification {
        name: row.name.clone(),
        area: Area::parse(&row.area),
        level: row.level,
        is_withdrawn: row.state != "published",
        version: row.version,
        label: row.edition.label.clone(),
        title: [row.edition.title_pl.clone(), row.edition.title_en.clone()],
        published_at: Some(row.edition.made_at),
        seen: seen(looks, &row.name, &edition(row)),
    }
}

fn check_head(wrong: &mut Vec<FieldFault>, wish: &SpecificationWish) {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = wish.name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || wish.name.len() > NAME_MAX || !wish.name.chars().all(is_letter) {
        let detail = "has 1 to 40 of a-z, 0-9 and -, and begins with a letter";
        wrong.push(FieldFault::new("name", "invalid", detail));
    } else if shipped_edition(&wish.name).is_some() || wish.name == "new" {
        wrong.push(FieldFault::new("name", "taken", "ships with the program: choose another"));
    }
    let label = wish.label.trim().chars().count();
    if !(1..=LABEL_MAX).contains(&label) {
        wrong.push(FieldFault::new("label", "invalid", "has 1 to 20 characters, like `1.0`"));
    }
    if !(0..=LEVEL_MAX).contains(&wish.level) {
        wrong.push(FieldFault::new("level", "invalid", "is 0 to 9"));
    }
}
