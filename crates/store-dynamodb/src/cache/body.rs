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
use crate::table::Requests;

/// The longest value that an item can hold beside its names: DynamoDB takes 400 KB with all they hold.
pub(super) const ITEM_ROOM: usize = 390 * 1024;
/// The longest that heads hold, as stored: they share sixteen partitions of a thousand write units a
/// second, and listings are billed for all of it.
const HEAD_ROOM: usize = 8 * 1024;
/// How compressed values are marked.
const ZLIB: &str = "zlib";
/// Shorter values are unpacked where they are: handing them on takes longer.
const SHORT: usize = 64 * 1024;

/// A new value as it is stored: in its head, or in chunks.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    /// How long the value is.
    size: usize,
    stored: Bytes,
    is_compressed: bool,
    /// How long each chunk is; 0 if the value stays in the head.
    chunk_bytes: usize,
    /// Of all chunks.
    sum: Vec<u8>,
}

impl Placement {
    /// Packs a value for an item in which `room` bytes are left: as it is if it is short, else compressed
    /// if that helps, and in chunks if it is still long.
    pub(super) async fn new(
        value: Bytes,
        room: usize,
        chunk_bytes: usize,
        operation: &'static str,
    ) -> Result<Self> {
        let short = HEAD_ROOM.min(room).min(chunk_bytes);
        let size = value.len();
        let inline = Self {
            size,
            stored: value,
            is_compressed: false,
            chunk_bytes: 0,
            sum: Vec::new(),
        };
        if size <= short {
            return Ok(inline);
        }
        aside(operation, move || {
            let compressed = compress(&inline.stored).filter(|compressed| compressed.len() < size);
            let is_compressed = compressed.is_some();
            let stored = compressed.map_or(inline.stored, Bytes::from);
            let is_long = stored.len() > short;
            Ok(Self {
                size,
                is_compressed,
                chunk_bytes: if is_long {
                    chunk_bytes.clamp(1, ITEM_ROOM)
                } else {
                    0
                },
                sum: if is_long {
                    Sha256::digest(&stored).to_vec()
                } else {
                    Vec::new()
                },
                stored,
            })
        })
        .await
    }

    pub(super) fn has_chunks(&self) -> bool {
        self.chunk_bytes > 0
    }

    /// Where the chunks are.
    pub(super) fn chunk_keys(&self, id: &str) -> Vec<ItemKey> {
        chunk_keys(id, count(self.parts().len()))
    }

    /// The chunks, and where each goes.
    pub(super) fn chunks(
        &self,
        id: &str,
        ttl_name: &str,
        collected_at: Timestamp,
    ) -> impl Iterator<Item = (ItemKey, Item)> {
        let items = self.parts().map(move |part| {
            Item::default()
                .with("v", bytes(part))
                .with(ttl_name, time_to_live(collected_at))
        });
        self.chunk_keys(id).into_iter().zip(items)
    }

    fn parts(&self) -> std::slice::Chunks<'_, u8> {
        let chunked = if self.has_chunks() {
            &self.stored[..]
        } else {
            &[]
        };
        chunked.chunks(self.chunk_bytes.max(1))
    }

    /// Notes in the head where the bytes are, or what they are.
    pub(super) fn written(&self, item: Item) -> Item {
        let item = item
            .with("size", number(count(self.size)))
            .with_some("codec", self.is_compressed.then(|| text(ZLIB)));
        if self.has_chunks() {
            item.with("chunks", number(count(self.parts().len())))
                .with("sum", bytes(self.sum.clone()))
        } else {
            item.with("v", bytes(&self.stored[..]))
        }
    }
}

/// Where a stored value is.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// How long the value is.
    pub(super) size: u64,
    codec: Option<String>,
    /// The bytes, if they are in the head and the head was read with them.
    inline: Option<Bytes>,
    pub(super) chunks: u64,
    sum: Bytes,
}

impl Body {
    pub(super) fn read(item: &mut Item) -> Result<Self> {
        Ok(Self {
            size: item.count("size")?,
            codec: item.text("codec")?.map(ToOwned::to_owned),
            chunks: item.count("chunks")?,
            sum: item.take_bytes("sum")?.unwrap_or_default(),
            inline: item.take_bytes("v")?,
        })
    }

    /// The value; nothing if some of it is missing.
    pub(super) async fn value(self, id: &str, requests: Requests<'_>) -> Result<Option<Bytes>> {
        let stored = match self.inline {
            Some(bytes) => bytes,
            None => match chunks(id, self.chunks, requests).await? {
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
        aside(requests.operation, unpack).await
    }
}

async fn chunks(id: &str, chunks: u64, requests: Requests<'_>) -> Result<Option<Bytes>> {
    let keys = chunk_keys(id, chunks);
    let mut found = requests.batch_get(&keys).await?;
    let mut whole = Vec::new();
    for key in &keys {
        let Some(mut chunk) = found.remove(key) else {
            return Ok(None);
        };
        whole.extend_from_slice(&chunk.take_bytes("v")?.unwrap_or_default());
    }
    Ok(Some(whole.into()))
}

/// Where the chunks of a value are.
pub(super) fn chunk_keys(id: &str, chunks: u64) -> Vec<ItemKey> {
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
