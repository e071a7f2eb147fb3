//! Files as they are kept: sealed, under an id that nobody can guess (S-52).
//!
//! It never sees what is inside. What surprises: how much a subject may have is counted in the
//! transaction that adds to it, because two uploads at once would both find room.

use serde_json::json;

use super::{
    Constraint, Error, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
};
use crate::domain::{Caller, PartnerId};

/// Everything that belongs to one subject (S-51).
pub(crate) const SUBJECT_OCTETS_MAX: i64 = 50 * 1024 * 1024;

/// So many files of one subject are listed; the octets limit them long before.
const LISTED_MAX: i64 = 500;

/// A file that was checked and sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// 128 random bits in hex.
    pub id: String,
    /// `application:12`, `agreement:7`.
    pub subject: String,
    pub partner: Option<PartnerId>,
    pub name: String,
    pub media_type: &'static str,
    /// Before sealing.
    pub octets: i64,
    /// Before sealing, hex.
    pub sha256: String,
    /// For the place `file:ID`.
    pub sealed: Vec<u8>,
    /// `pending` or `clean`.
    pub scan: &'static str,
}

/// A file without its contents.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct FileLine {
    pub id: String,
    pub subject: String,
    pub partner_id: Option<i64>,
    pub name: String,
    pub media_type: String,
    pub octets: i64,
    pub sha256: String,
    /// `pending`, `clean` or `refused`.
    pub scan: String,
    pub made_by: String,
    pub made_at: i64,
}

/// A file with its sealed contents.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SealedFile {
    #[sqlx(flatten)]
    pub line: FileLine,
    pub sealed: Vec<u8>,
}

/// Writes a file within the transaction of whatever it belongs to. The audit row comes first.
pub(super) async fn put_file(
    tx: &mut Tx<'_>,
    at: i64,
    by: &Caller,
    new: &NewFile,
) -> Result<(), Error> {
    let used = fetch_in!(
        tx,
        (i64,),
        "select cast(coalesce(sum(octets), 0) as bigint) from file \
         where subject = $1 and scan <> 'refused'",
        new.subject.as_str()
    )?;
    if used.map_or(0, |(used,)| used).saturating_add(new.octets) > SUBJECT_OCTETS_MAX {
        return Err(Error::Conflict(Constraint::FileRoom));
    }
    execute!(
        tx,
        "insert into file (id, subject, partner_id, name, media_type, octets, sha256, sealed, \
         scan, made_by, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.id.as_str(),
        new.subject.as_str(),
        new.partner.map(|partner| partner.0),
        new.name.as_str(),
        new.media_type,
        new.octets,
        new.sha256.as_str(),
        new.sealed.as_slice(),
        new.scan,
        by.to_string(),
        at
    )?;
    Ok(())
}

impl Store {
    /// Keeps a file by itself.
    pub async fn put_file(&self, by: &Caller, at: i64, new: &NewFile) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({
            "file": new.id, "octets": new.octets, "sha256": new.sha256, "scan": new.scan,
        });
        audit::append(&mut tx, at, by, "file.add", &new.subject, &detail).await?;
        put_file(&mut tx, at, by, new).await?;
        tx.commit().await
    }

    /// One file without its contents.
    pub async fn file(&self, id: &str) -> Result<Option<FileLine>, Error> {
        fetch_optional!(
            &self.db,
            FileLine,
            "select id, subject, partner_id, name, media_type, octets, sha256, scan, made_by, \
             made_at from file where id = $1",
            id
        )
    }

    /// One file, sealed, and in the same transaction the trail of who opened it.
    pub async fn open_file(
        &self,
        by: &Caller,
        at: i64,
        id: &str,
    ) -> Result<Option<SealedFile>, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = fetch_in!(
            &mut tx,
            SealedFile,
            "select id, subject, partner_id, name, media_type, octets, sha256, scan, made_by, \
             made_at, sealed from file where id = $1",
            id
        )?;
        if let Some(file) = &found {
            let detail = json!({ "file": file.line.id });
            audit::append(&mut tx, at, by, "file.open", &file.line.subject, &detail).await?;
        }
        tx.commit().await?;
        Ok(found)
    }

    /// The files of a subject, oldest first.
    pub async fn files_of(&self, subject: &str) -> Result<Vec<FileLine>, Error> {
        fetch_all!(
            &self.db,
            FileLine,
            "select id, subject, partner_id, name, media_type, octets, sha256, scan, made_by, \
             made_at from file where subject = $1 order by made_at, id limit $2",
            subject,
            LISTED_MAX
        )
    }

    /// How much a subject has already.
    pub async fn file_octets_of(&self, subject: &str) -> Result<i64, Error> {
        let used = fetch_optional!(
            &self.db,
            (i64,),
            "select cast(coalesce(sum(octets), 0) as bigint) from file \
             where subject = $1 and scan <> 'refused'",
            subject
        )?;
        Ok(used.map_or(0, |(used,)| used))
    }

    /// Files that still wait for the scanner, oldest first, sealed.
    pub async fn files_to_scan(&self, most: i64) -> Result<Vec<SealedFile>, Error> {
        fetch_all!(
            &self.db,
            SealedFile,
            "select id, subject, partner_id, name, media_type, octets, sha256, scan, made_by, \
             made_at, sealed from file where scan = 'pending' order by made_at, id limit $1",
            most
        )
    }

    /// What the scanner said of a file that waited; false if it did not wait any more.
    pub async fn note_scan(
        &self,
        by: &Caller,
        at: i64,
        file: &FileLine,
        is_clean: bool,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let scan = if is_clean { "clean" } else { "refused" };
        let detail = json!({ "file": file.id, "scan": scan });
        audit::append(&mut tx, at, by, "file.scan", &file.subject, &detail).await?;
        let found = execute!(
            &mut tx,
            "update file set scan = $1 where id = $2 and scan = 'pending'",
            scan,
            file.id.as_str()
        )?;
        if found == 0 {
            return Ok(false);
        }
        if !is_clean {
            // What is refused is not kept: nobody may ever open it.
            let id = file.id.as_str();
            execute!(&mut tx, "update file set sealed = $1 where id = $2", &b""[..], id)?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
