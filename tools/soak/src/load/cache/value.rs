//! Stored bytes that carry their version, and show whether they are whole.

/// The bytes of a version.
pub(crate) fn encode(version: u64) -> Vec<u8> {
    let mut bytes = version.to_be_bytes().to_vec();
    bytes.resize(length(version), version.to_le_bytes()[0]);
    bytes
}

/// The version of bytes that are whole.
pub(crate) fn decode(bytes: &[u8]) -> Option<u64> {
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
