//! Fingerprints of API keys, used wherever a key is counted or shown.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A fingerprint of an API key, which does not reveal it: the start of its SHA-256.
///
/// ```
/// use comicvine_fake::KeyFingerprint;
///
/// let fingerprint = KeyFingerprint::of("secret").to_string();
/// assert_eq!(fingerprint, "2bb80d537b1da3e3");
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
