//! The backup before a migration, made once.

use std::io;
use std::path::Path;

use crate::copy;
use crate::database::SqliteDatabase;
use crate::error::Result;

impl SqliteDatabase {
    /// Copies the database to `backup` unless there is a file. The caller holds the write lock.
    pub(super) async fn back_up_once(&self, backup: &Path) -> Result<()> {
        let failed = |error| copy::io_error(error, backup);
        // Only whoever holds the lock writes here: what there is, a crash has left, be it before the
        // backup was complete or between its old name and its new one.
        match std::fs::remove_file(copy::partial(backup, 0)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        if backup.try_exists().map_err(failed)? {
            tracing::info!(backup = %backup.display(), "migrating; the backup exists already");
            return Ok(());
        }
        let partial = copy::reserve(backup, self.path()).map_err(failed)?;
        let (location, target) = (self.location().clone(), partial.clone());
        let written = self
            .read_at_length(move |db| copy::write(&location, db, &target))
            .await;
        // Not on that thread: it goes on when this future is dropped, and the lock does not.
        let published = written.and_then(|()| copy::publish(&partial, backup).map_err(failed));
        if published.is_err() {
            // What is left of it is of no use; the first error is the one to tell.
            let _removed = std::fs::remove_file(&partial);
        }
        published?;
        tracing::info!(backup = %backup.display(), "migrating; the backup is complete");
        Ok(())
    }
}
