//! What depends on what keeps the stores: their room, their health, their copies, their end.

use std::path::Path;

use async_trait::async_trait;
use store_core::Stores;

use crate::failure::Failure;

/// Looks after the place where stores are kept. What a place cannot do it refuses, naming what does
/// it there.
#[async_trait]
pub(crate) trait Keeper: Send + Sync {
    /// How much room is taken, where that is known.
    async fn size(&self) -> Result<Option<Size>, Failure>;

    /// Gives free room back, and says how much.
    async fn vacuum(&self) -> Result<String, Failure>;

    /// Checks that everything is whole and as it should be, and says so.
    async fn check(&self) -> Result<String, Failure>;

    /// Copies everything to a new file, and says so.
    async fn backup(&self, path: &Path) -> Result<String, Failure>;

    /// What becomes of the room that a cleanup frees.
    fn after_cleanup(&self) -> &'static str;

    /// What is owed at the end of a command: to free what has expired, where nobody else does, and to
    /// let go.
    async fn close(&self, stores: &Stores) -> Result<(), Failure>;
}

/// How much room is taken.
pub(crate) struct Size {
    /// What it is the size of: `file`, `table`.
    pub(crate) of: &'static str,
    /// For programs.
    pub(crate) json: serde_json::Value,
    /// For people.
    pub(crate) rows: Vec<(&'static str, String)>,
}
