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
             PRAGMA busy_timeout = 5000;
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
            for step in Step::of(call) {
                self.run(*step, number)?;
            }
        }
        let time = clock.monotonic();
        if call != Call::Get {
            self.connection.execute_batch("COMMIT")?;
            self.checkpoint()?;
        }
        Ok(time)
    }

    /// The same, in as many transactions as the call needs: other processes must see each step.
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
            for step in Step::of(call) {
                if step.is_read() {
                    self.run(*step, number)?;
                    continue;
                }
                execute("BEGIN IMMEDIATE")?;
                self.run(*step, number)?;
                execute("COMMIT")?;
            }
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

    fn run(&self, step: Step, number: u64) -> rusqlite::Result<()> {
        let db = &self.connection;
        let name = match step {
            Step::Get => format!("bench:{}", scattered(number) % READABLE),
            Step::Admit => format!("bare-{}", number / 200),
            Step::GetNothing | Step::Set | Step::Register | Step::Complete => {
                format!("bare:{number}")
            }
        };
        match step {
            Step::Get | Step::GetNothing => {
                let mut statement = db.prepare_cached(GET)?;
                let found: Option<(i64, i64, Vec<u8>)> = statement
                    .query_row([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()?;
                if found.is_some() != (step == Step::Get) {
                    return Err(rusqlite::Error::QueryReturnedNoRows);
                }
                std::hint::black_box(found);
            }
            Step::Set => {
                let mut statement = db.prepare_cached(SET)?;
                statement.execute(params![name, i64::MAX, self.value])?;
            }
            Step::Admit => {
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
            Step::Register => {
                let mut register = db.prepare_cached(REGISTER)?;
                register.execute(params![name, i64::MAX])?;
            }
            Step::Complete => {
                let mut complete = db.prepare_cached(COMPLETE)?;
                complete.execute(params![name, self.value])?;
            }
        }
        Ok(())
    }
}

/// What is one transaction, or one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Get,
    GetNothing,
    Set,
    Admit,
    Register,
    Complete,
}

impl Step {
    const fn of(call: Call) -> &'static [Self] {
        match call {
            Call::Get => &[Self::Get],
            Call::Set => &[Self::Set],
            Call::Acquire => &[Self::Admit],
            Call::Complete => &[Self::Register, Self::Complete],
            Call::Miss => &[
                Self::GetNothing,
                Self::Register,
                Self::Admit,
                Self::Set,
                Self::Complete,
            ],
        }
    }

    fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::GetNothing)
    }
}
