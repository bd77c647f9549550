//! How stored bodies are compressed: the codecs, and the rule that chooses among them.
//!
//! A body is decompressed by the codec whose name is stored beside it. Nothing guesses: an unknown name is
//! `None`, and bytes that are not what the codec wrote are an error.

mod brotli;
pub(crate) mod delta;
mod dictionary;
mod error;
mod frame;
mod identity;
mod registry;
mod rule;
#[cfg(test)]
mod tests;
mod zstd;

use std::fmt;

pub use self::brotli::Brotli;
#[cfg(test)]
pub(crate) use self::dictionary::tests::issue as sample_issue;
pub(crate) use self::dictionary::{Dictionary, ZstdDictionary};
pub use self::error::CodecError;
pub use self::identity::Identity;
pub use self::registry::Codecs;
pub(crate) use self::rule::is_text;
pub use self::rule::{MIN_COMPRESSED_BYTES, MimeCategory, is_compressed};
pub use self::zstd::Zstd;

/// A way to store bodies. An application adds its own with [`Codecs::with`].
pub trait Codec: fmt::Debug + Send + Sync {
    /// The persistent name, in lower case, with all that a reader must know, such as `zstd-3`. It is stored
    /// beside each body, so it must never mean anything else.
    fn name(&self) -> &str;

    /// The title for people, such as `Zstandard, level 3`.
    fn full_name(&self) -> String;

    /// The compression level; `None` where there is none.
    fn level(&self) -> Option<i32>;

    /// Compresses a body.
    ///
    /// # Errors
    /// [`CodecError::Compress`] if the library fails, for lack of memory for example.
    fn compress(&self, body: &[u8]) -> Result<Vec<u8>, CodecError>;

    /// The body of `len` bytes that [`compress`](Self::compress) made `stored` of. However long a body `stored`
    /// claims, the memory that this takes is bounded by `len`.
    ///
    /// # Errors
    /// [`CodecError::Length`] if the body has another length, [`CodecError::Damaged`] if `stored` is not what
    /// the codec writes. Which of both a damaged body gives is not specified.
    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError>;

    /// Whether a checksum of the codec's own protects the body: damaged bytes are an error then, and never
    /// another body.
    fn detects_damage(&self) -> bool;
}
