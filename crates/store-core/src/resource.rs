//! Resources: what a rate limit counts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::key::check_text;

/// What a rate limit counts: a path of an API under a key, a key, or anything else with a name.
///
/// # Invariants
/// - not empty, at most [`MAX_KEY_BYTES`](crate::MAX_KEY_BYTES) bytes, no control character.
///
/// Cloning is cheap.
///
/// ```
/// use store_core::Resource;
///
/// let issues = Resource::new("issues")?;
/// assert_eq!(issues.as_str(), "issues");
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(Arc<str>);

impl Resource {
    /// The resource with this name.
    ///
    /// # Errors
    /// `InvalidInput` if an invariant does not hold.
    pub fn new(name: impl AsRef<str>) -> Result<Self> {
        let name = name.as_ref();
        check_text("resource", name)?;
        Ok(Self(name.into()))
    }

    /// The budget of `path` at `origin` for the key with this fingerprint; an empty path names the key
    /// as a whole. Two servers or two keys never share a budget. Pass a fingerprint, never the key
    /// itself.
    ///
    /// ```
    /// use store_core::Resource;
    ///
    /// let issues = Resource::api("https://comicvine.gamespot.com", "1f0c", "issues")?;
    /// assert_eq!(issues.to_string(), "https://comicvine.gamespot.com#1f0c/issues");
    /// # Ok::<(), store_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if origin or fingerprint is empty or an invariant does not hold.
    pub fn api(origin: &str, key_fingerprint: &str, path: &str) -> Result<Self> {
        if origin.is_empty() || key_fingerprint.is_empty() {
            return Err(Error::invalid(
                "resource",
                "needs an origin and a key fingerprint",
            ));
        }
        let path = path.trim_matches('/');
        let separator = if path.is_empty() { "" } else { "/" };
        Self::new(format!("{origin}#{key_fingerprint}{separator}{path}"))
    }

    /// The resource as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Resource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Resource {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
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
