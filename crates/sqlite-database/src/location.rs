//! The path or in-memory name of a database, and connections to it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OpenFlags};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use crate::error::{Error, ErrorKind, Result};
use crate::filesystem;
use crate::opened_file::name_count;
use crate::options::{AccessMode, CreateMode, DatabaseOptions, NetworkFilesystems};

/// SQLite's VFS for databases in memory: connections of one process that name the same path
/// share one database, without the table locks of shared-cache mode.
const MEMORY_VFS: &std::ffi::CStr = c"memdb";
const MEMORY_VFS_NAME: &str = "memdb";

/// The path of a file beside the one at `path`, whose name is the same with `suffix` at the end.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The location of a database.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// An absolute path: independent of the working directory, and never parsed as a URI.
    File(PathBuf),
    /// A name in [`MEMORY_VFS`], unique in this process.
    Memory(PathBuf),
}

impl Location {
    pub(crate) fn file(path: &Path) -> Result<Self> {
        if path.as_os_str().is_empty() || path == Path::new(":memory:") {
            let detail = "names no file; give a path, or use SqliteDatabase::in_memory";
            return Err(Error::new(ErrorKind::InvalidInput, "open", detail));
        }
        let absolute = std::path::absolute(path)
            .map_err(|error| Error::from_kind(ErrorKind::Unavailable, "open").with_source(error))?;
        Ok(Self::File(absolute))
    }

    pub(crate) fn memory() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // The leading slash is what makes the name shared among connections.
        Self::Memory(PathBuf::from(format!("/sqlite-database-{number}")))
    }

    /// The file of an `sqlx` pool, as SQLite resolved it from URI, VFS and working directory.
    pub(crate) async fn from_pool(pool: &SqlitePool) -> Result<Self> {
        let file: Option<String> =
            sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
                .fetch_one(pool)
                .await?;
        // In-memory databases have no file.
        let Some(file) = file.filter(|file| !file.is_empty()) else {
            let detail = "the pool's database is in memory; use SqliteDatabase::in_memory and its pool instead";
            return Err(Error::new(ErrorKind::InvalidInput, "open", detail));
        };
        Self::file(Path::new(&file))
    }

    /// Whether a handle with these options must not write; in-memory databases always may.
    pub(crate) fn is_read_only(&self, options: &DatabaseOptions) -> bool {
        matches!(self, Self::File(_)) && options.access == AccessMode::ReadOnly
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }

    /// The path, or `:memory:`, for messages.
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Self::File(path) => path.to_string_lossy().into(),
            Self::Memory(_) => ":memory:".into(),
        }
    }

    /// Rejects what SQLite would report without a usable message.
    pub(crate) fn validate(&self, options: &DatabaseOptions) -> Result<()> {
        let page_bytes = options.page_bytes;
        if !page_bytes.is_power_of_two() || !(512..=65_536).contains(&page_bytes) {
            let detail = format!("page size {page_bytes} is not a power of two from 512 to 65536");
            return Err(Error::new(ErrorKind::InvalidInput, "open", detail));
        }
        let Self::File(path) = self else {
            return Ok(());
        };
        let unavailable = |detail: String| Error::new(ErrorKind::Unavailable, "open", detail);
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !directory.is_dir() {
            let detail = format!(
                "the directory does not exist; create `{}` first",
                directory.display()
            );
            return Err(unavailable(detail));
        }
        if path.is_dir() {
            return Err(unavailable(
                "a directory, not a file; name a file inside it".to_owned(),
            ));
        }
        if options.access == AccessMode::ReadOnly && !path.exists() {
            return Err(unavailable(
                "the file does not exist; check the path, or open it for writing to create it"
                    .to_owned(),
            ));
        }
        if options.create == CreateMode::Never && !path.exists() {
            let detail = "the file does not exist; create it with CreateMode::IfMissing".to_owned();
            return Err(unavailable(detail));
        }
        // Processes that open one file by two names do not find each other's log and locks on it.
        if let Ok(names) = name_count(path)
            && names > 1
        {
            let detail = format!(
                "the file has {names} names (hard links), each with a log of its own, which damages it; \
                 find them with `find {} -samefile {}` and remove all but one, or open a copy",
                directory.display(),
                path.display(),
            );
            return Err(unavailable(detail));
        }
        if options.network_filesystems == NetworkFilesystems::Refuse
            && let Some(name) = filesystem::network_filesystem(directory)
        {
            let detail = format!(
                "on the network file system `{name}`, where several hosts can damage it; \
                 move it to a local disk, or set NetworkFilesystems::Allow"
            );
            return Err(unavailable(detail));
        }
        Ok(())
    }

    /// Opens a `rusqlite` connection.
    pub(crate) fn connect(&self, access: OpenFlags) -> rusqlite::Result<Connection> {
        // A connection is used by one thread at a time: it is not `Sync`.
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self {
            Self::File(path) => Connection::open_with_flags(path, flags),
            Self::Memory(name) => Connection::open_with_flags_and_vfs(name, flags, MEMORY_VFS),
        }
    }

    /// Opens a connection with this database attached as `schema`, which can write files even if
    /// this database is in memory.
    pub(crate) fn open_attached(&self, schema: &str) -> rusqlite::Result<Connection> {
        let uri = match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Memory(name) => format!("file:{}?vfs={MEMORY_VFS_NAME}", name.display()),
        };
        let connection = Connection::open_in_memory_with_flags(
            OpenFlags::default() | OpenFlags::SQLITE_OPEN_URI,
        )?;
        connection.execute(&format!("ATTACH ?1 AS {schema}"), [uri])?;
        Ok(connection)
    }

    /// The `sqlx` connect options, without pragmas.
    pub(crate) fn connect_options(&self) -> SqliteConnectOptions {
        match self {
            Self::File(path) => SqliteConnectOptions::new().filename(path),
            Self::Memory(name) => SqliteConnectOptions::new()
                .filename(name)
                .vfs(MEMORY_VFS_NAME),
        }
    }
}
