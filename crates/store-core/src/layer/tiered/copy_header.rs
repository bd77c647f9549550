//! The form in which the inner store keeps a copy: what is known of it, then the value.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::validity::Mark;
use crate::cache::Entry;
use crate::time::Timestamp;

/// The bytes before the value.
pub(super) const HEADER_BYTES: usize = 41;

/// The first byte of a copy of this form that has an expiry, and of one that has none.
const EXPIRES: u8 = 1;
const NEVER: u8 = 2;

/// What is known of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyHeader {
    /// Taken before the value was read.
    pub(super) mark: Mark,
    /// The reading of the monotonic clock when the read of the value began.
    pub(super) read_began: Duration,
}

impl CopyHeader {
    /// The copy of an entry.
    pub(super) fn encode(self, entry: &Entry) -> Bytes {
        let mut copy = BytesMut::with_capacity(HEADER_BYTES + entry.value.len());
        copy.put_u8(entry.expires_at.map_or(NEVER, |_| EXPIRES));
        copy.put_u64_le(self.mark.generation);
        copy.put_u64_le(self.mark.incomplete);
        copy.put_u64_le(nanos(self.read_began));
        copy.put_i64_le(entry.created_at.as_millis());
        copy.put_i64_le(entry.expires_at.map_or(0, Timestamp::as_millis));
        copy.put_slice(&entry.value);
        copy.freeze()
    }

    /// The entry of a copy, without copying its value; `None` if it is not of this form.
    pub(super) fn decode(mut copy: Bytes) -> Option<(Self, Entry)> {
        let head = copy.first_chunk::<HEADER_BYTES>()?;
        let expires_at = match head[0] {
            EXPIRES => Some(timestamp(head, 33)),
            NEVER => None,
            _ => return None,
        };
        let header = Self {
            mark: Mark {
                generation: word(head, 1),
                incomplete: word(head, 9),
            },
            read_began: Duration::from_nanos(word(head, 17)),
        };
        let created_at = timestamp(head, 25);
        copy.advance(HEADER_BYTES);
        Some((header, Entry::new(copy, created_at, expires_at)))
    }
}

fn word(head: &[u8; HEADER_BYTES], at: usize) -> u64 {
    let bytes = head.get(at..at + 8).and_then(|word| word.try_into().ok());
    u64::from_le_bytes(bytes.unwrap_or_default())
}

fn timestamp(head: &[u8; HEADER_BYTES], at: usize) -> Timestamp {
    Timestamp::from_millis(word(head, at).cast_signed())
}

/// A reading of the monotonic clock in nanoseconds: enough for 584 years.
pub(super) fn nanos(reading: Duration) -> u64 {
    u64::try_from(reading.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_decoded_as_what_was_encoded() {
        let header = CopyHeader {
            mark: Mark {
                generation: u64::MAX,
                incomplete: 3,
            },
            read_began: Duration::new(7, 9),
        };
        for expires_at in [None, Some(0), Some(-5), Some(i64::MAX)] {
            let expires_at = expires_at.map(Timestamp::from_millis);
            for value in ["", "Saga"] {
                let entry = Entry::new(value.into(), Timestamp::from_millis(-1), expires_at);
                assert_eq!(
                    CopyHeader::decode(header.encode(&entry)),
                    Some((header, entry))
                );
            }
        }
    }

    #[test]
    fn what_is_no_copy_is_not_decoded() {
        for other in [
            Bytes::new(),
            Bytes::from(vec![9; 100]),
            Bytes::from(vec![1; 40]),
        ] {
            assert_eq!(CopyHeader::decode(other), None);
        }
    }
}
