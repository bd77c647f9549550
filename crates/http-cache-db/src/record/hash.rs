//! The hash that a body's content is known by.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{InvalidRecord, RecordKind};

/// The length in bytes.
const LEN: usize = 32;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The SHA-256 of a body before compression. As text, and in JSON, it is 64 hexadecimal digits in lower case.
///
/// ```
/// use http_cache_db::record::ContentHash;
///
/// let hash = ContentHash::of(b"{}");
/// assert!(hash.to_string().starts_with("44136fa355b3678a"));
/// assert_eq!(hash.to_string().parse(), Ok(hash));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; LEN]);

impl ContentHash {
    /// The hash of a body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl From<[u8; LEN]> for ContentHash {
    fn from(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for ContentHash {
    type Error = InvalidRecord;

    /// Fails unless there are 32 bytes.
    fn try_from(bytes: &[u8]) -> Result<Self, InvalidRecord> {
        let bytes = <[u8; LEN]>::try_from(bytes).map_err(|_| invalid("is not of 32 bytes"))?;
        Ok(Self(bytes))
    }
}

impl FromStr for ContentHash {
    type Err = InvalidRecord;

    /// Fails unless there are 64 hexadecimal digits, in either case.
    fn from_str(text: &str) -> Result<Self, InvalidRecord> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; LEN];
        if pairs.len() != LEN || !rest.is_empty() {
            return Err(invalid("is not of 64 digits"));
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let value = value(*high).zip(value(*low));
            let (high, low) = value.ok_or_else(|| invalid("is not hexadecimal"))?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

fn value(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

fn invalid(reason: &'static str) -> InvalidRecord {
    InvalidRecord::new(RecordKind::BodyContent, "content_hash", reason)
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let text: String = digits
            .map(|digit| char::from(DIGITS[usize::from(digit)]))
            .collect();
        f.write_str(&text)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_of_another_length_are_no_hash() {
        let text = ContentHash::of(b"a").to_string();
        assert!(text[..63].parse::<ContentHash>().is_err());
        assert!(text[..62].parse::<ContentHash>().is_err());
        assert!(format!("{text}00").parse::<ContentHash>().is_err());
        assert!(text.replacen('c', "g", 1).parse::<ContentHash>().is_err());
        assert!(ContentHash::try_from(&[0; 31][..]).is_err());
        assert!(ContentHash::try_from(&[0; 32][..]).is_ok());
    }

    #[test]
    fn the_hash_of_nothing_is_the_known_one() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(ContentHash::of(b"").to_string(), expected);
        assert_eq!(expected.to_uppercase().parse(), Ok(ContentHash::of(b"")));
    }
}
