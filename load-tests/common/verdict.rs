//! What became of every message while services changed, read from the gateway's store and compared
//! with the log of what was in force.
//!
//! It trusts neither the gateway's memory nor its metrics. The tolerance is the promise: a change is
//! in the gateway's catalog within a second.

use std::{collections::HashMap, path::Path, time::Duration};

use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};

use super::offers::{NUMBER, Version};

const TOLERANCE_US: i64 = 1_000_000;
/// Messages that are told of one by one.
const EXAMPLES: usize = 5;

/// Counts of messages.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) mo: u64,
    pub(crate) mt: u64,
    /// Delivered to a partner once each: texts and receipts.
    pub(crate) handed: u64,
    /// Of the changing services.
    pub(crate) checked: u64,
    pub(crate) unrouted: u64,
    pub(crate) misrouted: u64,
    /// Not final although nothing moves any more.
    pub(crate) stuck: u64,
    /// The longest time for which a version that was over still took messages.
    pub(crate) lag_us: i64,
    pub(crate) examples: Vec<String>,
}

pub(crate) struct Judge {
    connection: SqliteConnection,
}

impl Judge {
    pub(crate) async fn of(database: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(database).read_only(true);
        let options = options.busy_timeout(Duration::from_secs(20));
        Self { connection: options.connect().await.expect("the store opens") }
    }

    async fn count(&mut self, sql: &'static str) -> u64 {
        let (count,): (i64,) =
            sqlx::query_as(sql).fetch_one(&mut self.connection).await.expect("a count");
        count.cast_unsigned()
    }

    /// Waits until nothing is on its way, or nothing has moved for some seconds.
    pub(crate) async fn settled(&mut self) {
        let (mut last, mut quiet) = (u64::MAX, 0);
        while quiet < 10 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let waiting = self
                .count(
                    "select (select count(*) from lane_item) + (select count(*) from message \
                     where state in ('accepted', 'claimed', 'submitted'))",
                )
                .await;
            quiet = if waiting == last { quiet + 1 } else { 0 };
            last = waiting;
            if waiting == 0 {
                return;
            }
        }
    }

    pub(crate) async fn verdict(&mut self, log: &[Version]) -> Verdict {
        let mut verdict = Verdict {
            mo: self.count("select count(*) from message where direction = 'mo'").await,
            mt: self.count("select count(*) from message where direction = 'mt'").await,
            handed: self
                .count(
                    "select count(*) from message where state = 'delivered' \
                     and (direction = 'mo' or receipts > 0)",
                )
                .await,
            ..Verdict::default()
        };
        self.look_for_stuck(&mut verdict).await;
        let mut by_service: HashMap<i64, Vec<&Version>> = HashMap::new();
        for version in log {
            by_service.entry(version.service).or_default().push(version);
        }
        let rows: Vec<(i64, i64, i64, Option<String>)> = sqlx::query_as(
            "select service_id, service_version, accepted_at, keyword from message \
             where service_id in (select service_id from offering)",
        )
        .fetch_all(&mut self.connection)
        .await
        .expect("messages");
        for (service, version, at, keyword) in rows {
            verdict.checked += 1;
            let versions = by_service.get(&service).map_or(&[][..], Vec::as_slice);
            let (why, lag) = judge(versions, version, at, keyword.as_deref());
            verdict.lag_us = verdict.lag_us.max(lag);
            if let Some(why) = why {
                verdict.blame(format!("service {service} version {version} at {at}: {why}"));
            }
        }
        let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "select body, accepted_at from message where direction = 'mo' and recipient = $1 \
             and state = 'unrouted'",
        )
        .bind(NUMBER)
        .fetch_all(&mut self.connection)
        .await
        .expect("messages");
        for (body, at) in rows {
            verdict.unrouted += 1;
            let text = String::from_utf8_lossy(&body).into_owned();
            let word = text.split(' ').next().unwrap_or_default();
            if by_service.values().any(|versions| must_take(versions, word, at)) {
                verdict.blame(format!("`{text}` at {at} went nowhere"));
            }
        }
        verdict
    }

    async fn look_for_stuck(&mut self, verdict: &mut Verdict) {
        let stuck: Vec<(i64, String, String)> = sqlx::query_as(
            "select id, direction, state from message where state not in ('delivered', 'unrouted')",
        )
        .fetch_all(&mut self.connection)
        .await
        .expect("messages");
        verdict.stuck = u64::try_from(stuck.len()).unwrap_or(u64::MAX);
        let few = stuck.iter().take(EXAMPLES);
        verdict.examples = few.map(|(id, way, state)| format!("{way} {id} is {state}")).collect();
    }
}

impl Verdict {
    fn blame(&mut self, why: String) {
        self.misrouted += 1;
        if self.examples.len() < 2 * EXAMPLES {
            self.examples.push(why);
        }
    }
}

/// Why a message should not have met this version, and how long the version had been over.
fn judge(
    versions: &[&Version],
    version: i64,
    at: i64,
    keyword: Option<&str>,
) -> (Option<&'static str>, i64) {
    let Some(place) = versions.iter().position(|one| one.number == version) else {
        return (Some("there was no such version"), 0);
    };
    let (met, next) = (versions[place], versions.get(place + 1));
    let lag = next.map_or(0, |next| (at - next.done).max(0));
    let why = if at < met.began {
        Some("it was not in force yet")
    } else if lag > TOLERANCE_US {
        Some("it had been over for more than a second")
    } else if !met.is_live {
        Some("it was suspended")
    } else if keyword.is_some_and(|word| !met.keywords.iter().any(|own| own == word)) {
        Some("it had no such keyword")
    } else {
        None
    };
    (why, lag)
}

/// Whether a service had the keyword for the whole of the second before.
fn must_take(versions: &[&Version], word: &str, at: i64) -> bool {
    // Versions in a row that have it count as one.
    let mut since = None;
    for (place, version) in versions.iter().enumerate() {
        let has_it = version.is_live && version.keywords.iter().any(|own| own == word);
        since = if has_it { since.or(Some(version.done)) } else { None };
        let until = versions.get(place + 1).map_or(i64::MAX, |next| next.began);
        if since.is_some_and(|since| since <= at - TOLERANCE_US) && at < until {
            return true;
        }
    }
    false
}
