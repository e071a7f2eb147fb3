//! Partners bind to us here: the message centre's side of SMPP.
//!
//! Read `session` for what a connection does; its bind (`admission`), `answers`, `delivery` and
//! `ending` stand beside it. `request` is what a partner may ask, `read` and `write` are how PDUs
//! and messages become each other. It never touches the store; verbs do.
//!
//! What surprises: there is no queue between a socket and the store. A session that has enough in
//! work stops reading, and the partner's own TCP window slows it down (P26).

mod admission;
mod answers;
pub(crate) mod bind;
mod delivery;
pub(crate) mod doors;
mod ending;
pub(crate) mod outbind;
pub(crate) mod read;
pub(crate) mod request;
pub(crate) mod session;
pub mod status;
pub(crate) mod trace;
pub(crate) mod write;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::{
    config, domain,
    gateway::Gateway,
    listen, metrics,
    tasks::{Phase, Scope, Stopping, Tasks},
    tls::{self, ServerTls},
};
use bind::Transport;
use doors::Doors;
use session::{Places, Talk};

/// What all sessions share.
pub(crate) struct Host {
    pub(crate) gateway: Gateway,
    pub(crate) settings: config::SmppServer,
    pub(crate) pepper: domain::secret::Pepper,
    pub(crate) doors: Arc<Doors>,
    pub(crate) stopping: Stopping,
    /// How often a session looks at its timers.
    pub(crate) tick: Duration,
}

/// Often enough that no timer of the configuration is late by more than half of itself.
fn tick_of(settings: &config::SmppServer) -> Duration {
    let shortest = [
        Some(settings.session_init),
        Some(settings.enquire_link),
        Some(settings.response),
        Some(settings.pdu_complete_within),
        Some(settings.write_stall),
        Some(settings.bind_probe),
        settings.inactivity,
    ]
    .into_iter()
    .flatten()
    .min()
    .unwrap_or_default();
    (shortest / 2).clamp(Duration::from_millis(10), Duration::from_secs(1))
}

/// The partner side of a node.
pub struct Server {
    host: Arc<Host>,
    scope: Scope,
    tls: Option<Arc<ServerTls>>,
    handshakes: Arc<Semaphore>,
}

impl Server {
    pub fn new(
        gateway: Gateway,
        settings: config::SmppServer,
        pepper: domain::secret::Pepper,
        tls: Option<Arc<ServerTls>>,
        tasks: &Tasks,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let handshakes = match settings.tls_handshakes_max {
            0 => cores * 2,
            most => most as usize,
        };
        let scope =
            tasks.scope(Phase::Sessions, "smpp sessions", settings.connections_max as usize);
        let host = Host {
            doors: Arc::new(Doors::new(&settings)),
            stopping: tasks.stopping_in(Phase::Sessions),
            tick: tick_of(&settings),
            gateway,
            settings,
            pepper,
        };
        Self { host: Arc::new(host), scope, tls, handshakes: Arc::new(Semaphore::new(handshakes)) }
    }

    /// Listens until the doors close.
    pub fn listen(
        self: &Arc<Self>,
        tasks: &Tasks,
        listeners: Vec<std::net::TcpListener>,
        is_tls: bool,
    ) -> anyhow::Result<()> {
        for listener in listeners {
            let listener = TcpListener::from_std(listener)?;
            let server = Arc::clone(self);
            let name = if is_tls { "smpp-tls listener" } else { "smpp listener" };
            let stopping = tasks.stopping();
            tasks.spawn(name, async move { server.accept(listener, is_tls, stopping).await });
        }
        Ok(())
    }

    /// Calls partners that are away while something waits for them, where that is wanted.
    pub fn call(self: &Arc<Self>, tasks: &Tasks) {
        if self.host.settings.outbind {
            let calling =
                outbind::run(Arc::clone(&self.host), self.scope.clone(), tasks.stopping());
            tasks.spawn("smpp outbind", calling);
        }
    }

    async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        is_tls: bool,
        stopping: Stopping,
    ) -> anyhow::Result<()> {
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.take(stream, peer, is_tls),
                Err(error) => {
                    // Out of file descriptors, mostly: it passes when a session ends.
                    tracing::error!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr, is_tls: bool) {
        let refuse = |why: &'static str| {
            metrics::bind("server", why);
            tracing::debug!(session.peer = %peer, why, "a connection was refused");
        };
        if !is_tls && !self.host.settings.allows_plain(peer.ip()) {
            return refuse("plain_from");
        }
        let (address, unbound) = match self.host.doors.enter(peer.ip().to_canonical()) {
            Ok(places) => places,
            Err(why) => return refuse(why),
        };
        if let Err(error) = listen::tune(&stream) {
            tracing::debug!(session.peer = %peer, %error, "a socket could not be tuned");
        }
        let host = Arc::clone(&self.host);
        let places = Places { unbound, address };
        let started = if is_tls {
            let Some(server) = &self.tls else { return refuse("no_certificate") };
            let acceptor = server.acceptor();
            let handshakes = Arc::clone(&self.handshakes);
            let within = host.settings.tls_handshake;
            self.scope.spawn(async move {
                let handshake = async {
                    // A flood of handshakes must not starve the sessions that work (P30).
                    let place = handshakes.acquire().await;
                    let stream = acceptor.accept(stream).await;
                    drop(place);
                    stream
                };
                match tokio::time::timeout(within, handshake).await {
                    Ok(Ok(stream)) => {
                        let transport =
                            Transport::Tls(tls::peer_names(&stream), tls::version(&stream));
                        Talk::new(host, stream, peer, transport, places).run().await;
                    }
                    Ok(Err(error)) => {
                        metrics::bind("server", "tls");
                        let problem = tls::handshake_problem(&error);
                        tracing::info!(session.peer = %peer, problem, "a TLS handshake failed");
                    }
                    Err(_) => metrics::bind("server", "tls_timeout"),
                }
            })
        } else {
            self.scope.spawn(async move {
                Talk::new(host, stream, peer, Transport::Plain, places).run().await;
            })
        };
        if started.is_err() {
            refuse("connections_max");
        }
    }
}
