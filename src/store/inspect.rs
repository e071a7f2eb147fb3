//! Looking at a database without opening it as a store: for `doctor`, and for commands that must
//! not change the schema under a daemon of another version.

use std::{str::FromStr, time::Duration};

use sqlx::{ConnectOptions, Connection, Row};

use super::{Error, Place, db::is_postgres, schema::newest_step};

/// What a database looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Inspection {
    /// `sqlite` or `postgres`, with the version of its library or server.
    pub engine: String,
    /// The newest schema step that was carried out; none in an empty or absent database.
    pub schema: Option<i64>,
    /// The newest step that this program knows.
    pub schema_wanted: i64,
    /// Settings that decide whether a commit is durable, with their values.
    pub durability: Vec<(String, String)>,
    /// Whether the durability settings are those that the promise needs (P1).
    pub is_durable: bool,
    /// What a quick look for damage said; `ok` if nothing.
    pub health: String,
}

impl Inspection {
    pub fn is_current(&self) -> bool {
        self.schema == Some(self.schema_wanted)
    }
}

/// Looks at a database; changes nothing, creates nothing.
pub(super) async fn inspect(place: &Place) -> Result<Option<Inspection>, Error> {
    let wait = Duration::from_secs(30);
    let look = async {
        if is_postgres(&place.url) {
            postgres(&place.url).await.map(Some)
        } else {
            sqlite(place).await
        }
    };
    tokio::time::timeout(wait, look)
        .await
        .unwrap_or_else(|_| Err(Error::Unavailable("no answer in 30 seconds".to_owned())))
}

async fn sqlite(place: &Place) -> Result<Option<Inspection>, Error> {
    let options = super::db::sqlite_options(&place.url)?;
    let file = options.get_filename().to_owned();
    // Opening would create the file of the write-ahead log beside nothing.
    if !file.exists() {
        return Ok(None);
    }
    let mut connection = options.connect().await?;
    let mut word = async |pragma: &'static str| -> Result<String, Error> {
        let row = sqlx::query(pragma).fetch_one(&mut connection).await?;
        Ok(row
            .try_get::<String, _>(0)
            .or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()))?)
    };
    let version = word("select sqlite_version()").await?;
    let durability = vec![
        ("journal_mode".to_owned(), word("pragma journal_mode").await?),
        ("synchronous".to_owned(), word("pragma synchronous").await?),
    ];
    let health = word("pragma quick_check(1)").await?;
    let steps = word("select count(*) from sqlite_master where name = '_sqlx_migrations'").await?;
    let schema = if steps == "0" {
        None
    } else {
        sqlx::query("select max(version) from _sqlx_migrations where success")
            .fetch_one(&mut connection)
            .await?
            .try_get(0)?
    };
    connection.close().await?;
    Ok(Some(Inspection {
        engine: format!("sqlite {version}"),
        schema,
        schema_wanted: newest_step(),
        is_durable: durability[0].1 == "wal" && durability[1].1 == "2",
        durability,
        health,
    }))
}

async fn postgres(url: &str) -> Result<Inspection, Error> {
    let options = sqlx::postgres::PgConnectOptions::from_str(url)
        .map_err(|error| Error::Unavailable(format!("store.url: {error}")))?;
    let mut connection = options.connect().await?;
    let mut word = async |text: &'static str| -> Result<String, Error> {
        Ok(sqlx::query(text).fetch_one(&mut connection).await?.try_get(0)?)
    };
    let version = word("show server_version").await?;
    let mut durability = Vec::new();
    for name in ["show synchronous_commit", "show fsync", "show full_page_writes"] {
        durability.push((name.trim_start_matches("show ").to_owned(), word(name).await?));
    }
    let table = "select coalesce(to_regclass('_sqlx_migrations')::text, '')";
    let schema = if word(table).await?.is_empty() {
        None
    } else {
        sqlx::query("select max(version) from _sqlx_migrations where success")
            .fetch_one(&mut connection)
            .await?
            .try_get(0)?
    };
    connection.close().await?;
    let is_durable =
        durability.iter().all(|(_, value)| !["off", "local"].contains(&value.as_str()));
    Ok(Inspection {
        engine: format!("postgres {version}"),
        schema,
        schema_wanted: newest_step(),
        durability,
        is_durable,
        health: "ok".to_owned(),
    })
}
