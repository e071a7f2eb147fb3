//! Views of the portal as a partner sees it, for support (S-27).
//!
//! A view belongs to one session and ends by itself. What surprises: numbers of sessions may come
//! again after a session is gone, so a view also has to be younger than its session.

use serde_json::json;

use super::{
    Error, Store, audit,
    db::{execute, fetch_optional},
};
use crate::domain::{Caller, PartnerId, UserId};

/// What somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SupportView {
    pub partner_id: i64,
    /// As traffic calls the partner.
    pub name: String,
    pub level: i64,
    pub ends_at: i64,
}

impl Store {
    /// The view of a session at `now`, if there is one.
    pub async fn support_view(
        &self,
        (session, begun_after): (i64, i64),
        person: UserId,
        now: i64,
    ) -> Result<Option<SupportView>, Error> {
        fetch_optional!(
            &self.db,
            SupportView,
            "select v.partner_id, c.legal_name as name, c.level, v.ends_at from support_view v \
             join company c on c.partner_id = v.partner_id where v.session_id = $1 \
             and v.person_id = $2 and v.begun_at >= $3 and v.ends_at > $4",
            session,
            person.0,
            begun_after,
            now
        )
    }

    /// Begins a view in place of an earlier one of the session.
    pub async fn begin_view(
        &self,
        by: &Caller,
        (at, ends_at): (i64, i64),
        (session, person): (i64, UserId),
        (partner, reason): (PartnerId, &str),
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "ends_at": ends_at, "reason": reason });
        let subject = format!("company:{}", partner.0);
        audit::append(&mut tx, at, by, "view.begin", &subject, &detail).await?;
        execute!(&mut tx, "delete from support_view where session_id = $1", session)?;
        execute!(
            &mut tx,
            "insert into support_view (session_id, person_id, partner_id, begun_at, ends_at) \
             values ($1, $2, $3, $4, $5)",
            session,
            person.0,
            partner.0,
            at,
            ends_at
        )?;
        tx.commit().await
    }

    /// Ends a view before its time.
    pub async fn end_view(
        &self,
        by: &Caller,
        at: i64,
        session: i64,
        partner: PartnerId,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = format!("company:{}", partner.0);
        audit::append(&mut tx, at, by, "view.end", &subject, &json!({})).await?;
        execute!(&mut tx, "delete from support_view where session_id = $1", session)?;
        tx.commit().await
    }
}
