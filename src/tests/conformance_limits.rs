//! P23 to P36 and S-30 to S-38 at the partners' door: who gets in, how many, how fast, over what.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bramka::{
    config::{ClientNames, Secret, Size, SmppServer},
    demo::esme::{Esme, Failed, mt},
    domain::secret::Pepper,
    smpp::{BindKind, Command, CommandStatus as S, Pdu, Version},
    tls::{self, Inside},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::Instant,
};

use super::world::{Builder, PASSWORD, PEPPER, Wire, World, bind_of, eventually, operator, raw};

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

async fn bind(esme: &Esme, system_id: &str, password: &str) -> Result<(), Failed> {
    esme.bind_as(BindKind::Transceiver, Version::V34, system_id, password).await.map(drop)
}

fn is_refused(outcome: &Result<(), Failed>) -> bool {
    matches!(outcome, Err(Failed::Refused(S::RBINDFAIL)))
}

/// A connection from another address of this machine.
async fn connect_from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("what the story needs");
    socket
        .bind(format!("{address}:0").parse().expect("what the story needs"))
        .expect("what the story needs");
    socket.connect(to).await.expect("what the story needs")
}

#[tokio::test]
async fn p30_one_address_has_a_limited_number_of_connections_and_others_are_let_in() {
    let world = Builder::server(|server| server.connections_per_address = 2).build().await;
    let first = world.bind("acme").await;
    let _second = world.bind("acme").await;
    let third = Esme::connect(world.node.smpp[0]).await.unwrap();
    third.closed().await.unwrap();
    let elsewhere = Esme::over(connect_from("127.0.0.2", world.node.smpp[0]).await);
    bind(&elsewhere, "acme", PASSWORD).await.unwrap();
    first.unbind().await.unwrap();
    eventually("the place is free again", async || {
        Esme::bind(world.node.smpp[0], BindKind::Receiver, Version::V34, "acme", PASSWORD)
            .await
            .ok()
    })
    .await;
}

#[tokio::test]
async fn p30_connections_without_a_bind_are_limited_and_a_bind_makes_room() {
    let world = Builder::server(|server| server.unbound_max = 1).build().await;
    let first = Esme::connect(world.node.smpp[0]).await.unwrap();
    first.request(Pdu::EnquireLink).await.unwrap();
    let second = Esme::connect(world.node.smpp[0]).await.unwrap();
    second.closed().await.unwrap();
    bind(&first, "acme", PASSWORD).await.unwrap();
    world.bind("acme").await;
}

#[tokio::test]
async fn p30_p31_a_pdu_that_is_too_long_before_or_after_the_bind_is_nacked_and_ends_the_session() {
    let world = Builder::default().build().await;
    for (is_bound, length) in [(false, 257_u32), (true, 70_001), (true, 0xffff_ffff), (true, 15)] {
        let mut wire = Wire::connect(world.node.smpp[0]).await;
        if is_bound {
            assert_eq!(wire.bind(BindKind::Transmitter, 0x34).await.status, S::ROK);
            // What would be too long before the bind is not after it.
            let long = Pdu::SubmitSm(Box::new(mt("7455", "48600100200", &"a".repeat(250))));
            assert_eq!(wire.ask(&Command::new(2, long)).await.status, S::ROK);
        }
        let mut header = raw(4, 3, &[]);
        header[..4].copy_from_slice(&length.to_be_bytes());
        wire.write(&header).await;
        let nack = wire.command().await.unwrap();
        assert_eq!((nack.status, nack.pdu), (S::RINVCMDLEN, Pdu::GenericNack), "{length}");
        assert!(wire.frame().await.is_none());
    }
}

#[tokio::test]
async fn p31_a_pdu_that_dribbles_in_ends_the_session() {
    let world = Builder::server(|server| {
        server.pdu_complete_within = millis(150);
        server.session_init = Duration::from_mins(5);
    })
    .build()
    .await;
    let mut unbound = Wire::connect(world.node.smpp[0]).await;
    let mut bound = Wire::connect(world.node.smpp[0]).await;
    bound.bind(BindKind::Transmitter, 0x34).await;
    for wire in [&mut unbound, &mut bound] {
        wire.write(&raw(4, 3, &[0; 30])[..20]).await;
        assert!(wire.frame().await.is_none());
    }
}

#[tokio::test]
async fn p28_a_reader_that_takes_nothing_is_closed() {
    let world = Builder::server(|server| {
        server.write_buffer = Size::kib(4);
        server.write_stall = millis(200);
    })
    .build()
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let stream = socket.connect(world.node.smpp[0]).await.unwrap();
    let mut wire = Wire(stream);
    wire.bind(BindKind::Transmitter, 0x34).await;
    let asking: Vec<u8> = (0..1000).flat_map(|sequence| raw(0x15, sequence, &[])).collect();
    // Never reads an answer. Writing fails when the session is gone, and not before.
    let flood =
        async { while tokio::io::AsyncWriteExt::write_all(&mut wire.0, &asking).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), flood).await.expect("an end");
    eventually("the session is gone", async || {
        world.gateway().registry().sessions().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn p33_a_ghost_at_the_limit_is_probed_and_makes_room() {
    let mut builder = Builder::server(|server| server.bind_probe = millis(200));
    builder.partners[0].credential.binds_max = 2;
    let world = builder.build().await;
    let mut ghost = Wire::connect(world.node.smpp[0]).await;
    ghost.bind(BindKind::Transceiver, 0x34).await;
    let alive = world.bind("acme").await;
    alive.request(Pdu::EnquireLink).await.unwrap();
    let next = world.bind("acme").await;
    assert_eq!(ghost.command().await.unwrap().pdu, Pdu::EnquireLink);
    assert!(ghost.frame().await.is_none());
    for esme in [&alive, &next] {
        esme.request(Pdu::EnquireLink).await.unwrap();
    }
}

#[tokio::test]
async fn p34_binds_above_the_rate_are_refused_for_now() {
    let world = Builder::server(|server| {
        server.bind_rate = 1;
        server.bind_fail_delay = vec![millis(1), millis(2)];
    })
    .build()
    .await;
    let mut storm = Vec::new();
    for _ in 0..8 {
        storm.push(Esme::connect(world.node.smpp[0]).await.unwrap());
    }
    let binds = storm.iter().map(|esme| bind(esme, "acme", PASSWORD));
    let outcomes = futures_util::future::join_all(binds).await;
    assert!(outcomes.iter().any(Result::is_ok));
    assert!(outcomes.iter().any(is_refused));
    assert!(outcomes.iter().all(|one| one.is_ok() || is_refused(one)), "{outcomes:?}");
}

#[tokio::test]
async fn p34_s34_guessing_gets_slower_from_where_it_happens_and_nowhere_else() {
    let world = Builder::server(|server| {
        server.bind_fail_delay = vec![millis(40), millis(41)];
    })
    .build()
    .await;
    let mut took = Vec::new();
    for _ in 0..5 {
        let guess = Esme::over(connect_from("127.0.0.2", world.node.smpp[0]).await);
        let began = Instant::now();
        assert!(is_refused(&bind(&guess, "acme", "guess").await));
        took.push(began.elapsed());
    }
    assert!(took[0] >= millis(40) && took[4] >= millis(80), "{took:?}");
    // The owner of the name is not held up by what somebody else tries.
    bind(&Esme::connect(world.node.smpp[0]).await.unwrap(), "acme", PASSWORD).await.unwrap();
    let elsewhere = Esme::over(connect_from("127.0.0.3", world.node.smpp[0]).await);
    bind(&elsewhere, "acme", PASSWORD).await.unwrap();
}

async fn rotate(world: &World, password: &str) {
    let secret = Pepper::new(PEPPER).hash_hex(password.as_bytes());
    let store = world.gateway().store();
    assert!(
        store
            .rotate_credential(&operator(), 0, "acme", &secret)
            .await
            .expect("what the story needs")
    );
    world.gateway().reload_catalog().await.expect("what the story needs");
}

#[tokio::test]
async fn s30_two_passwords_live_during_a_rotation_and_the_oldest_dies_with_the_next() {
    let world =
        Builder::server(|server| server.bind_fail_delay = vec![millis(1), millis(2)]).build().await;
    let old = world.bind("acme").await;
    rotate(&world, "second").await;
    rotate(&world, "third").await;
    for (password, is_good) in [(PASSWORD, false), ("second", true), ("third", true)] {
        let esme = Esme::connect(world.node.smpp[0]).await.unwrap();
        let outcome = bind(&esme, "acme", password).await;
        assert!(if is_good { outcome.is_ok() } else { is_refused(&outcome) }, "{password}");
    }
    // A session that is bound stays so (C045 from our side).
    old.request(Pdu::EnquireLink).await.unwrap();
}

#[tokio::test]
async fn s31_a_stored_password_is_worth_nothing_under_another_pepper() {
    let world = Builder::server(|server| {
        server.bind_fail_delay = vec![millis(1), millis(2)];
        server.pepper_file.secret = Secret::new("another pepper");
    })
    .build()
    .await;
    let esme = Esme::connect(world.node.smpp[0]).await.unwrap();
    assert!(is_refused(&bind(&esme, "acme", PASSWORD).await));
}

/// A new certificate and its key for `localhost`; the certificate is its own authority.
fn certify(folder: &Path) {
    let made =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("what the story needs");
    std::fs::write(folder.join("tls.pem"), made.cert.pem()).expect("what the story needs");
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem())
        .expect("what the story needs");
}

/// A TLS connection that trusts nobody but the certificate in the folder.
async fn connect_tls(to: SocketAddr, folder: &Path) -> std::io::Result<Esme> {
    let connector =
        tls::client(Some(&folder.join("tls.pem")), Inside::Smpp).expect("what the story needs");
    let stream = TcpStream::connect(to).await?;
    let name = tls::server_name("localhost").expect("what the story needs");
    Ok(Esme::over(connector.connect(name, stream).await?))
}

async fn world_with_tls(folder: &Path, tls_only: bool) -> World {
    certify(folder);
    let (certificate, key) = (folder.join("tls.pem"), folder.join("tls.key"));
    let mut builder = Builder::server(move |server| {
        server.listen_tls = vec![([127, 0, 0, 1], 0).into()];
        server.certificate_file = Some(certificate);
        server.key_file = Some(key);
        server.bind_fail_delay = vec![millis(1), millis(2)];
    });
    builder.partners[0].credential.tls_only = tls_only;
    builder.ready().await
}

#[tokio::test]
async fn s32_an_account_of_tls_only_binds_over_tls_and_not_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with_tls(folder.path(), true).await;
    let plain = Esme::connect(world.node.smpp[0]).await.unwrap();
    assert!(is_refused(&bind(&plain, "acme", PASSWORD).await));
    let mut esme = connect_tls(world.node.smpp_tls[0], folder.path()).await.unwrap();
    bind(&esme, "acme", PASSWORD).await.unwrap();
    assert_eq!(world.gateway().registry().sessions()[0].tls_version, "1.3");
    esme.submit(mt("7455", "48600100200", "hello")).await.unwrap();
    assert!(esme.next_delivery().await.unwrap().is_receipt());
}

#[tokio::test]
async fn s32_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with_tls(folder.path(), false).await;
    let old = connect_tls(world.node.smpp_tls[0], folder.path()).await.unwrap();
    bind(&old, "acme", PASSWORD).await.unwrap();
    certify(folder.path());
    assert!(connect_tls(world.node.smpp_tls[0], folder.path()).await.is_err(), "not yet read");
    world.node.certificates.reload(&world.config).unwrap();
    let new = connect_tls(world.node.smpp_tls[0], folder.path()).await.unwrap();
    bind(&new, "acme", PASSWORD).await.unwrap();
    // A renewal that went wrong changes nothing.
    std::fs::write(folder.path().join("tls.key"), "not a key").unwrap();
    assert!(world.node.certificates.reload(&world.config).is_err());
    connect_tls(world.node.smpp_tls[0], folder.path()).await.unwrap();
    old.request(Pdu::EnquireLink).await.unwrap();
}

/// A client that shows a certificate of this authority with a common name and other names.
async fn connect_as(
    to: SocketAddr,
    folder: &Path,
    authority: &rcgen::CertifiedIssuer<'_, rcgen::KeyPair>,
    names: Option<(&str, &[&str])>,
) -> std::io::Result<Esme> {
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("tls.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match names {
        None => builder.with_no_client_auth(),
        Some((common, others)) => {
            let others = others.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let mut parameters = rcgen::CertificateParams::new(others).unwrap();
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            parameters.distinguished_name.push(rcgen::DnType::CommonName, common);
            let key = rcgen::KeyPair::generate().unwrap();
            let made = parameters.signed_by(&key, authority).unwrap();
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            builder.with_client_auth_cert(vec![made.der().clone()], key).unwrap()
        }
    };
    let stream = TcpStream::connect(to).await?;
    let name = tls::server_name("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    Ok(Esme::over(connector.connect(name, stream).await?))
}

#[tokio::test]
async fn s32_over_tls_a_partner_binds_only_with_the_name_in_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertifiedIssuer::self_signed(parameters, key).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let files = ["tls.pem", "tls.key", "ca.pem"].map(|name| Some(folder.path().join(name)));
    let world = Builder::server(move |server| {
        server.listen_tls = vec![([127, 0, 0, 1], 0).into()];
        [server.certificate_file, server.key_file, server.client_ca_file] = files;
        server.client_names = ClientNames::SystemId;
        server.bind_fail_delay = vec![millis(1), millis(2)];
    })
    .ready()
    .await;
    let connect = async |names| {
        connect_as(world.node.smpp_tls[0], folder.path(), &authority, names).await.unwrap()
    };
    for names in [("acme", &[][..]), ("Acme Ltd", &["acme"])] {
        bind(&connect(Some(names)).await, "acme", PASSWORD).await.unwrap();
    }
    // S-35: the right password with another's certificate is answered as a wrong password is.
    for names in [("globex", &[][..]), ("ACME", &["acme.example"])] {
        assert!(
            is_refused(&bind(&connect(Some(names)).await, "acme", PASSWORD).await),
            "{names:?}"
        );
    }
    assert!(is_refused(&bind(&connect(Some(("acme", &[]))).await, "acme", "wrong").await));
    // Without a certificate nothing is heard of the bind at all. The client of TLS 1.3 believes in
    // its connection before the server does.
    let bare = connect_as(world.node.smpp_tls[0], folder.path(), &authority, None).await;
    if let Ok(bare) = bare {
        let answer = bind(&bare, "acme", PASSWORD).await;
        assert!(matches!(answer, Err(Failed::Closed)), "{answer:?}");
    }
    assert!(world.gateway().registry().sessions().len() <= 2);
}

#[test]
fn s32_the_door_with_tls_waits_for_a_certificate_and_for_nothing_else() {
    let mut server = SmppServer::default();
    assert_eq!(server.tls_addresses(), []);
    server.certificate_file = Some("tls.pem".into());
    assert_eq!(server.tls_addresses(), [SocketAddr::from(([0, 0, 0, 0], 3550))]);
    server.listen_tls = Vec::new();
    assert_eq!(server.tls_addresses(), []);
}

#[tokio::test]
async fn s32_a_handshake_that_never_comes_frees_its_place() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let (certificate, key) = (folder.path().join("tls.pem"), folder.path().join("tls.key"));
    let world = Builder::server(move |server| {
        server.listen_tls = vec![([127, 0, 0, 1], 0).into()];
        server.certificate_file = Some(certificate);
        server.key_file = Some(key);
        server.tls_handshake = millis(300);
        server.tls_handshakes_max = 1;
    })
    .build()
    .await;
    let mut silent = Wire::connect(world.node.smpp_tls[0]).await;
    // Waits behind the silent one, whose time is over first. The client of TLS 1.3 believes in its
    // connection before the server does, so only a bind tells.
    eventually("a place for a handshake", async || {
        let esme = connect_tls(world.node.smpp_tls[0], folder.path()).await.ok()?;
        bind(&esme, "acme", PASSWORD).await.ok()
    })
    .await;
    assert!(silent.frame().await.is_none());
}

#[tokio::test]
async fn s33_a_peer_off_this_machine_is_not_heard_in_the_clear_unless_its_network_is_named() {
    // 127.0.0.0/8 always is this machine; what a far address meets is a table beside the code.
    let world = Builder::server(|server| {
        server.plain_from = vec!["198.51.100.0/24".parse().unwrap()];
    })
    .build()
    .await;
    for (peer, is_heard) in [("127.0.0.1", true), ("198.51.100.9", true), ("203.0.113.9", false)] {
        let server = &world.config.smpp_server;
        assert_eq!(server.allows_plain(peer.parse().unwrap()), is_heard, "{peer}");
    }
    world.bind("acme").await;
}

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        let octets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&octets).into_owned()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn s36_s37_a_bind_is_logged_with_its_limits_a_refusal_with_its_reason_and_no_password() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // While there is only one dispatcher, a line first reached by a thread without it, that of
    // another test, would be off for everybody.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    // One thread runs this test and everything in it.
    let guard = tracing::subscriber::set_default(subscriber);
    let mut builder = Builder::server(|server| server.bind_fail_delay = vec![millis(1), millis(2)]);
    builder.partners[0].credential.binds_max = 3;
    builder.partners[0].credential.window = 7;
    builder.partners[0].partner.backlog_max = 4321;
    let world = builder.build().await;
    let guess = Esme::connect(world.node.smpp[0]).await.unwrap();
    assert!(is_refused(&bind(&guess, "acme", "gu3ss0r").await));
    let stranger = Esme::connect(world.node.smpp[0]).await.unwrap();
    assert!(is_refused(&bind(&stranger, "nobody", PASSWORD).await));
    let esme = world.bind("acme").await;
    esme.submit(mt("7455", "48600100200", "very private")).await.unwrap();
    esme.unbind().await.unwrap();
    esme.closed().await.unwrap();
    drop(guard);
    let text = lines.text();
    let bound = text
        .lines()
        .find(|line| line.contains("smpp_server") && line.contains(" bound "))
        .unwrap_or_else(|| panic!("no line for the bind in {text}"));
    for limit in [
        "system_id=acme",
        "kind=\"transceiver\"",
        "version=\"3.4\"",
        "tls=false",
        "binds_max=3",
        "window=7",
        "window_in=100",
        "rate=0",
        "burst=1",
        "backlog_max=4321",
        "pdu_octets_max=70000",
    ] {
        assert!(bound.contains(limit), "{limit} in {bound}");
    }
    for reason in ["reason=\"password\"", "reason=\"system_id\""] {
        assert!(
            text.lines().any(|line| line.contains("a bind was refused") && line.contains(reason))
        );
    }
    for secret in [PASSWORD, "gu3ss0r", PEPPER, "very private", "48600100200"] {
        let leak = text.lines().find(|line| line.contains(secret));
        assert!(leak.is_none(), "{leak:?}");
    }
}

#[tokio::test]
async fn s35_a_refused_bind_says_nothing_but_its_status() {
    let world =
        Builder::server(|server| server.bind_fail_delay = vec![millis(1), millis(2)]).build().await;
    for (system_id, password) in [("acme", "wrong"), ("nobody", PASSWORD)] {
        let mut wire = Wire::connect(world.node.smpp[0]).await;
        let bind = Pdu::Bind(BindKind::Receiver, Box::new(bind_of(system_id, password)));
        wire.send(&Command::new(9, bind), Version::V34).await;
        let frame = wire.frame().await.unwrap();
        assert_eq!(frame, [0, 0, 0, 16, 0x80, 0, 0, 1, 0, 0, 0, 0x0d, 0, 0, 0, 9], "{system_id}");
        assert!(wire.frame().await.is_none());
    }
}

#[tokio::test]
async fn p27_a_partner_that_floods_does_not_keep_another_from_being_answered() {
    let mut builder = Builder::acme(|acme| acme.partner.backlog_max = 50);
    builder.script.answers_submits = false;
    builder.partners.push(super::world::PartnerPlan::named("globex"));
    builder.services.push(super::world::service("globex", "vote", "7477", &["VOTE"]));
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let globex = world.bind("globex").await;
    let flood = acme.submit_pipelined(vec![mt("7455", "48600100200", "spam"); 500], 500);
    let calm = async {
        for _ in 0..5 {
            globex.submit(mt("7477", "48600100200", "hello")).await.unwrap();
        }
    };
    let (answers, ()) = tokio::join!(flood, calm);
    assert!(answers.iter().filter(|one| one.is_ok()).count() >= 50);
    assert!(answers.iter().any(|one| matches!(one, Err(Failed::Refused(S::RMSGQFUL)))));
}
