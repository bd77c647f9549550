//! Values that nothing compresses.

use bytes::Bytes;

/// `len` bytes, the same each time, without a repetition that a codec could use.
#[must_use]
pub fn noise(len: usize) -> Bytes {
    let mut state = 1_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    bytes.take(len).collect()
}
