//! What a rate limit counts.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::key::check_text;

/// What a rate limit counts: one path of one API under one key, or the key itself.
///
/// Built with [`Resource::new`], it holds origin, key fingerprint and path, so that two servers or
/// two keys never share a budget. Any other name is a resource too; the original packages' files
/// hold plain ones such as `issues`.
///
/// # Invariants
/// - not empty, at most [`MAX_KEY_BYTES`](crate::MAX_KEY_BYTES) bytes, no control character.
///
/// Cloning is cheap.
///
/// ```
/// use store_core::Resource;
///
/// let key = Resource::new("https://comicvine.gamespot.com", "1f0c", "")?;
/// let issues = Resource::new("https://comicvine.gamespot.com", "1f0c", "issues")?;
/// assert_eq!(issues.to_string(), "https://comicvine.gamespot.com#1f0c/issues");
/// assert_ne!(key, issues);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(Arc<str>);

impl Resource {
    /// The budget of `path` at `origin` for the key with this fingerprint.
    ///
    /// An empty path names the key as a whole. Pass a fingerprint, never the key itself.
    ///
    /// # Errors
    /// `InvalidInput` if origin or fingerprint is empty or an invariant does not hold.
    pub fn new(origin: &str, key_fingerprint: &str, path: &str) -> Result<Self> {
        if origin.is_empty() || key_fingerprint.is_empty() {
            return Err(Error::invalid(
                "resource",
                "needs an origin and a key fingerprint",
            ));
        }
        let path = path.trim_matches('/');
        let separator = if path.is_empty() { "" } else { "/" };
        Self::named(&format!("{origin}#{key_fingerprint}{separator}{path}"))
    }

    /// The resource with this very name.
    ///
    /// # Errors
    /// `InvalidInput` if an invariant does not hold.
    pub fn named(name: &str) -> Result<Self> {
        check_text("resource", name)?;
        Ok(Self(name.into()))
    }

    /// The resource as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
