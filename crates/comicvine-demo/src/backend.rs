//! The store that the two workers share: a database file or a DynamoDB table, created for the run.

mod file;
mod shared_store;
#[cfg(feature = "dynamodb")]
mod table;
mod worker_stores;

use std::path::Path;

use crate::error::Error;

pub(crate) use shared_store::SharedStore;
pub(crate) use worker_stores::OpenStores;

/// The kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// A SQLite file.
    File,
    /// A DynamoDB table.
    Table,
}

impl StoreKind {
    /// Parses the value of `--store`: the kind, and whether each worker keeps copies in memory. The error does not
    /// repeat it: a URL may hold credentials.
    pub(crate) fn parse(name: &str) -> Result<(Self, bool), Error> {
        let tiered = name.strip_prefix("tiered+");
        let kind = match tiered.unwrap_or(name) {
            "sqlite" => Self::File,
            "dynamodb" => Self::Table,
            _ => {
                return Err(Error::usage(
                    "the demo creates a store of its own; --store takes its kind: `sqlite` or `dynamodb`, or \
                     `tiered+sqlite` or `tiered+dynamodb` with copies in the memory of each process",
                ));
            }
        };
        Ok((kind, tiered.is_some()))
    }

    /// Creates the store, in `folder` if it is a file.
    pub(crate) async fn create(self, folder: &Path) -> Result<Box<dyn SharedStore>, Error> {
        match self {
            Self::File => Ok(Box::new(file::File::create(folder).await?)),
            #[cfg(feature = "dynamodb")]
            Self::Table => Ok(Box::new(table::Table::create().await?)),
            #[cfg(not(feature = "dynamodb"))]
            Self::Table => Err(Error::usage(
                "this demo was built without DynamoDB; add `--features dynamodb` to the cargo command",
            )),
        }
    }
}
