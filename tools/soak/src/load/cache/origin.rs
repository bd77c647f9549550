//! Where cached values come from: a version per key that only rises, in a file of its own, and a
//! floor that every cached value must have reached.
//!
//! Whoever changes a value raises its version, invalidates the cache, and only then raises the
//! floor. A reader that sees the floor and then a cached value below it has seen a value come back.

use std::path::Path;

use sqlite_database::SqliteDatabase;

use crate::error::Error;

#[derive(Clone, Debug)]
pub(crate) struct Origin {
    database: SqliteDatabase,
}

impl Origin {
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        let database = SqliteDatabase::open(path).await?;
        let create = "CREATE TABLE IF NOT EXISTS origin
            (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, floor INTEGER NOT NULL) STRICT";
        database.write(|tx| Ok(tx.execute_batch(create)?)).await?;
        Ok(Self { database })
    }

    /// The key's version as it is now.
    pub(crate) async fn version(&self, key: usize) -> Result<u64, Error> {
        self.read("SELECT version FROM origin WHERE key = ?1", key)
            .await
    }

    /// The version that every cached value of the key must have reached by now.
    pub(crate) async fn floor(&self, key: usize) -> Result<u64, Error> {
        self.read("SELECT floor FROM origin WHERE key = ?1", key)
            .await
    }

    async fn read(&self, sql: &'static str, key: usize) -> Result<u64, Error> {
        let read = self.database.read(move |db| {
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([id(key)])?;
            Ok(match rows.next()? {
                Some(row) => row.get::<_, i64>(0)?,
                None => 0,
            })
        });
        Ok(read.await?.unsigned_abs())
    }

    /// Changes the keys; returns their versions from now on.
    pub(crate) async fn change(&self, keys: Vec<usize>) -> Result<Vec<(usize, i64)>, Error> {
        let change = self.database.write(move |tx| {
            let mut change = tx.prepare_cached(
                "INSERT INTO origin VALUES (?1, 1, 0)
                 ON CONFLICT (key) DO UPDATE SET version = version + 1 RETURNING version",
            )?;
            let mut changed = Vec::with_capacity(keys.len());
            for key in keys {
                changed.push((key, change.query_row([id(key)], |row| row.get(0))?));
            }
            Ok(changed)
        });
        Ok(change.await?)
    }

    /// Raises the floor: everything before these versions has been invalidated.
    pub(crate) async fn confirm(&self, versions: Vec<(usize, i64)>) -> Result<(), Error> {
        let confirm = self.database.write(move |tx| {
            let mut raise =
                tx.prepare_cached("UPDATE origin SET floor = max(floor, ?2) WHERE key = ?1")?;
            for (key, version) in versions {
                raise.execute((id(key), version))?;
            }
            Ok(())
        });
        Ok(confirm.await?)
    }

    pub(crate) async fn close(&self) -> Result<(), Error> {
        Ok(self.database.close().await?)
    }
}

fn id(key: usize) -> i64 {
    i64::try_from(key).unwrap_or(i64::MAX)
}
