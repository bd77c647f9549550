//! The conversion of database errors into store errors, by kind.

use sqlite_database::ErrorKind as DatabaseKind;
use store_core::{Error, ErrorKind};

use super::ownership::NotACache;

/// The backend's name in errors.
pub(super) const BACKEND: &str = "sqlite";

pub(super) fn store_error(error: sqlite_database::Error, operation: &'static str) -> Error {
    if let Some(reason) = error.downcast_ref::<NotACache>() {
        return Error::new(ErrorKind::InvalidInput, BACKEND, operation)
            .with_detail(reason.to_string());
    }
    let kind = kind(error.kind());
    let store_error = Error::new(kind, BACKEND, operation);
    let store_error = if kind == ErrorKind::SchemaNewer {
        store_error
            .with_detail("the schema is newer than this program; upgrade it, or name another file")
    } else {
        store_error
    };
    store_error.with_source(error)
}

const fn kind(kind: DatabaseKind) -> ErrorKind {
    match kind {
        DatabaseKind::Busy => ErrorKind::Busy,
        DatabaseKind::Timeout => ErrorKind::Timeout,
        DatabaseKind::ReadOnly => ErrorKind::ReadOnly,
        DatabaseKind::StorageFull => ErrorKind::StorageFull,
        // Aborted by this store itself: it gave up a body, and the file is well.
        DatabaseKind::Unavailable | DatabaseKind::Aborted => ErrorKind::Unavailable,
        DatabaseKind::SchemaNewer => ErrorKind::SchemaNewer,
        DatabaseKind::Closed => ErrorKind::Closed,
        DatabaseKind::InvalidInput | DatabaseKind::AlreadyExists => ErrorKind::InvalidInput,
        // Statements are constant: if one fails, the schema or a row is unexpected.
        DatabaseKind::Corrupt
        | DatabaseKind::Constraint
        | DatabaseKind::SchemaChanged
        | DatabaseKind::Internal
        | _ => ErrorKind::Corrupt,
    }
}
