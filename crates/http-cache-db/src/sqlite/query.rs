//! Questions in SQL: [`SqliteStore::query`].

use sqlite_database::ErrorKind as DatabaseKind;
use sqlite_database::rusqlite::types::Value;
use sqlite_database::rusqlite::{self, Connection, Statement};
use store_core::{Error, ErrorKind, Result};

use super::error::BACKEND;
use super::store::SqliteStore;

/// What a query yields.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct QueryRows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, a value for each column.
    pub rows: Vec<Vec<Value>>,
}

const TABLES: &str = r"
    SELECT s.type, s.name,
        (SELECT group_concat(c.name, ', ') FROM pragma_table_xinfo(s.name) c) AS columns
    FROM sqlite_schema s
    WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite\_%' ESCAPE '\'
    ORDER BY s.type DESC, s.name";

/// Why a query has no rows.
enum Failed {
    /// The query is wrong.
    Refused(String),
    Database(sqlite_database::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let error = sqlite_database::Error::from(error);
        if error.kind() == DatabaseKind::Internal {
            Self::Refused(text)
        } else {
            Self::Database(error)
        }
    }
}

impl SqliteStore {
    /// The rows of a query of your own, on a connection that cannot write.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use http_cache_db::{SqliteStore, SqliteStoreOptions};
    ///
    /// let store = SqliteStore::in_memory(SqliteStoreOptions::default()).await?;
    /// let found = store.query("SELECT full_url, hit_count FROM stored_responses").await?;
    /// assert_eq!(found.columns, ["full_url", "hit_count"]);
    /// assert!(store.query("DELETE FROM urls").await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if the query is not valid, is several, or would write; otherwise if the file cannot be read.
    pub async fn query(&self, sql: &str) -> Result<QueryRows> {
        let opened = self.shared.opened("query")?;
        let sql = sql.to_owned();
        let found = opened.database.long_read(move |db| match run(db, &sql) {
            Ok(rows) => Ok(Ok(rows)),
            Err(Failed::Refused(reason)) => Ok(Err(reason)),
            Err(Failed::Database(error)) => Err(error),
        });
        match found.await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(reason)) => {
                Err(Error::new(ErrorKind::InvalidInput, BACKEND, "query").with_detail(reason))
            }
            Err(error) => Err(self.shared.error(error, "query")),
        }
    }

    /// The tables and views of the file, with their columns.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn tables(&self) -> Result<QueryRows> {
        self.query(TABLES).await
    }
}

fn run(db: &Connection, sql: &str) -> std::result::Result<QueryRows, Failed> {
    let mut statement = db.prepare(sql)?;
    // The connection cannot write this file, but `VACUUM INTO` would write another.
    if !statement.readonly() {
        let reason = "the statement would write; only queries are run";
        return Err(Failed::Refused(reason.to_owned()));
    }
    if statement.column_count() == 0 {
        let reason = "the statement has no rows; only a single SELECT is run";
        return Err(Failed::Refused(reason.to_owned()));
    }
    Ok(QueryRows {
        columns: statement
            .column_names()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        rows: rows(&mut statement)?,
    })
}

fn rows(statement: &mut Statement<'_>) -> rusqlite::Result<Vec<Vec<Value>>> {
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns).map(|column| row.get(column)).collect()
    })?;
    rows.collect()
}
