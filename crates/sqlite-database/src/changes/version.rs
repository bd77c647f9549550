//! `PRAGMA data_version`: a number that changes with the commits of other connections.

use std::sync::Arc;

use rusqlite::Connection;

use crate::connection::open_reader;
use crate::error::Result;
use crate::location::Location;
use crate::options::DatabaseOptions;

/// A connection that only reads `data_version`, so that every commit is one of another connection.
///
/// It is opened on first use, and never a second time: the numbers of two connections are unrelated.
#[derive(Debug)]
pub(crate) struct VersionReader {
    location: Location,
    options: Arc<DatabaseOptions>,
    connection: Option<Connection>,
}

impl VersionReader {
    pub(crate) fn new(location: Location, options: Arc<DatabaseOptions>) -> Self {
        Self {
            location,
            options,
            connection: None,
        }
    }

    /// The current number; another one than before if there was a commit in between.
    pub(crate) fn version(&mut self) -> Result<i64> {
        let connection = match &self.connection {
            Some(connection) => connection,
            None => self
                .connection
                .insert(open_reader(&self.location, &self.options)?),
        };
        let mut statement = connection.prepare_cached("PRAGMA data_version")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}
