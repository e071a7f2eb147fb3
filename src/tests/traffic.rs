//! Figures of traffic against what was really exchanged, over a restart and over midnight.

use std::{sync::Arc, time::Duration};

use bramka::{
    clock::{Clock, SetClock},
    demo::{esme::mt, fake_smsc::Rule},
    domain::{Counted, MessageState, Mode, TrafficCounts, TrafficStep},
    smpp::{CommandStatus, ShortMessage},
    store::{NewCredential, TrafficFilter},
};

use super::world::{Builder, PartnerPlan, World, eventually, number, operator};

const SUBSCRIBER: &str = "48600100200";
/// The operator refuses it for good.
const GONE: &str = "48600100404";
const BARRED: &str = "48600100999";

/// What the store holds of all services, over all time.
async fn written(world: &World, step: TrafficStep) -> Vec<(i64, TrafficCounts)> {
    let all =
        TrafficFilter { partner: None, service: None, step, during: (0, i64::MAX), limit: 1000 };
    world.gateway().store().traffic(&all).await.unwrap()
}

fn sum(rows: &[(i64, TrafficCounts)]) -> TrafficCounts {
    let mut sum = TrafficCounts::default();
    for (_, counts) in rows {
        sum += *counts;
    }
    sum
}

fn to(recipient: &str) -> ShortMessage {
    ShortMessage { registered_delivery: 1, ..mt("7455", recipient, "hello") }
}

/// Two delivered, one failed, one refused, three from subscribers; and a test, which is none.
async fn exchange(world: &World) {
    let acme = world.bind("acme").await;
    for (recipient, end) in [
        (SUBSCRIBER, MessageState::Delivered),
        (SUBSCRIBER, MessageState::Delivered),
        (GONE, MessageState::Rejected),
    ] {
        let sent = acme.submit(to(recipient)).await.unwrap();
        world.becomes(number(&sent.message_id), end).await;
    }
    assert!(acme.submit(to(BARRED)).await.is_err());
    // Nobody knows under which service this one would have gone.
    assert!(acme.submit(mt("7499", SUBSCRIBER, "hello")).await.is_err());
    for words in ["WIN one", "WIN two", "WIN three", "NOBODY takes this"] {
        let status = world.smsc.mo(SUBSCRIBER, "7455", words).await.unwrap();
        assert_eq!(status, CommandStatus::ROK);
    }
    let tester = world.bind("acme-test").await;
    tester.submit(to("48000000001")).await.unwrap();
    acme.unbind().await.unwrap();
    tester.unbind().await.unwrap();
}

const EXCHANGED: TrafficCounts = TrafficCounts([3, 3, 2, 1, 1]);

fn builder(clock: &Arc<SetClock>) -> Builder {
    let mut builder = Builder { clock: Clock::Set(Arc::clone(clock)), ..Builder::default() };
    let status = CommandStatus::RINVDSTADR;
    builder.script.rules = vec![Rule { status, recipient: Some(GONE.to_owned()), times: None }];
    builder
}

async fn furnish(world: &World) {
    let plan = PartnerPlan::named("acme").credential;
    let new = NewCredential { system_id: "acme-test".into(), mode: Mode::Test, ..plan };
    let store = world.gateway().store();
    store.add_credential(&operator(), 0, &new).await.unwrap();
    store.bar_number(&operator(), 0, BARRED, "asked").await.unwrap();
    world.gateway().reload_catalog().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_what_was_exchanged_and_survive_a_restart_and_midnight() {
    // 2030-03-17T22:59:50Z: ten seconds before midnight in Warsaw, where it is winter still.
    let set = Arc::new(SetClock::at(1_900_018_790_000_000));
    let clock = Clock::Set(Arc::clone(&set));
    let first = TrafficStep::Minute.begin(clock.now());
    let world = builder(&set).ready().await;
    furnish(&world).await;
    exchange(&world).await;
    assert_eq!(written(&world, TrafficStep::Minute).await, [], "the minute is not over");
    set.advance(Duration::from_secs(10));
    eventually("the minute is written", async || {
        (written(&world, TrafficStep::Minute).await == [(first, EXCHANGED)]).then_some(())
    })
    .await;
    exchange(&world).await;
    let folder = world.stop().await;

    // What was not a whole minute yet was written at the stop.
    let world = builder(&set).build_in(folder).await;
    let next = TrafficStep::Minute.begin(clock.now());
    let minutes = written(&world, TrafficStep::Minute).await;
    assert_eq!(minutes, [(first, EXCHANGED), (next, EXCHANGED)]);
    let days = written(&world, TrafficStep::Day).await;
    assert_eq!(days.len(), 2, "one before midnight, one after: {days:?}");
    assert_eq!(days[1].0, next, "a day begins at midnight");
    for step in TrafficStep::ALL {
        assert_eq!(sum(&written(&world, step).await), sum(&minutes), "{step:?}");
    }
    world.link_up().await;
    // A text that was not there before: the same ones again would be taken for repeats.
    world.smsc.mo(SUBSCRIBER, "7455", "WIN four").await.unwrap();
    world.gateway().write_traffic(clock.now()).await;
    let minutes = written(&world, TrafficStep::Minute).await;
    assert_eq!(minutes.last().unwrap().1.of(Counted::Taken), 4, "they are added up");
    // Minutes go after two days, and the days stay.
    set.advance(Duration::from_hours(49));
    world.gateway().write_traffic(clock.now()).await;
    assert_eq!(written(&world, TrafficStep::Minute).await, []);
    assert_eq!(sum(&written(&world, TrafficStep::Day).await), TrafficCounts([7, 6, 4, 2, 2]));
    world.stop().await;
}
