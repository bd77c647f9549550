//! Many callers at once while another program keeps the file locked: each waits for its own time only.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use store_core::{Clock as _, ErrorKind, SystemClock};
use store_sqlite::{DatabaseOptions, SqliteDatabase};

use super::{Pair, Trial, shell};
use crate::error::Error;

const CALLERS: usize = 1_000;
const BUSY_TIMEOUT: Duration = Duration::from_millis(300);

pub(super) async fn run(file: &Path, slack: Duration) -> Result<Trial, Error> {
    let mut trial = Trial::new("crowd");
    let options = DatabaseOptions::default().with_busy_timeout(BUSY_TIMEOUT);
    let database = SqliteDatabase::open_with(file, options).await?;
    store_sqlite::migrate(&database).await?;
    let pair = Arc::new(Pair::over(&database)?);
    // What is asked of the file first is not part of it.
    pair.set(0).await?;
    let lock = shell(file, "BEGIN IMMEDIATE")?;
    let calls: Vec<_> = (0..CALLERS)
        .map(|number| {
            let pair = Arc::clone(&pair);
            tokio::spawn(async move {
                let clock = SystemClock::new();
                let began = clock.monotonic();
                let outcome = pair.set(number).await;
                (outcome, clock.monotonic().saturating_sub(began))
            })
        })
        .collect();
    for call in calls {
        let (outcome, took) = call.await.map_err(|source| Error::LostTask { source })?;
        let kind = outcome.map_err(|error| error.kind());
        trial.calls += 1;
        trial.expect(kind == Err(ErrorKind::Busy), || format!("{kind:?}"));
        trial.expect(took <= BUSY_TIMEOUT + slack, || {
            format!("refused after {took:?}")
        });
    }
    drop(lock);
    pair.set(1).await?;
    database.close().await?;
    Ok(trial)
}
