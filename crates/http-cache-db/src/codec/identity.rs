//! Bodies stored as they are.

use super::{Codec, CodecError};

/// The codec `none`, which stores bodies as they are. It only notices a changed length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl Identity {
    /// The name of the codec.
    pub const NAME: &str = "none";
}

impl Codec for Identity {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn full_name(&self) -> String {
        "Uncompressed".to_owned()
    }

    fn level(&self) -> Option<i32> {
        None
    }

    fn compress(&self, body: &[u8]) -> Result<Vec<u8>, CodecError> {
        Ok(body.to_vec())
    }

    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
        if stored.len() == len {
            Ok(stored.to_vec())
        } else {
            Err(CodecError::length(Self::NAME, len))
        }
    }

    fn detects_damage(&self) -> bool {
        false
    }
}
