//! Where answers and budget are kept. This is the only place that picks what keeps them; every
//! command works on the contracts, and on a [`Keeper`] for what only some of them can do.

mod address;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(not(feature = "dynamodb"))]
#[path = "without_dynamodb.rs"]
mod dynamodb;
mod keeper;
mod memory;
pub(crate) mod sqlite;

use std::error::Error as StdError;
use std::fmt;

use store_core::Stores;

use crate::cli::Global;
use crate::failure::Failure;

use address::Address;
pub(crate) use keeper::{Keeper, Size};

/// An answer may be as long as the client takes them, and what is kept with it.
const LONGEST_ANSWER_BYTES: usize = 16 * 1024 * 1024 + 1024;

/// Open stores, and what looks after them.
pub(crate) struct Backend {
    pub(crate) stores: Stores,
    pub(crate) keeper: Box<dyn Keeper>,
}

/// Who frees the room of what has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// The stores, now and then.
    Themselves,
    /// Nobody, unless a command does.
    OnRequest,
}

impl Backend {
    /// Opens what `global` or the environment names, so that what cannot be used is told at once.
    pub(crate) async fn open(global: &Global, sweep: Sweep) -> Result<Self, Failure> {
        match address::chosen(global, |name| std::env::var_os(name))? {
            Address::Default => sqlite::open(&sqlite::default_path()?, sweep).await,
            Address::Sqlite(path) => sqlite::open(&path, sweep).await,
            Address::Memory => Ok(memory::open()),
            Address::DynamoDb(address) => dynamodb::open(address).await,
        }
    }
}

/// What cannot be used is a setting to change; what is busy may pass.
fn unusable(what: String, error: store_core::Error, help: &'static str) -> Failure {
    let is_passing = error.is_retryable();
    let unusable = Unusable {
        what,
        source: error,
    };
    let failure = if is_passing {
        Failure::failed(unusable)
    } else {
        Failure::setting(unusable)
    };
    failure.with_help(help)
}

/// A store that was named cannot be used.
#[derive(Debug)]
struct Unusable {
    what: String,
    source: store_core::Error,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use {}", self.what)
    }
}

impl StdError for Unusable {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
