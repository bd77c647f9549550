//! Checksums of what is served: SQLite has none for the pages of a file, so that a bit that flips on the
//! disk would be answered as a value.
//!
//! A checksum covers the key that was asked for as well: a damaged index leads to another key's row.

use crc32fast::Hasher;
use rusqlite::types::ValueRef;

/// The checksum of a cached value, with what is read beside it.
pub(crate) fn of_value(key: &str, [expires_at, created_at, epoch]: [i64; 3], value: &[u8]) -> i64 {
    let mut hasher = Hasher::new();
    let mut times = [0; 24];
    for (bytes, time) in times
        .chunks_exact_mut(8)
        .zip([expires_at, created_at, epoch])
    {
        bytes.copy_from_slice(&time.to_le_bytes());
    }
    hasher.update(key.as_bytes());
    hasher.update(&times);
    hasher.update(value);
    hasher.finalize().into()
}

/// The checksum of a queued write, with its number and the time at which it was queued.
pub(crate) fn of_write(key: &str, [sequence, queued_at]: [i64; 2], value: &[u8]) -> i64 {
    let mut hasher = Hasher::new();
    hasher.update(key.as_bytes());
    hasher.update(&sequence.to_le_bytes());
    hasher.update(&queued_at.to_le_bytes());
    hasher.update(value);
    hasher.finalize().into()
}

/// The end of a job as its row tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedJob<'a> {
    pub(crate) key: &'a str,
    pub(crate) job: &'a str,
    pub(crate) status: &'a str,
    pub(crate) updated_at: i64,
    pub(crate) error: Option<&'a str>,
    pub(crate) result: Option<&'a [u8]>,
}

/// The checksum of an ended job.
pub(crate) fn of_job(ended: &EndedJob<'_>) -> i64 {
    let mut hasher = Hasher::new();
    for text in [ended.key, ended.job, ended.status] {
        hasher.update(text.as_bytes());
    }
    hasher.update(&ended.updated_at.to_le_bytes());
    // No value is not an empty one.
    for bytes in [ended.error.map(str::as_bytes), ended.result] {
        hasher.update(&[u8::from(bytes.is_some())]);
        hasher.update(bytes.unwrap_or_default());
    }
    hasher.finalize().into()
}

/// Whether what was read is what was stored, given the column that has the checksum. Rows of earlier
/// versions and of other programs have none, and are taken as they are.
pub(crate) fn matches(stored: ValueRef<'_>, computed: impl FnOnce() -> i64) -> bool {
    match stored {
        ValueRef::Null => true,
        ValueRef::Integer(stored) => stored == computed(),
        ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Later versions must accept what this one wrote.
    #[test]
    fn the_stored_checksums_do_not_change() {
        let value = of_value("comics:1", [1, 2, 3], b"value");
        assert_eq!(value, 2_844_893_615);
        let ended = EndedJob {
            key: "comics:1",
            job: "id",
            status: "completed",
            updated_at: 1,
            error: None,
            result: Some(b"value"),
        };
        assert_eq!(of_job(&ended), 2_697_226_824);
    }

    #[test]
    fn no_result_is_not_an_empty_one() {
        let none = EndedJob {
            key: "k",
            job: "j",
            status: "completed",
            updated_at: 0,
            error: None,
            result: None,
        };
        let empty = EndedJob {
            result: Some(b""),
            ..none
        };
        assert_ne!(of_job(&none), of_job(&empty));
    }
}
