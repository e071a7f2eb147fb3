//! The two engines behind one face: an enum and five macros.
//!
//! Every statement is one text that both engines accept; only the placeholders of bulk statements
//! are made by code (`bulk.rs`). sqlx's `Any` driver is not used: it cannot set `SQLite`'s pragmas.

use std::{
    ops::{Deref, DerefMut},
    str::FromStr,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
    sqlite::{
        SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use tokio::sync::mpsc;

use super::{
    Error,
    guests::{self, Asking, Guest, Staying},
};

/// How long anybody waits for `SQLite`'s lock, or for the writer to lend its connection.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Connections for reading; the writer has one of its own.
#[derive(Debug, Clone)]
pub(super) enum Db {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// How to reach the store. `url` holds a password for `PostgreSQL`, so it is never printed.
#[derive(Clone)]
pub struct Place {
    pub url: String,
    pub readers: u32,
}

/// Runs one statement and answers with the number of rows it touched.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        match $tx {
            $crate::store::db::Tx::Sqlite(tx) => sqlx::query($sql)$(.bind($value))*
                .execute(&mut **tx).await.map(|done| done.rows_affected()),
            $crate::store::db::Tx::Postgres(tx) => sqlx::query($sql)$(.bind($value))*
                .execute(&mut **tx).await.map(|done| done.rows_affected()),
        }.map_err($crate::store::Error::from)
    };
}

/// Reads rows of a `FromRow` type.
macro_rules! fetch_all {
    ($db:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match $db {
            $crate::store::db::Db::Sqlite(pool) => sqlx::query_as::<_, $row>($sql)
                $(.bind($value))*.fetch_all(pool).await,
            $crate::store::db::Db::Postgres(pool) => sqlx::query_as::<_, $row>($sql)
                $(.bind($value))*.fetch_all(pool).await,
        }.map_err($crate::store::Error::from)
    };
}

/// Reads at most one row of a `FromRow` type.
macro_rules! fetch_optional {
    ($db:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match $db {
            $crate::store::db::Db::Sqlite(pool) => sqlx::query_as::<_, $row>($sql)
                $(.bind($value))*.fetch_optional(pool).await,
            $crate::store::db::Db::Postgres(pool) => sqlx::query_as::<_, $row>($sql)
                $(.bind($value))*.fetch_optional(pool).await,
        }.map_err($crate::store::Error::from)
    };
}

/// Reads at most one row inside a transaction.
macro_rules! fetch_in {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match $tx {
            $crate::store::db::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)
                $(.bind($value))*.fetch_optional(&mut **tx).await,
            $crate::store::db::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)
                $(.bind($value))*.fetch_optional(&mut **tx).await,
        }.map_err($crate::store::Error::from)
    };
}

/// Does something with each row of a [`Tx`], without a list of all of them.
macro_rules! fetch_each {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)*; $one:pat => $body:expr) => {{
        use futures_util::TryStreamExt as _;
        match $tx {
            $crate::store::db::Tx::Sqlite(tx) => {
                let mut rows = sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch(&mut **tx);
                while let Some($one) = rows.try_next().await? {
                    $body;
                }
            }
            $crate::store::db::Tx::Postgres(tx) => {
                let mut rows = sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch(&mut **tx);
                while let Some($one) = rows.try_next().await? {
                    $body;
                }
            }
        }
    }};
}

pub(super) use {execute, fetch_all, fetch_each, fetch_in, fetch_optional};

/// A write transaction of either engine.
pub(super) enum Tx<'c> {
    Sqlite(SqliteTx<'c>),
    Postgres(sqlx::Transaction<'c, sqlx::Postgres>),
}

/// Whose transaction a connection of `SQLite` is in.
pub(super) enum SqliteTx<'c> {
    /// Its own; rolled back when it is dropped.
    Own(sqlx::Transaction<'c, sqlx::Sqlite>),
    /// The group's. Whoever drops it without a commit closes the connection.
    Group(&'c mut SqliteConnection),
    /// A savepoint in the group's.
    Guest(Guest),
}

impl Deref for SqliteTx<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Own(tx) => tx,
            Self::Group(connection) => connection,
            Self::Guest(guest) => guest,
        }
    }
}

impl DerefMut for SqliteTx<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Own(tx) => tx,
            Self::Group(connection) => connection,
            Self::Guest(guest) => guest,
        }
    }
}

impl Tx<'_> {
    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(SqliteTx::Own(tx)) => tx.commit().await?,
            Self::Sqlite(SqliteTx::Group(connection)) => {
                sqlx::raw_sql("commit").execute(connection).await?;
            }
            Self::Sqlite(SqliteTx::Guest(guest)) => guest.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// What writes.
pub(super) enum Pen {
    /// None: it was in the middle of a group, and is closed.
    Sqlite(Option<SqliteConnection>),
    /// The writer's connection for each transaction; one of its own once the writer has ended.
    Guest {
        writer: mpsc::Sender<Asking>,
        place: Place,
        own: Option<SqliteConnection>,
    },
    Postgres(sqlx::pool::PoolConnection<sqlx::Postgres>),
}

impl Pen {
    /// A connection that was left in the middle of a statement is not used again.
    pub(super) fn distrust(&mut self) {
        if let Self::Postgres(connection) = self {
            connection.close_on_drop();
        }
    }

    /// Begins a write transaction.
    pub(super) async fn begin(&mut self) -> Result<Tx<'_>, Error> {
        use sqlx::Connection;
        let connection = match self {
            Self::Sqlite(connection) => connection.as_mut().ok_or(Error::Stopped)?,
            Self::Guest { writer, place, own } => match guests::ask(writer).await? {
                Some(guest) => return Ok(Tx::Sqlite(SqliteTx::Guest(guest))),
                None => own.insert(connect(place).await?),
            },
            Self::Postgres(connection) => return Ok(Tx::Postgres(connection.begin().await?)),
        };
        Ok(Tx::Sqlite(SqliteTx::Own(connection.begin_with(AT_ONCE).await?)))
    }

    /// Begins a group's transaction with what guests write in it; [`Self::group`] goes on with it.
    /// After an error the pen is spent.
    pub(super) async fn open_group(&mut self, guests: Vec<Asking>) -> Result<Vec<Staying>, Error> {
        let mut staying = Vec::new();
        if let Self::Sqlite(slot) = self {
            let mut connection = slot.take().ok_or(Error::Stopped)?;
            sqlx::raw_sql(AT_ONCE).execute(&mut connection).await?;
            for asking in guests {
                let (returned, stays) = guests::lend(connection, asking).await?;
                connection = returned;
                staying.extend(stays);
            }
            *slot = Some(connection);
        }
        Ok(staying)
    }

    /// The transaction of the group that was opened.
    pub(super) async fn group(&mut self) -> Result<Tx<'_>, Error> {
        match self {
            Self::Sqlite(Some(connection)) => Ok(Tx::Sqlite(SqliteTx::Group(connection))),
            _ => self.begin().await,
        }
    }
}

/// `SQLite` takes its lock at once: a transaction that began as a reader and then writes would fail
/// without waiting.
const AT_ONCE: &str = "begin immediate";

impl Db {
    pub(super) async fn open(place: &Place) -> Result<Self, Error> {
        if is_postgres(&place.url) {
            let options = PgConnectOptions::from_str(&place.url)
                .map_err(|error| Error::Unavailable(format!("store.url: {error}")))?
                .disable_statement_logging();
            let pool = PgPoolOptions::new()
                .max_connections(place.readers.max(2) + 2)
                .acquire_timeout(Duration::from_secs(5))
                .connect_with(options)
                .await?;
            return Ok(Self::Postgres(pool));
        }
        let options = sqlite_options(&place.url)?.read_only(true).pragma("query_only", "on");
        let pool = SqlitePoolOptions::new()
            .max_connections(place.readers.max(1))
            .acquire_timeout(Duration::from_secs(5))
            // A file does not go away; each test would be a change of thread and back.
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        Ok(Self::Sqlite(pool))
    }

    /// Several reads that see one moment, whatever is committed between them.
    pub(super) async fn snapshot(&self) -> Result<Tx<'static>, Error> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(SqliteTx::Own(pool.begin().await?)),
            // Without it each statement of PostgreSQL sees what was committed before itself.
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("begin isolation level repeatable read, read only").await?,
            ),
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// Opens the writing connection and reads back what makes a commit durable (P1): a wrapper that
/// lowers it silently must not go unnoticed.
pub(super) async fn open_pen(place: &Place, db: Option<&Db>) -> Result<Pen, Error> {
    use sqlx::Row;
    if let Some(Db::Postgres(pool)) = db {
        let mut connection = pool.acquire().await?;
        let row = sqlx::query("show synchronous_commit").fetch_one(&mut *connection).await?;
        let mode: String = row.try_get(0)?;
        if mode == "off" || mode == "local" {
            return Err(Error::Unavailable(format!(
                "synchronous_commit is `{mode}`; an acknowledged message could be lost, set it to `on`"
            )));
        }
        return Ok(Pen::Postgres(connection));
    }
    Ok(Pen::Sqlite(Some(connect(place).await?)))
}

async fn connect(place: &Place) -> Result<SqliteConnection, Error> {
    use sqlx::Row;
    let mut connection = sqlite_options(&place.url)?.connect().await?;
    let journal: String =
        sqlx::query("pragma journal_mode").fetch_one(&mut connection).await?.try_get(0)?;
    let synchronous: i64 =
        sqlx::query("pragma synchronous").fetch_one(&mut connection).await?.try_get(0)?;
    // The negative control asked for 1 itself; anybody else's 1 is a fault of the machine.
    let wanted = if is_negative_control() { 1 } else { 2 };
    if journal != "wal" || synchronous != wanted {
        return Err(Error::Unavailable(format!(
            "SQLite runs with journal_mode {journal} and synchronous {synchronous}; \
             it must be wal and 2 (full)"
        )));
    }
    Ok(connection)
}

fn is_negative_control() -> bool {
    cfg!(debug_assertions)
        && std::env::var("BRAMKA_UNSAFE_SYNCHRONOUS").is_ok_and(|value| value == "normal")
}

pub(super) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, Error> {
    // BRAMKA_UNSAFE_SYNCHRONOUS exists for one test only: the negative control of the power-loss
    // run, which must lose messages or the run proves nothing (T-03). A release build is deaf to
    // it: nobody may lower the promise of a gateway that is in use.
    let synchronous =
        if is_negative_control() { SqliteSynchronous::Normal } else { SqliteSynchronous::Full };
    Ok(SqliteConnectOptions::from_str(url)
        .map_err(|error| Error::Unavailable(format!("store.url: {error}")))?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(LOCK_WAIT)
        .foreign_keys(true)
        .disable_statement_logging()
        .statement_cache_capacity(256)
        .pragma("wal_autocheckpoint", "4000")
        .pragma("secure_delete", "fast")
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-32000"))
}

pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}
