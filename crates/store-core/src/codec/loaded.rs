//! The record of a value that a read-through cache loaded: its times, its tags, and its bytes as they are.
//!
//! Layout: its own format byte, then bincode's tuple `(loaded_at, fresh_until, load_micros, tags, value)`. The
//! tags are one text with a line for each, because a tag holds no control character and a length that is damaged
//! must not allocate. No value means that upstream is known to have none.

use std::time::Duration;

use bytes::Bytes;

use super::failure;
use super::record::is_fresh;
use crate::error::Result;
use crate::tag::Tag;
use crate::time::Timestamp;

/// The first byte of the record.
const LOADED: u8 = 4;

/// The record's fields, in the order of its layout.
type Fields<'a> = (i64, i64, u64, &'a str, Option<&'a [u8]>);

/// A value as a read-through cache keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredValue {
    /// When its load began.
    pub(crate) loaded_at: Timestamp,
    /// From this moment on it is stale; `None` if it never is.
    pub(crate) fresh_until: Option<Timestamp>,
    /// How long its load took, to the microsecond.
    pub(crate) load_time: Duration,
    pub(crate) tags: Vec<Tag>,
    /// The encoded value; `None` if upstream is known to have none.
    pub(crate) value: Option<Bytes>,
}

impl StoredValue {
    /// Whether it is fresh at `now`, by the same rule as the pipeline's answers.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        is_fresh(
            self.loaded_at,
            self.fresh_until.unwrap_or(Timestamp::MAX),
            now,
        )
    }

    pub(crate) fn encode(&self) -> Result<Bytes> {
        let tags: Vec<_> = self.tags.iter().map(Tag::as_str).collect();
        let tags = tags.join("\n");
        let fields: Fields<'_> = (
            self.loaded_at.as_millis(),
            self.fresh_until.unwrap_or(Timestamp::MAX).as_millis(),
            u64::try_from(self.load_time.as_micros()).unwrap_or(u64::MAX),
            &*tags,
            self.value.as_deref(),
        );
        let value_bytes = self.value.as_ref().map_or(0, Bytes::len);
        // Three integers and two lengths of at most nine bytes, two more bytes.
        let mut bytes = Vec::with_capacity(tags.len() + value_bytes + 48);
        bytes.push(LOADED);
        bincode::encode_into_std_write(fields, &mut bytes, bincode::config::standard())
            .map_err(|source| failure("encode", "loaded value").with_source(source))?;
        Ok(bytes.into())
    }

    /// Reads what [`encode`](Self::encode) wrote; the value shares its memory.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Self> {
        let Some((&LOADED, fields)) = bytes.split_first() else {
            return Err(failure("decode", "not stored by a read-through cache"));
        };
        let (fields, _): (Fields<'_>, usize) =
            bincode::borrow_decode_from_slice(fields, bincode::config::standard())
                .map_err(|source| failure("decode", "loaded value").with_source(source))?;
        let (loaded_at, fresh_until, load_micros, tags, value) = fields;
        let fresh_until = Timestamp::from_millis(fresh_until);
        Ok(Self {
            loaded_at: Timestamp::from_millis(loaded_at),
            fresh_until: (fresh_until != Timestamp::MAX).then_some(fresh_until),
            load_time: Duration::from_micros(load_micros),
            tags: tags.lines().map(Tag::new).collect::<Result<_>>()?,
            value: value.map(|value| bytes.slice_ref(value)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn record() -> StoredValue {
        StoredValue {
            loaded_at: Timestamp::from_millis(1),
            fresh_until: Some(Timestamp::from_millis(2)),
            load_time: Duration::from_micros(3),
            tags: vec![Tag::new("a").unwrap(), Tag::new("é").unwrap()],
            value: Some(Bytes::from_static(b"\x02{}")),
        }
    }

    /// Bytes written by the first version must stay readable.
    #[test]
    fn the_stored_format_does_not_change() -> Result<()> {
        let bytes = Bytes::from_static(b"\x04\x02\x04\x03\x04a\n\xc3\xa9\x01\x03\x02{}");
        assert_eq!(record().encode()?, bytes);
        assert_eq!(StoredValue::decode(&bytes)?, record());
        Ok(())
    }

    #[test]
    fn absent_and_indefinite_are_kept() -> Result<()> {
        let absent = StoredValue {
            fresh_until: None,
            tags: Vec::new(),
            value: None,
            ..record()
        };
        let read = StoredValue::decode(&absent.encode()?)?;
        assert_eq!(read, absent);
        assert!(read.is_fresh(Timestamp::from_millis(i64::MAX - 1)));
        Ok(())
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        let whole = record().encode().unwrap();
        for length in 0..whole.len() {
            assert!(StoredValue::decode(&whole.slice(..length)).is_err());
        }
        // A length that no memory holds.
        let long = Bytes::from_static(b"\x04\x02\x04\x03\xfd\xff\xff\xff\xff\xff\xff\xff\x7f");
        assert!(StoredValue::decode(&long).is_err());
        assert!(StoredValue::decode(&Bytes::from_static(b"\x02{}")).is_err());
    }

    #[test]
    fn a_value_from_the_future_is_not_fresh_beyond_a_minute() {
        let now = Timestamp::from_millis(1_000_000);
        let ahead = |by: Duration| StoredValue {
            loaded_at: now + by,
            fresh_until: Some(now + by + SECOND),
            ..record()
        };
        assert!(ahead(SECOND * 59).is_fresh(now));
        assert!(!ahead(SECOND * 61).is_fresh(now));
    }
}
