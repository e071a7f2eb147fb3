//! What people change, written inside the writer's groups.
//!
//! `SQLite` has one writer at a time. A change with a connection of its own makes the groups sleep
//! until its lock and its sync are over, and itself until theirs. So the writer lends its
//! connection for the time of a savepoint, and one sync makes both durable.
//!
//! The surprise: a guest that is slow between its statements holds up every message, as it would
//! by its lock. Between `begin` and `commit` stands nothing but statements.

use std::ops::{Deref, DerefMut};

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::{Error, db::LOCK_WAIT};

/// Guests of one group at most: each delays all its messages.
pub(super) const GUESTS_MAX: usize = 4;
/// Guests who wait at most; more wait for a place among them.
pub(super) const WAITING_MAX: usize = 64;

/// Somebody who waits for the writer's connection.
pub(super) type Asking = oneshot::Sender<Guest>;

/// The writer's connection, lent for one change. Dropped without a commit it leaves nothing.
pub(super) struct Guest {
    connection: Option<SqliteConnection>,
    home: Option<oneshot::Sender<Returned>>,
    outcome: oneshot::Receiver<()>,
}

struct Returned {
    connection: SqliteConnection,
    keeps: bool,
}

/// A guest whose change is part of the group; it waits for the group's commit.
pub(super) struct Staying(oneshot::Sender<()>);

impl Staying {
    /// Its change is durable. Dropped without this it is not.
    pub(super) fn committed(self) {
        if self.0.send(()).is_err() {
            tracing::debug!("whoever made the change no longer waits for its commit");
        }
    }
}

/// Asks the writer for its connection; none: it has ended.
pub(super) async fn ask(writer: &mpsc::Sender<Asking>) -> Result<Option<Guest>, Error> {
    let (asking, guest) = oneshot::channel();
    let turn = async {
        writer.send(asking).await.ok()?;
        guest.await.ok()
    };
    tokio::time::timeout(LOCK_WAIT, turn)
        .await
        .map_err(|_| Error::Unavailable(format!("the writer was busy for {LOCK_WAIT:?}")))
}

/// Lends the connection to one guest. If it stays, the group's commit is its own.
pub(super) async fn lend(
    mut connection: SqliteConnection,
    asking: Asking,
) -> Result<(SqliteConnection, Option<Staying>), Error> {
    sqlx::raw_sql("savepoint guest").execute(&mut connection).await?;
    let (home, returned) = oneshot::channel();
    let (staying, outcome) = oneshot::channel();
    let guest = Guest { connection: Some(connection), home: Some(home), outcome };
    // Who no longer waits gives it back by being dropped.
    drop(asking.send(guest));
    let Returned { mut connection, keeps } = returned.await.map_err(|_| Error::Stopped)?;
    // Either fails if the whole transaction was rolled back beneath the guest.
    let end = if keeps { "release guest" } else { "rollback to guest; release guest" };
    sqlx::raw_sql(end).execute(&mut connection).await?;
    Ok((connection, keeps.then_some(Staying(staying))))
}

impl Guest {
    /// Gives the connection back and waits for the commit of the group.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.leave(true);
        (&mut self.outcome).await.map_err(|_| {
            Error::Unavailable("the group in which it was written was not committed".to_owned())
        })
    }

    fn leave(&mut self, keeps: bool) {
        if let (Some(connection), Some(home)) = (self.connection.take(), self.home.take()) {
            // A writer that does not wait has ended, and the connection with it.
            drop(home.send(Returned { connection, keeps }));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.leave(false);
    }
}

impl Deref for Guest {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("a guest has it until it leaves")
    }
}

impl DerefMut for Guest {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("a guest has it until it leaves")
    }
}

#[cfg(test)]
#[path = "guests_tests.rs"]
mod tests;
