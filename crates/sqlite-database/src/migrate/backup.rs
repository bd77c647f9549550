//! The one-time backup before a migration.

use std::io;
use std::path::Path;

use crate::copy;
use crate::database::SqliteDatabase;
use crate::error::Result;

impl SqliteDatabase {
    /// Copies the database to `backup` unless that file exists. The caller holds the write lock.
    pub(super) async fn back_up_once(&self, backup: &Path) -> Result<()> {
        let failed = |error| copy::io_error(error, backup);
        // Only the holder of the lock writes here, so an existing partial file was left by a crash:
        // before the backup was complete, or between link and unlink.
        match std::fs::remove_file(copy::partial_path(backup, 0)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        if backup.try_exists().map_err(failed)? {
            tracing::info!(backup = %backup.display(), "migrating; the backup exists already");
            return Ok(());
        }
        let partial = copy::create_partial(backup, self.path()).map_err(failed)?;
        let (location, target) = (self.location().clone(), partial.clone());
        let written = self
            .long_read_as("migrate", move |db| copy::write(&location, db, &target))
            .await;
        // Not on the blocking thread: it would go on without the lock if this future is dropped.
        let published = written.and_then(|()| copy::publish(&partial, backup).map_err(failed));
        if published.is_err() {
            // The first error is the one to report.
            let _removed = std::fs::remove_file(&partial);
        }
        published?;
        tracing::info!(backup = %backup.display(), "migrating; the backup is complete");
        Ok(())
    }
}
