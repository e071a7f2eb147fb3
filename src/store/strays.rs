//! Receipts that a person looks at: without a message, or put aside.

use super::{
    Error, Store,
    change::Orphan,
    db::{fetch_all, fetch_optional},
    messages::{OrphanRow, orphan},
};
use crate::domain::MessageId;

/// A receipt that ended its partner's sessions. Its message is something else and goes on.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct QuarantinedReceipt {
    pub message_id: i64,
    pub at: i64,
    pub reason: String,
    pub state: String,
    pub partner_id: Option<i64>,
    pub sender: String,
    pub recipient: String,
}

// A message that is itself in quarantine has its row there for itself.
const QUARANTINED: &str = "select q.message_id, q.at, q.reason, m.state, m.partner_id, m.sender, \
    m.recipient from quarantine q join message m on m.id = q.message_id \
    where m.direction = 'mt' and m.state <> 'quarantined'";

impl Store {
    /// One receipt that matched nothing.
    pub async fn orphan(&self, id: i64) -> Result<Option<Orphan>, Error> {
        let row = fetch_optional!(
            &self.db,
            OrphanRow,
            "select id, link, link_group, smsc_message_id, sender, recipient, state, error, \
             done_at, received_at from orphan_receipt where id = $1",
            id
        )?;
        Ok(row.and_then(orphan))
    }

    /// Receipts in quarantine, oldest first.
    pub async fn quarantined_receipts(&self, limit: i64) -> Result<Vec<QuarantinedReceipt>, Error> {
        let text = format!("{QUARANTINED} order by q.at limit $1");
        fetch_all!(&self.db, QuarantinedReceipt, sqlx::AssertSqlSafe(text.clone()), limit)
    }

    /// The receipt of a message, if that is in quarantine.
    pub async fn quarantined_receipt(
        &self,
        message: MessageId,
    ) -> Result<Option<QuarantinedReceipt>, Error> {
        let text = format!("{QUARANTINED} and q.message_id = $1");
        fetch_optional!(&self.db, QuarantinedReceipt, sqlx::AssertSqlSafe(text.clone()), message.0)
    }
}
