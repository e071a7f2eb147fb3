//! Notices of changed terms as people read them: a partner's own, and those that did not arrive.
//!
//! It writes none (`terms`). What surprises: a letter that bounced counts until nobody of that
//! partner can be bound by it any more, also after the day of effect: the partner's agreement
//! stays on its old terms, and somebody has to see that (D15).

use super::{Error, NoticeOfTerms, Store, db::fetch_all};
use crate::domain::PartnerId;

/// Rows of one look.
const ROWS_MAX: i64 = 200;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select n.id, n.terms_id, n.partner_id, c.legal_name, t.label, t.summary_pl, \
             t.summary_en, t.effective_day, n.recipient, n.recipient_name, n.state, n.queued_at, \
             n.sent_at, n.answered_at from notice n join terms_version t on t.id = n.terms_id \
             join company c on c.partner_id = n.partner_id ",
            $rest
        )
    };
}

impl Store {
    /// Every notice of a partner, the newest first.
    pub async fn notices_of(&self, partner: PartnerId) -> Result<Vec<NoticeOfTerms>, Error> {
        fetch_all!(
            &self.db,
            NoticeOfTerms,
            select!("where n.partner_id = $1 order by n.id desc limit $2"),
            partner.0,
            ROWS_MAX
        )
    }

    /// Notices that came back, of changes to come and of those that left a partner behind.
    pub async fn bounced_notices(&self) -> Result<Vec<NoticeOfTerms>, Error> {
        fetch_all!(
            &self.db,
            NoticeOfTerms,
            select!(
                "where n.state = 'bounced' and (t.state = 'published' or (t.state = 'in_force' \
                 and exists (select 1 from agreement a where a.partner_id = n.partner_id \
                 and a.kind = t.kind and a.state = 'in_force' \
                 and coalesce(a.terms_id, 0) <> t.id))) order by t.effective_from, n.id limit $1"
            ),
            ROWS_MAX
        )
    }
}
