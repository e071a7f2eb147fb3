//! Eyes on what changes while a node runs: the catalog, the disk, the clock, what is too old.

use std::time::Duration;

use crate::{
    clock::{Clock, ClockWatch},
    config::Config,
    domain::secret::Pepper,
    gateway::{Gateway, disk::DiskLimits, forget::Keeping, trail::TrailExport},
    metrics,
    tasks::Tasks,
};

/// How often somebody looks whether partners, services or numbers changed in the store.
const CATALOG_EVERY: Duration = Duration::from_millis(500);

/// Eyes on the catalog, the disk and the clock.
pub(super) fn watch(config: &Config, gateway: &Gateway, clock: &Clock, tasks: &Tasks) {
    let (watched, stopping) = (gateway.clone(), tasks.stopping());
    tasks.spawn("catalog watch", async move {
        let mut ticks = tokio::time::interval(CATALOG_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut seen = watched.store().last_audit().await.unwrap_or(0);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            // Every change by a person leaves an audit row, whichever process made it.
            let Ok(last) = watched.store().last_audit().await else { continue };
            if last == seen {
                continue;
            }
            match watched.reload_catalog().await {
                Ok(()) => seen = last,
                Err(error) => tracing::warn!(%error, "the catalog could not be read"),
            }
        }
    });
    // P35: the volume of the database decides what is taken.
    let folder = config.data_folder();
    let limits = DiskLimits {
        soft: config.store.disk_soft.octets(),
        hard: config.store.disk_hard.octets(),
        reserve: config.store.reserve.octets(),
    };
    let (watched, stopping) = (gateway.clone(), tasks.stopping());
    tasks.spawn("disk watch", async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(2));
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            watched.look_at_disk(&folder, &limits);
        }
    });
    // S-45: texts and old messages go in the quiet hours.
    let keeping = Keeping {
        hours: config.retention.hours.clone(),
        text: config.retention.text,
        messages: config.retention.messages,
    };
    let (broom, stopping) = (gateway.clone(), tasks.stopping());
    tasks.spawn("retention", async move {
        let mut ticks = tokio::time::interval(Duration::from_mins(15));
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            broom.forget(&keeping).await;
        }
    });
    // P37: nothing expires by a clock that jumped.
    let guard = ClockWatch::new(clock.clone(), config.clock.clone());
    let (watched, stopping) = (gateway.clone(), tasks.stopping());
    tasks.spawn("clock watch", async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            let may_expire = guard.may_expire(|_| metrics::clock_jump());
            watched.doubt_clock(!may_expire);
        }
    });
}

/// Now and then the head of the audit chain leaves the database, where that is wanted (S-40).
pub(super) fn export_trail(config: &Config, gateway: &Gateway, tasks: &Tasks) {
    let audit = &config.audit;
    let Some(folder) = &audit.export_folder else { return };
    let key = audit.signing_key_file.secret.reveal();
    let export = TrailExport {
        folder: config.data_folder().join(folder),
        node: config.node.name.as_str().into(),
        key: (!key.is_empty()).then(|| Pepper::new(key.as_bytes())),
    };
    let every = audit.export_every;
    let (gateway, stopping) = (gateway.clone(), tasks.stopping());
    tasks.spawn("audit export", async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            gateway.export_trail(&export).await;
        }
    });
}
