//! Database failures as store errors, by kind; the only place.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use sqlite_database::ErrorKind as DatabaseKind;
use store_core::{Error, ErrorKind};

/// How errors of these stores name their backend.
pub(crate) const BACKEND: &str = "sqlite";

/// Why an operation inside a transaction gave up; the transaction is rolled back.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database failed.
    Database(sqlite_database::Error),
    /// The operation is refused for a reason of the store.
    Store(Error),
}

impl From<sqlite_database::Error> for Failure {
    fn from(error: sqlite_database::Error) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for sqlite_database::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => error,
            Failure::Store(error) => Self::aborted(Carried(Mutex::new(Some(error)))),
        }
    }
}

/// A store error on its way through the database.
#[derive(Debug)]
struct Carried(Mutex<Option<Error>>);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused by the store")
    }
}

impl StdError for Carried {}

/// The store error of `operation` that a failure amounts to.
pub(crate) fn store_error(error: sqlite_database::Error, operation: &'static str) -> Error {
    if let Some(Carried(carried)) = error.downcast_ref()
        && let Some(error) = carried
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    {
        return error;
    }
    Error::new(kind(error.kind()), BACKEND, operation).with_source(error)
}

/// What a row that cannot be read amounts to.
pub(crate) fn corrupt(operation: &'static str, detail: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, BACKEND, operation).with_detail(detail)
}

const fn kind(kind: DatabaseKind) -> ErrorKind {
    match kind {
        DatabaseKind::Busy => ErrorKind::Busy,
        DatabaseKind::ReadOnly => ErrorKind::ReadOnly,
        DatabaseKind::StorageFull => ErrorKind::StorageFull,
        DatabaseKind::Unavailable => ErrorKind::Unavailable,
        DatabaseKind::SchemaNewer => ErrorKind::SchemaNewer,
        DatabaseKind::Closed => ErrorKind::Closed,
        DatabaseKind::InvalidInput | DatabaseKind::AlreadyExists => ErrorKind::InvalidInput,
        // Statements are fixed: one that fails met a schema or a row that is not ours.
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
    fn a_refusal_comes_back_from_the_transaction_as_it_was() {
        let refusal = Error::new(ErrorKind::InvalidInput, BACKEND, "acquire").with_key("issues");
        let through = sqlite_database::Error::from(Failure::from(refusal));
        let back = store_error(through, "write");
        assert_eq!(back.kind(), ErrorKind::InvalidInput);
        assert_eq!((back.operation(), back.key()), ("acquire", Some("issues")));
    }

    #[test]
    fn codes_decide_the_kind_and_the_cause_is_left_to_the_chain() {
        for (code, kind) in [
            (rusqlite::ffi::SQLITE_BUSY, ErrorKind::Busy),
            (rusqlite::ffi::SQLITE_FULL, ErrorKind::StorageFull),
            (rusqlite::ffi::SQLITE_READONLY, ErrorKind::ReadOnly),
            (rusqlite::ffi::SQLITE_CANTOPEN, ErrorKind::Unavailable),
            (rusqlite::ffi::SQLITE_NOTADB, ErrorKind::Corrupt),
            (rusqlite::ffi::SQLITE_CONSTRAINT, ErrorKind::Corrupt),
        ] {
            let failure = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            let error = store_error(failure.into(), "get");
            assert_eq!(error.kind(), kind, "code {code}");
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            assert!(
                !error.to_string().contains(&cause),
                "{error} repeats {cause}"
            );
        }
    }
}
