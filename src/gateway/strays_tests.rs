//! Receipts without a message, and receipts put aside, through the socket that the commands use.

use serde_json::{Value, json};

use super::{
    receipt::{Matched, NewReceipt},
    submit::LinkSeat,
};
use crate::{
    control::tests::{Daemon, daemon, submitter, unknown_message},
    domain::{Content, Item, MessageId, MessageState, message::ReceiptState},
    store::{Change, Stored},
};

fn seat(daemon: &Daemon) -> LinkSeat {
    let group = daemon.gateway.group("main").unwrap();
    LinkSeat { name: "north".into(), group, epoch: 1 }
}

async fn state(daemon: &Daemon, id: MessageId) -> MessageState {
    match daemon.gateway.store().message(id).await.unwrap() {
        Some(Stored::Mt(_, state)) => state,
        other => panic!("{other:?}"),
    }
}

async fn receive(daemon: &Daemon, name: &str) -> Matched {
    let receipt = NewReceipt {
        smsc_message_id: name.into(),
        state: ReceiptState::Delivered,
        network_error: None,
        done_at: daemon.gateway.now(),
        sender: "48600100200".into(),
        recipient: "7455".into(),
        reference: None,
    };
    daemon.gateway.receipt(&seat(daemon), receipt).await.unwrap()
}

async fn release(daemon: &Daemon, id: i64) -> Option<Value> {
    daemon.client.post(&format!("/receipts/{id}/release"), &json!({})).await.ok()
}

async fn drop_it(daemon: &Daemon, id: i64, reason: &str) -> Option<Value> {
    let body = json!({ "reason": reason });
    daemon.client.post(&format!("/receipts/{id}/drop"), &body).await.ok()
}

/// What the trail says that people did to receipts, newest first.
async fn trail(daemon: &Daemon) -> Vec<(String, String)> {
    let records = daemon.gateway.store().audit(100).await.unwrap();
    let of_receipts = records.into_iter().filter(|one| one.what.starts_with("receipt."));
    of_receipts.map(|one| (one.what, one.subject)).collect()
}

#[tokio::test]
async fn an_orphan_is_tried_again_by_hand_and_waits_on_under_its_own_row_if_nothing_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let id = unknown_message(&daemon.gateway).await;
    let Some(Stored::Mt(message, _)) = daemon.gateway.store().message(id).await.unwrap() else {
        panic!("it is stored");
    };
    // Nothing is known of it yet.
    daemon.gateway.inner.recent.unknown_solved(id);
    assert_eq!(receive(&daemon, "77").await, Matched::Orphan);
    let orphans = daemon.gateway.store().orphans(10).await.unwrap();
    let row = orphans[0].id;
    assert_eq!(release(&daemon, row).await.unwrap()["result"], "waits");
    let after = daemon.gateway.store().orphans(10).await.unwrap();
    assert_eq!((after.len(), after[0].id, after[0].received_at), (1, row, orphans[0].received_at));
    daemon.gateway.inner.unknown_seen(&message);
    assert_eq!(release(&daemon, row).await.unwrap()["result"], "final");
    assert_eq!(state(&daemon, id).await, MessageState::Delivered);
    assert_eq!(daemon.gateway.store().ledger().await.unwrap(), (1, 492));
    assert!(daemon.gateway.store().orphans(10).await.unwrap().is_empty());
    assert!(release(&daemon, row).await.is_none(), "it is gone");
    let subject = row.to_string();
    let released = ("receipt.release".to_owned(), subject);
    assert_eq!(trail(&daemon).await, [released.clone(), released]);
}

#[tokio::test]
async fn an_orphan_that_is_dropped_matches_nothing_any_more_and_its_reason_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    daemon.gateway.lease("north").await.unwrap();
    assert_eq!(receive(&daemon, "77").await, Matched::Orphan);
    let row = daemon.gateway.store().orphans(10).await.unwrap()[0].id;
    assert!(drop_it(&daemon, row, " ").await.is_none(), "a reason is wanted");
    assert_eq!(drop_it(&daemon, row, "a test").await.unwrap()["result"], "dropped");
    assert!(daemon.gateway.store().orphans(10).await.unwrap().is_empty());
    let group = daemon.gateway.group("main").unwrap();
    assert!(daemon.gateway.inner.recent.take_orphans(group, &"77".into()).is_empty());
    let record = daemon.gateway.store().audit(1).await.unwrap().remove(0);
    assert_eq!((record.what.as_str(), record.who.as_str()), ("receipt.drop", "operator:anna"));
    assert!(record.detail.contains("a test"), "{}", record.detail);
}

/// A delivered message whose receipt ended its partner's sessions.
async fn set_aside(daemon: &Daemon) -> MessageId {
    let id = unknown_message(&daemon.gateway).await;
    assert_eq!(receive(daemon, "77").await, Matched::Final);
    let items = deliveries(daemon).await;
    let why = "3 sessions ended".to_owned();
    daemon.gateway.quarantine(&items[0], &"acme1".into(), why).await.unwrap();
    daemon.gateway.store().save(Change::default()).await.unwrap();
    id
}

async fn deliveries(daemon: &Daemon) -> Vec<Item> {
    let gateway = &daemon.gateway;
    let partner = submitter(gateway).partner;
    gateway.deliveries(&gateway.to_sessions(partner, crate::domain::Mode::Live), 10).await
}

#[tokio::test]
async fn a_receipt_in_quarantine_goes_to_its_partner_again_once_or_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let id = set_aside(&daemon).await;
    let store = daemon.gateway.store();
    let lines = store.quarantined_receipts(10).await.unwrap();
    assert_eq!((lines[0].message_id, lines[0].state.as_str()), (id.0, "delivered"));
    assert!(deliveries(&daemon).await.is_empty());
    assert_eq!(release(&daemon, id.0).await.unwrap()["result"], "sent");
    let items = deliveries(&daemon).await;
    let [Item { content: Content::Receipt(message, receipt), deaths: 0, .. }] = items.as_slice()
    else {
        panic!("{items:?}");
    };
    assert_eq!((message.id, receipt.state), (id, ReceiptState::Delivered));
    assert!(release(&daemon, id.0).await.is_none(), "it is not in quarantine any more");
    let why = "again".to_owned();
    daemon.gateway.quarantine(&items[0], &"acme1".into(), why).await.unwrap();
    store.save(Change::default()).await.unwrap();
    assert!(drop_it(&daemon, id.0, "acme fixed it").await.is_some());
    assert!(store.quarantined_receipts(10).await.unwrap().is_empty());
    assert_eq!(state(&daemon, id).await, MessageState::Delivered, "the message is as it was");
    let last = store.events(id).await.unwrap().pop().unwrap();
    assert_eq!(
        (last.kind.as_str(), last.detail.as_deref()),
        ("receipt_dropped", Some("acme fixed it"))
    );
}
