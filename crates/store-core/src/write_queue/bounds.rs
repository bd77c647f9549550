//! What backends of the queue decide alike: whether there is room, and the next number.

use super::options::WriteQueueOptions;
use super::{WriteQueueStats, WriteSequence};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::time::Timestamp;

/// Fails unless a write of `key` with a value of `value_bytes` fits beside what is queued; returns its bytes.
///
/// ```
/// use store_core::backend::ensure_room;
/// use store_core::{ErrorKind, Key, WriteQueueOptions, WriteQueueStats};
///
/// let options = WriteQueueOptions::default().with_max_writes(1);
/// let key = Key::new("books:1")?;
/// assert_eq!(ensure_room("memory", &options, WriteQueueStats::default(), &key, 3)?, 10);
/// let full = ensure_room("memory", &options, WriteQueueStats::new(1, 10), &key, 3);
/// assert_eq!(full.unwrap_err().kind(), ErrorKind::Throttled);
/// # Ok::<(), store_core::Error>(())
/// ```
///
/// # Errors
/// `Throttled` if the queue is full, `InvalidInput` if the write alone is more than it may hold.
pub fn ensure_room(
    backend: &'static str,
    options: &WriteQueueOptions,
    queued: WriteQueueStats,
    key: &Key,
    value_bytes: usize,
) -> Result<u64> {
    let added = (key.as_str().len() as u64).saturating_add(value_bytes as u64);
    let refused = |kind, detail: String| {
        let error = Error::new(kind, backend, "push").with_key(key.as_str());
        Err(error.with_detail(detail))
    };
    if added > options.max_bytes {
        let most = options.max_bytes;
        let detail = format!("{added} bytes exceed max_bytes, {most} bytes; raise the option");
        return refused(ErrorKind::InvalidInput, detail);
    }
    let (writes, bytes) = (queued.writes, queued.bytes);
    if writes >= options.max_writes || bytes.saturating_add(added) > options.max_bytes {
        let detail = format!(
            "the queue is full, with {writes} writes of {bytes} bytes: their target is down or slower than the writers; \
             try again later, or raise max_writes or max_bytes"
        );
        return refused(ErrorKind::Throttled, detail);
    }
    Ok(added)
}

/// The number after `last`: at least the microseconds of the clock, so that numbers also rise if the queue itself is lost,
/// or an older file of it is put back, at up to a million writes a second.
///
/// ```
/// use store_core::Timestamp;
/// use store_core::backend::next_sequence;
///
/// assert_eq!(next_sequence(0, Timestamp::from_millis(5)).get(), 5_000);
/// assert_eq!(next_sequence(5_000, Timestamp::from_millis(5)).get(), 5_001);
/// ```
#[must_use]
pub fn next_sequence(last: u64, now: Timestamp) -> WriteSequence {
    let micros = now.as_millis().max(0).saturating_mul(1_000);
    WriteSequence::new(last.saturating_add(1).max(micros.unsigned_abs()))
}
