//! Erasing what is too old, in the quiet hours (S-45).

use std::time::Duration;

use super::{Gateway, mt::micros};
use crate::store::Erasing;

/// A breath between two pages, so that the disk is not busy for long.
const BREATH: Duration = Duration::from_millis(50);

/// How long things are kept.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// UTC hours in which erasing runs.
    pub hours: Vec<u8>,
    pub text: Duration,
    pub messages: Duration,
}

impl Gateway {
    /// Erases whatever is due now; does nothing outside of the configured hours (UTC), and nothing
    /// while the clock is not believed (P37).
    pub async fn forget(&self, keeping: &Keeping) {
        if !self.believes_clock() {
            return;
        }
        let hour = self.now() / 3_600_000_000 % 24;
        if !keeping.hours.iter().any(|quiet| i64::from(*quiet) == hour) {
            return;
        }
        match self.forget_now(keeping).await {
            Ok(done) if done == Erasing::default() => {}
            Ok(done) => {
                tracing::info!(
                    texts = done.texts,
                    messages = done.messages,
                    "erased what was too old"
                );
            }
            Err(error) => tracing::warn!(%error, "old messages could not be erased"),
        }
    }

    /// Erases everything that is older than the retention says, page by page.
    pub async fn forget_now(&self, keeping: &Keeping) -> Result<Erasing, crate::store::Error> {
        let texts_before = self.now() - micros(keeping.text);
        let messages_before = self.now() - micros(keeping.messages);
        let mut done = Erasing::default();
        while let Some(more) =
            self.inner.store.erase_page(done, texts_before, messages_before).await?
        {
            done = more;
            tokio::time::sleep(BREATH).await;
        }
        if done.texts + done.messages > 0 {
            self.inner.store.note_erased(self.now(), done).await?;
        }
        Ok(done)
    }
}
