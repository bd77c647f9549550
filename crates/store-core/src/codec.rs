//! Codecs: how values become the bytes that stores keep. The only file that names bincode.
//!
//! The first byte of a stored value names its format, so that a value is never read in the wrong
//! one, and formats can be added.

pub(crate) mod loaded;
pub(crate) mod record;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};

/// The first byte of a value in bincode 2 (standard configuration).
const BINCODE: u8 = 1;
/// The first byte of a value in JSON.
const JSON: u8 = 2;
/// The first byte of a cached failure, which no version may take for an answer.
const FAILURE: u8 = 3;

/// A way to write values as bytes and to read them back.
pub trait Codec: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Writes `value`, format byte first.
    ///
    /// # Errors
    /// `Codec` if the value cannot be written in this format.
    fn encode<T: Serialize>(&self, value: &T) -> Result<Bytes>;

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// `Codec` if the bytes are of another format or do not hold a `T`.
    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T>;
}

/// The codec that writes bincode 2: compact, without field names, so it cannot read types that need
/// a self-describing format (`serde_json::Value`, untagged enums, flattened maps).
///
/// ```
/// use store_core::{Bincode, Codec};
///
/// let bytes = Bincode.encode(&(7_u32, "issue"))?;
/// assert_eq!(Bincode.decode::<(u32, String)>(&bytes)?, (7, "issue".to_owned()));
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Bincode;

/// The codec that writes JSON: self-describing, for any type that serde can represent as JSON.
///
/// It also reads what the original packages stored: JSON text without a format byte, which holds
/// the value as JSON inside a JSON string.
///
/// ```
/// use store_core::{Codec, Json};
///
/// let stored_by_npm_package = br#""{\"id\":1}""#;
/// let value: serde_json::Value = Json.decode(stored_by_npm_package)?;
/// assert_eq!(value["id"], 1);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

fn failure(operation: &'static str, detail: &'static str) -> Error {
    Error::new(ErrorKind::Codec, "codec", operation).with_detail(detail)
}

impl Codec for Bincode {
    fn encode<T: Serialize>(&self, value: &T) -> Result<Bytes> {
        let mut bytes = vec![BINCODE];
        bincode::serde::encode_into_std_write(value, &mut bytes, bincode::config::standard())
            .map_err(|source| failure("encode", "bincode cannot hold it").with_source(source))?;
        Ok(bytes.into())
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        let Some((&BINCODE, body)) = bytes.split_first() else {
            return Err(failure("decode", "not stored as bincode"));
        };
        let (value, read) = bincode::serde::decode_from_slice(body, bincode::config::standard())
            .map_err(|source| failure("decode", "not a value of this type").with_source(source))?;
        if read == body.len() {
            Ok(value)
        } else {
            Err(failure("decode", "bytes are left over"))
        }
    }
}

impl Codec for Json {
    fn encode<T: Serialize>(&self, value: &T) -> Result<Bytes> {
        let mut bytes = vec![JSON];
        serde_json::to_writer(&mut bytes, value)
            .map_err(|source| failure("encode", "JSON cannot hold it").with_source(source))?;
        Ok(bytes.into())
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        let mismatch = |source| failure("decode", "not a value of this type").with_source(source);
        match bytes.split_first() {
            Some((&JSON, body)) => {
                // Checking the text once is cheaper than checking every string in it.
                let text = str::from_utf8(body)
                    .map_err(|source| failure("decode", "not text").with_source(source))?;
                serde_json::from_str(text).map_err(mismatch)
            }
            // Text of the original packages. Control characters begin no JSON text.
            Some((first, _)) if *first >= b' ' => {
                let inner: String = serde_json::from_slice(bytes)
                    .map_err(|source| failure("decode", "not JSON in JSON").with_source(source))?;
                serde_json::from_str(&inner).map_err(mismatch)
            }
            _ => Err(failure("decode", "not stored as JSON")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::record::{StoredAnswer, StoredFailure};
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn one_format_is_never_taken_for_the_other() -> Result<()> {
        assert!(Json.decode::<u32>(&Bincode.encode(&5_u32)?).is_err());
        assert!(Bincode.decode::<u32>(&Json.encode(&5_u32)?).is_err());
        assert!(Json.decode::<u32>(b"").is_err());
        Ok(())
    }

    #[test]
    fn left_over_bytes_are_an_error() -> Result<()> {
        let mut bytes = Bincode.encode(&5_u32)?.to_vec();
        bytes.push(0);
        assert!(Bincode.decode::<u32>(&bytes).is_err());
        Ok(())
    }

    /// Bytes written by the first version of each format must stay readable.
    #[test]
    fn stored_formats_do_not_change() -> Result<()> {
        assert_eq!(
            &Bincode.encode(&(300_u16, "é"))?[..],
            b"\x01\xfb\x2c\x01\x02\xc3\xa9"
        );
        assert_eq!(
            &Json.encode(&json!({"a": [1, null]}))?[..],
            b"\x02{\"a\":[1,null]}"
        );
        let record = StoredAnswer {
            fetched_at: Timestamp::from_millis(1),
            fresh_until: Timestamp::from_millis(2),
            body: Bytes::from_static(b"{}"),
        };
        let bytes = Bytes::from_static(b"\x01\x02\x04\x02{}");
        assert_eq!(record.encode()?, bytes);
        assert_eq!(StoredAnswer::decode(&bytes)?, record);
        assert!(StoredFailure::decode(&bytes).is_none());

        let failure = StoredFailure {
            failed_at: Timestamp::from_millis(1),
            fresh_until: Timestamp::from_millis(2),
            error: "no".to_owned(),
        };
        let bytes = Bytes::from_static(b"\x03\x02\x04\x02no");
        assert_eq!(failure.encode()?, bytes);
        assert_eq!(StoredFailure::decode(&bytes), Some(failure));
        assert!(StoredAnswer::decode(&bytes).is_err());
        Ok(())
    }

    #[test]
    fn values_of_the_original_packages_are_read() -> Result<()> {
        let stored = br#""{\"id\":0,\"name\":\"Issue 0 \u2014 \u00bd\"}""#;
        let value: Value = Json.decode(stored)?;
        assert_eq!(value["name"], "Issue 0 — ½");
        Ok(())
    }
}
