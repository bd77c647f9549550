//! The pipeline's record of one answer: two times and the body's bytes as they are.
//!
//! Layout: bincode's format byte, then the tuple `(fetched_at, fresh_until, body)`; of a cached failure
//! its own format byte, then `(failed_at, fresh_until, error)`.

use std::time::Duration;

use bytes::Bytes;

use super::{BINCODE, FAILURE, failure};
use crate::error::Result;
use crate::time::{MINUTE, Timestamp};

/// An answer as the pipeline keeps it in a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredAnswer {
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// From this moment on the answer is stale; the store may keep it longer.
    pub fresh_until: Timestamp,
    /// The answer's bytes.
    pub body: Bytes,
}

/// How far the clocks of programs that share a cache may differ.
const CLOCK_TOLERANCE: Duration = MINUTE;

/// Whether what was fetched at `fetched_at` is fresh. A time further ahead than clocks differ was taken from a
/// wrong clock, so that nothing is known of the age.
pub(super) fn is_fresh(fetched_at: Timestamp, fresh_until: Timestamp, now: Timestamp) -> bool {
    fresh_until > now && fetched_at <= now + CLOCK_TOLERANCE
}

impl StoredAnswer {
    /// Whether it is fresh at `now`: before `fresh_until`, and not fetched in the future. A minute is tolerated,
    /// because clocks differ.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        is_fresh(self.fetched_at, self.fresh_until, now)
    }

    pub(crate) fn encode(&self) -> Result<Bytes> {
        let fields = (
            self.fetched_at.as_millis(),
            self.fresh_until.as_millis(),
            &self.body[..],
        );
        // Two integers of at most nine bytes, a length, the format byte.
        let mut bytes = Vec::with_capacity(self.body.len() + 32);
        bytes.push(BINCODE);
        bincode::encode_into_std_write(fields, &mut bytes, bincode::config::standard())
            .map_err(|source| failure("encode", "record").with_source(source))?;
        Ok(bytes.into())
    }

    /// Reads the value of a cache entry that the pipeline stored; the body shares its memory.
    ///
    /// # Errors
    /// `Codec` if something else was stored there.
    pub fn decode(bytes: &Bytes) -> Result<Self> {
        let Some((&BINCODE, fields)) = bytes.split_first() else {
            return Err(failure("decode", "not a cached answer"));
        };
        let ((fetched_at, fresh_until, body), _): ((i64, i64, &[u8]), usize) =
            bincode::borrow_decode_from_slice(fields, bincode::config::standard())
                .map_err(|source| failure("decode", "cached answer").with_source(source))?;
        Ok(Self {
            fetched_at: Timestamp::from_millis(fetched_at),
            fresh_until: Timestamp::from_millis(fresh_until),
            body: bytes.slice_ref(body),
        })
    }
}

/// A failure as the pipeline caches it: upstream is sure that there is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredFailure {
    pub(crate) failed_at: Timestamp,
    pub(crate) fresh_until: Timestamp,
    /// The error, as it is shared with those who joined.
    pub(crate) error: String,
}

impl StoredFailure {
    /// Whether it is fresh at `now`, as [`StoredAnswer::is_fresh`].
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        is_fresh(self.failed_at, self.fresh_until, now)
    }

    pub(crate) fn encode(&self) -> Result<Bytes> {
        let fields = (
            self.failed_at.as_millis(),
            self.fresh_until.as_millis(),
            &self.error[..],
        );
        let mut bytes = vec![FAILURE];
        bincode::encode_into_std_write(fields, &mut bytes, bincode::config::standard())
            .map_err(|source| failure("encode", "cached failure").with_source(source))?;
        Ok(bytes.into())
    }

    /// Reads a cached failure; `None` if something else was stored there.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&FAILURE, fields) = bytes.split_first()? else {
            return None;
        };
        let ((failed_at, fresh_until, error), _): ((i64, i64, String), usize) =
            bincode::decode_from_slice(fields, bincode::config::standard()).ok()?;
        Some(Self {
            failed_at: Timestamp::from_millis(failed_at),
            fresh_until: Timestamp::from_millis(fresh_until),
            error,
        })
    }
}
