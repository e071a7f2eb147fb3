//! What tests of verbs ask of the store beyond its verbs: any statement, any one value.

use super::{
    Error, Store,
    db::{execute, fetch_all},
};

impl Store {
    /// Where it is, for another process that shall open the same.
    pub(crate) fn url(&self) -> &str {
        &self.place.url
    }

    pub(crate) async fn run_sql(&self, sql: &str) -> Result<u64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let done = execute!(&mut tx, sqlx::AssertSqlSafe(sql.to_owned()))?;
        tx.commit().await?;
        Ok(done)
    }

    /// The first column of every row, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Result<Vec<String>, Error> {
        let rows = fetch_all!(&self.db, (String,), sqlx::AssertSqlSafe(sql.to_owned()))?;
        Ok(rows.into_iter().map(|(text,)| text).collect())
    }
}
