//! Options of a database.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Whether a missing file is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateMode {
    /// Creates the file; its directory must exist.
    #[default]
    IfMissing,
    /// Fails with [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable).
    Never,
}

/// Whether a handle may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessMode {
    /// Reads and writes.
    #[default]
    ReadWrite,
    /// Changes neither rows nor schema nor journal mode. Writes fail with
    /// [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly).
    ///
    /// A file in WAL mode needs a writable directory, or another process that has it open: see
    /// [SQLite's documentation](https://sqlite.org/wal.html#readonly).
    ReadOnly,
}

/// The durability of a commit: SQLite's [`PRAGMA synchronous`](https://sqlite.org/pragma.html#pragma_synchronous).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// A commit survives a crash of the process. A power loss may undo the last commits, but does
    /// not damage the file.
    #[default]
    Normal,
    /// A commit survives a power loss, too: each waits for the disk.
    Full,
}

/// The threads on which statements run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Execution {
    /// The caller's thread, without a thread switch.
    #[default]
    CallerThread,
    /// The writer thread for writes and tokio's blocking threads for reads, so that a slow disk does
    /// not block async workers. [`blocking_read`](crate::SqliteDatabase::blocking_read) runs on the
    /// caller's thread all the same.
    Background,
}

/// Whether files on network file systems are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkFilesystems {
    /// Refuses them: two hosts without shared memory damage a database in WAL mode.
    #[default]
    Refuse,
    /// Opens them. Safe only while all processes that open the file run on one host.
    Allow,
}

/// Options of a [`SqliteDatabase`](crate::SqliteDatabase).
///
/// What pools of servers have and this has not: a minimum of connections, because opening one takes a fraction of a
/// millisecond; a timeout for connecting, which is the [`busy_timeout`](Self::busy_timeout); a bound on writers,
/// of which there is one; and a test of a connection before it is used, because a local file does not
/// hang up.
///
/// ```
/// use sqlite_database::{DatabaseOptions, Synchronous};
///
/// let options = DatabaseOptions::default().with_synchronous(Synchronous::Full);
/// assert_eq!(options.readers.get(), 4);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DatabaseOptions {
    /// How long an operation waits for locks of other connections before it fails with
    /// [`ErrorKind::Busy`](crate::ErrorKind::Busy). Default: 5 s.
    pub busy_timeout: Duration,
    /// The durability of a commit. Default: [`Synchronous::Normal`].
    pub synchronous: Synchronous,
    /// The number of idle read connections kept open; more are opened while more threads read at
    /// once. Default: 4.
    pub readers: NonZeroUsize,
    /// The most reads at a time: others wait for as long as the [`busy_timeout`](Self::busy_timeout)
    /// allows, and then fail with [`ErrorKind::Busy`](crate::ErrorKind::Busy). A read within a read counts as
    /// another one, so that two may wait for each other. Default: unlimited. On callers' threads
    /// there are never more than there are threads; a bound is for [`Execution::Background`], where each read has
    /// a thread, file descriptors and a [`page cache`](Self::cache_kib) of its own. A read that waits keeps its thread.
    pub max_readers: Option<NonZeroUsize>,
    /// After how long an idle read connection is closed, when another read ends; the one that was used last
    /// stays. Default: 30 s.
    pub reader_idle_timeout: Duration,
    /// How long a [`read`](crate::SqliteDatabase::read) may run: its statement is interrupted then, and fails with
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout). A [`long_read`](crate::SqliteDatabase::long_read) has no such
    /// limit, nor has a write, which others of its group would be rolled back with. Default: 30 s.
    pub read_timeout: Option<Duration>,
    /// The page cache of each connection, in KiB. Default: 8192.
    pub cache_kib: u32,
    /// The most bytes of the file that readers map into memory. It saves reads where nobody writes; after each
    /// commit, of whatever process, every reader maps the file again, and a failed read of the disk is
    /// [a signal](https://sqlite.org/mmap.html) instead of an error. Default: 0, none.
    pub mmap_bytes: u64,
    /// The page size of a new file, in bytes: a power of two from 512 to 65536. An existing file
    /// keeps its own. Default: 8192.
    pub page_bytes: u32,
    /// The maximum size of the file, in bytes, rounded down to whole pages: writes that need more
    /// fail with [`ErrorKind::StorageFull`](crate::ErrorKind::StorageFull). A file that is larger
    /// already does not grow. The write-ahead log is not included. Not stored in the file: it binds the writes of
    /// this handle. Default: unlimited.
    pub max_bytes: Option<u64>,
    /// How much free space is left on the disk, in bytes: with less the file does not grow, as if the
    /// disk were full, so that rows can still be deleted and the space for that is not taken by others.
    /// 0 uses all of it. Default: 32 MiB, on a small file system an eighth of it; only on Unix.
    pub min_free_bytes: Option<u64>,
    /// How often a [`ChangeWatch`](crate::ChangeWatch) polls for commits; at least 1 ms.
    /// Default: 5 ms.
    pub poll_interval: Duration,
    /// Whether this handle may write. Default: [`AccessMode::ReadWrite`].
    pub access: AccessMode,
    /// Whether a missing file is created. Default: [`CreateMode::IfMissing`].
    pub create: CreateMode,
    /// The threads on which statements run. Default: [`Execution::CallerThread`].
    pub execution: Execution,
    /// Whether files on network file systems are opened.
    /// Default: [`NetworkFilesystems::Refuse`].
    pub network_filesystems: NetworkFilesystems,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            synchronous: Synchronous::Normal,
            readers: NonZeroUsize::MIN.saturating_add(3),
            max_readers: None,
            reader_idle_timeout: Duration::from_secs(30),
            read_timeout: Some(Duration::from_secs(30)),
            cache_kib: 8 * 1024,
            mmap_bytes: 0,
            page_bytes: 8192,
            max_bytes: None,
            min_free_bytes: None,
            poll_interval: Duration::from_millis(5),
            access: AccessMode::ReadWrite,
            create: CreateMode::IfMissing,
            execution: Execution::CallerThread,
            network_filesystems: NetworkFilesystems::Refuse,
        }
    }
}

impl DatabaseOptions {
    /// Sets [`busy_timeout`](Self::busy_timeout).
    #[must_use]
    pub fn with_busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// Sets [`synchronous`](Self::synchronous).
    #[must_use]
    pub fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Sets [`readers`](Self::readers).
    #[must_use]
    pub fn with_readers(mut self, readers: NonZeroUsize) -> Self {
        self.readers = readers;
        self
    }

    /// Sets [`max_readers`](Self::max_readers).
    #[must_use]
    pub fn with_max_readers(mut self, max_readers: impl Into<Option<NonZeroUsize>>) -> Self {
        self.max_readers = max_readers.into();
        self
    }

    /// Sets [`reader_idle_timeout`](Self::reader_idle_timeout).
    #[must_use]
    pub fn with_reader_idle_timeout(mut self, timeout: Duration) -> Self {
        self.reader_idle_timeout = timeout;
        self
    }

    /// Sets [`read_timeout`](Self::read_timeout).
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.read_timeout = timeout.into();
        self
    }

    /// Sets [`cache_kib`](Self::cache_kib).
    #[must_use]
    pub fn with_cache_kib(mut self, cache_kib: u32) -> Self {
        self.cache_kib = cache_kib;
        self
    }

    /// Sets [`mmap_bytes`](Self::mmap_bytes).
    #[must_use]
    pub fn with_mmap_bytes(mut self, mmap_bytes: u64) -> Self {
        self.mmap_bytes = mmap_bytes;
        self
    }

    /// Sets [`page_bytes`](Self::page_bytes).
    #[must_use]
    pub fn with_page_bytes(mut self, page_bytes: u32) -> Self {
        self.page_bytes = page_bytes;
        self
    }

    /// Sets [`max_bytes`](Self::max_bytes).
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: impl Into<Option<u64>>) -> Self {
        self.max_bytes = max_bytes.into();
        self
    }

    /// Sets [`min_free_bytes`](Self::min_free_bytes).
    #[must_use]
    pub fn with_min_free_bytes(mut self, min_free_bytes: impl Into<Option<u64>>) -> Self {
        self.min_free_bytes = min_free_bytes.into();
        self
    }

    /// Sets [`poll_interval`](Self::poll_interval).
    #[must_use]
    pub fn with_poll_interval(mut self, poll_interval: Duration) -> Self {
        self.poll_interval = poll_interval;
        self
    }

    /// Sets [`access`](Self::access).
    #[must_use]
    pub fn with_access(mut self, access: AccessMode) -> Self {
        self.access = access;
        self
    }

    /// Sets [`create`](Self::create).
    #[must_use]
    pub fn with_create(mut self, create: CreateMode) -> Self {
        self.create = create;
        self
    }

    /// Sets [`execution`](Self::execution).
    #[must_use]
    pub fn with_execution(mut self, execution: Execution) -> Self {
        self.execution = execution;
        self
    }

    /// Sets [`network_filesystems`](Self::network_filesystems).
    #[must_use]
    pub fn with_network_filesystems(mut self, network_filesystems: NetworkFilesystems) -> Self {
        self.network_filesystems = network_filesystems;
        self
    }
}
