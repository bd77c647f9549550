//! The talk of a child process with the one that started it.

use std::io::{self, Write as _};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::error::Error;

/// Reads what to do.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::NoParent {
        source: error.into(),
    })
}

/// Writes the answer.
pub(crate) fn answer(what: &impl Serialize) -> Result<(), Error> {
    let write = || {
        let line = serde_json::to_string(what)?;
        writeln!(io::stdout(), "{line}")
    };
    write().map_err(|source| Error::NoParent { source })
}

/// The runtime of a process.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    Runtime::new().map_err(|source| Error::Runtime { source })
}
