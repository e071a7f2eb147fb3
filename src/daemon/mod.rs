//! Builds every part in order, opens the doors, waits, drains.
//!
//! The order is the promise: the store first, then what the last run left is accounted for, then
//! the links, then the partners. What surprises: there is no recovery step for messages. Lanes
//! fill themselves from the store, as they do on any other day.

mod certificates;
mod doors;
mod post;
mod promises;
mod settings;
mod watch;

use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use smol_str::SmolStr;

pub use certificates::Certificates;
pub(crate) use settings::order_plan;
pub use settings::settings;

use crate::{
    clock::Clock,
    config::Config,
    domain::secret::Pepper,
    gateway::Gateway,
    listen::Listeners,
    log::LogHandle,
    mail, metrics,
    smsc_link::Links,
    store::{GroupLimits, Place, Store},
    tasks::{Phase, Tasks},
};

/// Runs a node until it is told to stop.
pub async fn run(
    config: Config,
    mut listeners: Listeners,
    log: Option<LogHandle>,
) -> anyhow::Result<()> {
    let tasks = Tasks::new(&config.shutdown)?;
    let node = start(&config, &mut listeners, log, &tasks).await?;
    for name in listeners.left() {
        tracing::warn!(name, "systemd passed a socket that nothing here is called");
    }
    let outcome = tasks.until_signal_or_death().await;
    node.gateway.drain();
    let drained = tasks.drain(config.shutdown.grace).await;
    node.gateway.store().close().await;
    outcome.and(drained)
}

/// A node that runs; dropping it stops nothing.
pub struct Node {
    pub gateway: Gateway,
    /// Where partners bind, in the order of the configuration.
    pub smpp: Vec<std::net::SocketAddr>,
    pub smpp_tls: Vec<std::net::SocketAddr>,
    pub http: Vec<std::net::SocketAddr>,
    pub admin: Vec<std::net::SocketAddr>,
    pub certificates: Certificates,
    /// Letters that go nowhere, where the configuration says so.
    pub sink: Option<mail::Sink>,
}

/// Starts every part. When this returns, partners can bind.
pub async fn start(
    config: &Config,
    listeners: &mut Listeners,
    log: Option<LogHandle>,
    tasks: &Tasks,
) -> anyhow::Result<Node> {
    start_with(config, listeners, log, tasks, Clock::System).await
}

/// The same under any clock.
pub async fn start_with(
    config: &Config,
    listeners: &mut Listeners,
    log: Option<LogHandle>,
    tasks: &Tasks,
    clock: Clock,
) -> anyhow::Result<Node> {
    let began = tokio::time::Instant::now();
    let render = recorder()?;
    let insecure = config.insecure();
    metrics::insecure_settings(insecure.len());
    for what in insecure {
        tracing::warn!(what, "insecure by configuration");
    }
    let gateway = open_gateway(config, clock.clone(), tasks).await?;
    let pepper = Pepper::new(config.smpp_server.pepper_file.secret.reveal().as_bytes());
    watch::watch(config, &gateway, tasks);
    watch::export_trail(config, &gateway, tasks);
    Links::start(&gateway, &config.links(), tasks).await?;
    let node =
        doors::open_doors(config, listeners, &gateway, &pepper, (render, log.clone()), tasks)
            .await?;
    reload_on_hangup(config, &node, log, tasks);
    let ready_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(ready_ms, node = config.node.name, "ready");
    Ok(node)
}

/// The store, its writer, and what the last run left.
async fn open_gateway(config: &Config, clock: Clock, tasks: &Tasks) -> anyhow::Result<Gateway> {
    let place =
        Place { url: config.store_url().reveal().to_owned(), readers: config.store.readers };
    let limits = GroupLimits {
        records: config.store.commit_records as usize,
        wait: config.store.commit_wait,
        inbox: config.store.inbox_records as usize,
        timeout: config.store.commit_timeout,
    };
    let (store, writer) = Store::open(place, limits).await.context("opening the store")?;
    // Its error means that nothing may be acknowledged any more: the daemon ends with it (P4).
    let stopping = tasks.stopping_in(Phase::Writer);
    tasks.spawn_apart(Phase::Writer, "store writer", async move {
        writer.run_until(async { stopping.cancelled().await }).await.context("writing to the store")
    })?;
    let groups: Vec<SmolStr> = config.smsc_link.iter().map(|link| link.group().into()).collect();
    let (gateway, pages) = Gateway::new(store, clock, settings(config), &groups)
        .await
        .context("reading what the last run left")?;
    let open = gateway.settle_open_claims().await.context("settling open claims")?;
    if open > 0 {
        tracing::warn!(open, "the last run ended while messages were on their way");
    }
    gateway.load_parts().await.context("reading parts of long messages")?;
    let keeper = gateway.clone();
    let heart = tasks.watchdog();
    // Repeats are recognised before the first partner can repeat anything (P11).
    gateway.begin().await.context("reading lanes")?;
    let sandbox = gateway.clone();
    let stopping = tasks.stopping_in(Phase::Requests);
    tasks.spawn_in(Phase::Requests, "sandbox", async move {
        sandbox.play_operator(async { stopping.cancelled().await }).await
    });
    let replays = gateway.clone();
    let stopping = tasks.stopping_in(Phase::Requests);
    tasks.spawn_in(Phase::Requests, "replays", async move {
        replays.run_replays(async { stopping.cancelled().await }).await
    });
    // Among the last to stop: what ends while the node drains is counted too.
    let counting = gateway.clone();
    let stopping = tasks.stopping_in(Phase::Requests);
    tasks.spawn_in(Phase::Requests, "traffic", async move {
        counting.keep_traffic(async { stopping.cancelled().await }).await
    });
    let stopping = tasks.stopping_in(Phase::Requests);
    tasks.spawn_in(Phase::Requests, "keeper", async move {
        keeper.keep(pages, async { stopping.cancelled().await }, move || heart.beat()).await
    });
    Ok(gateway)
}

/// SIGHUP: limits, log level, certificates. Everything else says that it needs a restart.
fn reload_on_hangup(config: &Config, node: &Node, log: Option<LogHandle>, tasks: &Tasks) {
    let gateway = node.gateway.clone();
    let certificates = node.certificates.clone();
    let mut current = config.clone();
    tasks.on_reload(move || {
        let Some(file) = current.files.first().cloned() else {
            anyhow::bail!("there is no configuration file to read again");
        };
        let fresh = Config::load(&file)?;
        let diff = Config::reload_diff(&current, &fresh);
        // First: a certificate that cannot be used refuses the whole file.
        certificates.reload(&fresh)?;
        gateway.tune(settings(&fresh));
        for link in &fresh.smsc_link {
            if let Some(card) = gateway.registry().link(&link.name) {
                card.retune(link.window, link.rate);
                metrics::link_limits(&link.name, link.window, link.rate);
            }
        }
        if let Some(log) = &log {
            log.set_level(&fresh.log.level)?;
        }
        current = fresh;
        Ok(diff.to_string())
    });
}

/// The recorder of this process; a second start in one process (tests) gets the first one's.
fn recorder() -> anyhow::Result<PrometheusHandle> {
    static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*recorder {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for (name, buckets) in metrics::buckets() {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    let handle = builder.install_recorder()?;
    metrics::describe();
    Ok(recorder.insert(handle).clone())
}
