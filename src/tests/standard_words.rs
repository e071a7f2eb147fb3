//! POMOC, INFO and STOP: the gateway answers by itself, free and once, and after a STOP nobody is
//! charged.

use bramka::{
    demo::esme::{Esme, Failed, mt},
    domain::StandardTexts,
    smpp::{CommandStatus, ShortMessage},
    store::NewService,
};

use super::world::{Builder, World, charged};

/// acme has the subscription SPORT on 7477; every MT of it costs.
async fn world() -> World {
    let sport = NewService {
        standard: Some(StandardTexts {
            help: "Pomoc: 22 555 44 33".to_owned(),
            stop: "Koniec uslugi SPORT.".to_owned(),
            contact: "22 555 44 33".to_owned(),
            rules_url: "https://acme.pl/r".to_owned(),
        }),
        ..charged("acme", "sport", "7477", &["SPORT"])
    };
    let mut builder = Builder::default();
    builder.services.push(sport);
    let world = builder.ready().await;
    world.link_up().await;
    world
}

async fn text(world: &World, words: &str) {
    assert!(world.smsc.mo("48600100200", "7477", words).await.unwrap().is_ok(), "{words}");
}

/// What reached the subscriber, in order.
async fn answers(world: &World, count: u64) -> Vec<String> {
    let sent = world.smsc.wait_for_submits(count).await.unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    sent.iter().map(|submit| text(&submit.message.short_message)).collect()
}

async fn charge(acme: &Esme) -> Result<(), CommandStatus> {
    // Without a receipt, so that the texts of the subscriber are all that comes.
    let result = mt("7477", "48600100200", "Wynik 2:1");
    match acme.submit(ShortMessage { registered_delivery: 0, ..result }).await {
        Ok(_) => Ok(()),
        Err(Failed::Refused(status)) => Err(status),
        Err(error) => panic!("no answer: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_and_info_are_answered_while_the_partner_is_away_and_cost_nothing() {
    let world = world().await;
    text(&world, "POMOC").await;
    assert_eq!(answers(&world, 1).await, ["Pomoc: 22 555 44 33"]);
    text(&world, "sport info").await;
    let sent = answers(&world, 2).await;
    assert!(sent[1].starts_with("Usluga sport: 4.92 PLN z VAT za otrzymany SMS."), "{sent:?}");
    assert!(sent[1].contains("Rezygnacja: STOP SPORT na 7477."), "{sent:?}");
    assert_eq!(world.ledger().await, (0, 0));
    // The partner hears of none of it; the next text that is its own comes first.
    let mut acme = world.bind("acme").await;
    text(&world, "SPORT wyniki").await;
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "SPORT wyniki");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_stop_nothing_is_charged_until_the_subscriber_starts_again() {
    let world = world().await;
    let mut acme = world.bind("acme").await;
    charge(&acme).await.unwrap();
    world.smsc.wait_for_submits(1).await.unwrap();
    text(&world, "STOP SPORT").await;
    assert_eq!(answers(&world, 2).await[1], "Koniec uslugi SPORT.");
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "STOP SPORT");
    assert_eq!(charge(&acme).await, Err(CommandStatus::RSUBMITFAIL));
    // A second STOP is answered like the first, and a text about something else starts nothing.
    text(&world, "stop").await;
    assert_eq!(answers(&world, 3).await[2], "Koniec uslugi SPORT.");
    text(&world, "SPORT przestancie").await;
    assert_eq!(charge(&acme).await, Err(CommandStatus::RSUBMITFAIL));
    text(&world, "sport").await;
    for expected in ["stop", "SPORT przestancie", "sport"] {
        assert_eq!(acme.next_delivery().await.unwrap().message.short_message, expected);
    }
    charge(&acme).await.unwrap();
    assert_eq!(answers(&world, 4).await[3], "Wynik 2:1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_outlives_the_daemon() {
    let world = world().await;
    text(&world, "STOP").await;
    answers(&world, 1).await;
    let folder = world.stop().await;
    let world = Builder::default().build_in(folder).await;
    world.link_up().await;
    let acme = world.bind("acme").await;
    assert_eq!(charge(&acme).await, Err(CommandStatus::RSUBMITFAIL));
    assert_eq!(world.ledger().await, (0, 0));
    world.stop().await;
}
