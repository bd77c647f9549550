//! The conversion of database errors into store errors, by kind.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use sqlite_database::ErrorKind as DatabaseKind;
use store_core::{Error, ErrorKind};

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "sqlite";

/// The error of an operation inside a transaction, which is rolled back.
#[derive(Debug)]
pub(crate) enum TransactionError {
    /// A database error.
    Database(sqlite_database::Error),
    /// An error of the store itself, such as invalid input.
    Store(Error),
}

impl From<sqlite_database::Error> for TransactionError {
    fn from(error: sqlite_database::Error) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for TransactionError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<Error> for TransactionError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<TransactionError> for sqlite_database::Error {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Database(error) => error,
            TransactionError::Store(error) => Self::aborted(CarriedError(Mutex::new(Some(error)))),
        }
    }
}

/// A store error inside a database error, to be taken out by [`store_error`].
#[derive(Debug)]
struct CarriedError(Mutex<Option<Error>>);

impl fmt::Display for CarriedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of the store")
    }
}

impl StdError for CarriedError {}

/// Converts a database error into the store error of `operation`.
pub(crate) fn store_error(error: sqlite_database::Error, operation: &'static str) -> Error {
    if let Some(CarriedError(carried)) = error.downcast_ref()
        && let Some(error) = carried
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    {
        return error.with_operation(operation);
    }
    let store_error = Error::new(kind(error.kind()), BACKEND, operation);
    // Other kinds have their remedy in the source.
    let store_error = if error.kind() == DatabaseKind::SchemaNewer {
        store_error.with_detail(
            "the schema is newer than this program; upgrade it, or see its migrations with \
             `comicvine db status --db FILE`",
        )
    } else if error.kind() == DatabaseKind::SchemaChanged {
        store_error.with_detail(
            "the schema differs from this program's; see its migrations with \
             `comicvine db status --db FILE`",
        )
    } else {
        store_error
    };
    store_error.with_source(error)
}

/// The error of a row that cannot be parsed. [`store_error`] names the operation.
pub(crate) fn corrupt(detail: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, BACKEND, "read").with_detail(detail)
}

const fn kind(kind: DatabaseKind) -> ErrorKind {
    match kind {
        DatabaseKind::Busy => ErrorKind::Busy,
        DatabaseKind::Timeout => ErrorKind::Timeout,
        DatabaseKind::ReadOnly => ErrorKind::ReadOnly,
        DatabaseKind::StorageFull => ErrorKind::StorageFull,
        DatabaseKind::Unavailable => ErrorKind::Unavailable,
        DatabaseKind::SchemaNewer => ErrorKind::SchemaNewer,
        DatabaseKind::Closed => ErrorKind::Closed,
        DatabaseKind::InvalidInput | DatabaseKind::AlreadyExists => ErrorKind::InvalidInput,
        // Statements are constant: if one fails, the schema or a row is unexpected.
        DatabaseKind::Corrupt
        | DatabaseKind::Constraint
        | DatabaseKind::SchemaChanged
        | DatabaseKind::Aborted
        | DatabaseKind::Internal
        | _ => ErrorKind::Corrupt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_error_survives_the_transaction_and_names_the_operation() {
        let invalid = Error::new(ErrorKind::InvalidInput, BACKEND, "inner").with_key("issues");
        let through = sqlite_database::Error::from(TransactionError::from(invalid));
        let back = store_error(through, "status");
        assert_eq!(back.kind(), ErrorKind::InvalidInput);
        assert_eq!((back.operation(), back.key()), ("status", Some("issues")));
    }

    #[test]
    fn codes_decide_the_kind_and_display_omits_the_source() {
        for (code, kind) in [
            (rusqlite::ffi::SQLITE_BUSY, ErrorKind::Busy),
            (rusqlite::ffi::SQLITE_INTERRUPT, ErrorKind::Timeout),
            (rusqlite::ffi::SQLITE_FULL, ErrorKind::StorageFull),
            (rusqlite::ffi::SQLITE_READONLY, ErrorKind::ReadOnly),
            (rusqlite::ffi::SQLITE_CANTOPEN, ErrorKind::Unavailable),
            (rusqlite::ffi::SQLITE_NOTADB, ErrorKind::Corrupt),
            (rusqlite::ffi::SQLITE_CONSTRAINT, ErrorKind::Corrupt),
        ] {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            let error = store_error(error.into(), "get");
            assert_eq!(error.kind(), kind, "code {code}");
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            assert!(
                !error.to_string().contains(&cause),
                "{error} repeats {cause}"
            );
        }
    }
}
