//! What stands for an API key wherever one is counted or shown.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Tells two API keys apart without revealing either: the start of the key's SHA-256.
///
/// ```
/// use comicvine_fake::KeyFingerprint;
///
/// let shown = KeyFingerprint::of("secret").to_string();
/// assert_eq!(shown, "2bb80d537b1da3e3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct KeyFingerprint(String);

impl KeyFingerprint {
    /// The fingerprint of `key`.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let digest = Sha256::digest(key.as_bytes());
        let start = digest
            .iter()
            .take(8)
            .fold(0, |start: u64, byte| start << 8 | u64::from(*byte));
        Self(format!("{start:016x}"))
    }
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
