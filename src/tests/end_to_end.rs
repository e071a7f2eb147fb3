//! A real message, from end to end.

use bramka::demo::esme::mt;

use super::world::{Builder, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mt_reaches_the_smsc_and_its_receipt_comes_back_under_the_same_id() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let mut message = mt("7455", "48600100200", "hello");
    message.registered_delivery = 1;
    let resp = acme.submit(message).await.unwrap();
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(sent[0].message.short_message, "hello");
    let receipt = acme.next_delivery().await.unwrap();
    let text = String::from_utf8_lossy(&receipt.message.short_message).into_owned();
    let id = String::from_utf8_lossy(&resp.message_id).into_owned();
    assert!(text.starts_with(&format!("id:{id} sub:001 dlvrd:001")), "{text}");
    assert!(text.contains("stat:DELIVRD"), "{text}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mo_reaches_the_partner_whose_keyword_it_is() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let status = world.smsc.mo("48600100200", "7455", "win please").await.unwrap();
    assert!(status.is_ok());
    let mo = acme.next_delivery().await.unwrap();
    assert_eq!(mo.message.short_message, "win please");
    assert_eq!(mo.message.destination.digits, "7455");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_back_was_never_sent_however_close_it_was() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    let partner = world.gateway().catalog().partner_named("acme").unwrap().id;
    let mut taken_back = Vec::new();
    for number in 0..300 {
        let text = format!("number {number}");
        let resp = acme.submit(mt("7455", "48600100200", &text)).await.unwrap();
        let id = String::from_utf8(resp.message_id.to_vec()).unwrap();
        // The link takes it at this very moment.
        if world.gateway().cancel((partner, bramka::domain::Mode::Live), &id, None).await.is_ok() {
            taken_back.push(text);
        }
    }
    let sent = 300 - taken_back.len() as u64;
    let sent = world.smsc.wait_for_submits(sent).await.unwrap();
    let was_sent =
        |text: &&String| sent.iter().any(|submit| submit.message.short_message == text.as_bytes());
    assert_eq!(taken_back.iter().find(was_sent), None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_longer_than_its_head_in_memory_goes_out_once_each() {
    let settings = "[limits]\nlane_head = 16\n".into();
    let world = Builder { settings, ..Builder::default() }.build().await;
    world.link_up().await;
    let acme = world.bind("acme").await;
    let texts = (0..3_000).map(|number| mt("7455", "48600100200", &format!("number {number}")));
    for accepted in acme.submit_pipelined(texts, 100).await {
        accepted.unwrap();
    }
    world.smsc.wait_for_submits(3_000).await.unwrap();
    let smsc = world.smsc.submits();
    let mut texts: Vec<&[u8]> = smsc.iter().map(|one| &one.message.short_message[..]).collect();
    texts.sort_unstable();
    let count = texts.len();
    texts.dedup();
    assert_eq!((texts.len(), count), (3_000, 3_000));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charged_mt_is_in_the_ledger_once_when_it_is_delivered() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let mut message = mt("7466", "48600100200", "your prize");
    message.registered_delivery = 1;
    acme.submit(message).await.unwrap();
    acme.next_delivery().await.unwrap();
    assert_eq!(world.gateway().store().ledger().await.unwrap(), (1, 492));
    world.stop().await;
}
