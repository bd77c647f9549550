//! Zstandard (RFC 8878): one frame per body, with its length and a checksum.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use super::{Codec, CodecError, frame};

/// The place of the frame header descriptor, after the magic number (RFC 8878, section 3.1.1.1).
const DESCRIPTOR: usize = 4;
/// The bit of the descriptor that says that a checksum follows the frame's blocks.
const CHECKSUM_FLAG: u8 = 1 << 2;

thread_local! {
    // A context per call would take 8.5 us, more than a usual body needs to be decompressed.
    static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::default();
    static DECOMPRESSOR: RefCell<Decompressor<'static>> = RefCell::default();
}

/// The codec `zstd-N`, `N` being the level; 3 by default. Any level reads what another wrote.
///
/// Each thread that compresses keeps the memory for it: about 1 MiB at level 3, up to hundreds from level 19
/// on, if bodies are large.
#[derive(Clone, Debug)]
pub struct Zstd {
    level: i32,
    name: String,
}

impl Zstd {
    /// The levels, from the fastest to the smallest.
    pub const LEVELS: RangeInclusive<i32> = 1..=22;
    /// The default level.
    pub const DEFAULT_LEVEL: i32 = 3;

    /// The codec with this level.
    ///
    /// # Errors
    /// [`CodecError::Level`] if it is not one of [`LEVELS`](Self::LEVELS).
    pub fn new(level: i32) -> Result<Self, CodecError> {
        if Self::LEVELS.contains(&level) {
            Ok(Self::with_level(level))
        } else {
            Err(CodecError::Level {
                codec: "zstd",
                level,
                levels: Self::LEVELS,
            })
        }
    }

    pub(super) fn with_level(level: i32) -> Self {
        let name = format!("zstd-{level}");
        Self { level, name }
    }
}

impl Default for Zstd {
    fn default() -> Self {
        Self::with_level(Self::DEFAULT_LEVEL)
    }
}

impl Codec for Zstd {
    fn name(&self) -> &str {
        &self.name
    }

    fn full_name(&self) -> String {
        format!("Zstandard, level {}", self.level)
    }

    fn level(&self) -> Option<i32> {
        Some(self.level)
    }

    fn compress(&self, body: &[u8]) -> Result<Vec<u8>, CodecError> {
        let compressed = COMPRESSOR.with_borrow_mut(|compressor| {
            compressor.set_parameter(CParameter::CompressionLevel(self.level))?;
            compressor.include_checksum(true)?;
            compressor.compress(body)
        });
        compressed.map_err(|error| CodecError::compress(&self.name, error))
    }

    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
        frame::ensure_one(&self.name, stored, len)?;
        // Otherwise a change of one bit would take the checksum away, or leave it behind the frame.
        let has_checksum = stored.get(DESCRIPTOR).map(|byte| byte & CHECKSUM_FLAG);
        if has_checksum != Some(CHECKSUM_FLAG) {
            let reason = "a frame without a checksum";
            return Err(CodecError::damaged(&self.name, reason));
        }
        DECOMPRESSOR
            .with_borrow_mut(|decompressor| decompressor.decompress(stored, len))
            .map_err(|error| CodecError::damaged(&self.name, error))
    }

    fn detects_damage(&self) -> bool {
        true
    }
}
