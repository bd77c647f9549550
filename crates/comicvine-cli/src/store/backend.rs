//! Open stores of any backend, and the error for stores that cannot be opened.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use store_core::Stores;

use crate::error::Error;

use super::maintenance::Maintenance;

/// Open stores, with the maintenance of their backend.
pub(crate) struct Backend {
    pub(crate) stores: Stores,
    pub(crate) maintenance: Box<dyn Maintenance>,
}

/// What a command opens the stores for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To ask the API: a missing file is created, an old one migrated, and expired entries are removed in the
    /// background and when the command ends.
    Requests,
    /// To look at what is there and after it: nothing is created, migrated or removed by itself.
    Maintenance,
    /// To look at what is there: nothing is written, so that no lock of another program is in the way.
    Inspection,
    /// To look at the limits: as for an inspection, but a file that is missing or old is set up as for requests.
    Limits,
}

/// The error for stores that cannot be opened: a wrong setting, unless trying again may help.
pub(super) fn cannot_use(
    what: String,
    source: store_core::Error,
    help: impl Into<Cow<'static, str>>,
) -> Error {
    let is_retryable = source.is_retryable();
    let unusable = Unusable { what, source };
    let error = if is_retryable {
        Error::failed(unusable)
    } else {
        Error::config(unusable)
    };
    error.with_help(help)
}

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
