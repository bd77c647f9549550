//! The same calls by bare SQLite: the least that any store on top of it costs.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use sqlite_database::rusqlite;
use store_core::{Clock as _, SystemClock};

use super::call::{Call, READABLE};
use super::timing::scattered;

const GET: &str = "SELECT expires_at, created_at, value FROM cache WHERE hash = ?1";
const SET: &str = "INSERT INTO cache (hash, expires_at, created_at, fill_began_at, value)
     VALUES (?1, ?2, ?2, ?2, ?3)
     ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at, value = excluded.value";
const NEWEST: &str = "SELECT timestamp, id FROM rate_limits WHERE resource = ?1
     ORDER BY timestamp DESC, id DESC LIMIT 1";
const OLDEST: &str = "SELECT id FROM rate_limits WHERE resource = ?1 AND timestamp > 0
     ORDER BY timestamp, id LIMIT 1";
const ADMIT: &str = "INSERT INTO rate_limits (resource, timestamp, id, is_user, permit)
     VALUES (?1, ?2, ?3, TRUE, ?2)";
const REGISTER: &str = "INSERT OR REPLACE INTO dedupe_jobs
       (hash, job_id, status, created_at, updated_at, lease_until, lease_ms, priority)
     VALUES (?1, ?1, 'pending', ?2, ?2, ?2, 10000, 'user')";
const COMPLETE: &str = "UPDATE dedupe_jobs SET status = 'completed', result = ?2 WHERE hash = ?1";

/// A connection with the settings of the stores.
#[derive(Debug)]
pub(crate) struct Bare {
    connection: Connection,
    value: Vec<u8>,
}

impl Bare {
    pub(crate) fn open(path: &Path, value: Vec<u8>) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192;
             PRAGMA mmap_size = 268435456; PRAGMA busy_timeout = 5000;
             PRAGMA wal_autocheckpoint = 0;",
        )?;
        Ok(Self { connection, value })
    }

    /// The statements of each call, all in one transaction whose cost is left out.
    pub(crate) fn statements(&self, call: Call, numbers: Range<u64>) -> rusqlite::Result<Duration> {
        if call != Call::Get {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        let clock = SystemClock::new();
        for number in numbers {
            self.first(call, number)?;
            self.second(call, number)?;
        }
        let time = clock.monotonic();
        if call != Call::Get {
            self.connection.execute_batch("COMMIT")?;
            self.checkpoint()?;
        }
        Ok(time)
    }

    /// The same, in as many transactions as the call needs; a read is one by itself.
    pub(crate) fn transactions(
        &self,
        call: Call,
        numbers: Range<u64>,
    ) -> rusqlite::Result<Duration> {
        if call == Call::Get {
            return self.statements(call, numbers);
        }
        let execute = |sql| self.connection.prepare_cached(sql)?.execute([]);
        let clock = SystemClock::new();
        for number in numbers {
            execute("BEGIN IMMEDIATE")?;
            self.first(call, number)?;
            if call == Call::Complete {
                // Other processes must see the job while it is worked on.
                execute("COMMIT")?;
                execute("BEGIN IMMEDIATE")?;
            }
            self.second(call, number)?;
            execute("COMMIT")?;
        }
        let time = clock.monotonic();
        self.checkpoint()?;
        Ok(time)
    }

    /// Not timed: the stores do it on another thread.
    fn checkpoint(&self) -> rusqlite::Result<()> {
        let pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
        self.connection.query_row(pragma, [], |_| Ok(()))
    }

    fn first(&self, call: Call, number: u64) -> rusqlite::Result<()> {
        let db = &self.connection;
        let name = match call {
            Call::Get => format!("bench:{}", scattered(number) % READABLE),
            Call::Set | Call::Complete => format!("bare:{number}"),
            Call::Acquire => format!("bare-{}", number / 200),
        };
        match call {
            Call::Get => {
                let mut statement = db.prepare_cached(GET)?;
                let (_, _, value): (i64, i64, Vec<u8>) = statement
                    .query_row([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                std::hint::black_box(value);
            }
            Call::Set => {
                let mut statement = db.prepare_cached(SET)?;
                statement.execute(params![name, i64::MAX, self.value])?;
            }
            Call::Acquire => {
                let mut statement = db.prepare_cached(NEWEST)?;
                let newest: Option<(i64, i64)> = statement
                    .query_row([&name], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                if newest.is_some() {
                    let mut oldest = db.prepare_cached(OLDEST)?;
                    let id: i64 = oldest.query_row([&name], |row| row.get(0))?;
                    std::hint::black_box(id);
                }
                let id = newest.map_or(1, |(_, id)| id + 1);
                let mut admit = db.prepare_cached(ADMIT)?;
                admit.execute(params![name, SystemClock::new().now().as_millis(), id])?;
            }
            Call::Complete => {
                let mut register = db.prepare_cached(REGISTER)?;
                register.execute(params![name, i64::MAX])?;
            }
        }
        Ok(())
    }

    fn second(&self, call: Call, number: u64) -> rusqlite::Result<()> {
        if call == Call::Complete {
            let mut complete = self.connection.prepare_cached(COMPLETE)?;
            complete.execute(params![format!("bare:{number}"), self.value])?;
        }
        Ok(())
    }
}
