//! Where a value's bytes are: in its head if they are short, compressed if that makes them short, and
//! else in chunks of their own, written before the head and named after its id.
//!
//! A head tells how many chunks there are and the SHA-256 of what they hold, so that whatever is torn is
//! found out: it counts as missing. Each chunk is a partition of its own; one partition takes a thousand
//! write units a second, and a chunk alone can cost three hundred.

use std::io::{Read, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};
use store_core::{Error, ErrorKind, Result, Timestamp};
use tokio::task::spawn_blocking;

use crate::error::{BACKEND, corrupt};
use crate::item::{Item, ItemKey, bytes, number, text, time_to_live};
use crate::table::{DynamoDbTable, Write};

/// The longest value that an item can hold beside its names: DynamoDB takes 400 KB with all they hold.
pub(super) const ITEM_ROOM: usize = 390 * 1024;
/// How compressed values are marked.
const ZLIB: &str = "zlib";
/// Shorter values are unpacked where they are: handing them on takes longer.
const SHORT: usize = 64 * 1024;

/// Bytes as they are stored.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// How long the value is.
    size: usize,
    stored: Bytes,
    is_compressed: bool,
    sum: Vec<u8>,
}

impl Packed {
    /// Packs a value: as it is if it has at most `short` bytes, else compressed if that helps.
    pub(super) async fn new(value: Bytes, short: usize, operation: &'static str) -> Result<Self> {
        if value.len() <= short {
            return Ok(Self::as_it_is(value));
        }
        aside(operation, move || {
            let size = value.len();
            let compressed = compress(&value).filter(|compressed| compressed.len() < size);
            let is_compressed = compressed.is_some();
            let stored = compressed.map_or(value, Bytes::from);
            let sum = Sha256::digest(&stored).to_vec();
            Ok(Self {
                size,
                stored,
                is_compressed,
                sum,
            })
        })
        .await
    }

    /// A value that stays in its head as it is.
    pub(super) fn as_it_is(value: Bytes) -> Self {
        Self {
            size: value.len(),
            stored: value,
            is_compressed: false,
            sum: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.stored.len()
    }
}

/// Placement of a new value: in its head or in chunks.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    packed: Packed,
    /// Into how many chunks it is cut; none if it stays in the head.
    chunks: usize,
    chunk_bytes: usize,
}

impl Placement {
    /// In the head.
    pub(super) fn inline(packed: Packed) -> Self {
        Self {
            packed,
            chunks: 0,
            chunk_bytes: 0,
        }
    }

    /// In chunks of this length.
    pub(super) fn chunks(packed: Packed, chunk_bytes: usize) -> Self {
        let chunks = packed.stored.len().div_ceil(chunk_bytes.max(1));
        Self {
            packed,
            chunks,
            chunk_bytes: chunk_bytes.max(1),
        }
    }

    pub(super) fn has_chunks(&self) -> bool {
        self.chunks > 0
    }

    /// The chunks as writes.
    pub(super) fn writes(
        &self,
        id: &str,
        ttl_name: &str,
        collected_at: Option<Timestamp>,
    ) -> Vec<Write> {
        let parts = self.packed.stored.chunks(self.chunk_bytes.max(1));
        let items = parts.map(|part| {
            Item::default()
                .with("v", bytes(part))
                .with_some(ttl_name, collected_at.map(time_to_live))
        });
        let keys = chunk_keys(id, self.chunks).into_iter();
        keys.zip(items)
            .map(|(key, item)| Write::Put(key, item))
            .collect()
    }

    /// The same chunks, to be removed.
    pub(super) fn removals(&self, id: &str) -> Vec<Write> {
        let keys = chunk_keys(id, self.chunks).into_iter();
        keys.map(Write::Delete).collect()
    }

    /// Notes in the head where the bytes are, or what they are.
    pub(super) fn written(&self, item: Item) -> Item {
        let Packed {
            size,
            stored,
            is_compressed,
            sum,
        } = &self.packed;
        let item = item
            .with("size", number(count(*size)))
            .with("stored", number(count(stored.len())))
            .with_some("codec", is_compressed.then(|| text(ZLIB)));
        if self.has_chunks() {
            item.with("chunks", number(count(self.chunks)))
                .with("sum", bytes(sum.clone()))
        } else {
            item.with("v", bytes(&stored[..]))
        }
    }
}

/// Where a stored value is.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// How long the value is.
    pub(super) size: u64,
    /// How much room it takes.
    pub(super) stored: u64,
    codec: Option<String>,
    /// The bytes, if they are in the head and the head was read with them.
    inline: Option<Bytes>,
    chunks: u64,
    sum: Bytes,
}

impl Body {
    pub(super) fn read(item: &mut Item) -> Result<Self> {
        Ok(Self {
            size: item.count("size")?,
            stored: item.count("stored")?,
            codec: item.text("codec")?.map(ToOwned::to_owned),
            chunks: item.count("chunks")?,
            sum: item.take_bytes("sum")?.unwrap_or_default(),
            inline: item.take_bytes("v")?,
        })
    }

    /// The value; nothing if some of it is missing.
    pub(super) async fn value(
        self,
        id: &str,
        table: &DynamoDbTable,
        operation: &'static str,
    ) -> Result<Option<Bytes>> {
        let stored = match self.inline {
            Some(bytes) => bytes,
            None => match chunks(id, self.chunks, table, operation).await? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        let (codec, size) = (self.codec, self.size);
        let sum = (self.chunks > 0).then_some(self.sum);
        let unpack = move || unpack(stored, codec.as_deref(), size, sum.as_deref());
        if size <= count(SHORT) {
            return unpack();
        }
        aside(operation, unpack).await
    }

    /// The chunks, to be removed.
    pub(super) fn removals(&self, id: &str) -> Vec<Write> {
        let keys = chunk_keys(id, usize::try_from(self.chunks).unwrap_or(0));
        keys.into_iter().map(Write::Delete).collect()
    }
}

async fn chunks(
    id: &str,
    chunks: u64,
    table: &DynamoDbTable,
    operation: &'static str,
) -> Result<Option<Bytes>> {
    let keys = chunk_keys(id, usize::try_from(chunks).unwrap_or(0));
    let mut found = table.batch_get(operation, &keys).await?;
    let mut whole = Vec::new();
    for key in &keys {
        let Some(mut chunk) = found.remove(key) else {
            return Ok(None);
        };
        whole.extend_from_slice(&chunk.take_bytes("v")?.unwrap_or_default());
    }
    Ok(Some(whole.into()))
}

fn chunk_keys(id: &str, chunks: usize) -> Vec<ItemKey> {
    let keys = (0..chunks).map(|n| ItemKey::new(format!("CHUNK#{id}#{n:04}"), "CHUNK"));
    keys.collect()
}

fn unpack(
    stored: Bytes,
    codec: Option<&str>,
    size: u64,
    sum: Option<&[u8]>,
) -> Result<Option<Bytes>> {
    if sum.is_some_and(|sum| Sha256::digest(&stored)[..] != *sum) {
        return Ok(None);
    }
    let value = match codec {
        None => stored,
        Some(ZLIB) => match decompress(&stored, size) {
            Some(value) => value.into(),
            None => return Ok(None),
        },
        Some(other) => {
            return Err(corrupt(
                "read",
                format!("a value has the unknown compression {other}; upgrade this program"),
            ));
        }
    };
    Ok((count(value.len()) == size).then_some(value))
}

fn compress(value: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(value).ok()?;
    encoder.finish().ok()
}

/// The value, of which no more is unpacked than its head tells.
fn decompress(stored: &[u8], size: u64) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(usize::try_from(size).ok()?.min(64 * 1024 * 1024));
    let mut decoder = ZlibDecoder::new(stored).take(size.saturating_add(1));
    decoder.read_to_end(&mut value).ok()?;
    Some(value)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Does what takes milliseconds without keeping other tasks waiting.
async fn aside<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await.map_err(|source| {
        Error::new(ErrorKind::Unavailable, BACKEND, operation).with_source(source)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_bytes_come_back_and_damaged_ones_do_not() {
        let value = Bytes::from(vec![7; 100_000]);
        let stored = Bytes::from(compress(&value).unwrap());
        assert!(stored.len() < 1_000);
        let back = unpack(stored.clone(), Some(ZLIB), 100_000, None).unwrap();
        assert_eq!(back.as_ref(), Some(&value));
        let cut = stored.slice(..stored.len() - 1);
        assert_eq!(unpack(cut, Some(ZLIB), 100_000, None).unwrap(), None);
        assert_eq!(
            unpack(stored.clone(), Some(ZLIB), 99_999, None).unwrap(),
            None
        );
        assert_eq!(
            unpack(stored, Some(ZLIB), 100_000, Some(b"other")).unwrap(),
            None
        );
    }

    #[test]
    fn codec_of_a_later_version_is_told_apart_from_damage() {
        let error = unpack(Bytes::new(), Some("zstd"), 0, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
