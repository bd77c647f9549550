//! A body as its difference to another one: Zstandard with the whole other body as its dictionary.

use zstd::zstd_safe::{
    compress_bound, find_frame_compressed_size, get_error_name, get_frame_content_size,
};

use super::dictionary::{with_compressor, with_decompressor};
use super::{CodecError, Zstd};

/// The persistent name of what [`compress`] writes. It is no [`Codec`](super::Codec): it takes two bodies.
pub(crate) const NAME: &str = "zstd-3-delta";
pub(crate) const LEVEL: i32 = Zstd::DEFAULT_LEVEL;

/// `body` as its difference to `base`. Without a checksum.
pub(crate) fn compress(body: &[u8], base: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut compressed = Vec::with_capacity(compress_bound(body.len()));
    with_compressor(|context| context.compress_using_dict(&mut compressed, body, base, LEVEL))
        .map_err(|code| CodecError::compress(NAME, get_error_name(code)))?;
    compressed.shrink_to_fit();
    Ok(compressed)
}

/// The body of `len` bytes that differs from `base` by `stored`.
pub(crate) fn decompress(stored: &[u8], base: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
    match get_frame_content_size(stored) {
        Ok(Some(claimed)) if usize::try_from(claimed) == Ok(len) => {}
        Ok(_) => return Err(CodecError::length(NAME, len)),
        Err(_) => return Err(CodecError::damaged(NAME, "not a frame")),
    }
    if find_frame_compressed_size(stored) != Ok(stored.len()) {
        return Err(CodecError::damaged(NAME, "not exactly one frame"));
    }
    let mut body = Vec::new();
    body.try_reserve_exact(len)
        .map_err(|_| CodecError::length(NAME, len))?;
    with_decompressor(|context| context.decompress_using_dict(&mut body, stored, base))
        .map_err(|code| CodecError::damaged(NAME, get_error_name(code)))?;
    if body.len() == len {
        Ok(body)
    } else {
        Err(CodecError::length(NAME, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_edit_takes_a_few_bytes() {
        let base: Vec<u8> = (0..40).flat_map(super::super::sample_issue).collect();
        let mut body = base.clone();
        body.splice(900..905, *b"edited in the middle");
        let delta = compress(&body, &base).unwrap();
        assert!(delta.len() < 80, "{}", delta.len());
        assert_eq!(decompress(&delta, &base, body.len()).unwrap(), body);
        decompress(&delta, &base, body.len() + 1).unwrap_err();
    }

    #[test]
    fn any_two_bodies_have_a_difference() {
        // The last begins as a trained dictionary does.
        let bodies: [&[u8]; 4] = [b"", b"x", b"abcabcabc", b"\x37\xa4\x30\xec no dictionary"];
        for base in bodies {
            for body in bodies {
                let Ok(delta) = compress(body, base) else {
                    assert!(base.starts_with(b"\x37\xa4\x30\xec"));
                    continue;
                };
                assert_eq!(decompress(&delta, base, body.len()).unwrap(), body);
            }
        }
    }
}
