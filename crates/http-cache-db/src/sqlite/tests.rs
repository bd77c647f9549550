//! What only a store in a file does.

mod contents;
mod copies;
mod counting;
mod damage;
mod deltas;
mod dictionaries;
mod existing;
mod faults;
mod files;
mod hit_for_miss;
mod listing;
mod purging;
mod questions;
mod recompressing;
mod schema;
mod telling;
mod top;
mod unwritable;
mod values;

use std::sync::Arc;

use store_core::{Clock, Timestamp};

use super::*;
use crate::store::cases::Case;
use crate::store::{ResponseId, ResponseStore};

/// A clock that stands.
#[derive(Debug, Default)]
struct StoppedClock(std::sync::atomic::AtomicI64);

impl StoppedClock {
    fn advance(&self, seconds: i64) {
        let millis = seconds * 1_000;
        self.0
            .fetch_add(millis, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.now().as_millis().unsigned_abs())
    }

    fn sleep_until(&self, _: Timestamp) -> store_core::Sleep<'_> {
        Box::pin(std::future::pending())
    }
}

/// A store whose clock stands still at the present: a minute after it was opened it would clean up by itself.
async fn in_memory() -> SqliteStore {
    let now = store_core::SystemClock::new().now().as_millis();
    let clock = Arc::new(StoppedClock(now.into()));
    let options = SqliteStoreOptions::default().with_clock(clock);
    SqliteStore::in_memory(options).await.unwrap()
}

/// Runs a query that yields a number.
async fn number(store: &SqliteStore, sql: &'static str) -> i64 {
    let database = store.database().unwrap();
    let number = database.read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?));
    number.await.unwrap()
}

async fn execute(store: &SqliteStore, sql: &'static str) {
    let database = store.database().unwrap();
    database
        .write(move |tx| Ok(tx.execute_batch(sql)?))
        .await
        .unwrap();
}

async fn assert_sound(store: &SqliteStore) {
    let report = store.verify().await.unwrap();
    assert!(report.is_ok(), "{report:#?}");
}

async fn with_clock(options: SqliteStoreOptions) -> (SqliteStore, Arc<StoppedClock>) {
    let clock = Arc::new(StoppedClock::default());
    let options = options.with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    (SqliteStore::in_memory(options).await.unwrap(), clock)
}
