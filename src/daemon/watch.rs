//! Eyes on what changes while a node runs: the catalog, the disk, faults, what is too old.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::time::MissedTickBehavior;

use crate::{
    config::Config,
    domain::secret::Pepper,
    gateway::{Gateway, disk::DiskLimits, forget::Keeping, registry::LinkCard, trail::TrailExport},
    partnership::{FaultWatch, Partnership, SeenLink},
    tasks::Tasks,
};

/// How often somebody looks whether partners, services or numbers changed in the store.
const CATALOG_EVERY: Duration = Duration::from_millis(500);

/// Eyes on the catalog, the disk and what is too old; the gateway's keeper looks at the clock.
pub(super) fn watch(config: &Config, gateway: &Gateway, tasks: &Tasks) {
    // Nothing was seen yet: the first look reads it once more, which costs little.
    let (watched, seen) = (gateway.clone(), Arc::new(AtomicI64::new(-1)));
    every("catalog watch", CATALOG_EVERY, tasks, move || {
        look_at_catalog(watched.clone(), Arc::clone(&seen))
    });
    // P35: the volume of the database decides what is taken.
    let folder = config.data_folder();
    let limits = DiskLimits {
        soft: config.store.disk_soft.octets(),
        hard: config.store.disk_hard.octets(),
        reserve: config.store.reserve.octets(),
    };
    let watched = gateway.clone();
    every("disk watch", Duration::from_secs(2), tasks, move || {
        watched.look_at_disk(&folder, &limits);
        std::future::ready(())
    });
    // S-45: texts and old messages go in the quiet hours.
    let keeping = Arc::new(Keeping {
        hours: config.retention.hours.clone(),
        text: config.retention.text,
        messages: config.retention.messages,
    });
    let broom = gateway.clone();
    every("retention", Duration::from_mins(15), tasks, move || {
        let (broom, keeping) = (broom.clone(), Arc::clone(&keeping));
        async move { broom.forget(&keeping).await }
    });
}

/// Every change by a person leaves an audit row, whichever process made it.
async fn look_at_catalog(gateway: Gateway, seen: Arc<AtomicI64>) {
    if let Ok(last) = gateway.store().last_audit().await
        && last != seen.load(Ordering::Acquire)
    {
        match gateway.reload_catalog().await {
            Ok(()) => seen.store(last, Ordering::Release),
            Err(error) => tracing::warn!(%error, "the catalog could not be read"),
        }
    }
    gateway.send_disabled_away();
}

/// Twice a minute: what is broken is filed by the gateway itself.
pub(super) fn watch_faults(gateway: &Gateway, partnership: &Partnership, tasks: &Tasks) {
    let (gateway, partnership) = (gateway.clone(), partnership.clone());
    let memory = Arc::new(tokio::sync::Mutex::new(FaultWatch::default()));
    every("fault watch", Duration::from_secs(30), tasks, move || {
        let (gateway, partnership) = (gateway.clone(), partnership.clone());
        let memory = Arc::clone(&memory);
        async move {
            let cards = gateway.registry().links();
            let links: Vec<SeenLink> = cards.iter().map(|card| seen(card)).collect();
            if let Err(error) = memory.lock().await.look(&partnership, &links).await {
                tracing::warn!(%error, "faults could not be looked for");
            }
        }
    });
}

fn seen(card: &LinkCard) -> SeenLink {
    SeenLink {
        name: card.name.to_string(),
        address: card.address.clone(),
        is_bound: card.bound.load(Ordering::Acquire) > 0,
        is_wanted: card.is_wanted.load(Ordering::Acquire),
        last_error: card.last_error.load().as_ref().clone(),
    }
}

/// Now and then the head of the audit chain leaves the database, where that is wanted (S-40).
pub(super) fn export_trail(config: &Config, gateway: &Gateway, tasks: &Tasks) {
    let audit = &config.audit;
    let Some(folder) = &audit.export_folder else { return };
    let key = audit.signing_key_file.secret.reveal();
    let export = Arc::new(TrailExport {
        folder: config.data_folder().join(folder),
        node: config.node.name.as_str().into(),
        key: (!key.is_empty()).then(|| Pepper::new(key.as_bytes())),
    });
    let gateway = gateway.clone();
    every("audit export", audit.export_every, tasks, move || {
        let (gateway, export) = (gateway.clone(), Arc::clone(&export));
        async move { gateway.export_trail(&export).await }
    });
}

/// Does `work` at once and again after each `period`, until the stop. A turn that takes longer
/// makes the next one late; there are never two at once.
fn every<W>(
    name: &'static str,
    period: Duration,
    tasks: &Tasks,
    mut work: impl FnMut() -> W + Send + 'static,
) where
    W: Future<Output = ()> + Send,
{
    let stopping = tasks.stopping();
    tasks.spawn(name, async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Asked first: after a long turn the next tick is due as well.
                biased;
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            work().await;
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use tokio::time::{Instant, advance, sleep_until};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_done_at_once_then_every_period_and_never_twice_at_once_until_the_stop() {
        let tasks = Tasks::for_tests();
        let (began, done) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (starts, ended) = (Arc::clone(&began), Arc::clone(&done));
        every("test", Duration::from_secs(10), &tasks, move || {
            let at_once = starts.fetch_add(1, Ordering::AcqRel) - ended.load(Ordering::Acquire);
            assert_eq!(at_once, 0);
            let (ended, end) = (Arc::clone(&ended), Instant::now() + Duration::from_secs(15));
            async move {
                sleep_until(end).await;
                ended.fetch_add(1, Ordering::AcqRel);
            }
        });
        // Turns of 15 s each and 10 s apart at least: 0-15, 15-30, 30-45.
        for _ in 0..460 {
            advance(Duration::from_millis(100)).await;
        }
        assert_eq!((began.load(Ordering::Acquire), done.load(Ordering::Acquire)), (4, 3));
        tasks.drain(Duration::from_mins(1)).await.expect("it ends");
        assert_eq!(began.load(Ordering::Acquire), 4);
    }
}
