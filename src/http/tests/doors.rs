//! Real sockets.

use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::tls::{self, Inside, ServerFiles, ServerTls};

/// A gateway with its doors open on a port of this machine.
async fn open(world: &World, limits: &config::Http) -> (SocketAddr, CancellationToken) {
    open_with(world, limits, Door::Plain).await
}

async fn open_with(
    world: &World,
    limits: &config::Http,
    door: Door,
) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stopping, soft, _) = Stopping::manual();
    let seats = Seats::new(&world.tasks, "http_connections", limits);
    let router = world.public.clone();
    world.tasks.spawn("http", serve(listener, door, router, seats, stopping));
    (address, soft)
}

async fn all_of(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset after the answer is as good an end as a close.
    drop(stream.read_to_end(&mut text).await);
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_message_comes_through_a_real_socket_and_the_stop_waits_for_nobody_idle() {
    let world = world().await;
    let (address, stop) = open(&world, &config::Http::default()).await;
    let body = charged().to_string();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        world.acme,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 4096];
    let count = stream.read(&mut first).await.unwrap();
    let answer = String::from_utf8_lossy(&first[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("content-length: "), "{answer}");
    assert_eq!(claimable(&world).await, 1, "its answer is out, so the charged message goes");
    stop.cancel();
    assert_eq!(all_of(stream).await, "", "an idle connection is closed at the stop");
}

#[tokio::test]
async fn an_address_has_only_so_many_connections() {
    let world = world().await;
    let limits = config::Http { connections_per_address: 2, ..config::Http::default() };
    let (address, _stop) = open(&world, &limits).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        streams.push(stream);
    }
    let third = TcpStream::connect(address).await.unwrap();
    assert_eq!(all_of(third).await, "", "the third is closed without a word");
    drop(streams.pop());
    // The place comes back once the server has seen the end.
    loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let asked =
            stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if asked.is_ok() && all_of(stream).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_header_that_never_ends_closes_the_connection() {
    let world = world().await;
    let limits =
        config::Http { header_timeout: Duration::from_millis(50), ..config::Http::default() };
    let (address, _stop) = open(&world, &limits).await;
    for begun in ["", "GET /livez HTTP/1.1\r\nx: "] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let answer = all_of(stream).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    let large = format!("GET /livez HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(60_000));
    drop(stream.write_all(large.as_bytes()).await);
    let answer = all_of(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer:.40}");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_a_timeout() {
    let limits =
        config::Http { request_timeout: Duration::from_millis(50), ..config::Http::default() };
    let world = world_with(limits.clone(), 64).await;
    let (address, _stop) = open(&world, &limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        world.acme
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 408");
}

/// Files of a server side that trusts nobody else, and the file that clients trust.
fn certificate(folder: &std::path::Path) -> ServerFiles {
    let made = rcgen::generate_simple_self_signed(["gateway.example".to_owned()]).unwrap();
    let files = ServerFiles {
        certificate: folder.join("gateway.pem"),
        key: folder.join("gateway.key"),
        client_ca: None,
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

#[tokio::test]
async fn with_tls_a_peer_may_choose_http2_and_its_charged_message_goes_too() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let trusted = files.certificate.clone();
    let server = Arc::new(ServerTls::load(files, Inside::Http).unwrap());
    let (address, stop) = open_with(&world, &config::Http::default(), Door::Tls(server)).await;

    let stream = TcpStream::connect(address).await.unwrap();
    let name = tls::server_name("gateway.example").unwrap();
    let client = tls::client(Some(&trusted), Inside::Http).unwrap();
    let stream = client.connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let scope = world.tasks.scope(Phase::Requests, "client", 8);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(Clientele(scope.clone()), TokioIo::new(stream))
            .await
            .unwrap();
    scope.spawn(async move { drop(connection.await) }).unwrap();
    let mut request = post(&world.acme, &charged(), &[]);
    *request.uri_mut() = "https://gateway.example/api/v1/messages".parse().unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
    assert_eq!(claimable(&world).await, 1);
    stop.cancel();
}

#[derive(Clone)]
struct Clientele(Scope);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Clientele {
    fn execute(&self, work: F) {
        self.0.spawn(work).unwrap();
    }
}
