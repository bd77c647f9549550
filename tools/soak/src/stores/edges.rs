//! Trials of what surrounds the file: readers that stay, disks that get full or damage it, names, deadlines,
//! clocks that are set, runtimes.

mod bit_flips;
mod clock_steps;
mod crowd;
mod full_disk;
mod hard_links;
mod idle_reader;
mod runtimes;

use std::path::Path;
use std::time::Duration;

use sqlite_database::rusqlite::Connection;
use store_core::{Acquire, CacheStore as _, Decision, HOUR, Key, Limit, NewEntry, Resource};
use store_core::{RateLimitOptions, RateLimitStore as _};
use store_sqlite::{SqliteCacheStore, SqliteDatabase, SqliteRateLimitStore};

use crate::campaign::create;
use crate::error::Error;
use crate::runtime;
use crate::table::{Column, Table};

/// The result of one trial.
#[derive(Debug)]
pub(super) struct Trial {
    name: &'static str,
    calls: usize,
    /// What was wrong, in words.
    complaints: Vec<String>,
}

impl Trial {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            calls: 0,
            complaints: Vec::new(),
        }
    }

    /// Complains unless `is_right`.
    fn expect(&mut self, is_right: bool, complaint: impl FnOnce() -> String) {
        if !is_right {
            self.complaints.push(complaint());
        }
    }

    pub(super) fn passes(&self) -> bool {
        self.calls > 0 && self.complaints.is_empty()
    }

    pub(super) fn complaints(&self) -> impl Iterator<Item = String> {
        let name = self.name;
        self.complaints
            .iter()
            .map(move |complaint| format!("{name}: {complaint}"))
    }
}

/// Runs all of them, in a few seconds; a call may take `slack` longer than it should on a busy machine.
pub(super) fn run(
    folder: &Path,
    small_disk: Option<&Path>,
    slack: Duration,
) -> Result<Vec<Trial>, Error> {
    let folder = folder.join("edges");
    create(&folder)?;
    let file = |name: &str| folder.join(name);
    Ok(vec![
        runtime::block_on(idle_reader::run(&file("idle.db"), slack))?,
        runtime::block_on(full_disk::run(&file("full.db"), small_disk))?,
        runtime::block_on(hard_links::run(&file("linked.db")))?,
        runtime::block_on(crowd::run(&file("crowd.db"), slack))?,
        runtimes::run(&file("runtimes.db"))?,
        runtime::block_on(bit_flips::run(&file("flipped.db")))?,
        runtime::block_on(clock_steps::run(&file("steps.db"), slack))?,
    ])
}

/// One row per trial.
pub(super) fn table(trials: &[Trial]) -> String {
    let mut table = Table::new(&[
        Column::Left("trial"),
        Column::Right("calls"),
        Column::Right("wrong"),
        Column::Left("outcome"),
    ]);
    for trial in trials {
        let outcome = if trial.passes() { "passed" } else { "FAILED" };
        table.add([
            trial.name.to_owned(),
            trial.calls.to_string(),
            trial.complaints.len().to_string(),
            outcome.to_owned(),
        ]);
    }
    table.to_string()
}

/// A cache and a limiter over one handle.
struct Pair {
    cache: SqliteCacheStore,
    limits: SqliteRateLimitStore,
    resource: Resource,
}

impl Pair {
    fn over(database: &SqliteDatabase) -> Result<Self, Error> {
        let limits = RateLimitOptions::default().with_default_config(Limit::new(1_000_000, HOUR));
        Ok(Self {
            cache: SqliteCacheStore::new(database),
            limits: SqliteRateLimitStore::with_options(database, limits),
            resource: Resource::new("issues")?,
        })
    }

    async fn set(&self, number: usize) -> store_core::Result<()> {
        let body = vec![u8::try_from(number % 251).unwrap_or_default(); 4_000];
        let entry = NewEntry::unconditional(key(number)?, body).with_ttl(HOUR);
        self.cache.set(entry).await.map(drop)
    }

    /// Whether the value is there and whole.
    async fn has(&self, number: usize) -> store_core::Result<bool> {
        let found = self.cache.get(&key(number)?).await?;
        let expected = u8::try_from(number % 251).unwrap_or_default();
        Ok(found.hit().is_some_and(|entry| {
            entry.value.len() == 4_000 && entry.value.iter().all(|byte| *byte == expected)
        }))
    }

    async fn acquire(&self) -> store_core::Result<bool> {
        let decision = self
            .limits
            .try_acquire(Acquire::one(&self.resource))
            .await?;
        Ok(matches!(decision, Decision::Granted(_)))
    }
}

fn key(number: usize) -> store_core::Result<Key> {
    Key::new(format!("comics:{number}"))
}

/// A connection of another program, such as a shell.
fn shell(file: &Path, statements: &str) -> Result<Connection, Error> {
    let opened = Connection::open(file).and_then(|shell| {
        shell.execute_batch(statements)?;
        Ok(shell)
    });
    Ok(opened.map_err(sqlite_database::Error::from)?)
}
