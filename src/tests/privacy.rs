//! What a subscriber may ask for (S-46), looked at in the octets of the store.

use std::path::Path;

use bramka::{
    demo::esme::mt,
    domain::{Caller, MessageState, Msisdn, secret::Pepper},
};

use super::world::{World, eventually, number, operator};

const CANARY: &str = "48600777111";
const TEXT: &str = "canary-text-4711";
/// So many that the store's pages have holes where the old rows were.
const MESSAGES: usize = 30;
const HOUR_US: i64 = 3_600_000_000;

/// Files of the store in which these octets stand.
fn files_with(folder: &Path, octets: &[u8]) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
    let of_store = files.filter(|file| file.file_name().to_string_lossy().contains(".db"));
    of_store
        .filter(|file| {
            // A log that was written back is gone between the listing and the reading.
            let found = match std::fs::read(file.path()) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
                found => found.expect("a file"),
            };
            found.windows(octets.len()).any(|window| window == octets)
        })
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s46_a_forgotten_subscriber_stays_in_the_books_and_nowhere_else() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let store = world.gateway().store().clone();
    for place in 0..MESSAGES {
        let text = format!("{place} {} {TEXT}", "long ".repeat(20));
        let id = number(&acme.submit(mt("7466", CANARY, &text)).await.unwrap().message_id);
        world.becomes(id, MessageState::Delivered).await;
    }
    world.smsc.queue_mo(CANARY, "7455", &format!("win {TEXT}")).unwrap();
    let mut deliveries = 0;
    while deliveries <= MESSAGES {
        acme.next_delivery().await.unwrap();
        deliveries += 1;
    }
    eventually("nothing waits", async || {
        let lanes = store.lanes().await.expect("a store that reads");
        lanes.iter().all(|lane| lane.items == 0).then_some(())
    })
    .await;
    let canary = Msisdn::parse(CANARY).unwrap();
    let pseudonym = Pepper::new(*b"pepper").pseudonym(&canary);
    let now = world.gateway().now();
    let charges = store.ledger().await.unwrap();

    // At once: what is younger than an hour may still be repeated by its partner.
    let early = store.forget_subscriber(&operator(), now, &canary, &pseudonym).await.unwrap();
    assert_eq!((early.messages, early.left), (0, MESSAGES as u64 + 1));

    let later = now + 2 * HOUR_US;
    let done = store.forget_subscriber(&operator(), later, &canary, &pseudonym).await.unwrap();
    assert_eq!((done.messages, done.left), (MESSAGES as u64 + 1, 0));
    assert_eq!(store.ledger().await.unwrap(), charges, "the books did not move");
    let (_, found) = store.subscriber_messages(&pseudonym, i64::MIN).await.unwrap().unwrap();
    assert_eq!(found.len(), MESSAGES + 1);
    let lines = store.subscriber_charges(&pseudonym).await.unwrap();
    assert_eq!(i64::try_from(lines.len()).unwrap(), charges.0);
    assert!(store.verify_audit().await.unwrap().is_ok());

    // A receipt that comes once more changes nothing and fails nothing.
    world.smsc.send_receipt_for(&world.smsc.submits()[0], 2).unwrap();
    let other = acme.submit(mt("7455", "48600100200", "hello")).await.unwrap();
    world.becomes(number(&other.message_id), MessageState::Delivered).await;
    let folder = world.stop().await;
    for octets in [CANARY.as_bytes(), TEXT.as_bytes()] {
        let found = files_with(folder.path(), octets);
        assert!(found.is_empty(), "{} is in {found:?}", String::from_utf8_lossy(octets));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s46_a_copy_for_the_subscriber_leaves_a_row_that_does_not_name_it() {
    let world = World::new().await;
    let store = world.gateway().store();
    let canary = Msisdn::parse(CANARY).unwrap();
    let pseudonym = Pepper::new(*b"pepper").pseudonym(&canary);
    let by = Caller::Operator { name: "anna".into() };
    store.note_export(&by, world.gateway().now(), &pseudonym).await.unwrap();
    let newest = &store.audit(1).await.unwrap()[0];
    assert_eq!((newest.who.as_str(), newest.what.as_str()), ("operator:anna", "privacy.export"));
    assert_eq!(newest.subject, pseudonym.as_str());
    world.stop().await;
}
