//! A partner's web server for the tests: takes what comes, notes it, and answers by a script.
//!
//! It writes raw octets on purpose, because a proper server cannot be as rude as a real one.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// What the partner does after it has read a request.
pub(super) enum Reply {
    /// Writes these octets and waits for the next request.
    Keep(Vec<u8>),
    /// Writes these octets and closes.
    Close(Vec<u8>),
    /// Writes these octets and never another one.
    Hang(Vec<u8>),
    /// Writes these octets once it is let go, and waits for the next request.
    Held(Arc<Notify>, Vec<u8>),
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) server_name: Option<String>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(header, _)| header == name)?;
        Some(value)
    }
}

/// The answer to the n-th request, counted from 0 over all connections.
type Script = Arc<dyn Fn(usize) -> Reply + Send + Sync>;

pub(super) struct FakePartner {
    address: SocketAddr,
    scheme: &'static str,
    notes: Arc<Notes>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Notes {
    connections: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    count: watch::Sender<usize>,
}

impl FakePartner {
    pub(super) async fn plain(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, script).await
    }

    pub(super) async fn tls(
        certificate: &Certificate,
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(certificate.acceptor.clone()), script).await
    }

    async fn start(
        acceptor: Option<TlsAcceptor>,
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let notes = Arc::new(Notes::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, acceptor, Arc::clone(&notes), Arc::new(script)));
        Self { address, scheme, notes, _tasks: tasks }
    }

    /// The URL of this partner under a host name or address.
    pub(super) fn url(&self, host: &str) -> String {
        format!("{}://{host}:{}/mo?token=t", self.scheme, self.address.port())
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn connections(&self) -> usize {
        self.notes.connections.load(Ordering::SeqCst)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.notes.seen.lock().unwrap().clone()
    }

    /// All requests, as soon as there are so many.
    pub(super) async fn seen_at_least(&self, count: usize) -> Vec<Seen> {
        let mut counts = self.notes.count.subscribe();
        counts.wait_for(|there| *there >= count).await.unwrap();
        self.seen()
    }
}

async fn listen(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    notes: Arc<Notes>,
    script: Script,
) {
    let mut conversations = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        notes.connections.fetch_add(1, Ordering::SeqCst);
        let (notes, script, acceptor) = (Arc::clone(&notes), Arc::clone(&script), acceptor.clone());
        conversations.spawn(async move {
            let Some(acceptor) = acceptor else {
                converse(stream, None, &notes, &script).await;
                return;
            };
            // A handshake that the client refuses ends here, and nothing is noted as seen.
            if let Ok(stream) = acceptor.accept(stream).await {
                let name = stream.get_ref().1.server_name().map(str::to_owned);
                converse(stream, name, &notes, &script).await;
            }
        });
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    server_name: Option<String>,
    notes: &Notes,
    script: &Script,
) {
    let mut pending = Vec::new();
    while let Some(mut seen) = read_request(&mut stream, &mut pending).await {
        seen.server_name.clone_from(&server_name);
        let number = {
            let mut all = notes.seen.lock().unwrap();
            all.push(seen);
            all.len() - 1
        };
        notes.count.send_replace(number + 1);
        let (octets, after) = match script(number) {
            Reply::Keep(octets) => (octets, None),
            Reply::Close(octets) => (octets, Some(true)),
            Reply::Hang(octets) => (octets, Some(false)),
            Reply::Held(let_go, octets) => {
                let_go.notified().await;
                (octets, None)
            }
        };
        // The client may have closed already; that is part of what is tested.
        if stream.write_all(&octets).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match after {
            None => {}
            Some(true) => return,
            Some(false) => std::future::pending().await,
        }
    }
}

async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    pending: &mut Vec<u8>,
) -> Option<Seen> {
    loop {
        if let Some(seen) = parse(pending) {
            return Some(seen);
        }
        if stream.read_buf(pending).await.ok()? == 0 {
            return None;
        }
    }
}

fn parse(pending: &mut Vec<u8>) -> Option<Seen> {
    let end = pending.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(pending[..end].to_vec()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut seen = Seen { line, headers, body: Vec::new(), server_name: None };
    let length: usize = seen.header("content-length").unwrap().parse().unwrap();
    if pending.len() < end + length {
        return None;
    }
    seen.body = pending[end..end + length].to_vec();
    pending.drain(..end + length);
    Some(seen)
}

/// A self-signed certificate, and the file in which a client finds it.
pub(super) struct Certificate {
    acceptor: TlsAcceptor,
    pub(super) file: PathBuf,
}

impl Certificate {
    pub(super) fn of(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let file = format!("bramka-callback-{}-{count}.pem", std::process::id());
        let file = std::env::temp_dir().join(file);
        std::fs::write(&file, made.cert.pem()).unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), file }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        std::fs::remove_file(&self.file).unwrap();
    }
}
