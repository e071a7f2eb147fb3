//! Looking at the trail: for auditors only.

use super::{Error, Partnership, Signed};
use crate::{
    domain::Right,
    store::{AuditQuery, AuditRecord},
};

impl Partnership {
    /// Records that fit a question, the newest first.
    pub async fn audit(
        &self,
        signed: &Signed,
        query: &AuditQuery,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, Error> {
        self.require(signed, Right::SeeAudit)?;
        Ok(self.store.find_audit(query, limit).await?)
    }
}
