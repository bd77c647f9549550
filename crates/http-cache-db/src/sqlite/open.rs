//! An open file: the database, and what this process knows of it.

use std::path::Path;
use std::sync::Arc;

use sqlite_database::{Result, SqliteDatabase};

use super::interned::Interned;
use super::options::SqliteStoreOptions;
use super::schema::HTTP_CACHE;
use crate::keys::Salt;

/// An open file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) database: SqliteDatabase,
    pub(super) salt: Salt,
    pub(super) interned: Interned,
}

impl Opened {
    /// Opens the file at `path`, or a database in memory, and brings its schema up to date.
    pub(super) async fn open(
        path: Option<&Path>,
        options: &SqliteStoreOptions,
    ) -> Result<Arc<Self>> {
        let database = options.database.clone();
        let database = match path {
            Some(path) => SqliteDatabase::open_with(path, database).await?,
            None => SqliteDatabase::in_memory_with(database).await?,
        };
        match Self::with_schema(database.clone()).await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                // The first error is the one to report.
                let _closed = database.close().await;
                Err(error)
            }
        }
    }

    async fn with_schema(database: SqliteDatabase) -> Result<Arc<Self>> {
        database.migrate(&HTTP_CACHE).await?;
        let salt = database.read(|db| {
            let salt = "SELECT value FROM state WHERE name = 'salt'";
            Ok(db.query_row(salt, [], |row| row.get::<_, [u8; 16]>(0))?)
        });
        Ok(Arc::new(Self {
            salt: Salt::from_bytes(salt.await?),
            database,
            interned: Interned::default(),
        }))
    }
}
