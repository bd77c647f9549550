//! Stored values: one byte that names the form, and the value or a frame of it.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use bytes::Bytes;
use store_core::layer::ValueTransform;
use store_core::{Error, ErrorKind, Key, Result};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, find_frame_compressed_size, get_frame_content_size};

/// The first byte of a value that is stored as it is. It differs from [`ZSTD`] in more than one bit.
const PLAIN: u8 = b'p';
/// The first byte of a value that is one Zstandard frame with its length and a checksum.
const ZSTD: u8 = b'z';

/// The place of the frame header descriptor, after the magic number (RFC 8878, section 3.1.1.1).
const DESCRIPTOR: usize = 4;
/// The bit of the descriptor that says that a checksum follows the frame's blocks.
const CHECKSUM_FLAG: u8 = 1 << 2;

/// The most bytes by which a stored value is longer than the value.
pub const MAX_OVERHEAD_BYTES: usize = 1;

thread_local! {
    // A context per call would take 8.5 us, more than a usual value needs to be decompressed.
    static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::default();
    static DECOMPRESSOR: RefCell<Decompressor<'static>> = RefCell::default();
}

/// Compresses values that are long enough, and stores those as they are that do not get shorter. What was written with
/// other options is read all the same, unless it is longer than [`with_max_bytes`](Self::with_max_bytes) allows.
///
/// Each thread that compresses keeps about 1 MiB at the default level, hundreds from level 19 on.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    level: i32,
    min_bytes: usize,
    max_bytes: usize,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            level: 3,
            min_bytes: 150,
            max_bytes: 64 << 20,
        }
    }
}

impl Compression {
    /// The levels, from the fastest to the smallest.
    pub const LEVELS: RangeInclusive<i32> = 1..=22;

    /// Sets the level, within [`LEVELS`](Self::LEVELS). Default: 3.
    #[must_use]
    pub fn with_level(mut self, level: i32) -> Self {
        self.level = level.clamp(*Self::LEVELS.start(), *Self::LEVELS.end());
        self
    }

    /// Sets from how many bytes on a value is compressed. Default: 150.
    #[must_use]
    pub const fn with_min_bytes(mut self, bytes: usize) -> Self {
        self.min_bytes = bytes;
        self
    }

    /// Sets the longest value that is compressed, and to which one is decompressed: a few kilobytes that stand for
    /// gigabytes take no memory. Longer ones are stored as they are. Default: 64 MiB.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The value as a frame, if that is shorter.
    fn compressed(&self, value: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        if !(self.min_bytes..=self.max_bytes).contains(&value.len()) {
            return Ok(None);
        }
        let mut frame = COMPRESSOR.with_borrow_mut(|compressor| {
            compressor.set_parameter(CParameter::CompressionLevel(self.level))?;
            compressor.include_checksum(true)?;
            compressor.compress(value)
        })?;
        if frame.len() >= value.len() {
            return Ok(None);
        }
        frame.insert(0, ZSTD);
        Ok(Some(frame))
    }
}

fn corrupt(detail: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "compression", "decompress").with_detail(detail)
}

impl ValueTransform for Compression {
    fn encode(&self, _key: &Key, value: Bytes) -> Result<Bytes> {
        let compressed = self.compressed(&value).map_err(|source| {
            Error::new(ErrorKind::Codec, "compression", "compress").with_source(source)
        })?;
        let stored = compressed.unwrap_or_else(|| [&[PLAIN], &value[..]].concat());
        Ok(stored.into())
    }

    fn decode(&self, _key: &Key, stored: Bytes) -> Result<Bytes> {
        match stored.split_first() {
            Some((&PLAIN, _)) => Ok(stored.slice(1..)),
            Some((&ZSTD, frame)) => {
                let Ok(Some(len)) = get_frame_content_size(frame) else {
                    return Err(corrupt("the value is not a frame with its length"));
                };
                let len = usize::try_from(len)
                    .ok()
                    .filter(|len| *len <= self.max_bytes);
                let len = len.ok_or_else(|| corrupt("the value is longer than `max_bytes`"))?;
                // Otherwise a change of one bit would take the checksum away, or leave it behind the frame.
                let has_checksum = frame
                    .get(DESCRIPTOR)
                    .is_some_and(|byte| byte & CHECKSUM_FLAG != 0);
                if !has_checksum || find_frame_compressed_size(frame) != Ok(frame.len()) {
                    return Err(corrupt(
                        "the value is not exactly one frame with a checksum",
                    ));
                }
                let value = DECOMPRESSOR
                    .with_borrow_mut(|decompressor| decompressor.decompress(frame, len))
                    .map_err(|source| corrupt("the value is damaged").with_source(source))?;
                Ok(value.into())
            }
            _ => Err(corrupt(
                "the value is of a form that this version does not know",
            )),
        }
    }
}
