//! Frames of Zstandard (RFC 8878): exactly one is a body, and it says the body's length.

use std::cell::RefCell;

use zstd::zstd_safe::{
    CCtx, DCtx, SafeResult, compress_bound, find_frame_compressed_size, get_error_name,
    get_frame_content_size,
};

use super::CodecError;

thread_local! {
    static COMPRESSOR: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// Checks that `stored` is one frame, of a body of `len` bytes.
pub(super) fn ensure_one(codec: &str, stored: &[u8], len: usize) -> Result<(), CodecError> {
    match get_frame_content_size(stored) {
        // The library holds the frame to this length: it neither allocates nor writes more.
        Ok(Some(claimed)) if usize::try_from(claimed) == Ok(len) => {}
        Ok(_) => return Err(CodecError::length(codec, len)),
        Err(_) => return Err(CodecError::damaged(codec, "not a frame")),
    }
    if find_frame_compressed_size(stored) != Ok(stored.len()) {
        return Err(CodecError::damaged(codec, "not exactly one frame"));
    }
    Ok(())
}

/// The frame that `compress` writes of a body of `len` bytes, with the context of this thread.
pub(super) fn compress(
    codec: &str,
    len: usize,
    compress: impl FnOnce(&mut CCtx<'static>, &mut Vec<u8>) -> SafeResult,
) -> Result<Vec<u8>, CodecError> {
    let mut compressed = Vec::with_capacity(compress_bound(len));
    COMPRESSOR
        .with_borrow_mut(|context| compress(context, &mut compressed))
        .map_err(|code| CodecError::compress(codec, get_error_name(code)))?;
    compressed.shrink_to_fit();
    Ok(compressed)
}

/// The body of `len` bytes that `decompress` writes, with the context of this thread.
pub(super) fn decompress(
    codec: &str,
    stored: &[u8],
    len: usize,
    decompress: impl FnOnce(&mut DCtx<'static>, &mut Vec<u8>) -> SafeResult,
) -> Result<Vec<u8>, CodecError> {
    ensure_one(codec, stored, len)?;
    let mut body = Vec::new();
    body.try_reserve_exact(len)
        .map_err(|_| CodecError::length(codec, len))?;
    DECOMPRESSOR
        .with_borrow_mut(|context| decompress(context, &mut body))
        .map_err(|code| CodecError::damaged(codec, get_error_name(code)))?;
    if body.len() == len {
        Ok(body)
    } else {
        Err(CodecError::length(codec, len))
    }
}
