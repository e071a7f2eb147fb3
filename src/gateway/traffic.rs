//! Counting traffic by service, for charts: in memory as it happens, in the store each minute.
//!
//! These figures are no ledger. A kill loses what was counted since the last minute ended, and a
//! write whose outcome nobody learnt may count twice; charges and messages do neither. What
//! surprises: nothing here knows of tests, because what happens in the sandbox is left out at once.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use dashmap::DashMap;
use tokio::time::MissedTickBehavior;

use super::{Gateway, mt::micros};
use crate::{
    domain::{
        Counted, MessageState, MoMessage, Mode, MtMessage, ServiceId, TrafficCounts, TrafficStep,
    },
    store::{Change, ServiceCounts, change::Rare},
};

/// How often somebody looks whether a minute is over; a figure is off by this much at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Services in one change, so that a thousand of them do not hold up one group of the writer.
const AT_ONCE: usize = 32;
const DAY: Duration = Duration::from_hours(24);

/// How long figures are kept: minutes for a look at yesterday's trouble, quarters for the month
/// that a partner asks about, days for the years that books are kept of.
const KEPT: [(TrafficStep, u32); 3] =
    [(TrafficStep::Minute, 2), (TrafficStep::Quarter, 40), (TrafficStep::Day, 3 * 366)];

/// What was counted and not written yet; bounded by the services.
#[derive(Debug, Default)]
pub(super) struct Traffic(DashMap<ServiceId, [AtomicI64; Counted::ALL.len()]>);

impl Traffic {
    fn add(&self, service: ServiceId, what: Counted, many: i64) {
        if let Some(counts) = self.0.get(&service) {
            counts[what as usize].fetch_add(many, Ordering::Relaxed);
            return;
        }
        self.0.entry(service).or_default()[what as usize].fetch_add(many, Ordering::Relaxed);
    }

    /// Everything counted so far, once.
    fn take(&self, at: i64) -> Vec<ServiceCounts> {
        let taken = self.0.iter().map(|entry| {
            let counts = entry.value().each_ref().map(|count| count.swap(0, Ordering::Relaxed));
            ServiceCounts { service: *entry.key(), at, counts: TrafficCounts(counts) }
        });
        taken.filter(|row| !row.counts.is_nothing()).collect()
    }

    /// What could not be written goes with the next minute: a late figure is better than none.
    fn give_back(&self, rows: &[ServiceCounts]) {
        for row in rows {
            for what in Counted::ALL {
                self.add(row.service, what, row.counts.of(what));
            }
        }
    }
}

impl Gateway {
    /// One more, unless it is a test.
    pub(super) fn count(&self, mode: Mode, service: ServiceId, what: Counted) {
        if mode == Mode::Live {
            self.inner.traffic.add(service, what, 1);
        }
    }

    /// A message from a subscriber, if a service takes it.
    pub(super) fn count_taken(&self, mode: Mode, message: &MoMessage) {
        if let Some((_, service, _)) = message.service {
            self.count(mode, service, Counted::Taken);
        }
    }

    /// The end of a message to a subscriber, if that is one.
    pub(super) fn count_end(&self, message: &MtMessage, state: MessageState) {
        let what = match state {
            MessageState::Delivered => Counted::Delivered,
            MessageState::Undeliverable
            | MessageState::Expired
            | MessageState::Rejected
            | MessageState::UnknownFinal
            | MessageState::VoidUnacked => Counted::Failed,
            _ => return,
        };
        self.count(Mode::of(&message.link_group), message.service, what);
    }

    /// Writes the figures of each minute when it is over, and those of the last one at the stop.
    pub async fn keep_traffic(self, stop: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let mut stop = std::pin::pin!(stop);
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut minute = TrafficStep::Minute.begin(self.now());
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = ticks.tick() => {}
            }
            let now = TrafficStep::Minute.begin(self.now());
            if now != minute {
                self.write_traffic(minute).await;
                minute = now;
            }
        }
        self.write_traffic(minute).await;
        Ok(())
    }

    /// Writes what was counted, as of a moment, and forgets what is too old.
    pub async fn write_traffic(&self, at: i64) {
        let rows = self.inner.traffic.take(at);
        let too_old =
            KEPT.map(|(step, days)| (step, self.now().saturating_sub(micros(DAY * days))));
        let changes = rows.chunks(AT_ONCE).map(|rows| (rows, Rare::AddTraffic(rows.to_vec())));
        let broom: &[ServiceCounts] = &[];
        // Nothing is erased by a clock that jumped (P37).
        let broom = self.believes_clock().then_some((broom, Rare::ForgetTraffic(too_old)));
        for (rows, rare) in changes.chain(broom) {
            let change = Change { rare: vec![rare], ..Change::default() };
            if let Err(error) = self.inner.store.save(change).await {
                tracing::warn!(%error, "figures of traffic wait for the next minute");
                self.inner.traffic.give_back(rows);
            }
        }
    }
}
