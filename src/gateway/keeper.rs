//! The gateway's own work beside the traffic: bringing pages, waking what is due, expiring what
//! is over, and keeping the gauges true.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior};

use super::{Gateway, Pages, by_itself, mt::micros};
use crate::{
    domain::{Content, Item, ItemKey, Lane, LaneId, MessageEvent, MessageState, story::NO_RECEIPT},
    metrics,
    store::{
        Change, Stored,
        change::{Rare, StateRow},
    },
};

/// Rows that one read brings.
const PAGE: i64 = 2000;
/// Pause between two rounds through all messages that may lack their receipt.
const SILENCE_ROUND: Duration = Duration::from_mins(10);

/// Where the round is that looks for messages without a receipt.
#[derive(Debug, Default)]
pub(super) struct Silence {
    after: i64,
    rests_until: Option<Instant>,
}

impl Gateway {
    /// Fills lanes, forever. Everything that a lane needs at the start is read here too: there
    /// is no other recovery.
    /// Reads what the last run left: sizes of lanes, times of what is planned, answers that may
    /// be repeated. Before this is done nobody may submit.
    pub async fn begin(&self) -> anyhow::Result<()> {
        let sizes: Vec<(LaneId, i64)> = self
            .inner
            .store
            .lanes()
            .await?
            .into_iter()
            .map(|age| (LaneId(age.lane), age.items))
            .collect();
        self.count_backlogs(&sizes);
        self.inner.lanes.begin(&sizes);
        for (lane, _) in &sizes {
            if let Some(due) = self.inner.store.lane_next_due(*lane).await? {
                self.inner.lanes.plan(*lane, due);
            }
        }
        self.doubt_the_last_answers().await
    }

    /// Keeps things moving until the stop.
    pub async fn keep(
        self,
        mut pages: Pages,
        stop: impl Future<Output = ()> + Send,
        beat: impl Fn() + Send,
    ) -> anyhow::Result<()> {
        let mut stop = std::pin::pin!(stop);
        let mut quick = tokio::time::interval(Duration::from_millis(50));
        let mut slow = tokio::time::interval(Duration::from_secs(1));
        quick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        slow.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut expiry = ItemKey { lane: LaneId(0), due_at: 0, seq: 0 };
        let mut silence = Silence::default();
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                Some(lane) = pages.0.recv() => self.bring(lane).await,
                _ = quick.tick() => self.begin_what_is_due().await,
                _ = slow.tick() => {
                    beat();
                    self.inner.lanes.sweep();
                    self.end_what_is_over(&mut expiry, &mut silence).await;
                    self.publish().await;
                }
            }
        }
    }

    /// Brings what was planned for a moment that has come. By a clock that is not believed none
    /// has (P37): a text that is a little late is better than one a year early.
    pub(super) async fn begin_what_is_due(&self) {
        if self.believes_clock() {
            for lane in self.inner.lanes.due(self.now()) {
                self.bring_due(lane).await;
            }
        }
    }

    /// Each of these ends something for good, for which the clock must be right (P37).
    pub(super) async fn end_what_is_over(&self, expiry: &mut ItemKey, silence: &mut Silence) {
        if self.believes_clock() {
            *expiry = self.expire_page(*expiry).await;
            self.end_doubts().await;
            self.end_parts().await;
            self.end_unknown().await;
            self.end_silence(silence).await;
            self.end_orphans().await;
        }
    }

    fn count_backlogs(&self, sizes: &[(LaneId, i64)]) {
        for (lane, items) in sizes {
            if let Some(Lane::Mt { partner, .. }) = Lane::of(*lane) {
                self.backlog(partner).fetch_add(*items, Ordering::AcqRel);
            }
        }
    }

    /// After a crash nobody knows which of the newest answers arrived: those, and only those, are
    /// open to a repeat (P11).
    async fn doubt_the_last_answers(&self) -> anyhow::Result<()> {
        let window = micros(self.settings().duplicate_window);
        let since = self.now() - window;
        for (message, likeness, accepted_at) in self.inner.store.uncertain(since, 100).await? {
            let Ok(likeness) = likeness.try_into() else { continue };
            let until = accepted_at + window;
            self.inner
                .uncertain
                .add(likeness, super::likeness::Doubt { message, until, held: None });
        }
        Ok(())
    }

    /// Waits until everything that was handed to the writer before is committed. Without that a
    /// page brings rows whose end is still in the writer's hands, and they are sent again.
    async fn commit_what_went(&self) {
        if let Err(error) = self.inner.store.save(Change::default()).await {
            tracing::debug!(%error, "a page is read while the store is away");
        }
    }

    /// Reads the next page of a lane.
    async fn bring(&self, id: LaneId) {
        let Some((lane, size)) = self.inner.lanes.page_size(id) else { return };
        let limit = i64::try_from(size).unwrap_or(PAGE).min(PAGE * 4);
        let from = ItemKey { lane: id, due_at: 0, seq: 0 };
        self.inner.lanes.reading(lane);
        self.commit_what_went().await;
        match self.inner.store.lane_page(from, limit).await {
            Ok(rows) => {
                let is_whole = i64::try_from(rows.len()).unwrap_or(0) < limit;
                let items = rows
                    .into_iter()
                    .filter(|row| row.claim.is_none())
                    .map(|row| row.item)
                    .collect();
                self.inner.lanes.paged(lane, items, is_whole);
            }
            Err(error) => {
                tracing::warn!(error = %error, lane = id.0, "a page of a lane could not be read");
                self.inner.lanes.paged(lane, Vec::new(), false);
            }
        }
    }

    async fn bring_due(&self, id: LaneId) {
        let Some(lane) = Lane::of(id) else { return };
        self.inner.lanes.reading(lane);
        self.commit_what_went().await;
        match self.inner.store.lane_due(id, self.now(), PAGE).await {
            Ok(rows) => {
                let is_full = i64::try_from(rows.len()).unwrap_or(0) >= PAGE;
                let items = rows
                    .into_iter()
                    .filter(|row| row.claim.is_none())
                    .map(|row| row.item)
                    .collect();
                self.inner.lanes.arrived(lane, items);
                if is_full {
                    self.inner.lanes.plan(id, self.now() + 1_000_000);
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, lane = id.0, "planned items could not be read");
                self.inner.lanes.plan(id, self.now() + 1_000_000);
            }
        }
    }

    /// Looks at one page of all lanes for what is over; answers where to go on.
    async fn expire_page(&self, from: ItemKey) -> ItemKey {
        let start = ItemKey { lane: LaneId(0), due_at: 0, seq: 0 };
        match self.inner.store.expired_items(from, self.now(), PAGE).await {
            Ok((rows, next)) => {
                for row in rows {
                    // What a consumer holds at this moment is its consumer's to expire.
                    match self.withdraw(row.item.key).await {
                        Ok(Some(item)) => self.expire(item).await,
                        Ok(None) => {}
                        Err(error) => tracing::warn!(%error, "an expired item stays for now"),
                    }
                }
                next.unwrap_or(start)
            }
            Err(error) => {
                tracing::warn!(error = %error, "lanes could not be searched for expired items");
                start
            }
        }
    }

    /// Ends what is over instead of sending it (P18).
    pub(super) async fn drop_expired(&self, items: &mut Vec<Item>) {
        let now = self.now();
        if items.iter().all(|item| item.valid_until > now) || !self.believes_clock() {
            return;
        }
        let (good, over): (Vec<Item>, Vec<Item>) =
            items.drain(..).partition(|item| item.valid_until > now);
        *items = good;
        for item in over {
            self.expire(item).await;
        }
    }

    async fn expire(&self, item: Item) {
        let outcome = match &item.content {
            Content::Mt(message) => {
                let message = Arc::clone(message);
                self.finish(&message, Some(&item), MessageEvent::Expire, None, None).await
            }
            Content::Mo(message) => {
                let change =
                    Change { items_out: smallvec::smallvec![item.key], ..Change::default() }
                        .event(self.step(message.id, MessageEvent::Expire, by_itself()))
                        .state(StateRow {
                            message: message.id,
                            state: MessageState::Expired,
                            at: self.now(),
                            error: None,
                        });
                metrics::message("mo", "expired");
                self.drop_item(item.key, change).await
            }
            Content::Receipt(message, _) => {
                let change =
                    Change { items_out: smallvec::smallvec![item.key], ..Change::default() }
                        .event(self.note_row(message.id, "receipt_expired", by_itself()));
                metrics::message("receipt", "expired");
                self.drop_item(item.key, change).await
            }
        };
        if let Err(error) = outcome {
            tracing::warn!(error = %error, message.id = %item.content.message_id(),
                "an expired item could not be ended; it is tried again");
            self.inner.lanes.put_back(item);
        }
    }

    async fn drop_item(&self, key: ItemKey, change: Change) -> Result<(), crate::store::Error> {
        self.inner.store.save(change).await.map_err(|error| super::submit::unshare(&error))?;
        self.inner.lanes.done(key);
        Ok(())
    }

    /// Doubts that nobody resolved: a charged message whose partner never heard of it is voided.
    async fn end_doubts(&self) {
        for doubt in self.inner.uncertain.expired(self.now()) {
            let Some(item) = doubt.held else { continue };
            let Content::Mt(message) = &item.content else { continue };
            let change = Change { items_out: smallvec::smallvec![item.key], ..Change::default() }
                .event(
                    self.step(message.id, MessageEvent::Void, by_itself())
                        .saying("its partner never received the answer and did not repeat it"),
                )
                .state(self.state(message, MessageState::VoidUnacked, None));
            if self.drop_item(item.key, change).await.is_ok() {
                self.backlog(message.partner).fetch_sub(1, Ordering::AcqRel);
                metrics::message("mt", "void_unacked");
                self.count_end(message, MessageState::VoidUnacked);
            }
        }
    }

    /// Parts whose sisters never came.
    async fn end_parts(&self) {
        let settings = self.settings();
        let before = self.now() - micros(settings.reassembly_wait);
        for (seat, joined, unsettled) in self.inner.parts.expired(before) {
            if settings.drops_incomplete {
                metrics::incomplete(&seat.name);
                let rare = vec![Rare::DropParts(joined.stored)];
                drop(self.inner.store.note(Change { rare, ..Change::default() }).await);
                continue;
            }
            let likeness = [0; 32];
            if let Err(error) = self.route_mo(&seat, joined, likeness).await {
                tracing::warn!(error = %error, "an incomplete long message could not be handed on");
                self.inner.parts.put_back(unsettled);
                continue;
            }
            metrics::incomplete(&seat.name);
        }
    }

    /// Receipts that no message claimed in their time (P15).
    async fn end_orphans(&self) {
        let before = self.now() - micros(self.settings().orphan_ttl);
        let rows = self.inner.recent.end_orphans(before);
        self.drop_orphans(rows).await;
    }

    /// Unknown for too long: final, without a charge.
    async fn end_unknown(&self) {
        let before = self.now() - micros(self.settings().unknown_ttl);
        let Ok(due) = self.inner.store.unknown_since_before(before, 100).await else { return };
        for id in due {
            if let Ok(Some(Stored::Mt(message, MessageState::Unknown))) =
                self.inner.store.message(id).await
                && self.write_off(&message, &by_itself(), "").await.is_ok()
            {
                self.inner.recent.unknown_solved(message.id);
            }
        }
    }

    /// Submitted, and the receipt never came: final, and the partner is told so. There is no index
    /// for it, which every message would pay for twice; a round through the store does instead.
    async fn end_silence(&self, silence: &mut Silence) {
        let now = self.inner.clock.instant();
        if silence.rests_until.is_some_and(|until| now < until) {
            return;
        }
        let overdue = self.now() - micros(self.settings().receipt_ttl);
        let page = self.inner.store.silent_page(silence.after, overdue).await;
        let Ok((silent, last)) = page else { return };
        for id in silent {
            if let Ok(Some(Stored::Mt(message, MessageState::Submitted))) =
                self.inner.store.message(id).await
                && let Err(error) = self.write_off(&message, &by_itself(), NO_RECEIPT).await
            {
                // The next round meets it again.
                tracing::warn!(%error, message.id = %id, "a message without a receipt stays");
            }
        }
        *silence = match last {
            Some(last) => Silence { after: last, rests_until: None },
            None => Silence { after: 0, rests_until: Some(now + SILENCE_ROUND) },
        };
    }

    /// Gauges that are cheaper to look up than to keep.
    async fn publish(&self) {
        metrics::clock_believed(self.believes_clock());
        let now = self.now();
        for head in self.inner.lanes.all() {
            let waiting = head.waiting.load(Ordering::Acquire);
            let oldest = if waiting > 0 {
                self.inner.store.oldest(head.id).await.ok().flatten()
            } else {
                None
            };
            let age = oldest.map_or(0, |accepted_at| now - accepted_at);
            let partner = metrics::partner_label(&self.partner_of(&head));
            metrics::queue(head.lane.class(), &partner, waiting, age);
            self.publish_limit(&head, &partner);
        }
        self.look_for_stalls();
        if let Ok(counts) = self.inner.store.unknown_counts().await {
            metrics::unknown(&counts);
        }
        if let Ok(overview) = self.inner.store.overview_quick().await {
            metrics::orphans(overview);
        }
        let reserved = self.inner.ids.last();
        if let Err(error) = self.inner.store.reserve_ids(reserved).await {
            tracing::warn!(error = %error, "the highest number could not be noted");
        }
    }
}
