//! Operations that depend on the backend: size, compaction, checks, backups, closing.

use std::path::Path;

use async_trait::async_trait;
use store_core::Stores;

use crate::error::Error;

/// Maintenance of one backend. An operation that a backend does not have is a usage error that names
/// the alternative.
#[async_trait]
pub(crate) trait Maintenance: Send + Sync {
    /// How much space is used; `None` if that is not known.
    async fn size(&self) -> Result<Option<Size>, Error>;

    /// Returns free space to the disk; the text says how much.
    async fn vacuum(&self) -> Result<String, Error>;

    /// Checks integrity; the text says that all is well.
    async fn check(&self) -> Result<String, Error>;

    /// Copies everything to the new file `path`; the text says so.
    async fn backup(&self, path: &Path) -> Result<String, Error>;

    /// A note for the user on the space that a cleanup has freed.
    fn after_cleanup(&self) -> &'static str;

    /// Removes expired entries if that is automatic, and closes the stores.
    async fn close(&self, stores: &Stores) -> Result<(), Error>;
}

/// The space that a backend uses.
pub(crate) struct Size {
    /// The name of the measured thing: `file`, `table`.
    pub(crate) name: &'static str,
    /// The size as JSON.
    pub(crate) json: serde_json::Value,
    /// The size as rows of a table.
    pub(crate) rows: Vec<(&'static str, String)>,
}
