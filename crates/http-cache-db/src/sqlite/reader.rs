//! Bodies on their way out of the file: decompressed, and reported if they are damaged.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sqlite_database::Result;
use sqlite_database::rusqlite::Connection;
use store_core::{Clock, ErrorChain};

use super::dictionaries::StoredCodecs;
use crate::codec::{Codec, delta};
use crate::events::{Event, Events};
use crate::record::ContentHash;
use crate::store::{ContentId, StoredBody};

/// Reads bodies, and says what happened to them.
#[derive(Debug)]
pub(super) struct Reader {
    codecs: StoredCodecs,
    pub(super) events: Events,
    clock: Arc<dyn Clock>,
    has_damaged: AtomicBool,
    /// Bodies that were found damaged, and are to be removed.
    damaged: Mutex<Vec<ContentId>>,
}

/// Why a body cannot be read.
enum Unreadable {
    UnknownCodec,
    /// The body that it differs from cannot be read, of which its own reading tells.
    NoBase,
    Damaged(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownCodec => {
                "no codec of this name is registered, or its dictionary is missing or damaged; what is needed of it is \
                 fetched again"
            }
            Self::NoBase => "the body that it differs from cannot be read",
            Self::Damaged(how) => how,
        })
    }
}

/// A body as it is stored.
pub(super) struct StoredBytes<'a> {
    pub(super) content: ContentId,
    pub(super) codec: &'a str,
    /// `None` for a chunk.
    pub(super) hash: Option<ContentHash>,
    pub(super) checksum: Option<i64>,
    pub(super) original_size: i64,
    pub(super) bytes: &'a [u8],
}

impl Reader {
    pub(super) fn new(codecs: StoredCodecs, events: Events, clock: Arc<dyn Clock>) -> Self {
        Self {
            codecs,
            events,
            clock,
            has_damaged: AtomicBool::new(false),
            damaged: Mutex::default(),
        }
    }

    /// One that nobody hears of, for what the store does by itself.
    pub(super) fn quiet(codecs: StoredCodecs, clock: Arc<dyn Clock>) -> Self {
        Self::new(codecs, Events::default(), clock)
    }

    /// The bodies that were found damaged since the last call.
    pub(super) fn take_damaged(&self) -> Vec<ContentId> {
        if !self.has_damaged.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *self.damaged())
    }

    pub(super) fn found_damaged(&self, content: ContentId) {
        self.damaged().push(content);
        self.has_damaged.store(true, Ordering::Release);
    }

    fn damaged(&self) -> MutexGuard<'_, Vec<ContentId>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn decompress(
        &self,
        db: &Connection,
        stored: &StoredBytes<'_>,
    ) -> Result<Option<Bytes>> {
        let codec = self.codecs.get(db, stored.codec)?;
        let started = self.clock.monotonic();
        let body = codec
            .ok_or(Unreadable::UnknownCodec)
            .and_then(|codec| decompress(&*codec, stored));
        Ok(self.tell(stored, started, body))
    }

    /// The body that differs from the `base` as is stored.
    pub(super) fn patch(
        &self,
        stored: &StoredBytes<'_>,
        base: Option<&StoredBody>,
    ) -> Option<Bytes> {
        let started = self.clock.monotonic();
        self.tell(stored, started, patch(stored, base))
    }

    fn tell(
        &self,
        stored: &StoredBytes<'_>,
        started: Duration,
        body: std::result::Result<Vec<u8>, Unreadable>,
    ) -> Option<Bytes> {
        match body {
            Ok(body) => {
                self.events.emit(|| Event::DecompressionComplete {
                    codec: stored.codec.to_owned(),
                    original_bytes: body.len() as u64,
                    compressed_bytes: stored.bytes.len() as u64,
                    duration: self.clock.monotonic().saturating_sub(started),
                });
                Some(body.into())
            }
            Err(error) => {
                let (codec, content) = (stored.codec, stored.content);
                tracing::warn!(codec, content = content.0, %error, "a stored body is not used");
                self.events.emit(|| Event::DecompressionError {
                    codec: codec.to_owned(),
                    content,
                    error: error.to_string(),
                });
                if matches!(error, Unreadable::Damaged(_)) {
                    self.found_damaged(content);
                }
                None
            }
        }
    }
}

fn patch(
    stored: &StoredBytes<'_>,
    base: Option<&StoredBody>,
) -> std::result::Result<Vec<u8>, Unreadable> {
    let damaged = |how: &str| Unreadable::Damaged(how.to_owned());
    let Some(StoredBody::Whole(base)) = base else {
        return Err(Unreadable::NoBase);
    };
    if stored.checksum != Some(crc32fast::hash(stored.bytes).into()) {
        return Err(damaged("the bytes are not those of their checksum"));
    }
    let len = usize::try_from(stored.original_size).map_err(|_| damaged("no length"))?;
    let body = delta::decompress(stored.bytes, base, len);
    let body = body.map_err(|error| Unreadable::Damaged(ErrorChain(&error).to_string()))?;
    // Of another base, it may be another body.
    if stored.hash != Some(ContentHash::of(&body)) {
        return Err(damaged("the body is not that of its hash"));
    }
    Ok(body)
}

fn decompress(
    codec: &dyn Codec,
    stored: &StoredBytes<'_>,
) -> std::result::Result<Vec<u8>, Unreadable> {
    let damaged = |how: &str| Unreadable::Damaged(how.to_owned());
    if stored.checksum.is_some() && stored.checksum != checksum(codec, stored.bytes) {
        return Err(damaged("the bytes are not those of their checksum"));
    }
    let len = usize::try_from(stored.original_size).map_err(|_| damaged("no length"))?;
    let body = codec.decompress(stored.bytes, len);
    let body = body.map_err(|error| Unreadable::Damaged(ErrorChain(&error).to_string()))?;
    // Of a row that is older than checksums.
    if !codec.detects_damage()
        && stored.checksum.is_none()
        && let Some(hash) = stored.hash
        && ContentHash::of(&body) != hash
    {
        return Err(damaged("the body is not that of its hash"));
    }
    Ok(body)
}

/// The checksum of stored bytes; `None` if their codec notices damage by itself.
pub(super) fn checksum(codec: &dyn Codec, stored: &[u8]) -> Option<i64> {
    (!codec.detects_damage()).then(|| crc32fast::hash(stored).into())
}
