//! The cache: values of an origin whose versions only rise, and values that must stay.

mod judge;
mod load;
mod origin;

use serde::{Deserialize, Serialize};

pub(in crate::soak) use self::judge::{Tally, judge};
pub(in crate::soak) use self::load::run;
pub(in crate::soak) use self::origin::Origin;

/// What a worker tells.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::soak) enum Event {
    /// A value was read; before that, everything below `floor` had been invalidated.
    Hit {
        key: usize,
        version: Option<u64>,
        floor: u64,
    },
    /// A fill was dropped because of an invalidation or a later fill.
    Outdated,
    /// A value that must stay is about to be stored, or removed.
    Will { key: String, value: Option<u64> },
    /// It was.
    Did { key: String, value: Option<u64> },
    /// It was read.
    Found { key: String, value: Option<u64> },
}

/// Stored bytes that tell their version, and whether they are whole.
pub(in crate::soak) fn encode(version: u64) -> Vec<u8> {
    let mut bytes = version.to_be_bytes().to_vec();
    bytes.resize(length(version), version.to_le_bytes()[0]);
    bytes
}

/// The version of bytes that are whole.
pub(in crate::soak) fn decode(bytes: &[u8]) -> Option<u64> {
    let version = u64::from_be_bytes(*bytes.first_chunk()?);
    (bytes == encode(version)).then_some(version)
}

fn length(version: u64) -> usize {
    const LONGEST: u64 = 6_000;
    8 + usize::try_from(version.wrapping_mul(2_654_435_761) % LONGEST).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_whole_have_no_version() {
        let bytes = encode(77);
        assert_eq!(decode(&bytes), Some(77));
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(b"?"), None);
    }
}
