//! This backend's defaults for the options that all backends have.

/// The default of [`CacheOptions::max_entry_bytes`](store_core::CacheOptions::max_entry_bytes): 5 MiB.
pub const DEFAULT_MAX_ENTRY_BYTES: usize = 5 * 1024 * 1024;
/// The default of [`DedupeOptions::inline_limit_bytes`](store_core::DedupeOptions::inline_limit_bytes):
/// 5 MiB, as long as an entry of the cache.
pub const DEFAULT_INLINE_LIMIT_BYTES: usize = DEFAULT_MAX_ENTRY_BYTES;
/// The default of `cleanup_batch` in the options of all stores: few enough rows that a cleanup does not
/// hold the write lock for long.
pub const DEFAULT_CLEANUP_BATCH: u32 = 500;
