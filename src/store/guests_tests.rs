//! People's changes and messages in one group: what each sees of the other, and what survives a
//! guest that fails.

use std::time::Duration;

use super::*;
use crate::{
    domain::Caller,
    store::{
        Change, Store,
        db::{Pen, SqliteTx, Tx, execute, fetch_all},
        tests::{Engine, NOON, sqlite},
    },
};

fn by() -> Caller {
    Caller::Operator { name: "anna".into() }
}

/// A store whose writer serves guests.
async fn hosting() -> Engine {
    let engine = sqlite().await;
    engine.store.save(Change::default()).await.unwrap();
    engine
}

async fn begin(pen: &mut Pen) -> Tx<'_> {
    let tx = pen.begin().await.unwrap();
    assert!(matches!(tx, Tx::Sqlite(SqliteTx::Guest(_))), "the writer lends its connection");
    tx
}

async fn add(tx: &mut Tx<'_>, digits: &str) -> Result<u64, Error> {
    execute!(tx, "insert into short_code (digits, made_at) values ($1, $2)", digits, NOON)
}

async fn numbers(store: &Store) -> Vec<String> {
    let sql = "select digits from short_code order by digits";
    let rows = fetch_all!(&store.db, (String,), sql).unwrap();
    rows.into_iter().map(|(digits,)| digits).collect()
}

#[tokio::test]
async fn what_a_guest_wrote_is_there_once_its_commit_returns() {
    let Engine { store, .. } = &hosting().await;
    let mut pen = store.pen().await.unwrap();
    let mut tx = begin(&mut pen).await;
    add(&mut tx, "7455").await.unwrap();
    assert!(numbers(store).await.is_empty(), "nobody sees it before");
    tx.commit().await.unwrap();
    assert_eq!(numbers(store).await, ["7455"]);
}

#[tokio::test]
async fn a_guest_that_leaves_without_a_commit_takes_nothing_of_the_others_with_it() {
    let Engine { store, .. } = &hosting().await;
    let (mut first, mut second) = (store.pen().await.unwrap(), store.pen().await.unwrap());
    let mut tx = begin(&mut first).await;
    add(&mut tx, "7455").await.unwrap();
    // Both are of the next group, for the writer is lent.
    let message = store.submit(Change::default()).await.unwrap();
    let other = async {
        let mut tx = begin(&mut second).await;
        add(&mut tx, "7466").await.unwrap();
        tx.commit().await
    };
    let leaving = async { drop(tx) };
    let (other, ()) = tokio::join!(other, leaving);
    other.unwrap();
    message.committed().await.unwrap();
    assert_eq!(numbers(store).await, ["7466"]);
}

#[tokio::test]
async fn a_conflict_of_a_guest_is_its_own() {
    let Engine { store, writer, .. } = &hosting().await;
    let by = by();
    store.add_short_code(&by, NOON, "7455").await.unwrap();
    let (twice, other, message) = tokio::join!(
        store.add_short_code(&by, NOON, "7455"),
        store.add_short_code(&by, NOON, "7466"),
        store.save(Change::default()),
    );
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    other.unwrap();
    message.unwrap();
    assert_eq!(numbers(store).await, ["7455", "7466"]);
    assert!(!writer.is_finished());
}

#[tokio::test]
async fn a_transaction_that_breaks_beneath_a_guest_costs_the_messages_nothing() {
    let Engine { store, writer, .. } = &hosting().await;
    let mut pen = store.pen().await.unwrap();
    let mut tx = begin(&mut pen).await;
    add(&mut tx, "7455").await.unwrap();
    let message = store.submit(Change::default()).await.unwrap();
    // As SQLite does by itself when the disk is full.
    execute!(&mut tx, "rollback").unwrap();
    let refused = tx.commit().await.unwrap_err();
    assert!(refused.to_string().contains("not committed"), "{refused}");
    message.committed().await.unwrap();
    assert!(numbers(store).await.is_empty());
    store.add_short_code(&by(), NOON, "7466").await.unwrap();
    assert_eq!(numbers(store).await, ["7466"]);
    assert!(!writer.is_finished());
}

#[tokio::test]
async fn whoever_stops_waiting_for_a_turn_leaves_it_to_the_next() {
    let Engine { store, .. } = &hosting().await;
    let mut pen = store.pen().await.unwrap();
    let tx = begin(&mut pen).await;
    let mut impatient = store.pen().await.unwrap();
    let turn = tokio::time::timeout(Duration::ZERO, impatient.begin()).await;
    assert!(turn.is_err(), "the connection is lent");
    drop(tx);
    store.add_short_code(&by(), NOON, "7466").await.unwrap();
    assert_eq!(numbers(store).await, ["7466"]);
}

#[tokio::test]
async fn once_the_writer_has_ended_a_change_writes_by_itself() {
    let engine = hosting().await;
    let store = &engine.store;
    let mut pen = store.pen().await.unwrap();
    engine.writer.abort();
    assert!(engine.writer.await.unwrap_err().is_cancelled());
    let mut tx = pen.begin().await.unwrap();
    assert!(matches!(tx, Tx::Sqlite(SqliteTx::Own(_))));
    add(&mut tx, "7455").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(numbers(store).await, ["7455"]);
}
