//! Builds every part in order, opens the doors, waits, drains.
//!
//! The order is the promise: the store first, then what the last run left is accounted for, then
//! the links, then the partners. What surprises: there is no recovery step for messages. Lanes
//! fill themselves from the store, as they do on any other day.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use smol_str::SmolStr;
use tokio::net::TcpListener;

use crate::{
    clock::{Clock, ClockWatch},
    config::{self, Config},
    control,
    domain::secret::Pepper,
    gateway::{self, Gateway, disk::DiskLimits, forget::Keeping, trail::TrailExport},
    http,
    listen::Listeners,
    log::LogHandle,
    metrics,
    smpp_server::Server,
    smsc_link::Links,
    store::{GroupLimits, Place, Store},
    tasks::{Phase, Tasks},
    tls::{Inside, ServerFiles, ServerTls},
};

/// How often somebody looks whether partners, services or numbers changed in the store.
const CATALOG_EVERY: Duration = Duration::from_millis(500);

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
}

/// What the doors with TLS show; read again on SIGHUP.
#[derive(Clone, Default)]
pub struct Certificates {
    pub http: Option<Arc<ServerTls>>,
    pub smpp: Option<Arc<ServerTls>>,
}

impl Certificates {
    /// Reads the files that the configuration names now; what cannot be used changes nothing.
    pub fn reload(&self, config: &Config) -> anyhow::Result<()> {
        if let Some(tls) = &self.http {
            tls.reload(Some(http_files(config)?)).context("http")?;
        }
        if let Some(tls) = &self.smpp {
            tls.reload(Some(smpp_files(config)?)).context("smpp_server")?;
        }
        Ok(())
    }
}

/// Starts every part. When this returns, partners can bind.
pub async fn start(
    config: &Config,
    listeners: &mut Listeners,
    log: Option<LogHandle>,
    tasks: &Tasks,
) -> anyhow::Result<Node> {
    let began = tokio::time::Instant::now();
    let render = recorder()?;
    let insecure = config.insecure();
    metrics::insecure_settings(insecure.len());
    for what in insecure {
        tracing::warn!(what, "insecure by configuration");
    }
    let clock = Clock::System;
    let gateway = open_gateway(config, clock.clone(), tasks).await?;
    let pepper = Pepper::new(config.smpp_server.pepper_file.secret.reveal().as_bytes());
    watch(config, &gateway, &clock, tasks);
    export_trail(config, &gateway, tasks);
    Links::start(&gateway, &config.smsc_link, tasks).await?;
    let node = open_doors(config, listeners, &gateway, &pepper, render, log.clone(), tasks).await?;
    reload_on_hangup(config, &node, log, tasks);
    let ready_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(ready_ms, node = config.node.name, "ready");
    Ok(node)
}

/// The store, its writer, and what the last run left.
async fn open_gateway(config: &Config, clock: Clock, tasks: &Tasks) -> anyhow::Result<Gateway> {
    let place = Place {
        url: config.store_url().reveal().to_owned(),
        readers: config.store.readers,
    };
    let limits = GroupLimits {
        records: config.store.commit_records as usize,
        wait: config.store.commit_wait,
        inbox: config.store.inbox_records as usize,
        timeout: config.store.commit_timeout,
    };
    let (store, writer) = Store::open(place, limits).await.context("opening the store")?;
    // Its error means that nothing may be acknowledged any more: the daemon ends with it (P4).
    let stopping = tasks.stopping_in(Phase::Writer);
    tasks.spawn_in(Phase::Writer, "store writer", async move {
        writer.run_until(async { stopping.cancelled().await }).await.context("writing to the store")
    });
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
    gateway.match_left_orphans().await.context("matching receipts of the last run")?;
    let stopping = tasks.stopping_in(Phase::Requests);
    tasks.spawn_in(Phase::Requests, "keeper", async move {
        keeper.keep(pages, async { stopping.cancelled().await }, move || heart.beat()).await
    });
    Ok(gateway)
}

/// The numbers of the configuration as the verbs take them.
pub fn settings(config: &Config) -> gateway::Settings {
    let messages = &config.messages;
    let limits = &config.limits;
    gateway::Settings {
        node: config.node.id,
        validity_uncharged: messages.validity_uncharged,
        validity_charged: messages.validity_charged,
        validity_mo: messages.validity_mo,
        validity_receipt: messages.validity_receipt,
        validity_max: messages.validity_max,
        schedule_max: messages.schedule_max,
        retry: messages.retry.clone(),
        unknown_ttl: messages.unknown_ttl,
        orphan_ttl: messages.orphan_ttl,
        orphans_max: limits.orphan_receipts as usize,
        idempotency_ttl: messages.idempotency_ttl,
        duplicate_window: messages.duplicate_window,
        quarantine_after: messages.quarantine_after,
        country_prefix: messages.default_country_prefix.as_str().into(),
        lane_head: limits.lane_head as usize,
        recent_max: limits.recent_messages as usize,
        parts_max: u8::try_from(limits.mt_parts_max).unwrap_or(u8::MAX),
        mo_parts_max: u8::try_from(limits.mo_parts_max).unwrap_or(u8::MAX),
        mo_parts_waiting_max: limits.reassemblies_max as usize,
        anonymous_requests_minute: limits.anonymous_requests_minute,
        key_requests_minute: limits.key_requests_minute,
        reassembly_wait: config
            .smsc_link
            .iter()
            .map(|link| link.reassembly_wait)
            .max()
            .unwrap_or(Duration::from_secs(300)),
        drops_incomplete: config
            .smsc_link
            .iter()
            .any(|link| link.on_missing_part == config::OnMissingPart::Drop),
    }
}

/// Eyes on the catalog, the disk and the clock.
fn watch(config: &Config, gateway: &Gateway, clock: &Clock, tasks: &Tasks) {
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
    let keeping = Keeping {
        hours: config.retention.hours.clone(),
        text: config.retention.text,
        messages: config.retention.messages,
    };
    let (broom, stopping) = (gateway.clone(), tasks.stopping());
    tasks.spawn("retention", async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(900));
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            broom.forget(&keeping).await;
        }
    });
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
fn export_trail(config: &Config, gateway: &Gateway, tasks: &Tasks) {
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

/// Opens every port, partners' last.
async fn open_doors(
    config: &Config,
    listeners: &mut Listeners,
    gateway: &Gateway,
    pepper: &Pepper,
    render: PrometheusHandle,
    log: Option<LogHandle>,
    tasks: &Tasks,
) -> anyhow::Result<Node> {
    let extras = control::Extras {
        node: config.node.name.as_str().into(),
        log,
        began_at: gateway.now(),
    };
    let door = control::listen(&control::socket(&config.data_folder())).await?;
    let scope = tasks.scope(Phase::Requests, "control", 32);
    let serving = control::serve(door, gateway.clone(), extras, scope, tasks.stopping_in(Phase::Requests));
    tasks.spawn_in(Phase::Requests, "control socket", serving);

    let work = tasks.scope(Phase::Requests, "http work", config.http.connections_max as usize);
    let process = metrics_process::Collector::default();
    process.describe();
    let render: http::Render = Arc::new(move || {
        process.collect();
        render.render()
    });
    let app = http::App::new(
        gateway.clone(),
        config.http.clone(),
        config.smpp_server.pepper_file.secret.clone(),
        render,
        work,
    );
    let mut node = Node {
        gateway: gateway.clone(),
        smpp: Vec::new(),
        smpp_tls: Vec::new(),
        http: Vec::new(),
        admin: Vec::new(),
        certificates: Certificates::default(),
    };
    let admin = listeners.take("admin", &config.http.admin_listen)?;
    node.admin = addresses(&admin)?;
    let seats = http::Seats::new(tasks, "admin connections", &config.http);
    serve_http(admin, &http::Door::Admin, &http::admin(app.clone()), &seats, tasks)?;

    let plain = listeners.take("http", &config.http.listen)?;
    node.http = addresses(&plain)?;
    let seats = http::Seats::new(tasks, "http connections", &config.http);
    let router = http::public(app.clone());
    serve_http(plain, &http::Door::Plain, &router, &seats, tasks)?;
    let tls_ports = listeners.take("http-tls", &config.http.listen_tls)?;
    if !tls_ports.is_empty() {
        let tls = http_tls(config)?;
        keep_fresh(&tls, "http certificate", tasks);
        node.certificates.http = Some(Arc::clone(&tls));
        serve_http(tls_ports, &http::Door::Tls(tls), &router, &seats, tasks)?;
    }

    crate::callback::Callbacks::start(gateway, &config.callback, tasks)?;
    let plain = listeners.take("smpp", &config.smpp_server.listen)?;
    let with_tls = listeners.take("smpp-tls", &config.smpp_server.listen_tls)?;
    node.smpp = addresses(&plain)?;
    node.smpp_tls = addresses(&with_tls)?;
    let tls = if with_tls.is_empty() { None } else { Some(smpp_tls(config)?) };
    if let Some(tls) = &tls {
        keep_fresh(tls, "smpp certificate", tasks);
    }
    node.certificates.smpp.clone_from(&tls);
    let settings = config.smpp_server.clone();
    let server = Arc::new(Server::new(gateway.clone(), settings, pepper.clone(), tls, tasks));
    server.listen(tasks, plain, false)?;
    server.listen(tasks, with_tls, true)?;
    server.call(tasks);
    app.started();
    Ok(node)
}

fn serve_http(
    listeners: Vec<std::net::TcpListener>,
    door: &http::Door,
    router: &axum::Router,
    seats: &http::Seats,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    for listener in listeners {
        let listener = TcpListener::from_std(listener)?;
        let serving =
            http::serve(listener, door.clone(), router.clone(), seats.clone(), tasks.stopping());
        tasks.spawn("http listener", serving);
    }
    Ok(())
}

fn addresses(listeners: &[std::net::TcpListener]) -> anyhow::Result<Vec<std::net::SocketAddr>> {
    listeners.iter().map(|listener| Ok(listener.local_addr()?)).collect()
}

fn smpp_tls(config: &Config) -> anyhow::Result<Arc<ServerTls>> {
    Ok(Arc::new(ServerTls::load(smpp_files(config)?, Inside::Smpp)?))
}

fn smpp_files(config: &Config) -> anyhow::Result<ServerFiles> {
    let server = &config.smpp_server;
    let files = server_files(config, server.certificate_file.as_deref(), server.key_file.as_deref())
        .context("smpp_server.listen_tls")?;
    let client_ca = server.client_ca_file.as_deref().map(|path| config.file(path));
    Ok(ServerFiles { client_ca, ..files })
}

fn http_tls(config: &Config) -> anyhow::Result<Arc<ServerTls>> {
    Ok(Arc::new(ServerTls::load(http_files(config)?, Inside::Http)?))
}

fn http_files(config: &Config) -> anyhow::Result<ServerFiles> {
    let http = &config.http;
    server_files(config, http.certificate_file.as_deref(), http.key_file.as_deref())
        .context("http.listen_tls")
}

fn server_files(
    config: &Config,
    certificate: Option<&std::path::Path>,
    key: Option<&std::path::Path>,
) -> anyhow::Result<ServerFiles> {
    let named = |path: Option<&std::path::Path>, key: &'static str| {
        path.map(|path| config.file(path)).with_context(|| format!("needs `{key}`"))
    };
    Ok(ServerFiles {
        certificate: named(certificate, "certificate_file")?,
        key: named(key, "key_file")?,
        client_ca: None,
    })
}

/// Reads a certificate again when its file changes.
fn keep_fresh(tls: &Arc<ServerTls>, name: &'static str, tasks: &Tasks) {
    let (tls, stopping) = (Arc::clone(tls), tasks.stopping());
    tasks.spawn(name, async move {
        tls.poll(Duration::from_secs(60), stopping).await
    });
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
    static RECORDER: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for (name, buckets) in metrics::buckets() {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    let handle = builder.install_recorder().or_else(|error| {
        // Another test was quicker.
        RECORDER.get().cloned().ok_or(error)
    })?;
    metrics::describe();
    Ok(RECORDER.get_or_init(|| handle).clone())
}
