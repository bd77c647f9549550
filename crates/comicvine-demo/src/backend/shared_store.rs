//! What the demo does with the store of the workers, whatever its kind.

use std::ffi::OsString;

use async_trait::async_trait;
use comicvine_fake::Counts;
use store_core::Timestamp;

use crate::admissions::FullestWindows;
use crate::error::Error;

/// A store that the workers share.
#[async_trait]
pub(crate) trait SharedStore: Send {
    /// The arguments that name it to a worker.
    fn worker_arguments(&self) -> Vec<OsString>;

    /// Reads the admissions so far; called several times per window.
    async fn observe(&mut self, now: Timestamp) -> Result<(), Error>;

    /// The fullest windows of the run. `counts` are those of the server.
    fn fullest_windows(&mut self, counts: &Counts) -> FullestWindows;

    /// Closes and deletes it.
    async fn delete(self: Box<Self>) -> Result<(), Error>;
}
