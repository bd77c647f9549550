//! Stored responses in a SQLite file: a normalised schema that one can ask questions.
//!
//! `store` opens the file, and `verbs` are its operations, with `fill` for what is being stored and `upkeep` for what a
//! store does by itself. `read`, `commit`, `remove`, `evict`, `statistics` and `cleanup` each hold the statements of one
//! task, and `schema` the tables. `overview`, `listing`, `details` and `query` answer people.

mod chunks;
mod cleanup;
mod commit;
mod content;
mod details;
mod error;
mod evict;
mod fill;
mod headers;
mod interned;
mod invalidations;
mod listing;
mod open;
mod options;
mod overview;
mod query;
mod read;
mod records;
mod recovery;
mod remove;
mod report;
mod rows;
mod schema;
mod shared;
mod shared_rows;
mod state;
mod statistics;
mod store;
#[cfg(test)]
mod tests;
mod upkeep;
mod verbs;
mod verify;

pub use cleanup::CleanupReport;
pub use details::ResponseDetails;
pub use listing::{FoundUrl, StoredUrl, UrlFilter, UrlOrder};
pub use options::SqliteStoreOptions;
pub use overview::{
    CompressionStats, DeduplicationStats, HostStats, PurgeStats, StoreStats, UseStats,
};
pub use query::QueryRows;
pub use schema::HTTP_CACHE;
pub use store::SqliteStore;
pub use verify::VerifyReport;
