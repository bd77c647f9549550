//! The API key, a secret that only the transport reads.

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The environment variable [`ApiKey::from_env`] reads.
pub const API_KEY_VARIABLE: &str = "COMIC_VINE_API_KEY";

const KEY_PAGE: &str = "https://comicvine.gamespot.com/api/";

/// A Comic Vine API key.
///
/// Neither `Debug` nor any error shows it; stored names contain its
/// [`fingerprint`](Self::fingerprint) instead.
///
/// ```
/// use comicvine_client::ApiKey;
///
/// let key = ApiKey::new("0123456789abcdef0123456789abcdef01234567")?;
/// assert_eq!(format!("{key:?}"), format!("ApiKey({})", key.fingerprint()));
/// # Ok::<(), comicvine_client::InvalidApiKey>(())
/// ```
#[derive(Clone)]
pub struct ApiKey {
    secret: SecretString,
}

impl ApiKey {
    /// A key from a string, trimmed.
    ///
    /// # Errors
    /// [`InvalidApiKey::Malformed`] if it is empty or has characters other than ASCII letters,
    /// digits, `-` and `_`.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidApiKey> {
        let secret = SecretString::from(key.into());
        let key = secret.expose_secret().trim();
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if key.is_empty() || !key.bytes().all(is_valid) {
            return Err(InvalidApiKey::Malformed);
        }
        Ok(Self {
            secret: SecretString::from(key),
        })
    }

    /// The key in the environment variable `COMIC_VINE_API_KEY`.
    ///
    /// # Errors
    /// [`InvalidApiKey::NotSet`] if the variable is absent or empty, [`InvalidApiKey::Malformed`] if
    /// it is not a valid key.
    pub fn from_env() -> Result<Self, InvalidApiKey> {
        match std::env::var(API_KEY_VARIABLE) {
            Ok(key) if !key.trim().is_empty() => Self::new(key),
            Ok(_) | Err(std::env::VarError::NotPresent) => Err(InvalidApiKey::NotSet),
            Err(std::env::VarError::NotUnicode(_)) => Err(InvalidApiKey::Malformed),
        }
    }

    /// The key in a file that contains nothing else, such as a container's secret.
    ///
    /// # Errors
    /// [`InvalidApiKey::Unreadable`] if the file cannot be read as text, [`InvalidApiKey::Malformed`]
    /// if it is not a valid key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, InvalidApiKey> {
        let path = path.as_ref();
        let key = std::fs::read_to_string(path).map_err(|source| InvalidApiKey::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::new(key)
    }

    /// Eight hexadecimal digits that identify the key without revealing it.
    ///
    /// The first 32 bits of a SHA-256 over a fixed label and the key. Stored budgets are named by it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(b"comicvine-client api key v1\0")
            .chain_update(self.secret.expose_secret())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
    }

    /// `body` without the key, if the server has put it there: some repeat the URL of the request in errors. A key of
    /// a few characters, as for test servers, may be part of any text, and stays.
    pub(crate) fn removed_from(&self, body: &[u8]) -> Option<Bytes> {
        const MIN_LENGTH: usize = 16;
        const REPLACEMENT: &[u8] = b"(api key)";
        let key = self.expose();
        if key.len() < MIN_LENGTH {
            return None;
        }
        if !String::from_utf8_lossy(body).contains(key) {
            return None;
        }
        // By bytes: what is not UTF-8 around it is read as Latin-1 later.
        let (mut removed, mut rest) = (Vec::with_capacity(body.len()), body);
        while let Some(at) = rest
            .windows(key.len())
            .position(|part| part == key.as_bytes())
        {
            removed.extend_from_slice(&rest[..at]);
            removed.extend_from_slice(REPLACEMENT);
            rest = &rest[at + key.len()..];
        }
        removed.extend_from_slice(rest);
        Some(removed.into())
    }

    /// The key itself, only for the query of a request.
    pub(crate) fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.fingerprint())
    }
}

/// The error of reading an API key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiKey {
    /// The environment variable is absent or empty.
    #[error("no api key: set {API_KEY_VARIABLE} to the key shown at {KEY_PAGE}")]
    NotSet,
    /// The text is not a valid key.
    #[error("the api key is malformed: copy it from {KEY_PAGE}, letters and digits only")]
    Malformed,
    /// The key file cannot be read.
    #[error("cannot read the api key from {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

    #[test]
    fn debug_shows_the_fingerprint_and_never_the_key() {
        let key = ApiKey::new(KEY).unwrap();
        assert_eq!(key.fingerprint().len(), 8);
        assert!(!format!("{key:?}").contains("c0ffee"));
        assert_ne!(
            key.fingerprint(),
            ApiKey::new("other").unwrap().fingerprint()
        );
    }

    #[test]
    fn key_file_may_end_with_a_newline() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{KEY}\r\n")).unwrap();
        assert_eq!(ApiKey::from_file(file.path()).unwrap().expose(), KEY);
    }

    #[test]
    fn invalid_keys_are_refused_without_being_repeated() {
        for bad in ["", "  ", "c0ffee c0ffee", "c0ffee&x=1", "c0ffeé"] {
            let error = ApiKey::new(bad).unwrap_err();
            assert!(matches!(error, InvalidApiKey::Malformed));
            assert!(!error.to_string().contains("c0ffe"));
        }
    }

    #[test]
    fn missing_key_file_is_named() {
        let error = ApiKey::from_file("/nowhere/key").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the api key from /nowhere/key"
        );
    }

    #[test]
    fn nothing_but_the_key_is_removed() {
        let key = ApiKey::new("0123456789abcdef").unwrap();
        let body = b"\xe9 key=0123456789abcdef, 0123456789abcde \xff0123456789abcdef";
        let removed = key.removed_from(body).unwrap();
        let expected = b"\xe9 key=(api key), 0123456789abcde \xff(api key)";
        assert_eq!(&removed[..], expected);
        assert!(key.removed_from(b"\xe9 0123456789abcde").is_none());
    }
}
