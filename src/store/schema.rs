//! The schema and the way to it.
//!
//! One text serves both engines; the few words that they spell differently are replaced here. What
//! surprises: the steps are listed by hand, so that a file that is forgotten is not applied by half.

use std::str::FromStr;

use sqlx::{
    ConnectOptions as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    Error, Place,
    db::{is_postgres, sqlite_options},
};

/// The schema, oldest first. A step is never edited once it has been released.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "traffic", include_str!("../../migrations/0001_traffic.sql")),
    (2, "partnership", include_str!("../../migrations/0002_partnership.sql")),
    (3, "accounts", include_str!("../../migrations/0003_accounts.sql")),
    (4, "applications", include_str!("../../migrations/0004_applications.sql")),
    (5, "agreements", include_str!("../../migrations/0005_agreements.sql")),
    (6, "numbers", include_str!("../../migrations/0006_numbers.sql")),
    (7, "bank changes and views", include_str!("../../migrations/0007_bank_changes_and_views.sql")),
    (8, "requests", include_str!("../../migrations/0008_requests.sql")),
    (9, "faults", include_str!("../../migrations/0009_faults.sql")),
    (10, "services", include_str!("../../migrations/0010_services.sql")),
    (11, "complaints", include_str!("../../migrations/0011_complaints.sql")),
    (12, "message search", include_str!("../../migrations/0012_message_search.sql")),
    (13, "standard words", include_str!("../../migrations/0013_standard_words.sql")),
    (14, "service limits", include_str!("../../migrations/0014_service_limits.sql")),
    (15, "orders", include_str!("../../migrations/0015_orders.sql")),
    (16, "sandbox", include_str!("../../migrations/0016_sandbox.sql")),
    (17, "ticket hub", include_str!("../../migrations/0017_ticket_hub.sql")),
    (18, "specifications", include_str!("../../migrations/0018_specifications.sql")),
    (19, "traffic by time", include_str!("../../migrations/0019_traffic.sql")),
    (20, "replay", include_str!("../../migrations/0020_replay.sql")),
    (21, "service alphabet", include_str!("../../migrations/0021_service_alphabet.sql")),
    (
        22,
        "complaint rates by partner",
        include_str!("../../migrations/0022_complaint_rates_by_partner.sql"),
    ),
    (23, "keywords of a service", include_str!("../../migrations/0023_keywords_of_a_service.sql")),
];

/// The newest step of the schema that this program knows.
pub(super) fn newest_step() -> i64 {
    STEPS.iter().map(|(number, ..)| *number).max().unwrap_or_default()
}

/// Brings the schema up to date; does nothing if it is.
pub(super) async fn migrate(place: &Place) -> Result<(), Error> {
    let is_postgres = is_postgres(&place.url);
    let steps = STEPS
        .iter()
        .map(|(number, name, text)| {
            let text = if is_postgres {
                (*text).to_owned()
            } else {
                text.replace("bigint primary key", "integer primary key")
                    .replace("/*without rowid*/", "without rowid")
                    .replace("bytea", "blob")
            };
            Migration::new(
                *number,
                (*name).into(),
                MigrationType::Simple,
                sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(text)),
                false,
            )
        })
        .collect();
    let migrator = Migrator::with_migrations(steps);
    let done = if is_postgres {
        let options = PgConnectOptions::from_str(&place.url)
            .map_err(|error| Error::Unavailable(format!("store.url: {error}")))?
            .disable_statement_logging();
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
        let done = migrator.run(&pool).await;
        pool.close().await;
        done
    } else {
        let mut connection = sqlite_options(&place.url)?.create_if_missing(true).connect().await?;
        let done = migrator.run(&mut connection).await;
        sqlx::Connection::close(connection).await?;
        done
    };
    done.map_err(|error| match error {
        MigrateError::VersionMissing(step) if step > newest_step() => {
            Error::Newer { step, known: newest_step() }
        }
        other => Error::Damaged(format!("migration failed: {other}")),
    })
}
