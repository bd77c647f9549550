//! A body as its difference to another one: Zstandard with the whole other body as its dictionary.

use super::{CodecError, Zstd, frame};

/// The persistent name of what [`compress`] writes. It is no [`Codec`](super::Codec): it takes two bodies.
pub(crate) const NAME: &str = "zstd-3-delta";
pub(crate) const LEVEL: i32 = Zstd::DEFAULT_LEVEL;

/// `body` as its difference to `base`. Without a checksum.
pub(crate) fn compress(body: &[u8], base: &[u8]) -> Result<Vec<u8>, CodecError> {
    frame::compress(NAME, body.len(), |context, compressed| {
        context.compress_using_dict(compressed, body, base, LEVEL)
    })
}

/// The body of `len` bytes that differs from `base` by `stored`.
pub(crate) fn decompress(stored: &[u8], base: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
    frame::decompress(NAME, stored, len, |context, body| {
        context.decompress_using_dict(body, stored, base)
    })
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
