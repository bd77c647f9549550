//! Where a database lives, and how either lane opens a connection to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OpenFlags};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use crate::error::{Error, ErrorKind, Result};
use crate::filesystem;
use crate::options::{AccessMode, CreateMode, DatabaseOptions, NetworkFilesystems};

/// SQLite's VFS for databases in memory: connections of one process that name the same path
/// share one database, without the table locks of shared-cache mode.
const MEMORY_VFS: &std::ffi::CStr = c"memdb";
const MEMORY_VFS_NAME: &str = "memdb";

/// Where a database lives.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// An absolute path: it survives a change of the working directory, and SQLite cannot take
    /// it for a URI.
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
            .map_err(|error| Error::of_kind(ErrorKind::Unavailable, "open").with_source(error))?;
        Ok(Self::File(absolute))
    }

    pub(crate) fn memory() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // The leading slash is what makes the name shared among connections.
        Self::Memory(PathBuf::from(format!("/sqlite-database-{number}")))
    }

    /// The file behind an application's pool, as SQLite knows it: whatever URI, VFS or working
    /// directory led to it.
    pub(crate) async fn of_pool(pool: &SqlitePool) -> Result<Self> {
        let file: Option<String> =
            sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
                .fetch_one(pool)
                .await?;
        // Databases in memory have no file.
        let Some(file) = file.filter(|file| !file.is_empty()) else {
            let detail =
                "the pool is in memory; use SqliteDatabase::in_memory and take its pool instead";
            return Err(Error::new(ErrorKind::InvalidInput, "open", detail));
        };
        Self::file(Path::new(&file))
    }

    /// Whether a handle with these options must not write; a database in memory is always its
    /// opener's own.
    pub(crate) fn is_read_only(&self, options: &DatabaseOptions) -> bool {
        matches!(self, Self::File(_)) && options.access == AccessMode::ReadOnly
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }

    /// How errors name the database.
    pub(crate) fn subject(&self) -> Arc<str> {
        match self {
            Self::File(path) => path.to_string_lossy().into(),
            Self::Memory(_) => ":memory:".into(),
        }
    }

    /// Finds what would make opening fail in ways SQLite cannot explain.
    pub(crate) fn check(&self, options: &DatabaseOptions) -> Result<()> {
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
                "a directory, not a file; name a file in it".to_owned(),
            ));
        }
        if options.access == AccessMode::ReadOnly && !path.exists() {
            return Err(unavailable(
                "the file does not exist, so there is nothing to look at".to_owned(),
            ));
        }
        if options.create == CreateMode::Never && !path.exists() {
            let detail = "the file does not exist; create it with CreateMode::IfMissing".to_owned();
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

    /// Opens a connection of the direct lane.
    pub(crate) fn connect(&self, access: OpenFlags) -> rusqlite::Result<Connection> {
        // One thread at a time uses a connection, which the type system already sees to.
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self {
            Self::File(path) => Connection::open_with_flags(path, flags),
            Self::Memory(name) => Connection::open_with_flags_and_vfs(name, flags, MEMORY_VFS),
        }
    }

    /// Opens a connection whose own files are on disk, with this database attached as `schema`.
    pub(crate) fn attached(&self, schema: &str) -> rusqlite::Result<Connection> {
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

    /// How the admin lane connects, before options.
    pub(crate) fn connect_options(&self) -> SqliteConnectOptions {
        match self {
            Self::File(path) => SqliteConnectOptions::new().filename(path),
            Self::Memory(name) => SqliteConnectOptions::new()
                .filename(name)
                .vfs(MEMORY_VFS_NAME),
        }
    }
}
