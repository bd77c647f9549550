//! Why a body was not compressed or decompressed.

use std::error::Error as StdError;
use std::ops::RangeInclusive;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a codec failed, or could not be chosen.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The compression level is not one of the codec's.
    #[error("{codec} has no level {level}; choose one from {} to {}", levels.start(), levels.end())]
    Level {
        /// The family, such as `zstd`.
        codec: &'static str,
        /// The level that was asked for.
        level: i32,
        /// The levels that exist.
        levels: RangeInclusive<i32>,
    },
    /// No codec has this name.
    #[error("no codec is named `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The body was not compressed.
    #[error("cannot compress a body with `{codec}`")]
    Compress {
        /// The codec's name.
        codec: String,
        /// What the library says.
        source: Source,
    },
    /// The stored bytes are not what the codec writes.
    #[error("cannot decompress a body with `{codec}`: it is damaged")]
    Damaged {
        /// The codec's name.
        codec: String,
        /// What the library says.
        source: Source,
    },
    /// The stored bytes are not those of a body of the expected length.
    #[error("cannot decompress a body with `{codec}`: it does not have {expected} bytes")]
    Length {
        /// The codec's name.
        codec: String,
        /// The expected length, in bytes.
        expected: usize,
    },
}

impl CodecError {
    pub(super) fn compress(codec: &str, source: impl Into<Source>) -> Self {
        let (codec, source) = (codec.to_owned(), source.into());
        Self::Compress { codec, source }
    }

    pub(super) fn damaged(codec: &str, source: impl Into<Source>) -> Self {
        let (codec, source) = (codec.to_owned(), source.into());
        Self::Damaged { codec, source }
    }

    pub(super) fn length(codec: &str, expected: usize) -> Self {
        let codec = codec.to_owned();
        Self::Length { codec, expected }
    }
}
