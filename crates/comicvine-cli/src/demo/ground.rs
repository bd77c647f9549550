//! What the two workers share, and nothing else: a file or a table of the demo's own.

#[cfg(feature = "dynamodb")]
mod emulator;
mod file;
#[cfg(feature = "dynamodb")]
mod table;

use std::ffi::OsString;
use std::path::Path;

use async_trait::async_trait;
use comicvine_fake::Counts;
use store_core::Timestamp;

use crate::cli::Global;
use crate::demo::audit::Worst;
use crate::failure::Failure;

/// What the workers share.
#[async_trait]
pub(super) trait Ground: Send {
    /// How a worker is told of it.
    fn arguments(&self) -> Vec<OsString>;

    /// Looks at what happens there, every now and then.
    async fn look(&mut self, now: Timestamp) -> Result<(), Failure>;

    /// The fullest windows. `counts` is what the server saw.
    fn worst(&mut self, counts: &Counts) -> Worst;

    /// Leaves nothing behind.
    async fn clear(self: Box<Self>) -> Result<(), Failure>;
}

/// What keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Table,
}

impl Kind {
    /// What was typed; the environment names stores that are no affair of the demo's.
    pub(super) fn of(global: &Global) -> Result<Self, Failure> {
        match global.store.as_deref() {
            None | Some("sqlite") => Ok(Self::File),
            Some("dynamodb") => Ok(Self::Table),
            Some(_) => Err(Failure::usage(
                "the demo makes a store of its own; --store says only of which kind: `sqlite` or \
                 `dynamodb`",
            )),
        }
    }

    /// Makes it, in `folder` if it is a file.
    pub(super) async fn make(self, folder: &Path) -> Result<Box<dyn Ground>, Failure> {
        match self {
            Self::File => Ok(Box::new(file::File::make(folder).await?)),
            #[cfg(feature = "dynamodb")]
            Self::Table => Ok(Box::new(table::Table::make().await?)),
            #[cfg(not(feature = "dynamodb"))]
            Self::Table => Err(Failure::usage(
                "this program was built without DynamoDB; build it with the feature `dynamodb`, which \
                 is on by default",
            )),
        }
    }
}
