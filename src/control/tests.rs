//! A daemon in small: a store, a gateway and the socket, and what commands hear from it.

use std::{
    net::SocketAddr,
    ops::ControlFlow,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::{
    clock::Clock,
    domain::{Body, Caller, Item, MessageId, Msisdn, PartnerId, ReceiptWish, Sender, ShortCode},
    gateway::{
        Gateway, Settings,
        mt::{NewMt, Submitter},
        registry::{LinkCard, SessionCard, SessionCounters, SessionOrder, TraceLine},
        submit::LinkSeat,
    },
    store::{GroupLimits, NewPartner, NewService, NewTariff, Place, Store},
    tasks::{Phase, Tasks},
};

/// What a test holds of its daemon.
pub(crate) struct Daemon {
    pub(crate) gateway: Gateway,
    pub(crate) tasks: Tasks,
    pub(crate) client: Client,
}

/// Runs a daemon on a data folder. Its database is `bramka.db`, as a default configuration has it.
pub(crate) async fn daemon(folder: &Path) -> Daemon {
    daemon_by(folder, Clock::System).await
}

/// The same by a clock of the test's.
pub(crate) async fn daemon_by(folder: &Path, clock: Clock) -> Daemon {
    let tasks = Tasks::for_tests();
    let url = format!("sqlite:{}", folder.join("bramka.db").display());
    let place = Place { url, readers: 2 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.unwrap();
    // It ends with the last clone of the store, which the test holds.
    #[expect(clippy::disallowed_methods, reason = "not one of the tasks that a test stops")]
    drop(tokio::spawn(writer.run()));
    let groups = ["main".into()];
    let (gateway, pages) = Gateway::new(store, clock, Settings::default(), &groups).await.unwrap();
    // The pager is not needed: every lane of a test fits its head.
    drop(pages);
    let path = socket(folder);
    let door = listen(&path).await.unwrap();
    let extras = Extras { node: "test".into(), log: None, began_at: gateway.now() };
    let scope = tasks.scope(Phase::Doors, "control", 16);
    tasks.spawn("control", serve(door, gateway.clone(), extras, scope, tasks.stopping()));
    Daemon { gateway, tasks, client: Client::new(&path, "anna") }
}

/// A link in the registry, as its task would put it there.
pub(crate) fn link_card(gateway: &Gateway) -> Arc<LinkCard> {
    let card = LinkCard::new("north".into(), "main".into(), "smsc.example:2775".into(), 1);
    let card = Arc::new(card);
    gateway.registry().add_link(Arc::clone(&card));
    card
}

/// A bound session, with the end that hears its orders.
pub(crate) fn session_card(gateway: &Gateway) -> (Arc<SessionCard>, mpsc::Receiver<SessionOrder>) {
    let (orders, heard) = mpsc::channel(4);
    let card = Arc::new(SessionCard {
        id: gateway.registry().next_session(),
        partner: PartnerId(1),
        partner_name: "acme".into(),
        system_id: "acme1".into(),
        mode: crate::domain::Mode::Live,
        kind: "transceiver",
        version: "3.4",
        peer: SocketAddr::from(([192, 0, 2, 7], 40_000)),
        tls_version: "1.3",
        bound_at: gateway.now(),
        window: 10,
        rate: 50,
        counters: SessionCounters::default(),
        orders,
        is_sent_away: std::sync::atomic::AtomicBool::new(false),
    });
    gateway.registry().session_began(Arc::clone(&card));
    (card, heard)
}

/// A partner with a charged service, and one of its messages on its way over a link.
pub(crate) async fn claimed_message(gateway: &Gateway) -> (LinkSeat, Item) {
    let (store, by) = (gateway.store(), Caller::Gateway);
    let partner = NewPartner::unhurried("acme", 100);
    store.add_partner(&by, 0, &partner).await.unwrap();
    store.add_short_code(&by, 0, "7455").await.unwrap();
    let tariff = NewTariff::polish("T4", 400, 492);
    store.add_tariff(&by, 0, &tariff).await.unwrap();
    store.add_service(&by, 0, &service()).await.unwrap();
    gateway.reload_catalog().await.unwrap();
    let accepted = gateway.accept_mt(&submitter(gateway), mt()).await.unwrap();
    gateway.answered(accepted.held);
    let group = gateway.group("main").unwrap();
    let epoch = store.take_lease("link", "north", 0, i64::MAX).await.unwrap();
    let seat = LinkSeat { name: "north".into(), group, epoch };
    let mut claimed = gateway.claim(&seat, &gateway.to_links(group), 10).await;
    (seat, claimed.pop().expect("the message was claimed"))
}

/// The same, and nobody knows its fate: as after a crash, claimed and never reported on.
pub(crate) async fn unknown_message(gateway: &Gateway) -> MessageId {
    let (_, item) = claimed_message(gateway).await;
    assert_eq!(gateway.settle_open_claims().await.unwrap(), 1);
    item.content.message_id()
}

fn service() -> NewService {
    NewService {
        on_unknown: "park".into(),
        ..NewService::free("acme", "win", "7455", &["WIN"], "main").charging_mt("T4")
    }
}

pub(crate) fn submitter(gateway: &Gateway) -> Submitter {
    let partner = gateway.catalog().partner_named("acme").unwrap().id;
    Submitter {
        caller: Caller::Session { partner, system_id: "acme1".into(), session: 1 },
        partner,
        mode: crate::domain::Mode::Live,
        default_sender: None,
        may_have_receipts: true,
        service_types: Vec::new(),
    }
}

pub(crate) fn mt() -> NewMt {
    let octets = bytes::Bytes::from_static(b"Thank you");
    let body = Body { data_coding: 0, has_udh: false, octets };
    NewMt {
        sender: Some(Sender::ShortCode(ShortCode::parse("7455").unwrap())),
        receipts: ReceiptWish::FINAL,
        ..NewMt::plain(Msisdn::parse("48600100200").unwrap(), body)
    }
}

fn line(command: &'static str) -> TraceLine {
    TraceLine {
        at: 1_795_262_400_000_000,
        direction: "in",
        command,
        status: "ESME_ROK".into(),
        sequence: 7,
        summary: "7455 -> 48600***200".into(),
    }
}

#[tokio::test]
async fn the_status_says_whether_the_daemon_works() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let status = daemon.client.get("/status").await.unwrap();
    assert_eq!(status["ready"], true);
    assert_eq!(status["store"], "sqlite");
    assert_eq!(status["node"], "test");
    assert_eq!(status["queued"]["mt_charged"], 0);
    daemon.gateway.drain();
    let status = daemon.client.get("/status").await.unwrap();
    assert_eq!((&status["ready"], &status["draining"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn the_socket_is_for_its_owner_and_goes_with_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let path = socket(folder.path());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert!(!names.iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".control")));
    let second = listen(&path).await.unwrap_err().to_string();
    assert!(second.contains("another daemon answers"), "{second}");
    daemon.tasks.drain(std::time::Duration::from_secs(5)).await.unwrap();
    assert!(!path.exists());
    let error = daemon.client.get("/status").await.unwrap_err();
    assert!(matches!(error, ClientError::NoDaemon { .. }));
    assert!(error.to_string().contains("is `bramka run` running?"), "{error}");
}

#[tokio::test]
async fn a_socket_of_a_dead_daemon_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket(folder.path());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a socket that is not removed stays");
    let daemon = daemon(folder.path()).await;
    assert!(daemon.client.get("/status").await.is_ok());
}

#[tokio::test]
async fn a_link_goes_down_and_up_and_the_trail_names_who() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let card = link_card(&daemon.gateway);
    card.bound.store(1, Ordering::Relaxed);
    assert_eq!(daemon.client.get("/links").await.unwrap()[0]["state"], "up");
    let answer = daemon.client.post("/links/north/down", &json!({})).await.unwrap();
    assert_eq!(answer["state"], "closing");
    assert!(!card.is_wanted.load(Ordering::Acquire));
    card.bound.store(0, Ordering::Relaxed);
    let answer = daemon.client.post("/links/north/up", &json!({})).await.unwrap();
    assert_eq!(answer["state"], "broken", "wanted, and not yet bound");
    let trail = daemon.gateway.store().audit(10).await.unwrap();
    let said: Vec<_> = trail.iter().map(|row| (row.what.as_str(), row.who.as_str())).collect();
    assert_eq!(said, [("link.up", "operator:anna"), ("link.down", "operator:anna")]);
    let error = daemon.client.post("/links/south/down", &json!({})).await.unwrap_err();
    assert!(matches!(error, ClientError::NotFound(_)), "{error}");
}

#[tokio::test]
async fn a_kick_reaches_its_session_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let (card, mut heard) = session_card(&daemon.gateway);
    let target = format!("/binds/{}/kick", card.id);
    daemon.client.post(&target, &json!({ "reason": "ticket 4711" })).await.unwrap();
    let order = heard.recv().await.unwrap();
    assert!(matches!(order, SessionOrder::Kick(text) if text == "ticket 4711 (by operator:anna)"));
    drop(heard);
    let error = daemon.client.post(&target, &json!({ "reason": "again" })).await.unwrap_err();
    assert!(error.to_string().contains("no such bind"), "{error}");
    let error = daemon.client.post(&target, &json!({ "why": "x" })).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_trace_shows_lines_until_the_session_ends() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let (card, mut heard) = session_card(&daemon.gateway);
    let session = async {
        let Some(SessionOrder::Trace(lines)) = heard.recv().await else { panic!("no trace") };
        for command in ["submit_sm", "submit_sm_resp"] {
            lines.send(line(command)).await.unwrap();
        }
    };
    let mut seen: Vec<Value> = Vec::new();
    let target = format!("/binds/{}/trace", card.id);
    let reader = daemon.client.lines(&target, |line| {
        seen.push(line);
        ControlFlow::Continue(())
    });
    let (ended, ()) = tokio::join!(reader, session);
    ended.unwrap();
    let commands: Vec<_> = seen.iter().map(|line| line["command"].clone()).collect();
    assert_eq!(commands, ["submit_sm", "submit_sm_resp"]);
    assert_eq!(seen[0]["at"], "2026-11-21T12:00:00Z");
}

#[tokio::test]
async fn a_link_is_traced_only_while_somebody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let card = link_card(&daemon.gateway);
    let link = async {
        while card.traces.is_empty() {
            tokio::task::yield_now().await;
        }
        let traces: Vec<_> = card.traces.iter().map(|entry| entry.value().clone()).collect();
        for trace in traces {
            trace.send(line("deliver_sm")).await.unwrap();
        }
    };
    let mut seen = 0;
    let reader = daemon.client.lines("/links/north/trace", |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    let (ended, ()) = tokio::join!(reader, link);
    ended.unwrap();
    assert_eq!(seen, 1);
    // The client has closed; the daemon notices and forgets the trace.
    while !card.traces.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_trace_does_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let card = link_card(&daemon.gateway);
    let reader = daemon.client.lines("/links/north/trace", |_| ControlFlow::Continue(()));
    let stop = async {
        while card.traces.is_empty() {
            tokio::task::yield_now().await;
        }
        daemon.tasks.drain(std::time::Duration::from_secs(20)).await
    };
    let (ended, stopped) = tokio::join!(reader, stop);
    assert!(ended.is_ok() && stopped.is_ok());
}

#[tokio::test]
async fn an_unknown_message_is_decided_by_two_people_and_never_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let id = unknown_message(&daemon.gateway).await;
    let listed = daemon.client.get("/unknown").await.unwrap();
    assert_eq!(listed[0]["id"], id.to_string());
    assert_eq!(listed[0]["recipient"], "48600***200");
    let target = format!("/unknown/{id}/resolve");
    let order = json!({ "outcome": "write-off", "reason": "not in the CDRs" });
    for _ in 0..2 {
        let answer = daemon.client.post(&target, &order).await.unwrap();
        assert_eq!(answer["result"], "proposed", "one person alone decides nothing");
    }
    let boris = Client::new(&socket(folder.path()), "boris");
    let answer = boris.post(&target, &order).await.unwrap();
    assert_eq!((&answer["result"], &answer["state"]), (&json!("done"), &json!("unknown_final")));
    let error = boris.post(&target, &order).await.unwrap_err();
    assert!(matches!(error, ClientError::NotFound(_)), "{error}");
    let wrong = json!({ "outcome": "forget", "reason": "x" });
    assert!(matches!(boris.post(&target, &wrong).await, Err(ClientError::Refused(_))));
}

#[tokio::test]
async fn queues_tell_what_waits_and_what_holds_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let id = unknown_message(&daemon.gateway).await;
    let accepted = daemon.gateway.accept_mt(&submitter(&daemon.gateway), mt()).await.unwrap();
    daemon.gateway.answered(accepted.held);
    let queues = daemon.client.get("/queues").await.unwrap();
    let charged = queues.as_array().unwrap().iter().find(|row| row["kind"] == "mt_charged");
    let charged = charged.unwrap();
    assert_eq!((&charged["partner"], &charged["group"]), (&json!("acme"), &json!("main")));
    assert_eq!(charged["limit"], "absent", "no link is there");
    assert!(charged["oldest_age_seconds"].is_number());
    let card = link_card(&daemon.gateway);
    card.binding_limit.store(Arc::new("window"));
    let queues = daemon.client.get("/queues").await.unwrap();
    assert!(queues.as_array().unwrap().iter().any(|row| row["limit"] == "window"));
    let message = daemon.client.get(&format!("/messages/{id}")).await.unwrap();
    assert_eq!((&message["state"], &message["gross_minor"]), (&json!("unknown"), &json!(492)));
    let events = daemon.client.get(&format!("/messages/{id}/trace")).await.unwrap();
    assert!(events.as_array().unwrap().len() >= 2);
    assert!(matches!(daemon.client.get("/messages/1").await, Err(ClientError::NotFound(_))));
}
