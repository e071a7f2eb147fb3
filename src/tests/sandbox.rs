//! The sandbox as a partner's developer meets it: every magic number, both modes side by side, the
//! list that ticks itself, and a restart in the middle.

use std::{sync::Arc, time::Duration};

use bramka::{
    clock::{Clock, SetClock},
    demo::esme::{Esme, Failed, mt},
    domain::{
        Exercise, Fate, MessageId, MessageState, Mode, Msisdn, PartnerId, Refusal, ShortCode,
    },
    gateway::sandbox::TestText,
    smpp::{CommandStatus, Pdu, ShortMessage},
    store::NewCredential,
};

use super::world::{
    Builder, PartnerPlan, World, at_a_set_time, eventually, number, operator, text,
};

/// A charged service: whatever is submitted under it live costs its subscriber 4.92.
const CHARGED: &str = "7466";
const TEST: &str = "acme-test";

/// acme gets a test account, as its developer would make one.
async fn furnished(world: &World) -> PartnerId {
    let plan = PartnerPlan::named("acme").credential;
    let new = NewCredential { system_id: TEST.into(), mode: Mode::Test, ..plan };
    world.gateway().store().add_credential(&operator(), 0, &new).await.unwrap();
    world.gateway().reload_catalog().await.unwrap();
    world.gateway().catalog().partner_named("acme").unwrap().id
}

fn to(fate: Fate) -> ShortMessage {
    ShortMessage { registered_delivery: 1, ..mt(CHARGED, fate.number(), "hello") }
}

async fn submit(esme: &Esme, fate: Fate) -> MessageId {
    number(&esme.submit(to(fate)).await.unwrap().message_id)
}

async fn next(esme: &mut Esme) -> String {
    text(&esme.next_delivery().await.unwrap().message)
}

/// Nothing more was delivered: an answer that comes later than any delivery would is here.
async fn hears_nothing(esme: &mut Esme) {
    esme.request(Pdu::EnquireLink).await.unwrap();
    assert!(esme.try_delivery().is_none());
}

fn by_hand(number: &str, words: &str) -> TestText {
    TestText {
        sender: Msisdn::parse("48600100200").unwrap(),
        recipient: ShortCode::parse(number).unwrap(),
        text: words.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_magic_number_has_its_fate_and_nothing_of_it_is_charged_or_leaves() {
    let (set, builder) = at_a_set_time();
    let world = builder.ready().await;
    furnished(&world).await;
    let mut acme = world.bind(TEST).await;
    for (fate, stat, ends) in [
        (Fate::Delivered, "DELIVRD", MessageState::Delivered),
        (Fate::Undeliverable, "UNDELIV", MessageState::Undeliverable),
        (Fate::Expired, "EXPIRED", MessageState::Expired),
        (Fate::LateReceipt, "DELIVRD", MessageState::Delivered),
    ] {
        let id = submit(&acme, fate).await;
        world.becomes(id, MessageState::Submitted).await;
        set.advance(Duration::from_millis(900));
        hears_nothing(&mut acme).await;
        set.advance(Duration::from_micros(fate.ends_after().unsigned_abs()));
        let receipt = next(&mut acme).await;
        assert!(receipt.contains(&format!("stat:{stat}")), "{fate}: {receipt}");
        world.becomes(id, ends).await;
    }
    let id = submit(&acme, Fate::Rejected).await;
    assert!(next(&mut acme).await.contains("stat:REJECTD"));
    world.becomes(id, MessageState::Rejected).await;

    let id = submit(&acme, Fate::Unknown).await;
    world.becomes(id, MessageState::Unknown).await;
    hears_nothing(&mut acme).await;
    set.advance(Duration::from_mins(1));
    assert!(next(&mut acme).await.contains("stat:UNKNOWN"));
    world.becomes(id, MessageState::UnknownFinal).await;

    let id = submit(&acme, Fate::Retried).await;
    eventually("it is put off", async || {
        let events = world.gateway().store().events(id).await.unwrap();
        events.iter().any(|event| event.kind == "retry_planned").then_some(())
    })
    .await;
    set.advance(Duration::from_secs(5));
    world.becomes(id, MessageState::Submitted).await;
    set.advance(Duration::from_secs(1));
    assert!(next(&mut acme).await.contains("stat:DELIVRD"));

    for (fate, texts) in [(Fate::Reply, 1), (Fate::RepeatedMo, 2)] {
        let id = submit(&acme, fate).await;
        world.becomes(id, MessageState::Submitted).await;
        set.advance(Duration::from_secs(1));
        let mut heard = Vec::new();
        for _ in 0..=texts {
            heard.push(next(&mut acme).await);
        }
        let is_reply = |words: &&String| *words == "PAY TEST";
        assert_eq!(heard.iter().filter(is_reply).count(), texts, "{fate}: {heard:?}");
    }
    hears_nothing(&mut acme).await;
    assert_eq!(world.ledger().await, (0, 0), "nothing is charged");
    assert_eq!(world.smsc.submits().len(), 0, "nothing leaves");
    world.stop().await;
}

async fn throttled(esme: &Esme) -> bool {
    match esme.submit(to(Fate::Throttled)).await {
        Ok(_) => false,
        Err(Failed::Refused(status)) => {
            assert_eq!(status, CommandStatus::RTHROTTLED);
            true
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_that_throttles_takes_only_from_who_waited() {
    let (set, builder) = at_a_set_time();
    let world = builder.ready().await;
    furnished(&world).await;
    let acme = world.bind(TEST).await;
    assert!(throttled(&acme).await);
    set.advance(Duration::from_millis(999));
    assert!(throttled(&acme).await, "too early, and the wait begins again");
    set.advance(Duration::from_millis(999));
    assert!(throttled(&acme).await);
    set.advance(Duration::from_secs(1));
    assert!(!throttled(&acme).await);
    assert!(throttled(&acme).await, "each time anew");
    // Live traffic of the same number knows nothing of it.
    let live = world.bind("acme").await;
    assert!(live.submit(mt("7455", Fate::Throttled.number(), "hello")).await.is_ok());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_bind_never_gets_a_test_message_and_a_test_bind_no_live_one() {
    let world = World::new().await;
    let partner = furnished(&world).await;
    let mut live = world.bind("acme").await;
    let mut test = world.bind(TEST).await;
    let played = by_hand("7455", "WIN test");
    let played = world.gateway().text_by_hand(partner, &played, "tester").await.unwrap();
    assert_eq!(next(&mut test).await, "WIN test");
    let (subscriber, played) = (Msisdn::parse("48600100200").unwrap(), played[0].to_string());
    let answers = async |mode| {
        world.gateway().check_answers((partner, mode), &played, &subscriber).await.is_ok()
    };
    assert!(answers(Mode::Test).await);
    assert!(!answers(Mode::Live).await, "a text that was played justifies no charge");
    assert!(world.smsc.mo("48600100200", "7455", "win live").await.unwrap().is_ok());
    assert_eq!(next(&mut live).await, "win live");
    let tested = submit(&test, Fate::Delivered).await;
    assert!(next(&mut test).await.contains(&tested.to_string()));
    let charged = mt(CHARGED, "48600100200", "hello");
    let sent = live.submit(ShortMessage { registered_delivery: 1, ..charged }).await.unwrap();
    let sent = number(&sent.message_id);
    assert!(next(&mut live).await.contains(&sent.to_string()));
    hears_nothing(&mut live).await;
    hears_nothing(&mut test).await;
    assert_eq!(world.ledger().await, (1, 492), "only what is live is charged");
    assert_eq!(world.smsc.submits().len(), 1);
    // Neither can ask about, or stop, what is the other's.
    for (id, own, other) in [(tested, Mode::Test, Mode::Live), (sent, Mode::Live, Mode::Test)] {
        let (gateway, id) = (world.gateway(), id.to_string());
        assert!(gateway.query((partner, own), &id, None).await.is_ok());
        let told = gateway.query((partner, other), &id, None).await.unwrap_err();
        assert_eq!(told.to_string(), Refusal::UnknownMessage(id.as_str().into()).to_string());
    }
    // Its own test service is nobody's in live traffic.
    let own = mt("00000", Fate::Delivered.number(), "hello");
    assert!(matches!(live.submit(own.clone()).await, Err(Failed::Refused(_))));
    assert!(test.submit(own).await.is_ok());
    world.stop().await;
}

/// What is done, in the order of the list.
async fn done(world: &World, partner: PartnerId) -> Vec<Exercise> {
    let rows = world.gateway().store().exercises(partner).await.unwrap();
    let mut done: Vec<_> = rows.into_iter().map(|row| row.exercise).collect();
    done.sort_unstable();
    done
}

async fn shows(world: &World, partner: PartnerId, wanted: &[Exercise]) {
    eventually("the list ticks itself", async || {
        (done(world, partner).await == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checklist_ticks_itself_by_what_a_real_client_does() {
    use Exercise as E;
    let (set, mut builder) = at_a_set_time();
    builder.tune = Some(Box::new(|config| {
        config.smpp_server.enquire_link = Duration::from_millis(100);
    }));
    let world = builder.ready().await;
    let partner = furnished(&world).await;
    // Live traffic shows nothing.
    let mut live = world.bind("acme").await;
    live.submit(ShortMessage { registered_delivery: 1, ..mt("7455", "48600100200", "hello") })
        .await
        .unwrap();
    next(&mut live).await;
    assert_eq!(done(&world, partner).await, []);

    let mut acme = world.bind(TEST).await;
    acme.auto_enquire_link(true);
    shows(&world, partner, &[E::Bind, E::EnquireLink]).await;
    let id = submit(&acme, Fate::Reply).await;
    shows(&world, partner, &[E::Bind, E::EnquireLink, E::Mt]).await;
    world.becomes(id, MessageState::Submitted).await;
    set.advance(Duration::from_secs(1));
    next(&mut acme).await;
    next(&mut acme).await;
    shows(&world, partner, &[E::Bind, E::EnquireLink, E::Mt, E::Receipt, E::Mo]).await;
    assert!(throttled(&acme).await);
    set.advance(Duration::from_secs(1));
    assert!(!throttled(&acme).await);
    shows(&world, partner, E::ALL).await;
    let rows = world.gateway().store().exercises(partner).await.unwrap();
    let tried = rows.iter().find(|row| row.exercise == E::Mt).unwrap();
    assert_eq!(tried.evidence, id.to_string(), "the first one that did it stays");
    world.stop().await;
}

/// The usual world at a time that another one left.
fn at(set: &Arc<SetClock>) -> Builder {
    Builder { clock: Clock::Set(Arc::clone(set)), ..Builder::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_what_the_sandbox_owes_and_still_tells_the_modes_apart() {
    let (set, builder) = at_a_set_time();
    let world = builder.ready().await;
    let partner = furnished(&world).await;
    let acme = world.bind(TEST).await;
    let late = submit(&acme, Fate::LateReceipt).await;
    let unknown = submit(&acme, Fate::Unknown).await;
    world.becomes(late, MessageState::Submitted).await;
    world.becomes(unknown, MessageState::Unknown).await;
    acme.unbind().await.unwrap();
    eventually("nobody is there", async || {
        let is_there = world.gateway().registry().has_receiver(partner, Mode::Test);
        (!is_there).then_some(())
    })
    .await;
    world.gateway().text_by_hand(partner, &by_hand("7455", "WIN kept"), "tester").await.unwrap();
    let folder = world.stop().await;

    let world = at(&set).build_in(folder).await;
    let mut live = world.bind("acme").await;
    hears_nothing(&mut live).await;
    let mut acme = world.bind(TEST).await;
    assert_eq!(next(&mut acme).await, "WIN kept");
    set.advance(Duration::from_mins(1));
    let receipts = [next(&mut acme).await, next(&mut acme).await];
    for (id, stat) in [(late, "stat:DELIVRD"), (unknown, "stat:UNKNOWN")] {
        let id = id.to_string();
        let told = receipts.iter().find(|words| words.contains(&id)).unwrap();
        assert!(told.contains(stat), "{told}");
    }
    hears_nothing(&mut live).await;
    assert_eq!(world.ledger().await, (0, 0));
    world.stop().await;
}
