//! A body too long for memory: chunks that are written as they arrive.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sqlite_database::Result;
use sqlite_database::rusqlite::{Transaction, params};

use super::compressor::{Compressor, MediaType};
use super::content::{GIVEN_UP, give_up, was_given_up};
use super::open::Opened;
use super::read::CHUNK_BYTES;
use super::reader::checksum;
use super::shared_rows::SharedRows;
use super::state::integer;
use crate::codec::{Codec, CodecError, Identity};
use crate::store::ContentId;

/// The most chunks in one transaction: more would hold up other writers.
const CHUNKS_PER_WRITE: usize = 2;

/// A body that is arriving in chunks. Nobody sees it before it has a hash; dropped before that, it is left to
/// the next cleanup.
#[derive(Debug)]
pub(super) struct Chunks {
    opened: Arc<Opened>,
    content: ContentId,
    codec: Arc<dyn Codec>,
    count: i64,
    /// How long compression has taken.
    duration: Duration,
    /// What is no full chunk yet.
    rest: BytesMut,
    is_owned: bool,
}

fn chunk_bytes() -> usize {
    usize::try_from(CHUNK_BYTES).unwrap_or(usize::MAX)
}

impl Chunks {
    /// Begins with the bytes that have arrived.
    pub(super) async fn begin(
        opened: &Arc<Opened>,
        compressor: &Compressor,
        media_type: &MediaType,
        arrived: BytesMut,
    ) -> Result<Self> {
        let codec = media_type.codec(&compressor.codecs.listed, arrived.len());
        // One codec for all chunks: what does not make the first one shorter is not used.
        let first = arrived.get(..chunk_bytes()).unwrap_or(&arrived);
        let is_shorter = codec
            .compress(first)
            .is_ok_and(|first_compressed| first_compressed.len() < first.len());
        let codec: Arc<dyn Codec> = if is_shorter {
            codec
        } else {
            Arc::new(Identity)
        };
        let content = Self::insert(opened, compressor, media_type.clone(), Arc::clone(&codec));
        let mut chunks = Self {
            opened: Arc::clone(opened),
            content: content.await?,
            codec,
            count: 0,
            duration: Duration::ZERO,
            rest: arrived,
            is_owned: true,
        };
        chunks.write(compressor, false).await?;
        Ok(chunks)
    }

    async fn insert(
        opened: &Arc<Opened>,
        compressor: &Compressor,
        media_type: MediaType,
        codec: Arc<dyn Codec>,
    ) -> Result<ContentId> {
        let (now, shared) = (compressor.clock.now(), Arc::clone(opened));
        let inserted = opened.database.write(move |tx| {
            let mut rows = SharedRows::new(tx, &shared.interned)?;
            let codec = rows.codec(&*codec, None, now)?;
            let id = tx
                .prepare_cached(
                    "INSERT INTO body_contents (content_type, content_encoding, mime_category,
                         compression_process_id, original_size, compressed_size, chunk_count, first_seen_at,
                         last_referenced_at)
                     VALUES (?1, ?2, ?3, ?4, 0, 0, 1, ?5, ?5)",
                )?
                .insert(params![
                    media_type.content_type,
                    media_type.content_encoding,
                    media_type.category().as_str(),
                    codec,
                    now.as_millis()
                ])?;
            Ok((ContentId(id), rows.new))
        });
        let (content, new) = inserted.await?;
        opened.interned.learn(new);
        Ok(content)
    }

    pub(super) async fn append(&mut self, compressor: &Compressor, bytes: &[u8]) -> Result<()> {
        self.rest.extend_from_slice(bytes);
        self.write(compressor, false).await
    }

    /// Writes the rest. Yields the content, the number of its chunks, and how long compression took.
    pub(super) async fn finish(
        &mut self,
        compressor: &Compressor,
    ) -> Result<(ContentId, i64, Duration)> {
        self.write(compressor, true).await?;
        Ok((self.content, self.count, self.duration))
    }

    /// The content belongs to a response now, or was given up already.
    pub(super) fn release(&mut self) {
        self.is_owned = false;
    }

    /// Writes all full chunks, and the rest if it `is_end`.
    async fn write(&mut self, compressor: &Compressor, is_end: bool) -> Result<()> {
        loop {
            let mut group = Vec::new();
            while group.len() < CHUNKS_PER_WRITE && self.rest.len() >= chunk_bytes() {
                group.push(self.rest.split_to(chunk_bytes()).freeze());
            }
            if group.len() < CHUNKS_PER_WRITE && is_end && !self.rest.is_empty() {
                group.push(self.rest.split().freeze());
            }
            if group.is_empty() {
                return Ok(());
            }
            self.write_group(compressor, group).await?;
        }
    }

    async fn write_group(&mut self, compressor: &Compressor, group: Vec<Bytes>) -> Result<()> {
        let started = compressor.clock.monotonic();
        let compressed = group.iter().map(|chunk| {
            let stored = self.codec.compress(chunk)?;
            Ok((checksum(&*self.codec, &stored), stored))
        });
        let compressed: Vec<_> = compressed
            .collect::<Result<_, CodecError>>()
            .map_err(sqlite_database::Error::aborted)?;
        if self.codec.name() != Identity::NAME {
            self.duration += compressor.clock.monotonic().saturating_sub(started);
        }
        let (content, first, now) = (self.content.0, self.count, compressor.clock.now());
        self.count += i64::try_from(compressed.len()).unwrap_or(i64::MAX);
        let write = self.opened.database.write(move |tx| {
            let bytes = compressed.iter().map(|(_, chunk)| chunk.len()).sum();
            grow(tx, content, bytes, now.as_millis())?;
            let mut insert = tx.prepare_cached(
                "INSERT INTO body_chunks (content_id, position, chunk, checksum) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for (position, (checksum, chunk)) in (first..).zip(&compressed) {
                insert.execute(params![content, position, chunk, checksum])?;
            }
            Ok(())
        });
        write.await
    }
}

/// A body that makes progress is kept.
fn grow(tx: &Transaction<'_>, content: i64, bytes: usize, now: i64) -> Result<()> {
    let mut grow = tx.prepare_cached(
        "UPDATE body_contents SET compressed_size = compressed_size + ?2, last_referenced_at = ?3
         WHERE content_id = ?1 AND last_referenced_at <> ?4",
    )?;
    match grow.execute(params![content, integer(bytes), now, GIVEN_UP])? {
        0 => Err(was_given_up()),
        _ => Ok(()),
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        if self.is_owned {
            let content = self.content;
            self.opened
                .database
                .write_detached(move |tx| give_up(tx, content));
        }
    }
}
