//! One file per command.

pub(crate) mod budget;
pub(crate) mod cache;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod get;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod man;
mod raw;
mod rows;
pub(crate) mod search;
pub(crate) mod sync;
#[cfg(feature = "dynamodb")]
pub(crate) mod table;
#[cfg(not(feature = "dynamodb"))]
#[path = "commands/table_without_dynamodb.rs"]
pub(crate) mod table;
pub(crate) mod types;
