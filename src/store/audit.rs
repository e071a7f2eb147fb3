//! The audit trail: append-only, each record holding the hash of the one before (S-40).

use sha2::{Digest, Sha256};

use super::{
    Error, Store,
    db::{Tx, execute, fetch_all, fetch_in},
};
use crate::domain::Caller;

/// One thing that somebody changed or looked at.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct AuditRecord {
    pub seq: i64,
    pub at: i64,
    pub who: String,
    pub what: String,
    pub subject: String,
    pub detail: String,
    #[serde(skip)]
    pub previous: Vec<u8>,
    #[serde(skip)]
    pub hash: Vec<u8>,
}

/// What somebody looks for in the trail; an empty text is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// The whole name, like `user:7:anna`.
    pub who: String,
    /// The whole word, like `partner.add`.
    pub what: String,
    /// The whole name, like `application:12`.
    pub subject: String,
    /// Records before this one only; none is from the newest on.
    pub before: Option<i64>,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditHead {
    pub seq: i64,
    pub hash: Vec<u8>,
}

/// The first record that does not fit its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFault {
    pub seq: i64,
    pub why: &'static str,
}

/// Two writers must not both follow the same record, nor take the same `max(id) + 1`. Called
/// first by what needs its own number for the audit row; `SQLite` has its lock from the beginning.
pub(super) async fn take_turn(tx: &mut Tx<'_>) -> Result<(), Error> {
    if let Tx::Postgres(tx) = tx {
        sqlx::query("lock table audit in exclusive mode").execute(&mut **tx).await?;
    }
    Ok(())
}

/// Writes the audit row of a change, in the change's own transaction.
pub(super) async fn append(
    tx: &mut Tx<'_>,
    at: i64,
    by: &Caller,
    what: &str,
    subject: &str,
    detail: &serde_json::Value,
) -> Result<(), Error> {
    take_turn(tx).await?;
    let last =
        fetch_in!(tx, (i64, Vec<u8>), "select seq, hash from audit order by seq desc limit 1")?;
    let (seq, previous) = last.map_or((1, Vec::new()), |(seq, hash)| (seq + 1, hash));
    let record = AuditRecord {
        seq,
        at,
        who: by.to_string(),
        what: what.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_string(),
        previous,
        hash: Vec::new(),
    };
    let hash = hash(&record);
    execute!(
        tx,
        "insert into audit (seq, at, who, what, subject, detail, previous, hash) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        record.seq,
        record.at,
        record.who.as_str(),
        record.what.as_str(),
        record.subject.as_str(),
        record.detail.as_str(),
        record.previous.as_slice(),
        hash.as_slice()
    )?;
    Ok(())
}

fn hash(record: &AuditRecord) -> Vec<u8> {
    let mut sha = Sha256::new();
    let texts = [&record.who, &record.what, &record.subject, &record.detail];
    sha.update(record.seq.to_be_bytes());
    sha.update(record.at.to_be_bytes());
    for text in texts {
        // The length keeps two fields from being read as one.
        sha.update((text.len() as u64).to_be_bytes());
        sha.update(text.as_bytes());
    }
    sha.update(&record.previous);
    sha.finalize().to_vec()
}

impl Store {
    /// The number of the newest record: it grows with every change that a person makes.
    pub async fn last_audit(&self) -> Result<i64, Error> {
        let last = super::db::fetch_optional!(
            &self.db,
            (i64,),
            "select seq from audit order by seq desc limit 1"
        )?;
        Ok(last.map_or(0, |(seq,)| seq))
    }

    /// The newest record's number and hash: who knows them knows the whole chain.
    pub async fn audit_head(&self) -> Result<Option<AuditHead>, Error> {
        super::db::fetch_optional!(
            &self.db,
            AuditHead,
            "select seq, hash from audit order by seq desc limit 1"
        )
    }

    /// Walks the whole chain; answers with the first record that does not fit, or the count.
    pub async fn verify_audit(&self) -> Result<Result<i64, AuditFault>, Error> {
        let mut previous: Vec<u8> = Vec::new();
        let mut expected = 1;
        loop {
            let page = fetch_all!(
                &self.db,
                AuditRecord,
                "select * from audit where seq >= $1 order by seq limit 1000",
                expected
            )?;
            if page.is_empty() {
                return Ok(Ok(expected - 1));
            }
            for record in page {
                if record.seq != expected {
                    return Ok(Err(AuditFault { seq: expected, why: "is missing" }));
                }
                if record.previous != previous {
                    return Ok(Err(AuditFault {
                        seq: record.seq,
                        why: "does not follow its predecessor",
                    }));
                }
                if hash(&record) != record.hash {
                    return Ok(Err(AuditFault { seq: record.seq, why: "was changed" }));
                }
                previous = record.hash;
                expected += 1;
            }
        }
    }

    /// The newest records first that fit a question, at most `limit`.
    ///
    /// Each question has an index: of several conditions the rarest leads.
    pub async fn find_audit(
        &self,
        query: &AuditQuery,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, Error> {
        const FITS: &str = "($1 = '' or subject = $1) and ($2 = '' or who = $2) \
                            and ($3 = '' or what = $3) and seq < $4";
        let leader = match (query.subject.as_str(), query.who.as_str(), query.what.as_str()) {
            ("", "", "") => "",
            ("", "", _) => "what = $3 and ",
            ("", _, _) => "who = $2 and ",
            (..) => "subject = $1 and ",
        };
        let text = format!("select * from audit where {leader}{FITS} order by seq desc limit $5");
        fetch_all!(
            &self.db,
            AuditRecord,
            sqlx::AssertSqlSafe(text),
            query.subject.as_str(),
            query.who.as_str(),
            query.what.as_str(),
            query.before.unwrap_or(i64::MAX),
            limit
        )
    }

    /// The newest records first.
    pub async fn audit(&self, limit: i64) -> Result<Vec<AuditRecord>, Error> {
        self.find_audit(&AuditQuery::default(), limit).await
    }
}
