//! The error type: a kind from SQLite's primary result code, never from the message.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use sqlx::migrate::MigrateError;

/// The result of a database operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another writer held the lock for longer than the busy timeout.
    Busy,
    /// A read took longer than the read timeout.
    Timeout,
    /// The change violates a constraint of the schema.
    Constraint,
    /// The file is damaged, or is not a SQLite database.
    Corrupt,
    /// The file, its directory or the connection does not allow writing.
    ReadOnly,
    /// The disk is full, or the database has reached its maximum size.
    StorageFull,
    /// The file cannot be opened, read or written: a missing directory, permissions, I/O.
    Unavailable,
    /// A newer version of the program wrote the schema.
    SchemaNewer,
    /// An applied migration differs from the one this program carries.
    SchemaChanged,
    /// The operation rolled itself back; see [`Error::aborted`].
    Aborted,
    /// The database was closed.
    Closed,
    /// A file that was to be created exists already.
    AlreadyExists,
    /// An argument or option is invalid.
    InvalidInput,
    /// A defect: a failed statement, or a panic inside an operation.
    Internal,
}

impl ErrorKind {
    /// Whether a retry of the same call can succeed.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Busy | Self::Timeout => true,
            Self::Constraint
            | Self::Corrupt
            | Self::ReadOnly
            | Self::StorageFull
            | Self::Unavailable
            | Self::SchemaNewer
            | Self::SchemaChanged
            | Self::Aborted
            | Self::Closed
            | Self::AlreadyExists
            | Self::InvalidInput
            | Self::Internal => false,
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Busy => {
                "locked by another writer for longer than the busy timeout; retry, or increase it"
            }
            Self::Timeout => {
                "the read took longer than the read timeout; read less at once, or increase it"
            }
            Self::Constraint => "the change violates a constraint of the schema",
            Self::Corrupt => {
                "damaged, or not a SQLite database; restore a backup or name another file"
            }
            Self::ReadOnly => {
                "not writable; open it for writing, or fix the permissions of the file and its directory"
            }
            Self::StorageFull => {
                "no space left on the disk, or below the maximum size; delete rows, or free space there"
            }
            Self::Unavailable => "cannot be accessed; check the path, its permissions and the disk",
            Self::SchemaNewer => "written by a newer version; upgrade this program",
            Self::SchemaChanged => "an applied migration differs from the one this program carries",
            Self::Aborted => "the operation rolled back",
            Self::Closed => "the database is closed; open it again",
            Self::AlreadyExists => "the file exists; name another file or move it away",
            Self::InvalidInput => "an argument or option is invalid",
            Self::Internal => "the statement failed",
        }
    }

    /// Maps a primary or extended SQLite result code.
    fn from_code(code: i32) -> Self {
        // IOERR_SHORT_READ: the file, or its log, ends before a page that is in it.
        if code == 522 {
            return Self::Corrupt;
        }
        // IOERR_SHMSIZE: the index of the log could not be created, which is what a full disk refuses
        // first. Full disks have no other code than FULL.
        if code == 4874 {
            return Self::StorageFull;
        }
        // The low byte of an extended result code is its primary code.
        match code & 0xff {
            // BUSY, LOCKED; PROTOCOL is a lost race for the WAL's locks.
            5 | 6 | 15 => Self::Busy,
            8 => Self::ReadOnly,
            // INTERRUPT: only a read's time limit interrupts.
            9 => Self::Timeout,
            // CORRUPT, NOTADB.
            11 | 26 => Self::Corrupt,
            13 => Self::StorageFull,
            // PERM, IOERR, CANTOPEN, AUTH.
            3 | 10 | 14 | 23 => Self::Unavailable,
            19 => Self::Constraint,
            // TOOBIG.
            18 => Self::InvalidInput,
            _ => Self::Internal,
        }
    }
}

/// The error of a database operation: kind, operation, database, and a remedy.
///
/// `Display` does not repeat its source: print the chain.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    database: Option<Arc<str>>,
    detail: Cow<'static, str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        operation: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            operation,
            database: None,
            detail: detail.into(),
            source: None,
        }
    }

    pub(crate) fn from_kind(kind: ErrorKind, operation: &'static str) -> Self {
        Self::new(kind, operation, kind.remedy())
    }

    pub(crate) fn closed(operation: &'static str) -> Self {
        Self::from_kind(ErrorKind::Closed, operation)
    }

    /// An [`Aborted`](ErrorKind::Aborted) error, with which a closure rolls back for a reason that is
    /// no database error.
    ///
    /// The caller gets the reason back with [`downcast_ref`](Self::downcast_ref).
    ///
    /// ```
    /// # #[derive(Debug, PartialEq)] struct SoldOut;
    /// # impl std::fmt::Display for SoldOut {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("sold out") }
    /// # }
    /// # impl std::error::Error for SoldOut {}
    /// let error = sqlite_database::Error::aborted(SoldOut);
    /// assert_eq!(error.downcast_ref::<SoldOut>(), Some(&SoldOut));
    /// ```
    #[must_use]
    pub fn aborted(reason: impl StdError + Send + Sync + 'static) -> Self {
        Self::from_kind(ErrorKind::Aborted, "write").with_source(reason)
    }

    /// The category of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The failed operation: `open`, `read`, `write`, `migrate`, `backup` and so on.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The path of the database, or `:memory:`, if known.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The cause and the remedy, in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether a retry of the same call can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// The source, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.source
            .as_deref()
            .and_then(<dyn StdError + Send + Sync>::downcast_ref)
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The error of a call that needs an async runtime.
    pub(crate) fn no_runtime(source: impl StdError + Send + Sync + 'static) -> Self {
        let detail =
            "there is no tokio runtime, or it is shutting down; call it inside a running one";
        Self::new(ErrorKind::InvalidInput, "read", detail).with_source(source)
    }

    /// Adds the operation and the database, unless they are set.
    pub(crate) fn with_context(mut self, operation: &'static str, database: &Arc<str>) -> Self {
        if self.database.is_none() {
            self.database = Some(Arc::clone(database));
            self.operation = operation;
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite: {}", self.operation)?;
        if let Some(database) = &self.database {
            write!(f, " `{database}`")?;
        }
        write!(f, ": {}", self.detail)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|failure| failure.extended_code);
        let kind = code.map_or(ErrorKind::Internal, ErrorKind::from_code);
        // IOERR_WRITE, for every reason but a full disk.
        let detail = match code {
            Some(778) => "cannot be written; check quotas, limits of file sizes and the disk",
            Some(_) | None => kind.remedy(),
        };
        Self::new(kind, "statement", detail).with_source(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .and_then(|code| code.parse().ok());
        let kind = if let Some(code) = code {
            ErrorKind::from_code(code)
        } else if matches!(error, sqlx::Error::Io(_)) {
            ErrorKind::Unavailable
        } else if matches!(error, sqlx::Error::PoolTimedOut) {
            ErrorKind::Busy
        } else if matches!(error, sqlx::Error::PoolClosed) {
            ErrorKind::Closed
        } else {
            ErrorKind::Internal
        };
        Self::from_kind(kind, "statement").with_source(error)
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        if let MigrateError::Execute(cause) = error {
            return cause.into();
        }
        if let MigrateError::ExecuteMigration(cause, version) = error {
            let error = Self::from(cause);
            let detail = format!("migration {version} failed: {}", error.kind.remedy());
            return error.with_detail(detail);
        }
        if let MigrateError::VersionMismatch(version) = error {
            let detail = format!("migration {version} was applied with different contents");
            return Self::new(ErrorKind::SchemaChanged, "migrate", detail).with_source(error);
        }
        Self::from_kind(ErrorKind::Internal, "migrate").with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None).into()
    }

    #[test]
    fn codes_map_to_kinds_by_their_low_byte() {
        let extended = |primary: i32, detail: i32| primary | (detail << 8);
        for (code, kind) in [
            (5, ErrorKind::Busy),
            (extended(5, 2), ErrorKind::Busy),
            (6, ErrorKind::Busy),
            (15, ErrorKind::Busy),
            (extended(8, 4), ErrorKind::ReadOnly),
            (9, ErrorKind::Timeout),
            (11, ErrorKind::Corrupt),
            (26, ErrorKind::Corrupt),
            (13, ErrorKind::StorageFull),
            (extended(10, 2), ErrorKind::Corrupt),
            (extended(10, 3), ErrorKind::Unavailable),
            (extended(10, 19), ErrorKind::StorageFull),
            (14, ErrorKind::Unavailable),
            (extended(19, 8), ErrorKind::Constraint),
            (18, ErrorKind::InvalidInput),
            (1, ErrorKind::Internal),
        ] {
            assert_eq!(failure(code).kind(), kind, "code {code}");
            assert_eq!(
                failure(code).is_retryable(),
                matches!(kind, ErrorKind::Busy | ErrorKind::Timeout),
                "code {code}"
            );
        }
    }

    #[test]
    fn a_write_that_the_disk_refuses_is_no_matter_of_the_path() {
        let detail = failure(778).detail().to_owned();
        assert!(detail.contains("quotas"), "{detail}");
    }

    #[test]
    fn display_names_operation_and_database_but_not_the_source() {
        let error = failure(26).with_context("open", &Arc::from("/data/comics.db"));
        let text = error.to_string();
        let source = error.source().expect("a source").to_string();
        assert!(
            text.starts_with("sqlite: open `/data/comics.db`: damaged"),
            "{text}"
        );
        assert!(!text.contains(&source), "{text} repeats {source}");
    }

    #[test]
    fn the_innermost_context_wins() {
        let inner = failure(5).with_context("read", &Arc::from("a.db"));
        assert_eq!(
            inner
                .with_context("migrate", &Arc::from("b.db"))
                .operation(),
            "read"
        );
    }
}
