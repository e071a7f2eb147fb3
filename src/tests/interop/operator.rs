//! The operator's side as npm's `smpp` is it: the gateway's link dials a server that nobody here
//! wrote.

use std::net::SocketAddr;

use serde_json::json;
use tokio::process::Command;

use bramka::{
    demo::esme::{Delivered, Esme, mt},
    payload::alphabet::encode_ucs2,
    smpp::{BindKind, Version, tag},
};

use super::{
    super::{tools, world::PASSWORD},
    Overheard, Relay,
    foreign::{Foreign, script},
    text::{POLISH, long},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn npm_smpp_as_the_operator_takes_submits_and_gives_receipts_and_texts() {
    let mut command = Command::new({
        tools::debian(&[("node", "nodejs")]);
        tools::program("node").expect("it was installed above")
    });
    command.arg(script("smsc.js")).arg(tools::npm(&["smpp@0.5.1"]));
    let folder = tempfile::tempdir().unwrap();
    let mut smsc = Foreign::start(command, folder.path(), "smsc");
    let port = smsc.says("listening").await["port"].as_u64().unwrap();
    let operator = Relay::new(1).await;
    operator.forward_to(SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap())));
    let mut builder = Overheard::builder();
    builder.link = "enquire_link = \"1s\"\n".into();
    builder.settings.push_str("[messages]\nretry = [\"1s\"]\n");
    let heard = Box::pin(Overheard::with(builder, operator)).await;
    assert_eq!(smsc.says("bound").await["version"], 0x34);

    let to = heard.partners.address();
    let mut acme =
        Esme::bind(to, BindKind::Transceiver, Version::V34, "acme", PASSWORD).await.unwrap();
    takes_submits(&mut smsc, &mut acme).await;
    gives_texts(&mut smsc, &mut acme).await;

    smsc.told(&json!({ "do": "enquire" })).await;
    assert_eq!(smsc.says("alive").await["status"], 0);
    smsc.says("enquired").await;

    // It goes, and the gateway comes back by itself.
    smsc.told(&json!({ "do": "unbind" })).await;
    assert_eq!(smsc.says("gone").await["status"], 0);
    smsc.says("bound").await;
    submit(&acme, "after the pause").await;
    assert_eq!(smsc.says("submit").await["text"], "after the pause");
    smsc.says("receipt_taken").await;

    assert!(acme.unbind().await.unwrap().is_ok());
    heard.end("operator").await;
    smsc.says("unbound").await;
    smsc.said_nothing_of("error");
    smsc.ends().await;
}

async fn submit(acme: &Esme, text: &str) -> String {
    id_of(&acme.submit(mt("7455", "48600100200", text)).await.unwrap().message_id)
}

fn id_of(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn text_of(delivered: &Delivered) -> String {
    id_of(&delivered.message.short_message)
}

async fn takes_submits(smsc: &mut Foreign, acme: &mut Esme) {
    let hello = submit(acme, "Hello, operator").await;
    let sent = smsc.says("submit").await;
    assert_eq!((&sent["text"], &sent["from"]), (&"Hello, operator".into(), &"7455".into()));
    assert_eq!((&sent["to"], &sent["registered_delivery"]), (&"48600100200".into(), &1.into()));
    assert_eq!(smsc.says("receipt_taken").await["status"], 0);
    let receipt = acme.next_delivery().await.unwrap();
    assert_eq!(receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(hello.as_bytes()));
    assert!(text_of(&receipt).contains(" stat:DELIVRD "), "{receipt:?}");

    let mut polish = mt("7455", "48600100200", "");
    polish.registered_delivery = 0;
    polish.data_coding = 8;
    polish.short_message = encode_ucs2(POLISH).into();
    acme.submit(polish).await.unwrap();
    assert_eq!(smsc.says("submit").await["text"], POLISH);

    let mut whole = mt("7455", "48600100200", "");
    whole.registered_delivery = 0;
    whole.tlvs.push(tag::MESSAGE_PAYLOAD, long().into_bytes());
    acme.submit(whole).await.unwrap();
    let mut joined = String::new();
    for number in 1..=3 {
        let part = smsc.says("submit").await;
        let udh = part["udh"].as_str().unwrap();
        assert!(udh.starts_with("0003") && udh.ends_with(&format!("030{number}")), "{udh}");
        joined.push_str(part["text"].as_str().unwrap());
    }
    assert_eq!(joined, long());

    // A status for good becomes a receipt; one for now is tried again.
    let refused = submit(acme, "refuse this").await;
    smsc.says("refused").await;
    let receipt = acme.next_delivery().await.unwrap();
    assert_eq!(receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(refused.as_bytes()));
    assert!(text_of(&receipt).contains(" stat:REJECTD "), "{receipt:?}");
    let later = submit(acme, "later, please").await;
    smsc.says("throttled").await;
    assert_eq!(smsc.says("submit").await["text"], "later, please");
    let receipt = acme.next_delivery().await.unwrap();
    assert_eq!(receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(later.as_bytes()));
}

async fn gives_texts(smsc: &mut Foreign, acme: &mut Esme) {
    smsc.told(&json!({ "do": "mo", "text": "win please" })).await;
    assert_eq!(smsc.says("mo_taken").await["status"], 0);
    assert_eq!(text_of(&acme.next_delivery().await.unwrap()), "win please");

    smsc.told(&json!({ "do": "mo", "text": format!("win {POLISH}") })).await;
    let mo = acme.next_delivery().await.unwrap().message;
    assert_eq!(
        (mo.data_coding, mo.short_message),
        (8, encode_ucs2(&format!("win {POLISH}")).into())
    );

    // What a handset cut comes in one piece.
    let long = format!("win {}", long());
    let letters: Vec<char> = long.chars().collect();
    let pieces: Vec<String> = letters.chunks(153).map(|piece| piece.iter().collect()).collect();
    smsc.told(&json!({ "do": "parts", "pieces": pieces })).await;
    let mo = acme.next_delivery().await.unwrap().message;
    assert_eq!(mo.tlvs.get(tag::MESSAGE_PAYLOAD).map(|octets| &octets[..]), Some(long.as_bytes()));
}
