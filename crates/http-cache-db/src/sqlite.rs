//! Stored responses in a SQLite file: a normalised schema that one can ask questions.
//!
//! | to | use |
//! |---|---|
//! | open a file | [`SqliteStore`], [`SqliteStoreOptions`] |
//! | see how well the cache works | [`SqliteStore::stats`], [`SqliteStore::top`] |
//! | find URLs, and all that is stored of one | [`SqliteStore::urls`], [`find_url`](SqliteStore::find_url), [`details`](SqliteStore::details) |
//! | keep values by key beside the responses, as a `CacheStore` | [`SqliteStore::values`], [`ValueCache`] |
//! | ask in SQL | [`SqliteStore::query`] |
//! | check a file, and clean it up | [`SqliteStore::verify`], [`cleanup`](SqliteStore::cleanup) |
//! | make a file shorter | [`SqliteStore::recompress`], [`vacuum`](SqliteStore::vacuum) |
//! | migrate a file before it is opened | [`HTTP_CACHE`] |

// `store` opens the file, and `verbs` are its operations, with `fill` (and `request_fields`) for what is being stored
// and `upkeep` for what a store does by itself, such as to `train` `dictionaries` and to `recompress`. `lookup` finds
// what a request needs, in `copies` in memory or in the file. `read` (with `reader`), `commit` and `freshen` (with `rows`
// and `tags`), `remove`, `purge`, `evict`, `statistics` and `cleanup` each hold the statements of one task, and `schema` the
// tables; `values` keeps values by key as bodies of responses; `maintenance` writes
// down what was done. `overview`, `top`, `listing`, `details` and `query` answer people.

mod chunks;
mod cleanup;
mod commit;
mod compressor;
mod content;
mod copies;
mod deltas;
mod details;
mod dictionaries;
mod equivalents;
mod error;
mod evict;
mod fill;
mod freshen;
mod headers;
mod hit_for_miss;
mod interned;
mod invalidations;
mod listing;
mod lookup;
mod maintenance;
mod open;
mod options;
mod overview;
mod ownership;
mod purge;
mod query;
mod read;
mod reader;
mod recompress;
mod records;
mod recovery;
mod remove;
mod report;
mod request_fields;
mod rows;
mod schema;
mod shared;
mod shared_rows;
mod state;
mod statistics;
mod store;
mod tags;
#[cfg(test)]
mod tests;
mod top;
mod train;
mod upkeep;
mod values;
mod verbs;
mod verify;

pub use cleanup::CleanupReport;
pub use details::ResponseDetails;
pub use listing::{FoundUrl, StoredUrl, UrlFilter, UrlOrder};
pub use options::SqliteStoreOptions;
pub use overview::{
    CompressionStats, DeduplicationStats, HostStats, PurgeStats, StoreStats, UseStats,
};
pub use ownership::has_foreign_tables;
pub use query::QueryRows;
pub use recompress::RecompressReport;
pub use schema::HTTP_CACHE;
pub use store::SqliteStore;
pub use top::{PathMisses, PathSavings, Top, TopOrder, UrlValidations};
pub use values::ValueCache;
pub use verify::VerifyReport;
