//! Forgetting what the partnership needs no more (S-45), as the settings say.
//!
//! It decides only the moments; the store forgets page by page. What surprises: a session's row is
//! kept for a while after its end, so that its owner can still ask about it.

use std::time::Duration;

use super::{Error, Partnership, micros};
use crate::{config, metrics, store::Forgetting};

/// Pages of one sweep, so that it ends; the next one goes on.
const PAGES_MAX: usize = 50;
const DAY_US: i64 = 86_400_000_000;

impl Partnership {
    /// Forgets what is too old; answers how many rows.
    pub async fn sweep_old(&self, keeping: &config::Retention) -> Result<u64, Error> {
        let now = self.now();
        let before = |age: Duration| now.saturating_sub(micros(age));
        let live = i64::from(self.rules.draft_days).saturating_mul(DAY_US);
        let old = Forgetting {
            // Never while the link in the letter still works.
            drafts: before(keeping.drafts).min(now.saturating_sub(live)),
            declined: before(keeping.declined),
            faults: before(keeping.faults),
            complaints: before(keeping.complaints),
            application_keys: before(keeping.application_keys),
            mails: before(keeping.mails),
            sessions: before(keeping.sessions.saturating_add(self.longest_session())),
            links: before(keeping.links),
            views: now,
        };
        let mut rows = 0;
        for _ in 0..PAGES_MAX {
            let forgot = self.store.forget_partnership(now, &old).await?;
            if forgot.is_empty() {
                break;
            }
            for (what, count) in forgot {
                metrics::forgotten(what, count);
                rows += count;
            }
        }
        Ok(rows)
    }
}
