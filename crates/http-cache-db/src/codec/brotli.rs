//! Brotli (RFC 7932).

use std::ops::RangeInclusive;

use brotli::enc::BrotliEncoderParams;
use brotli::{
    Allocator, BrotliCompress, BrotliDecompressStream, BrotliResult, BrotliState, HeapAlloc,
};

use super::{Codec, CodecError};

/// The least window that is worth it, as the logarithm of its bytes.
const MIN_WINDOW_BITS: u32 = 16;
/// The window of large bodies, as the logarithm of its bytes: 4 MiB.
const MAX_WINDOW_BITS: u32 = 22;
/// What the decoder allocates as bytes besides its ring buffer: context maps, at most 64 bytes for each of 256
/// types of blocks, and the room behind the ring buffer.
const TABLE_BYTES: usize = 16 * 1_024;

/// The codec `brotli-N`, `N` being the quality; 5 by default. Any quality reads what another wrote.
///
/// It has no checksum. Besides the body, decompression takes a ring buffer, of at most three times the body while
/// it grows, and tables of at most a few MiB.
#[derive(Clone, Debug)]
pub struct Brotli {
    quality: i32,
    name: String,
}

impl Brotli {
    /// The qualities, from the fastest to the smallest.
    pub const QUALITIES: RangeInclusive<i32> = 0..=11;
    /// The default quality.
    pub const DEFAULT_QUALITY: i32 = 5;

    /// The codec with this quality.
    ///
    /// # Errors
    /// [`CodecError::Level`] if it is not one of [`QUALITIES`](Self::QUALITIES).
    pub fn new(quality: i32) -> Result<Self, CodecError> {
        if Self::QUALITIES.contains(&quality) {
            Ok(Self::with_quality(quality))
        } else {
            Err(CodecError::Level {
                codec: "brotli",
                level: quality,
                levels: Self::QUALITIES,
            })
        }
    }

    pub(super) fn with_quality(quality: i32) -> Self {
        let name = format!("brotli-{quality}");
        Self { quality, name }
    }
}

impl Default for Brotli {
    fn default() -> Self {
        Self::with_quality(Self::DEFAULT_QUALITY)
    }
}

impl Codec for Brotli {
    fn name(&self) -> &str {
        &self.name
    }

    fn full_name(&self) -> String {
        format!("Brotli, quality {}", self.quality)
    }

    fn level(&self) -> Option<i32> {
        Some(self.quality)
    }

    fn compress(&self, mut body: &[u8]) -> Result<Vec<u8>, CodecError> {
        // A window is 16 bytes less than its power of two (RFC 7932, section 9.1).
        let window_bits = (body.len() + 16).next_power_of_two().ilog2();
        let params = BrotliEncoderParams {
            quality: self.quality,
            lgwin: window_bits
                .clamp(MIN_WINDOW_BITS, MAX_WINDOW_BITS)
                .cast_signed(),
            size_hint: body.len(),
            ..BrotliEncoderParams::default()
        };
        let mut compressed = Vec::new();
        BrotliCompress(&mut body, &mut compressed, &params)
            .map_err(|error| CodecError::compress(&self.name, error))?;
        Ok(compressed)
    }

    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
        let mut body = Vec::new();
        body.try_reserve_exact(len)
            .map_err(|_| CodecError::length(&self.name, len))?;
        body.resize(len, 0);
        let bytes = BoundedAlloc::for_body(len);
        let mut state = BrotliState::new_strict(bytes, HeapAlloc::default(), HeapAlloc::default());
        let (mut unread, mut read) = (stored.len(), 0);
        let (mut missing, mut at, mut written) = (len, 0, 0);
        let result = BrotliDecompressStream(
            &mut unread,
            &mut read,
            stored,
            &mut missing,
            &mut at,
            &mut body,
            &mut written,
            &mut state,
        );
        match result {
            BrotliResult::ResultSuccess if unread > 0 => {
                Err(CodecError::damaged(&self.name, "bytes are left over"))
            }
            BrotliResult::ResultSuccess if missing == 0 => Ok(body),
            BrotliResult::ResultSuccess | BrotliResult::NeedsMoreOutput => {
                Err(CodecError::length(&self.name, len))
            }
            BrotliResult::NeedsMoreInput => {
                Err(CodecError::damaged(&self.name, "the end is missing"))
            }
            BrotliResult::ResultFailure if state.alloc_u8.has_refused => {
                Err(CodecError::length(&self.name, len))
            }
            BrotliResult::ResultFailure => {
                let reason = format!("{:?}", state.error_code);
                Err(CodecError::damaged(&self.name, reason))
            }
        }
    }

    fn detects_damage(&self) -> bool {
        false
    }
}

/// The allocator of the ring buffer, which would otherwise be as large as the stored bytes claim.
struct BoundedAlloc {
    max_bytes: usize,
    has_refused: bool,
    heap: HeapAlloc<u8>,
}

impl BoundedAlloc {
    /// A ring buffer is a power of two that is not less than what it holds.
    fn for_body(len: usize) -> Self {
        Self {
            max_bytes: len.saturating_mul(2).saturating_add(TABLE_BYTES),
            has_refused: false,
            heap: HeapAlloc::default(),
        }
    }
}

impl Allocator<u8> for BoundedAlloc {
    type AllocatedMemory = <HeapAlloc<u8> as Allocator<u8>>::AllocatedMemory;

    /// Empty if it would be too large: that is how an allocator fails.
    fn alloc_cell(&mut self, len: usize) -> Self::AllocatedMemory {
        if len <= self.max_bytes {
            self.heap.alloc_cell(len)
        } else {
            self.has_refused = true;
            Self::AllocatedMemory::default()
        }
    }

    fn free_cell(&mut self, memory: Self::AllocatedMemory) {
        self.heap.free_cell(memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of 16 MiB and an uncompressed block of as many bytes, of which one follows.
    const CLAIMS_16_MIB: [u8; 5] = [0b1100_1111, 0xFF, 0xFF, 0xFF, b'x'];

    #[test]
    fn a_ring_buffer_of_more_than_the_body_is_not_allocated() {
        let decompress = |len| {
            Brotli::default()
                .decompress(&CLAIMS_16_MIB, len)
                .unwrap_err()
        };
        let error = decompress(100);
        assert!(matches!(error, CodecError::Length { .. }), "{error:?}");
        // With a body of that length, it is allocated, and the other bytes are missing.
        let error = decompress(16 * 1_024 * 1_024);
        assert!(matches!(error, CodecError::Damaged { .. }), "{error:?}");
    }
}
