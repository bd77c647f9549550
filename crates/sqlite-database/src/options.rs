//! How a database is opened.

use std::num::NonZeroUsize;
use std::time::Duration;

/// What to do when the file does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateMode {
    /// Create the file; its directory must exist.
    #[default]
    IfMissing,
    /// Fail.
    Never,
}

/// What a handle may do with the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessMode {
    /// Read and write.
    #[default]
    ReadWrite,
    /// Look, and change nothing: not the rows, not the schema, not the journal mode. Writes are
    /// refused with [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly).
    ///
    /// A file with a write-ahead log needs a directory that can be written, or another process
    /// that has it open.
    ReadOnly,
}

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// Survives a crash of the process; a power loss may take back the last commits, never
    /// damage the file.
    #[default]
    Normal,
    /// Survives a power loss too; every commit waits for the disk.
    Full,
}

/// Which threads statements run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Execution {
    /// The caller's: microseconds, and no hop between threads.
    #[default]
    CallerThread,
    /// Threads of their own, so that a slow disk never holds up an async worker thread.
    Background,
}

/// Whether a file on a network file system may be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkFilesystems {
    /// Refuse: a WAL database is damaged by two hosts that do not share memory.
    #[default]
    Refuse,
    /// Open anyway. Safe only while every process that opens the file runs on one host.
    Allow,
}

/// How a [`SqliteDatabase`](crate::SqliteDatabase) is opened.
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
    /// How long an operation waits for other processes' locks before
    /// [`ErrorKind::Busy`](crate::ErrorKind::Busy). Default: 5 s.
    pub busy_timeout: Duration,
    /// When a commit counts as durable. Default: [`Synchronous::Normal`].
    pub synchronous: Synchronous,
    /// Idle read connections kept open; more are opened while more threads read at once.
    /// Default: 4.
    pub readers: NonZeroUsize,
    /// Page cache per connection, in KiB. Default: 8192.
    pub cache_kib: u32,
    /// How much of the file readers map into memory, in bytes; 0 turns it off.
    /// Default: 256 MiB on 64-bit targets, else 0.
    pub mmap_bytes: u64,
    /// Page size of a file that is created, in bytes: a power of two from 512 to 65536. An
    /// existing file keeps its own. Default: 8192.
    pub page_bytes: u32,
    /// The size that the file does not outgrow, in bytes, rounded down to whole pages: writes that
    /// need more end in [`ErrorKind::StorageFull`](crate::ErrorKind::StorageFull). A larger file
    /// stays as it is and grows no more. The write-ahead log comes on top. Default: no bound.
    pub max_bytes: Option<u64>,
    /// How often commits of other connections are looked for while somebody waits for one;
    /// at least 1 ms. Default: 5 ms.
    pub poll_interval: Duration,
    /// What this handle may do with the file. Default: [`AccessMode::ReadWrite`].
    pub access: AccessMode,
    /// What to do when the file does not exist. Default: [`CreateMode::IfMissing`].
    pub create: CreateMode,
    /// Which threads statements run on. Default: [`Execution::CallerThread`].
    pub execution: Execution,
    /// Whether a file on a network file system may be opened.
    /// Default: [`NetworkFilesystems::Refuse`].
    pub network_filesystems: NetworkFilesystems,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            synchronous: Synchronous::Normal,
            readers: NonZeroUsize::MIN.saturating_add(3),
            cache_kib: 8 * 1024,
            mmap_bytes: if cfg!(target_pointer_width = "64") {
                256 * 1024 * 1024
            } else {
                0
            },
            page_bytes: 8192,
            max_bytes: None,
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
