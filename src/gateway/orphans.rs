//! Receipts that nothing belongs to are not kept for ever, nor in any number (P15).
//!
//! The oldest go first: a receipt usually waits for an answer that is seconds away, and the longer
//! it has waited, the less it can still be good for. Each that goes leaves a line in the log.

use super::{Gateway, mt::micros};
use crate::store::{Change, change::Rare};

/// A breath's worth; the rest goes the next time.
const AT_ONCE: i64 = 1000;

impl Gateway {
    /// Drops what is too old or too much, of the `count` that are kept. Answers how many went.
    pub(super) async fn end_orphans(&self, count: i64) -> Result<usize, crate::store::Error> {
        if count <= 0 {
            return Ok(0);
        }
        let settings = self.settings();
        let before = self.now() - micros(settings.orphan_ttl);
        let most = i64::try_from(settings.orphans_max).unwrap_or(i64::MAX);
        let surplus = usize::try_from(count.saturating_sub(most)).unwrap_or(0);
        // Oldest first, so that one look tells whether there is anything to do.
        let looked = if surplus > 0 { AT_ONCE } else { 1 };
        let mut oldest = self.inner.store.orphans(looked).await?;
        let is_old = |received_at: i64| received_at <= before;
        if surplus == 0 && oldest.first().is_some_and(|orphan| is_old(orphan.received_at)) {
            oldest = self.inner.store.orphans(AT_ONCE).await?;
        }
        let mut rare = Vec::new();
        for (index, orphan) in oldest.iter().enumerate() {
            if index >= surplus && !is_old(orphan.received_at) {
                break;
            }
            tracing::warn!(link = %orphan.link, smsc_message_id = %orphan.smsc_message_id,
                state = orphan.state.stat(), "a receipt that nothing belongs to is given up");
            if let Some(group) = self.group(&orphan.link_group) {
                self.inner.recent.forget_orphan(group, &orphan.smsc_message_id, orphan.id);
            }
            rare.push(Rare::DropOrphan(orphan.id));
        }
        let dropped = rare.len();
        if dropped > 0 {
            let change = Change { rare, ..Change::default() };
            let saved = self.inner.store.save(change).await;
            saved.map_err(|error| super::submit::unshare(&error))?;
        }
        Ok(dropped)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Settings, receipt::NewReceipt, submit::LinkSeat};
    use crate::{control::tests::daemon, domain::message::ReceiptState};

    #[tokio::test]
    async fn orphans_go_when_they_are_too_many_and_when_they_are_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = daemon(folder.path()).await;
        let gateway = &daemon.gateway;
        let group = gateway.group("main").unwrap();
        let seat = LinkSeat { name: "north".into(), group, epoch: 1 };
        for number in 0..5 {
            let receipt = NewReceipt {
                smsc_message_id: smol_str::format_smolstr!("{number}"),
                state: ReceiptState::Delivered,
                network_error: None,
                done_at: gateway.now(),
                sender: "48600100200".into(),
                recipient: "7455".into(),
                reference: None,
            };
            gateway.receipt(&seat, receipt).await.unwrap();
        }
        let kept = async || {
            let orphans = gateway.store().orphans(100).await.unwrap();
            orphans.iter().map(|orphan| orphan.smsc_message_id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(gateway.end_orphans(5).await.unwrap(), 0);
        gateway.tune(Settings { orphans_max: 3, ..Settings::default() });
        assert_eq!(gateway.end_orphans(5).await.unwrap(), 2);
        assert_eq!(kept().await, ["2", "3", "4"], "the newest stay");
        gateway.tune(Settings { orphan_ttl: Duration::ZERO, ..Settings::default() });
        assert_eq!(gateway.end_orphans(3).await.unwrap(), 3);
        assert_eq!(kept().await, [""; 0]);
    }
}
