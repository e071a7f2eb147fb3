//! Rows by the million: written by SQL into a store that nobody uses yet.

use std::path::Path;

use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

/// An existing store, open for rows that need survive no power cut.
pub(super) struct Bulk(SqliteConnection);

impl Bulk {
    pub(super) async fn open(database: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .pragma("synchronous", "off")
            .pragma("cache_size", "-500000");
        Self(options.connect().await.expect("the store opens"))
    }

    /// Runs statements in one transaction.
    pub(super) async fn write(&mut self, statements: impl IntoIterator<Item = String>) {
        let mut tx = self.0.begin().await.expect("a transaction");
        for statement in statements {
            tx.execute(sqlx::AssertSqlSafe(statement)).await.expect("rows");
        }
        tx.commit().await.expect("a commit");
    }

    /// Leaves nothing behind that the daemon would have to read first.
    pub(super) async fn close(mut self) {
        self.0.execute("pragma wal_checkpoint(truncate)").await.expect("a checkpoint");
        self.0.close().await.expect("the store closes");
    }
}
