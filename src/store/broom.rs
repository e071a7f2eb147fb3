//! What the partnership forgets: drafts that nobody sent, applications that came to nothing, keys,
//! links, sessions and letters (S-45).
//!
//! Each page is one transaction with its audit row. What surprises: the newest application and the
//! newest letter always stay, because the next number is one more than theirs, and a number must
//! never name two things in the trail.

use serde_json::{Map, json};

use super::{
    Error, Store, audit,
    db::{Tx, execute, fetch_all},
};
use crate::domain::Caller;

/// Applications, faults or complaints of one page; each has rows in many tables.
const APPLICATIONS: i64 = 50;
/// Other rows of one page.
const ROWS: i64 = 1000;

/// Moments before which things are forgotten, microseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgetting {
    pub drafts: i64,
    pub declined: i64,
    /// Ends of faults.
    pub faults: i64,
    /// Ends of complaints.
    pub complaints: i64,
    pub application_keys: i64,
    pub mails: i64,
    /// Beginnings of sessions.
    pub sessions: i64,
    /// Ends of one-time links.
    pub links: i64,
    /// Ends of views as a partner.
    pub views: i64,
}

const KEYS: &str = "delete from application_key where key_hash in \
    (select key_hash from application_key where at < $1 limit $2)";
/// A letter of a notice stays: what the server said of it is the proof (R1.17).
const MAILS: &str = "delete from mail where id in (select m.id from mail m \
    where m.state <> 'queued' and m.queued_at < $1 and m.id < (select max(l.id) from mail l) \
    and not exists (select 1 from notice n where n.mail_id = m.id) order by m.id limit $2)";
const SESSIONS: &str = "delete from session where token in \
    (select token from session where made_at < $1 limit $2)";
const LINKS: &str = "delete from one_time_link where token in \
    (select token from one_time_link where expires_at < $1 limit $2)";
const VIEWS: &str = "delete from support_view where session_id in \
    (select session_id from support_view where ends_at < $1 limit $2)";

impl Store {
    /// Forgets a page of each kind, by the words of the metric; empty when there is nothing more.
    pub async fn forget_partnership(
        &self,
        at: i64,
        old: &Forgetting,
    ) -> Result<Vec<(&'static str, u64)>, Error> {
        let applications = self.old_applications(old).await?;
        let faults = self.old_faults(old.faults).await?;
        let complaints = self.old_complaints(old.complaints).await?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let mut forgot = Vec::new();
        let mut gone = 0;
        for id in applications {
            gone += delete_application(&mut tx, id, old).await?;
        }
        forgot.push(("applications", gone));
        let mut gone = 0;
        for id in faults {
            gone += delete_fault(&mut tx, id, old.faults).await?;
        }
        forgot.push(("faults", gone));
        let mut gone = 0;
        for id in complaints {
            gone += delete_complaint(&mut tx, id, old.complaints).await?;
        }
        forgot.push(("complaints", gone));
        for (what, sql, before) in [
            ("application_keys", KEYS, old.application_keys),
            ("mails", MAILS, old.mails),
            ("sessions", SESSIONS, old.sessions),
            ("links", LINKS, old.links),
            ("views", VIEWS, old.views),
        ] {
            forgot.push((what, execute!(&mut tx, sql, before, ROWS)?));
        }
        forgot.retain(|(_, rows)| *rows > 0);
        if forgot.is_empty() {
            return Ok(forgot);
        }
        let detail: Map<_, _> =
            forgot.iter().map(|(what, rows)| ((*what).to_owned(), json!(rows))).collect();
        let by = Caller::Gateway;
        audit::append(&mut tx, at, &by, "retention.erase", "partnership", &detail.into()).await?;
        tx.commit().await?;
        Ok(forgot)
    }

    async fn old_faults(&self, before: i64) -> Result<Vec<i64>, Error> {
        let rows: Vec<(i64,)> = fetch_all!(
            &self.db,
            (i64,),
            "select id from fault where ended_at < $1 and id < (select max(id) from fault) \
             order by id limit $2",
            before,
            APPLICATIONS
        )?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    async fn old_complaints(&self, before: i64) -> Result<Vec<i64>, Error> {
        let rows: Vec<(i64,)> = fetch_all!(
            &self.db,
            (i64,),
            "select id from complaint where ended_at < $1 \
             and id < (select max(id) from complaint) order by id limit $2",
            before,
            APPLICATIONS
        )?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    async fn old_applications(&self, old: &Forgetting) -> Result<Vec<i64>, Error> {
        let rows: Vec<(i64,)> = fetch_all!(
            &self.db,
            (i64,),
            "select id from application where ((state = 'draft' and made_at < $1) \
             or (state in ('decided', 'withdrawn') and is_accepted = 0 \
             and coalesce(decided_at, changed_at) < $2)) \
             and id < (select max(id) from application) order by id limit $3",
            old.drafts,
            old.declined,
            APPLICATIONS
        )?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

/// Whatever an application has. It is looked at once more: it may have been sent meanwhile.
async fn delete_application(tx: &mut Tx<'_>, id: i64, old: &Forgetting) -> Result<u64, Error> {
    // Taken by this write first, so that nothing is put under it meanwhile.
    let is_old = execute!(
        tx,
        "update application set version = version + 1 where id = $1 and is_accepted = 0 \
         and ((state = 'draft' and made_at < $2) or (state in ('decided', 'withdrawn') \
         and coalesce(decided_at, changed_at) < $3))",
        id,
        old.drafts,
        old.declined
    )?;
    if is_old == 0 {
        return Ok(0);
    }
    for sql in [
        "delete from application_area where application_id = $1",
        "delete from application_contact where application_id = $1",
        "delete from application_message where application_id = $1",
        "delete from application_key where application_id = $1",
    ] {
        execute!(tx, sql, id)?;
    }
    forget_subject(tx, &format!("application:{id}")).await?;
    execute!(tx, "delete from application where id = $1", id)
}

/// Whatever a fault has; of another one that was merged into it only the pointer.
async fn delete_fault(tx: &mut Tx<'_>, id: i64, before: i64) -> Result<u64, Error> {
    // Looked at once more under the writers' turn: it may be gone already.
    let is_old = execute!(
        &mut *tx,
        "update fault set version = version + 1 where id = $1 and ended_at < $2",
        id,
        before
    )?;
    if is_old == 0 {
        return Ok(0);
    }
    for sql in [
        "update fault set merged_into = null where merged_into = $1",
        "delete from fault_item where fault_id = $1",
    ] {
        execute!(&mut *tx, sql, id)?;
    }
    forget_subject(tx, &format!("fault:{id}")).await?;
    execute!(tx, "delete from fault where id = $1", id)
}

/// Whatever a complaint has; what it gave back stays in the ledger.
async fn delete_complaint(tx: &mut Tx<'_>, id: i64, before: i64) -> Result<u64, Error> {
    // Looked at once more under the writers' turn: an appeal may have opened it again.
    let is_old = execute!(
        &mut *tx,
        "update complaint set version = version + 1 where id = $1 and ended_at < $2",
        id,
        before
    )?;
    if is_old == 0 {
        return Ok(0);
    }
    execute!(&mut *tx, "delete from complaint_message where complaint_id = $1", id)?;
    forget_subject(tx, &format!("complaint:{id}")).await?;
    execute!(tx, "delete from complaint where id = $1", id)
}

/// What lies beside every subject.
pub(super) async fn forget_subject(tx: &mut Tx<'_>, subject: &str) -> Result<(), Error> {
    for sql in [
        "delete from file where subject = $1",
        "delete from deadline where subject = $1",
        "delete from happening where subject = $1",
        "delete from mail where subject = $1 and id < (select max(l.id) from mail l)",
    ] {
        execute!(&mut *tx, sql, subject)?;
    }
    Ok(())
}
