//! Keys of cached values and jobs, and the scopes that group them.

mod builder;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use self::builder::KeyBuilder;
use crate::error::{Error, Result};

/// The longest key or tag, in bytes.
pub const MAX_KEY_BYTES: usize = 512;

/// Checks the invariants that keys, tags and resources share.
pub(crate) fn check_text(what: &'static str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(what, "must not be empty"));
    }
    if text.len() > MAX_KEY_BYTES {
        let detail = format!("has {} bytes; at most {MAX_KEY_BYTES} fit", text.len());
        return Err(Error::invalid(what, detail));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(what, "must not contain control characters"));
    }
    Ok(())
}

/// The part of a key before its first colon; [`clear`](crate::CacheStore::clear) works on it.
///
/// # Invariants
/// - not empty, no colon, no control character, at most [`MAX_KEY_BYTES`] bytes.
///
/// ```
/// use store_core::Scope;
/// assert_eq!(Scope::new("comics")?.as_str(), "comics");
/// assert!(Scope::new("comics:new").is_err());
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Arc<str>);

impl Scope {
    /// Parses a scope.
    ///
    /// # Errors
    /// `InvalidInput` if an invariant does not hold.
    pub fn new(name: impl AsRef<str>) -> Result<Self> {
        let name = name.as_ref();
        check_text("scope", name)?;
        if name.contains(':') {
            return Err(Error::invalid("scope", "must not contain a colon").with_key(name));
        }
        Ok(Self(name.into()))
    }

    /// The scope as text, without its colon.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key `scope:rest`.
    ///
    /// # Errors
    /// `InvalidInput` if the result breaks an invariant of [`Key`].
    pub fn key(&self, rest: &str) -> Result<Key> {
        Key::new(format!("{self}:{rest}"))
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Scope {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a cached value or a job: `scope:rest`.
///
/// A text without a colon is a key of no scope. Files of the original packages hold such keys, and
/// only clearing everything reaches them.
///
/// # Invariants
/// - not empty, at most [`MAX_KEY_BYTES`] bytes, no control character;
/// - compared byte by byte: `a:B` and `a:b` are two keys, and `_` and `%` mean themselves.
///
/// Cloning is cheap.
///
/// ```
/// use store_core::Key;
///
/// let key = Key::new("comics:issue/4000-1")?;
/// assert_eq!(key.scope(), Some("comics"));
/// assert!(Key::new("").is_err());
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Parses a key.
    ///
    /// # Errors
    /// `InvalidInput` if an invariant does not hold.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        check_text("key", text)?;
        Ok(Self(text.into()))
    }

    /// The whole key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first colon, if there is one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        match self.0.split_once(':') {
            Some(("", _)) | None => None,
            Some((scope, _)) => Some(scope),
        }
    }

    /// Whether the key belongs to `scope`.
    #[must_use]
    pub fn is_in(&self, scope: &Scope) -> bool {
        self.scope() == Some(scope.as_str())
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Key {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys that an operation applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every key.
    All,
    /// The keys of one scope.
    Scope(Scope),
}

impl Selection {
    /// Whether `key` is selected.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::Scope(scope) => key.is_in(scope),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers("T21")
    #[test]
    fn keys_that_could_confuse_a_backend_are_refused() {
        for text in ["", "a:\n", "a:\0", &"x".repeat(MAX_KEY_BYTES + 1)] {
            assert!(Key::new(text).is_err(), "{text:?}");
        }
        assert!(Key::new("x".repeat(MAX_KEY_BYTES)).is_ok());
    }

    #[test]
    fn scope_is_matched_whole_and_literally() -> Result<()> {
        let scope = Scope::new("a_b")?;
        assert!(Key::new("a_b:1")?.is_in(&scope));
        for other in ["aXb:1", "A_B:1", "a_bc:1", "a_b"] {
            assert!(!Key::new(other)?.is_in(&scope), "{other}");
        }
        Ok(())
    }
}
