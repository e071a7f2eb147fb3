//! Posts one delivery and says how it ended.
//!
//! One attempt, no more: when to try again is `schedule`, what to do with the message is the
//! lane. How many attempts run at once is the lane's window too; the client bounds only what it
//! keeps.
//!
//! The surprise: an attempt may post twice. A kept connection can be closed by the partner in
//! the very moment it is used, which looks as if the partner had failed; if not even a status
//! came back, the same octets go out once more on a fresh connection. The promise is "at least
//! once" [reliability A2.2], and the webhook id is the same.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use super::{
    address::{Endpoint, Guard, Host, Origin},
    connection::Connection,
    outcome::{Answer, Outcome, Reason},
    pool::{Limits, Pool},
    signature::{Secrets, WebhookId},
};
use crate::config;

const AGENT: &str = concat!("bramka/", env!("CARGO_PKG_VERSION"));
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const REDELIVERY: HeaderName = HeaderName::from_static("bramka-redelivery");

/// Addresses of one name that are dialled, one after the other.
const DIALS_MAX: usize = 4;
/// A share of the timeout for each, or a dead first address would use it all up.
const DIAL_TIMEOUT: Duration = Duration::from_secs(4);

/// How the client behaves. The defaults are for production.
#[derive(Debug, Clone)]
pub struct Settings {
    pub guard: Guard,
    /// For the whole attempt: name, connection, TLS, headers and body.
    pub timeout: Duration,
    /// PEM file of the certificate authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Octets read of an answer; the connection is closed where there are more.
    pub answer_max: usize,
    /// Kept connections of one endpoint, and of all. A lane whose window is wider than the first
    /// dials anew after every lull.
    pub idle_max: usize,
    pub idle_total_max: usize,
    pub idle_for: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            guard: Guard::default(),
            timeout: Duration::from_secs(15),
            ca_file: None,
            answer_max: 16 * 1024,
            idle_max: 16,
            idle_total_max: 512,
            idle_for: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// As the configuration says.
    pub(super) fn of(settings: &config::Callback) -> Self {
        Self {
            guard: Guard {
                insecure_http: settings.insecure_http,
                insecure_private_addresses: settings.insecure_private_addresses,
                refused_networks: Vec::new(),
            },
            timeout: settings.timeout,
            ca_file: settings.ca_file.clone(),
            answer_max: settings.body_octets_max.as_usize(),
            idle_max: settings.per_endpoint_concurrency as usize,
            ..Self::default()
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    #[error("CA file `{path}` cannot be used: {detail}")]
    CaFile { path: PathBuf, detail: String },
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// One event on its way to one endpoint, for the n-th time.
#[derive(Debug, Clone)]
pub struct Delivery<'a> {
    /// As the partner gave it; checked anew at each attempt.
    pub url: &'a str,
    pub webhook_id: WebhookId,
    /// Of this attempt, in seconds since 1970. It is signed, so it must be fresh each time.
    pub timestamp: i64,
    /// The octets of `Event::encode`.
    pub body: Bytes,
    pub secrets: &'a Secrets,
    /// Counted from 1; only for the log.
    pub attempt: u32,
    /// How many earlier tries may have reached the partner; sent as a header if not 0.
    pub redelivered: u32,
}

/// Posts deliveries. One for the whole daemon; share it by reference.
pub struct Client {
    settings: Settings,
    tls: TlsConnector,
    pool: Pool<Origin, Connection>,
    names: Names,
}

/// Where host names are looked up.
enum Names {
    System,
    #[cfg(test)]
    Fixed(std::collections::HashMap<&'static str, Vec<IpAddr>>),
}

impl Client {
    /// Reads certificates from disk: call it once, at the start.
    pub fn new(settings: Settings) -> Result<Self, BadSettings> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots(&settings)?)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let pool = Pool::new(Limits {
            idle_max: settings.idle_max,
            total_max: settings.idle_total_max,
            idle_for: settings.idle_for,
        });
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Self { settings, tls, pool, names: Names::System })
    }

    /// One attempt. Never fails and never takes longer than the timeout. Dropping it closes its
    /// connection; the partner may then have the message or not.
    pub async fn post(&self, delivery: &Delivery<'_>) -> Outcome {
        let started = Instant::now();
        let outcome = match timeout(self.settings.timeout, self.attempt(delivery)).await {
            Ok(Ok(answer)) => Outcome::of(&answer, started.elapsed(), delivery.timestamp),
            Ok(Err(reason)) => Outcome::Retry { reason, after: None },
            Err(_) => Outcome::Retry { reason: Reason::Timeout, after: None },
        };
        tracing::debug!(
            webhook.id = %delivery.webhook_id,
            attempt = delivery.attempt,
            took_ms = started.elapsed().as_millis(),
            outcome = outcome.class(),
            "callback attempt ended"
        );
        outcome
    }

    /// Drops connections that were idle for too long. Call it every few seconds.
    pub fn sweep(&self) {
        self.pool.sweep(Instant::now());
    }

    /// Idle connections at the moment, for a metric.
    pub fn idle(&self) -> usize {
        self.pool.len()
    }

    async fn attempt(&self, delivery: &Delivery<'_>) -> Result<Answer, Reason> {
        // The guard comes before the pool: an address that is forbidden since a reload of the
        // settings must not live on in a kept connection.
        let endpoint = self.settings.guard.parse(delivery.url)?;
        let headers = headers(&endpoint, delivery);
        let request = || request(endpoint.target(), &headers, &delivery.body);

        while let Some(mut kept) = self.pool.take(endpoint.origin(), Instant::now()) {
            if !kept.is_usable() {
                continue;
            }
            match kept.exchange(request(), self.settings.answer_max).await {
                Ok(answer) => return Ok(self.finish(&endpoint, kept, answer)),
                Err(broken) if broken.is_unanswered => break,
                Err(broken) => return Err(broken.reason),
            }
        }
        let mut fresh = self.dial(endpoint.origin()).await?;
        match fresh.exchange(request(), self.settings.answer_max).await {
            Ok(answer) => Ok(self.finish(&endpoint, fresh, answer)),
            Err(broken) => Err(broken.reason),
        }
    }

    fn finish(&self, endpoint: &Endpoint, mut connection: Connection, answer: Answer) -> Answer {
        // A cut-off or still unread answer leaves the connection unusable, and so it is closed.
        if connection.is_usable() {
            self.pool.put(endpoint.origin().clone(), connection, Instant::now());
        }
        answer
    }

    async fn dial(&self, origin: &Origin) -> Result<Connection, Reason> {
        let addresses = match &origin.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolve(name, origin.port).await?,
        };
        let stream = connect(&self.settings.guard, &addresses, origin.port).await?;
        // Small requests must not wait for an acknowledgement of the last one.
        stream.set_nodelay(true).map_err(|error| Reason::of_connect(&error))?;
        if !origin.is_tls {
            return Connection::over(stream).await;
        }
        // A failed handshake ends the attempt. There is no way from here to plain HTTP.
        let name = match &origin.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => ServerName::try_from(name.clone())
                .map_err(|_| Reason::Tls("host name does not fit a certificate".into()))?,
        };
        let stream =
            self.tls.connect(name, stream).await.map_err(|error| Reason::of_tls(&error))?;
        Connection::over(stream).await
    }

    /// A look-up holds a thread of the runtime until the system's resolver gives up, also when
    /// the attempt is over before; the lane's window bounds how many.
    async fn resolve(&self, name: &str, port: u16) -> Result<Vec<IpAddr>, Reason> {
        match &self.names {
            Names::System => {
                let found = tokio::net::lookup_host((name, port)).await;
                let found = found.map_err(|_| Reason::Unresolved)?;
                Ok(found.map(|address| address.ip()).collect())
            }
            #[cfg(test)]
            Names::Fixed(names) => names.get(name).cloned().ok_or(Reason::Unresolved),
        }
    }
}

/// Dials the very addresses that the guard saw, so that a second answer of the name server
/// cannot lead elsewhere.
async fn connect(guard: &Guard, addresses: &[IpAddr], port: u16) -> Result<TcpStream, Reason> {
    let mut reason = Reason::Connect("no answer");
    for address in guard.admit_all(addresses, port)?.into_iter().take(DIALS_MAX) {
        match timeout(DIAL_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => reason = Reason::of_connect(&error),
            Err(_) => reason = Reason::Connect("no answer"),
        }
    }
    Err(reason)
}

fn request(target: &Uri, headers: &HeaderMap, body: &Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.clone();
    *request.headers_mut() = headers.clone();
    request
}

fn headers(endpoint: &Endpoint, delivery: &Delivery<'_>) -> HeaderMap {
    let value = |text: String| {
        HeaderValue::try_from(text).expect("every part was checked to be printable ASCII")
    };
    let Delivery { webhook_id, timestamp, body, secrets, redelivered, .. } = delivery;
    let mut headers = HeaderMap::new();
    headers.insert(HOST, value(endpoint.origin().authority()));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(WEBHOOK_ID, value(webhook_id.to_string()));
    headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(*timestamp));
    headers.insert(WEBHOOK_SIGNATURE, value(secrets.sign(webhook_id, *timestamp, body)));
    if *redelivered > 0 {
        headers.insert(REDELIVERY, HeaderValue::from(*redelivered));
    }
    headers
}

/// The system's certificate authorities, or the file's alone.
fn roots(settings: &Settings) -> Result<RootCertStore, BadSettings> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &settings.ca_file {
        let bad = |detail: String| BadSettings::CaFile { path: path.clone(), detail };
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(bad("it has no certificate".into()));
        }
        return Ok(roots);
    }
    let native = rustls_native_certs::load_native_certs();
    let (_, unusable) = roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        // A gateway whose partners all speak SMPP works without; callbacks will say why not.
        tracing::warn!(unusable, "no certificate authority found, callbacks over TLS will fail");
    }
    Ok(roots)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
