//! A partner's database died, not ours (D8): an hour of what it was given comes again, with the same
//! ids, marked and counted, and nobody pays for anything a second time.
//!
//! What surprises: after a kill a few messages come once more than asked for. The replayed copy is
//! at least once like every delivery; a charge is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use bramka::{
    demo::{
        esme::{Delivered, Esme, mt},
        fake_smsc::{FakeSmsc, Script},
    },
    domain::{MessageId, MessageState, Mode, ReplayState, secret::Pepper},
    smpp::{BindKind, CommandStatus, Pdu, ShortMessage, Version, tag},
    store::{NewApiKey, ReplayRow},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    laws,
    process::Site,
    world::{Builder, PASSWORD, PEPPER, PartnerPlan, World, eventually, number, service},
};

/// Our own TLVs: the id of an MO, and how often it was delivered before.
const MESSAGE_ID: u16 = 0x1d09;
const REDELIVERY: u16 = 0x1d07;
const SUBSCRIBER: &str = "48600100200";
/// A service that charges at delivery.
const CHARGED: &str = "7466";

fn id_of(message: &ShortMessage) -> MessageId {
    let own = message.tlvs.text(MESSAGE_ID).map(<[u8]>::to_vec);
    let id = own.or_else(|| message.tlvs.text(tag::RECEIPTED_MESSAGE_ID).map(<[u8]>::to_vec));
    number(&id.expect("every delivery names its message"))
}

/// What comes, by message, with how often each said that it came before.
async fn heard(esme: &mut Esme, count: usize) -> BTreeMap<MessageId, Vec<Option<u8>>> {
    let mut all: BTreeMap<MessageId, Vec<Option<u8>>> = BTreeMap::new();
    for _ in 0..count {
        let Delivered { message, .. } = esme.next_delivery().await.unwrap();
        all.entry(id_of(&message)).or_default().push(message.tlvs.u8(REDELIVERY));
    }
    all
}

async fn hears_nothing(esme: &mut Esme) {
    esme.request(Pdu::EnquireLink).await.unwrap();
    assert!(esme.try_delivery().is_none());
}

/// So many charged messages with their receipts, and as many texts of subscribers.
async fn an_hour(world: &World, acme: &mut Esme, count: usize) -> BTreeSet<MessageId> {
    for place in 0..count {
        acme.submit(ShortMessage {
            registered_delivery: 1,
            ..mt(CHARGED, SUBSCRIBER, &format!("answer {place}"))
        })
        .await
        .unwrap();
        let said = world.smsc.mo(SUBSCRIBER, "7455", &format!("win {place}")).await.unwrap();
        assert_eq!(said, CommandStatus::ROK);
    }
    let first = heard(acme, 2 * count).await;
    assert_eq!(first.len(), 2 * count);
    assert!(first.values().all(|marks| *marks == [None]), "{first:?}");
    settled(world).await;
    first.into_keys().collect()
}

async fn settled(world: &World) {
    let store = world.gateway().store();
    eventually("nothing waits", async || {
        let lanes = store.lanes().await.unwrap();
        lanes.iter().all(|lane| lane.items == 0).then_some(())
    })
    .await;
}

/// A world whose acme has an API key and a neighbour; the key is shown.
async fn furnished(change: impl FnOnce(&mut Builder)) -> (World, String) {
    let key = Pepper::new(PEPPER).mint().unwrap();
    let mut builder = Builder::default();
    builder.partners[0].api_key = Some(NewApiKey {
        partner: "acme".into(),
        prefix: key.prefix,
        secret: key.hash,
        expires_at: i64::MAX,
        mode: Mode::Live,
    });
    builder.partners.push(PartnerPlan::named("rival"));
    builder.services.push(service("rival", "lose", "7499", &["LOSE"]));
    change(&mut builder);
    (builder.ready().await, (*key.shown).clone())
}

/// Status, head and body of a request with the key.
async fn ask(
    world: &World,
    key: &str,
    (method, path): (&str, &str),
    body: &Value,
) -> (u16, String, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         idempotency-key: once\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(world.node.http[0]).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

/// The last hour, up to now.
fn hour(world: &World) -> Value {
    let at = |us: i64| jiff::Timestamp::from_microsecond(us).unwrap().to_string();
    let now = world.gateway().now();
    json!({ "kinds": ["mo", "receipt"], "from": at(now - 3_600_000_000), "until": at(now) })
}

async fn row(world: &World, id: i64) -> ReplayRow {
    world.gateway().store().replay(id).await.unwrap().unwrap()
}

async fn becomes(world: &World, id: i64, state: ReplayState) -> ReplayRow {
    eventually(&format!("replay {id} becomes {state}"), async || {
        Some(row(world, id).await).filter(|row| row.state == state)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_an_hour_comes_again_with_the_same_ids_marked_and_charged_to_nobody() {
    let (world, key) = furnished(|_| {}).await;
    let mut acme = world.bind("acme").await;
    let mut rival = world.bind("rival").await;
    let all = an_hour(&world, &mut acme, 10).await;
    world.smsc.mo(SUBSCRIBER, "7499", "lose").await.unwrap();
    rival.next_delivery().await.unwrap();
    settled(&world).await;
    let books = world.ledger().await;
    assert_eq!(books.0, 10, "charged at delivery, once each");

    let wish = hour(&world);
    let (status, _, counts) = ask(&world, &key, ("POST", "/api/v1/replays/preview"), &wish).await;
    assert_eq!((status, &counts["found"], &counts["sent"]), (200, &json!(20), &json!(20)));
    hears_nothing(&mut acme).await;
    let (status, head, made) = ask(&world, &key, ("POST", "/api/v1/replays"), &wish).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_i64().unwrap();
    assert!(head.contains(&format!("location: /api/v1/replays/{id}")), "{head}");
    let (status, head, again) = ask(&world, &key, ("POST", "/api/v1/replays"), &wish).await;
    assert_eq!((status, &again["id"]), (201, &json!(id)), "{again}");
    assert!(head.contains("idempotency-replayed: true"), "{head}");

    let repeats = heard(&mut acme, 20).await;
    assert_eq!(repeats.keys().copied().collect::<BTreeSet<_>>(), all);
    assert!(repeats.values().all(|marks| *marks == [Some(1)]), "{repeats:?}");
    let done = becomes(&world, id, ReplayState::Done).await;
    assert_eq!((done.found, done.sent, done.counts().total()), (20, 20, 20));
    let (status, _, shown) =
        ask(&world, &key, ("GET", &format!("/api/v1/replays/{id}")), &Value::Null).await;
    assert_eq!(
        (status, &shown["state"], &shown["counts"]["sent"]),
        (200, &json!("done"), &json!(20))
    );

    for message in &all {
        assert_eq!(world.state_of(*message).await, MessageState::Delivered);
        let events = world.gateway().store().events(*message).await.unwrap();
        let last = events.last().unwrap();
        assert_eq!((&*last.kind, last.attempt), ("redelivered", 2), "{events:?}");
        assert_eq!(last.detail, Some(format!("replay:{id}")));
    }
    assert_eq!(world.ledger().await, books);
    hears_nothing(&mut acme).await;
    hears_nothing(&mut rival).await;
    settled(&world).await;
    // A second one counts on.
    let (status, _, _) =
        ask(&world, &key, ("POST", &format!("/api/v1/replays/{id}/stop")), &Value::Null).await;
    assert_eq!(status, 409, "it is over already");
    let trail = world.gateway().store().audit(10).await.unwrap();
    let of_it = trail.iter().filter(|one| one.subject == format!("replay:{id}"));
    let of_it: Vec<_> = of_it.map(|one| (one.what.as_str(), one.who.as_str())).collect();
    assert_eq!(of_it.len(), 2, "{of_it:?}");
    assert_eq!(of_it[0], ("replay.finish", "gateway"));
    assert!(of_it[1].0 == "replay.start" && of_it[1].1.starts_with("api:"), "{of_it:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_a_session_that_goes_away_is_waited_for_and_nothing_is_left_out() {
    let (world, key) = furnished(|_| {}).await;
    let mut acme = world.bind("acme").await;
    let all = an_hour(&world, &mut acme, 20).await;
    let books = world.ledger().await;
    // It takes some, answers none of them and is gone.
    acme.auto_answer(false);
    let (_, _, made) = ask(&world, &key, ("POST", "/api/v1/replays"), &hour(&world)).await;
    let id = made["id"].as_i64().unwrap();
    let first = heard(&mut acme, 3).await;
    acme.close().await.unwrap();
    drop(acme);
    let waiting = becomes(&world, id, ReplayState::Waiting).await;
    let waiting = eventually("it says what it waits for", async || {
        Some(row(&world, id).await).filter(|row| row.reason.is_some())
    })
    .await
    .sent
    .max(waiting.sent);
    assert_eq!(waiting, 0, "nothing was taken yet");

    let mut acme = world.bind("acme").await;
    let repeats = heard(&mut acme, 40).await;
    assert_eq!(repeats.keys().copied().collect::<BTreeSet<_>>(), all);
    assert!(first.keys().all(|message| repeats.contains_key(message)));
    assert!(repeats.values().flatten().all(|mark| *mark == Some(1)), "{repeats:?}");
    let done = becomes(&world, id, ReplayState::Done).await;
    assert_eq!((done.sent, done.refused), (40, 0));
    assert_eq!(world.ledger().await, books);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_a_replay_that_nobody_takes_fails_and_one_that_is_stopped_stops() {
    let (world, key) = furnished(|builder| {
        builder.tune = Some(Box::new(|config| {
            config.replay.wait = Duration::from_millis(100);
            config.replay.rate = 2;
        }));
    })
    .await;
    let mut acme = world.bind("acme").await;
    an_hour(&world, &mut acme, 10).await;
    acme.close().await.unwrap();
    drop(acme);
    let (_, _, made) = ask(&world, &key, ("POST", "/api/v1/replays"), &hour(&world)).await;
    let failed = becomes(&world, made["id"].as_i64().unwrap(), ReplayState::Failed).await;
    assert_eq!(failed.sent, 0);
    assert!(failed.reason.unwrap().contains("no session"), "the reason is told");

    let mut acme = world.bind("acme").await;
    let start = hour(&world);
    let start = json!({ "kinds": ["mo"], "from": start["from"] });
    let by = super::world::operator();
    let store = world.gateway().store();
    let scope = bramka::store::ReplayScope {
        partner: world.gateway().catalog().partner_named("acme").unwrap().id,
        service: None,
        mo: true,
        receipts: false,
        from: start["from"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond(),
        until: world.gateway().now(),
    };
    let new = bramka::store::NewReplay { scope, found: 10, request: None };
    let started = store.start_replay(&by, world.gateway().now(), &new).await.unwrap();
    let bramka::store::ReplayStart::Started(id) = started else { panic!("{started:?}") };
    // At two a second it has hardly begun.
    heard(&mut acme, 1).await;
    let (status, _, stopped) =
        ask(&world, &key, ("POST", &format!("/api/v1/replays/{id}/stop")), &Value::Null).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("stopped")), "{stopped}");
    world.stop().await;
}

/// Runs a command of the program against a site's own configuration; what it printed.
async fn command(binary: &Path, folder: &Path, words: &[&str]) -> Value {
    let done = tokio::process::Command::new(binary)
        .arg("--config")
        .arg(folder.join("bramka.toml"))
        .arg("--json")
        .args(words)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{words:?}: {said} {wrong}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_a_kill_in_the_middle_repeats_a_page_at_most_and_charges_nothing() {
    const EACH: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_bramka"));
    let script = Script { answer_delay: Duration::from_millis(1), ..Script::default() };
    let smsc = FakeSmsc::with(bramka::demo::fake_smsc::Options::default(), script).await.unwrap();
    let more = "[replay]\nrate = 40";
    let mut site = Site::new(binary, folder.path(), smsc.address(), "rate = 1000", more).await;
    let (daemon, _) = site.start().await;
    let smpp = site.smpp;
    let bind = async || {
        Esme::bind(smpp, BindKind::Transceiver, Version::V34, "acme", PASSWORD).await.unwrap()
    };
    let mut acme = bind().await;
    for place in 0..EACH {
        let message = ShortMessage { registered_delivery: 1, ..mt(CHARGED, SUBSCRIBER, "answer") };
        acme.submit(message).await.unwrap();
        smsc.mo(SUBSCRIBER, "7455", &format!("win {place}")).await.unwrap();
    }
    let all: BTreeSet<MessageId> = heard(&mut acme, 2 * EACH).await.into_keys().collect();
    assert_eq!(all.len(), 2 * EACH);
    let mut db = laws::reader(&site.database()).await;
    let ledger = "select count(*) from charge";
    eventually("all is charged and nothing waits", async || {
        let waits = laws::count(&mut db, "select count(*) from lane_item").await;
        let charged = laws::count(&mut db, ledger).await;
        (waits == 0 && usize::try_from(charged) == Ok(EACH)).then_some(())
    })
    .await;

    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let from = hour_ago.to_string();
    let words = ["replay", "start", "--partner", "acme", "--from", &from];
    let counted = command(binary, folder.path(), &[&words[..], &["--dry-run"]].concat()).await;
    assert_eq!(counted["sent"], 2 * EACH);
    let started = command(binary, folder.path(), &words).await;
    let id = started["id"].to_string();
    let mut repeats = heard(&mut acme, 30).await;
    daemon.kill().await;
    acme.closed().await.unwrap();
    let mut more = 0;
    // What came before the end was taken, and perhaps noted.
    while let Some(Delivered { message, .. }) = acme.try_delivery() {
        more += 1;
        repeats.entry(id_of(&message)).or_default().push(message.tlvs.u8(REDELIVERY));
    }
    let (daemon, _) = site.start().await;
    let mut acme = bind().await;
    while repeats.len() < 2 * EACH {
        more += 1;
        for (message, marks) in heard(&mut acme, 1).await {
            repeats.entry(message).or_default().extend(marks);
        }
    }
    assert_eq!(repeats.keys().copied().collect::<BTreeSet<_>>(), all);
    assert!(repeats.values().flatten().all(Option::is_some), "each is marked: {repeats:?}");
    // What was read before the kill, and what the page of the kill brings again.
    assert!(30 + more <= 2 * EACH + 16, "{more} came after the kill");
    eventually("it is done", async || {
        let shown = command(binary, folder.path(), &["replay", "show", &id]).await;
        (shown["state"] == "done").then_some(())
    })
    .await;
    let shown = command(binary, folder.path(), &["replay", "show", &id]).await;
    assert_eq!((&shown["sent"], &shown["found"]), (&json!(2 * EACH), &json!(2 * EACH)));
    assert_eq!(usize::try_from(laws::count(&mut db, ledger).await), Ok(EACH));
    let moved = "select count(*) from message where state <> 'delivered'";
    assert_eq!(laws::count(&mut db, moved).await, 0);
    let (code, _) = daemon.stop().await;
    assert_eq!(code, Some(0), "{}", site.log());
}
