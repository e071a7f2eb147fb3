//! The sockets: connections are counted, bounded in time, and let go in order.
//!
//! Plain connections speak HTTP/1.1 only; with TLS the peer chooses by ALPN. Which of them a peer
//! may use at all is decided here, before one octet is read. The surprise: nothing guesses the
//! protocol from the first octets, because the guess would wait for them without a limit (S-59).

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use dashmap::DashMap;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::Instant,
};
use tower::ServiceExt;

use crate::{
    config, listen,
    tasks::{Phase, Scope, Stopping, Tasks},
    tls::{self, ServerTls},
};

/// Streams at once in one HTTP/2 connection.
const STREAMS_MAX: u32 = 64;
/// How often an HTTP/2 peer is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Least buffer that hyper works with.
const BUFFER_OCTETS_MIN: usize = 8192;
/// Pause after an accept that failed for want of descriptors: a tight loop would cure nothing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address of the other end, as requests carry it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// What kind of port this is.
#[derive(Clone)]
pub enum Door {
    /// Without TLS: this machine and trusted proxies only, unless the configuration says more.
    Plain,
    Tls(Arc<ServerTls>),
    /// The operator's own port. The configuration keeps its address on this machine.
    Admin,
}

/// Places for connections, shared by all ports of one kind. Clones are the same places.
#[derive(Clone)]
pub struct Seats {
    limits: Arc<config::Http>,
    connections: Scope,
    streams: Scope,
    addresses: Arc<DashMap<IpAddr, u32>>,
}

impl Seats {
    /// Connections are waited for in `Phase::Requests`; make one for the public ports and one for
    /// the admin port, so that a flood outside does not blind the operator.
    pub fn new(tasks: &Tasks, name: &'static str, limits: &config::Http) -> Self {
        let places = usize::try_from(limits.connections_max).unwrap_or(usize::MAX);
        Self {
            limits: Arc::new(limits.clone()),
            connections: tasks.scope(Phase::Requests, name, places),
            streams: tasks.scope(Phase::Requests, "http_streams", places.saturating_mul(4)),
            addresses: Arc::default(),
        }
    }

    /// A place for one more connection of this address. A proxy brings many peers: not counted.
    fn take(&self, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        if self.limits.trusted_proxies.iter().any(|network| network.contains(&peer)) {
            return Some(Place { seats: self.clone(), counted: None });
        }
        let mut count = self.addresses.entry(peer).or_insert(0);
        if *count >= self.limits.connections_per_address {
            return None;
        }
        *count += 1;
        Some(Place { seats: self.clone(), counted: Some(peer) })
    }
}

/// Gives its place back when it is dropped.
struct Place {
    seats: Seats,
    counted: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(peer) = self.counted else { return };
        if let Some(mut count) = self.seats.addresses.get_mut(&peer) {
            *count = count.saturating_sub(1);
        }
        self.seats.addresses.remove_if(&peer, |_, count| *count == 0);
    }
}

/// Accepts until the word to stop; connections that are open then finish their request.
///
/// Give it the stop of `Phase::Doors`, and run it as a task of that phase.
pub async fn serve(
    listener: TcpListener,
    door: Door,
    router: Router,
    seats: Seats,
    stopping: Stopping,
) -> anyhow::Result<()> {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("accepting an HTTP connection failed: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let peer = peer.ip();
        if matches!(door, Door::Plain) && !seats.limits.allows_plain(peer) {
            tracing::info!(%peer, "refused a connection without TLS from another machine");
            continue;
        }
        let Some(place) = seats.take(peer) else {
            tracing::info!(%peer, "refused a connection: its address has too many");
            continue;
        };
        let visit = Visit {
            peer,
            router: router.clone(),
            seats: seats.clone(),
            stopping: stopping.clone(),
            activity: Arc::default(),
        };
        let door = door.clone();
        let work = async move {
            visit.begin(stream, door).await;
            drop(place);
        };
        if let Err(full) = seats.connections.spawn(work) {
            tracing::warn!(%peer, "refused an HTTP connection: {full}");
        }
    }
}

/// One connection.
struct Visit {
    peer: IpAddr,
    router: Router,
    seats: Seats,
    stopping: Stopping,
    activity: Arc<Activity>,
}

impl Visit {
    async fn begin(self, stream: TcpStream, door: Door) {
        if let Err(error) = listen::tune(&stream) {
            tracing::debug!("an HTTP connection could not be tuned: {error}");
        }
        let Door::Tls(tls) = door else {
            return self.http1(stream).await;
        };
        let limit = self.seats.limits.tls_handshake;
        match tokio::time::timeout(limit, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                if is_two { self.http2(stream).await } else { self.http1(stream).await }
            }
            Ok(Err(error)) => {
                let (peer, problem) = (self.peer, tls::handshake_problem(&error));
                tracing::info!(%peer, "TLS handshake on the HTTP port failed: {problem}");
            }
            Err(_) => tracing::info!(peer = %self.peer, "TLS handshake took too long"),
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let limits = &self.seats.limits;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.header_octets_max.as_usize().max(BUFFER_OCTETS_MIN))
            .serve_connection(TokioIo::new(stream), service_fn(self.service()));
        self.watch(connection).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let limits = &self.seats.limits;
        let header = u32::try_from(limits.header_octets_max.as_usize()).unwrap_or(u32::MAX);
        let connection = http2::Builder::new(Streams(self.seats.streams.clone()))
            .timer(TokioTimer::new())
            .max_header_list_size(header)
            .max_concurrent_streams(STREAMS_MAX)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(limits.header_timeout)
            .serve_connection(TokioIo::new(stream), service_fn(self.service()));
        self.watch(connection).await;
    }

    fn service(&self) -> impl Fn(Request<Incoming>) -> Answering + Send + 'static + use<> {
        let (peer, router, activity) = (self.peer, self.router.clone(), Arc::clone(&self.activity));
        move |request| {
            let (router, running) = (router.clone(), activity.begin());
            Box::pin(async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(Peer(peer));
                let response = router.oneshot(request).await;
                drop(running);
                response
            })
        }
    }

    /// Drives a connection. One that asks nothing for the time of a request and a header is told
    /// to go; one that does not go, perhaps because it never reads, is dropped.
    async fn watch<C>(&self, connection: C)
    where
        C: GracefulConnection,
        C::Error: std::fmt::Display,
    {
        let limits = &self.seats.limits;
        let quiet = limits.request_timeout + limits.header_timeout;
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.stopping.cancelled() => None,
            () = self.activity.quiet_for(quiet) => None,
        };
        let ended = if ended.is_some() {
            ended
        } else {
            connection.as_mut().graceful_shutdown();
            // Requests have their own limit; what is left is a peer that does not read.
            tokio::time::timeout(quiet, connection).await.ok()
        };
        if let Some(Err(error)) = ended {
            tracing::debug!(peer = %self.peer, "an HTTP connection ended: {error}");
        }
    }
}

type Answering =
    std::pin::Pin<Box<dyn Future<Output = Result<axum::response::Response, Infallible>> + Send>>;

/// Streams of HTTP/2 run as tasks of the daemon. Without a place the stream is reset.
#[derive(Clone)]
struct Streams(Scope);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, work: F) {
        if let Err(full) = self.0.spawn(work) {
            tracing::warn!("an HTTP/2 stream was dropped: {full}");
        }
    }
}

/// Since when a connection asks nothing.
struct Activity {
    // A std mutex: nothing awaits while it is held.
    state: Mutex<(u32, Instant)>,
    changed: Notify,
}

impl Default for Activity {
    fn default() -> Self {
        Self { state: Mutex::new((0, Instant::now())), changed: Notify::new() }
    }
}

/// A request that runs.
struct Running(Arc<Activity>);

impl Activity {
    fn begin(self: &Arc<Self>) -> Running {
        self.change(1);
        Running(Arc::clone(self))
    }

    fn change(&self, by: i32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = (state.0.saturating_add_signed(by), Instant::now());
        drop(state);
        self.changed.notify_one();
    }

    /// Ends when no request has run for so long.
    async fn quiet_for(&self, quiet: Duration) {
        loop {
            let (running, since) = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if running > 0 {
                self.changed.notified().await;
                continue;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(since + quiet) => return,
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.change(-1);
    }
}
