//! Receipts for messages of unknown fate, and receipts that nothing was known about.

use futures_util::FutureExt as _;

use super::{
    Gateway,
    receipt::{Matched, NewReceipt, reference_of},
    submit::LinkSeat,
};
use crate::{
    control::tests::{claimed_message, daemon, unknown_message},
    domain::{MessageId, MessageState, message::ReceiptState},
    store::{Change, GroupLimits, Stored},
};

fn seat(gateway: &Gateway) -> LinkSeat {
    LinkSeat { name: "north".into(), group: gateway.group("main").unwrap(), epoch: 1 }
}

async fn message(
    gateway: &Gateway,
    id: MessageId,
) -> (std::sync::Arc<crate::domain::MtMessage>, MessageState) {
    match gateway.store().message(id).await.unwrap() {
        Some(Stored::Mt(message, state)) => (message, state),
        other => panic!("{other:?}"),
    }
}

async fn delivered(gateway: &Gateway, id: MessageId, with_reference: bool) -> NewReceipt {
    let (message, _) = message(gateway, id).await;
    NewReceipt {
        smsc_message_id: "3000000007".into(),
        state: ReceiptState::Delivered,
        network_error: None,
        done_at: gateway.now(),
        sender: message.recipient.as_str().into(),
        recipient: message.sender.as_str().into(),
        reference: with_reference.then(|| reference_of(id)),
    }
}

/// The SMSC repeats a receipt if the process ended before its answer. By then the message is not
/// unknown any more, and only the SMSC's name can lead to it.
#[tokio::test]
async fn a_receipt_that_proved_a_message_sent_is_recognised_when_it_is_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = daemon(folder.path()).await.gateway;
    let id = unknown_message(&gateway).await;
    let receipt = delivered(&gateway, id, true).await;
    assert_eq!(gateway.receipt(&seat(&gateway), receipt.clone()).await.unwrap(), Matched::Final);
    assert_eq!(message(&gateway, id).await.1, MessageState::Delivered);
    assert_eq!(gateway.receipt(&seat(&gateway), receipt).await.unwrap(), Matched::Repeated);
    let overview = gateway.store().overview().await.unwrap();
    assert_eq!(overview.orphan_receipts, 0);
    assert_eq!(gateway.store().ledger().await.unwrap(), (1, 492));
}

/// The receipt came before the answer, and the process ended before that was stored.
#[tokio::test]
async fn an_orphan_of_the_last_run_proves_that_an_unknown_message_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = daemon(folder.path()).await.gateway;
    let id = unknown_message(&gateway).await;
    let receipt = delivered(&gateway, id, false).await;
    // Nothing is known of it yet, as while the message was claimed and not answered.
    gateway.inner.recent.unknown_solved(id);
    assert_eq!(gateway.receipt(&seat(&gateway), receipt).await.unwrap(), Matched::Orphan);
    // The next start.
    gateway.settle_open_claims().await.unwrap();
    assert_eq!(message(&gateway, id).await.1, MessageState::Delivered);
    assert_eq!(gateway.store().overview().await.unwrap().orphan_receipts, 0);
    assert_eq!(gateway.store().ledger().await.unwrap(), (1, 492));
}

/// The writer has more to do than fits its inbox, so that the submission waits in front of it. The
/// receipt comes meanwhile and must not be stored first: the message would be submitted for ever.
#[tokio::test]
async fn a_receipt_never_overtakes_the_submission_that_it_follows() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = daemon(folder.path()).await.gateway;
    let (seat, item) = claimed_message(&gateway).await;
    let (id, names) = (item.content.message_id(), ["3000000007".into()]);
    let new = delivered(&gateway, id, false).await;
    // The writer runs on this thread and only when something waits.
    tokio::task::unconstrained(async {
        for _ in 0..GroupLimits::default().inbox {
            gateway.store().note(Change::default()).await.unwrap();
        }
    })
    .await;
    let submitted = gateway.submitted(&seat, &item, &names);
    let mut submitted = std::pin::pin!(tokio::task::unconstrained(submitted));
    assert!(submitted.as_mut().now_or_never().is_none());
    let (flight, _) = gateway.inner.recent.get(seat.group, &names[0]).expect("it has a name");
    let receipt = gateway.receipt(&seat, new);
    let mut receipt = std::pin::pin!(tokio::task::unconstrained(receipt));
    assert!(receipt.as_mut().now_or_never().is_none());
    assert!(!flight.has_begun_to_end(), "the receipt has not waited for its turn");
    submitted.await.unwrap();
    assert_eq!(receipt.await.unwrap(), Matched::Final);
    assert_eq!(message(&gateway, id).await.1, MessageState::Delivered);
}
