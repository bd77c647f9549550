//! Keys of targets and of request fields, salted so that nobody can guess a secret from them.

use std::fmt;
use std::io::Write;

use http::Uri;
use sha2::{Digest, Sha256};
use store_core::{Random, SystemRandom};

/// The random prefix of everything that a store hashes for its keys.
///
/// A plain hash of a target with a short secret in its query could be guessed by trying all secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 16]);

/// The key of a target: the salted hash of the whole URL, before redaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey([u8; 16]);

impl Salt {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        let (first, second) = (SystemRandom.next_u64(), SystemRandom.next_u64());
        Self((u128::from(first) << 64 | u128::from(second)).to_be_bytes())
    }

    /// A stored one.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key of a target.
    ///
    /// ```
    /// use http::Uri;
    /// use http_cache_db::Salt;
    ///
    /// let target = Uri::from_static("http://example.org/issues?page=2");
    /// let salt = Salt::random();
    /// assert_eq!(salt.target_key(&target), salt.target_key(&target));
    /// assert_ne!(salt.target_key(&target), Salt::random().target_key(&target));
    /// ```
    #[must_use]
    pub fn target_key(&self, target: &Uri) -> TargetKey {
        let mut hasher = self.hasher();
        // Writing to a hasher does not fail.
        let _infallible = write!(hasher, "{target}");
        TargetKey(first_bytes(hasher))
    }

    /// The key of what has these names, which is that of no target: a target begins with its scheme and a colon.
    pub(crate) fn key_of(&self, names: &[&str]) -> TargetKey {
        let mut hasher = self.hasher();
        for name in names {
            hasher.update(name);
            hasher.update("\0");
        }
        TargetKey(first_bytes(hasher))
    }

    /// A hash that begins with the salt.
    pub(crate) fn hasher(&self) -> Sha256 {
        Sha256::new_with_prefix(self.0)
    }
}

/// The first bytes of a digest.
pub(crate) fn first_bytes<const N: usize>(hasher: Sha256) -> [u8; N] {
    let digest = hasher.finalize();
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
}

impl TargetKey {
    /// A stored one.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Does not show the salt.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl fmt::Debug for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetKey({self})")
    }
}

/// In hexadecimal digits.
impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
