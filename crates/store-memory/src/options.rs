//! The options that only this backend has, and its defaults for the shared ones.

/// The bounds of a [`MemoryCacheStore`](crate::MemoryCacheStore).
///
/// ```
/// use store_memory::Capacity;
///
/// let capacity = Capacity::default().with_max_items(50);
/// assert_eq!((capacity.max_items, capacity.max_bytes), (50, 50 * 1024 * 1024));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// The most entries, expired ones included; beyond it the least useful are evicted. Default: 1000.
    pub max_items: usize,
    /// The most bytes of keys, values and tags together, without the cache's own indexes; beyond it the
    /// least useful entries are evicted, and a single entry that takes more is `TooLarge`. Default:
    /// 50 MiB.
    pub max_bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            max_items: 1_000,
            max_bytes: 50 * MEBIBYTE,
        }
    }
}

impl Capacity {
    /// Sets the most entries.
    #[must_use]
    pub const fn with_max_items(mut self, items: usize) -> Self {
        self.max_items = items;
        self
    }

    /// Sets the most bytes.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }
}

const MEBIBYTE: usize = 1024 * 1024;

/// The longest value, in bytes.
pub(crate) const MAX_ENTRY_BYTES: usize = 5 * MEBIBYTE;
/// The most items that one cleanup removes.
pub(crate) const CLEANUP_BATCH: u32 = 1_000;
