//! What was done to keep a file in order, and how it grew: the rows of `maintenance_log` and `performance_metrics`.

use std::sync::Arc;

use serde_json::Value;
use sqlite_database::rusqlite::{OptionalExtension, params};
use sqlite_database::{AccessMode, DatabaseSize, Result};
use store_core::{HOUR, Timestamp};

use super::open::Opened;
use super::shared::Shared;
use super::state::integer;

/// Runs an operation, and writes down when it began, how long it took and what came of it, unless `result` is `None`.
/// What cannot be written down was done all the same.
pub(super) async fn logged<T>(
    shared: &Arc<Shared>,
    opened: &Opened,
    operation: &'static str,
    run: impl Future<Output = Result<T>>,
    result: impl FnOnce(&T) -> Option<Value>,
) -> store_core::Result<T> {
    let clock = &shared.options.clock;
    let (started_at, started) = (clock.now(), clock.monotonic());
    let done = run.await.map_err(|error| shared.error(error, operation))?;
    let duration = clock.monotonic().saturating_sub(started);
    let is_writable = shared.options.database.access != AccessMode::ReadOnly;
    let Some(result) = result(&done).filter(|_| is_writable) else {
        return Ok(done);
    };
    let logged = opened.database.write(move |tx| {
        tx.execute(
            "INSERT INTO maintenance_log (operation, result, started_at, duration_ms) VALUES (?1, ?2, ?3, ?4)",
            params![
                operation,
                result.to_string(),
                started_at.as_millis(),
                integer(duration.as_millis())
            ],
        )?;
        Ok(())
    });
    if let Err(error) = logged.await {
        tracing::warn!(operation, %error, "what was done is not written down");
    }
    Ok(done)
}

/// Writes down how large the file is, at most once an hour; whether it did.
pub(super) async fn measure(opened: &Opened, size: DatabaseSize, now: Timestamp) -> Result<bool> {
    let measured = opened.database.write(move |tx| {
        let last: Option<i64> = tx
            .query_row(
                "SELECT recorded_at FROM performance_metrics ORDER BY metric_id DESC LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()?;
        let is_due = last.is_none_or(|last| {
            let since = now.as_millis().saturating_sub(last).unsigned_abs();
            u128::from(since) >= HOUR.as_millis()
        });
        if !is_due {
            return Ok(false);
        }
        let mut insert = tx.prepare_cached(
            "INSERT INTO performance_metrics (metric_name, metric_value, recorded_at) VALUES (?1, ?2, ?3)",
        )?;
        for (name, bytes) in [("file_bytes", size.bytes()), ("used_bytes", size.used_bytes())] {
            insert.execute(params![name, integer(bytes), now.as_millis()])?;
        }
        Ok(true)
    });
    measured.await
}
