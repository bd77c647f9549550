//! The API key in the platform's keyring: Keychain, Credential Manager, or the Secret Service. Only this module names
//! the crate. Its calls block.

use std::sync::Arc;

use comicvine_client::ApiKey;
use keyring::Error as KeyringError;

use crate::error::Error;

const SERVICE: &str = "comicvine";
const USER: &str = "api-key";

const HELP: &str =
    "set COMIC_VINE_API_KEY, or name a file that holds only the key with --api-key-file";

/// The entry of the key.
pub(crate) struct Keyring(Arc<keyring::Entry>);

impl Keyring {
    pub(crate) fn open() -> Result<Self, Error> {
        let entry = keyring::Entry::new(SERVICE, USER).map_err(unusable)?;
        Ok(Self(Arc::new(entry)))
    }

    /// The key, if there is one.
    pub(crate) fn key(&self) -> Result<Option<ApiKey>, Error> {
        match self.0.get_password() {
            Ok(text) => Ok(Some(ApiKey::new(text)?)),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(unusable(error)),
        }
    }

    /// Keeps the key `text`, in place of an older one.
    pub(crate) fn set(&self, text: &str) -> Result<(), Error> {
        ApiKey::new(text)?;
        self.0.set_password(text.trim()).map_err(unusable)
    }

    /// Removes the key; returns whether there was one.
    pub(crate) fn delete(&self) -> Result<bool, Error> {
        match self.0.delete_credential() {
            Ok(()) => Ok(true),
            Err(KeyringError::NoEntry) => Ok(false),
            Err(error) => Err(unusable(error)),
        }
    }
}

/// The error of a keyring that cannot be used, without the bytes that some errors hold.
fn unusable(error: KeyringError) -> Error {
    let holds_bytes = matches!(
        error,
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..)
    );
    let error = if holds_bytes {
        std::io::Error::other("what it holds is no key")
    } else {
        std::io::Error::other(error)
    };
    Error::failed(Unusable(error)).with_help(HELP)
}

#[derive(Debug)]
struct Unusable(std::io::Error);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot use the platform's keyring")
    }
}

impl std::error::Error for Unusable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "5ecre7c0ffee5ecre7c0ffee5ecre7c0ffee5ecr";

    /// A keyring in memory.
    fn mock() -> Keyring {
        let store: Arc<keyring_core::CredentialStore> = keyring_core::mock::Store::new().unwrap();
        let inner = keyring_core::Entry::new_in_store(&store, SERVICE, USER).unwrap();
        Keyring(Arc::new(keyring::Entry { inner }))
    }

    #[test]
    fn key_is_kept_and_removed() {
        let keyring = mock();
        assert!(keyring.key().unwrap().is_none());
        assert!(!keyring.delete().unwrap());
        keyring.set(&format!("{KEY}\n")).unwrap();
        let kept = keyring.key().unwrap().unwrap();
        assert_eq!(kept.fingerprint(), ApiKey::new(KEY).unwrap().fingerprint());
        assert!(keyring.delete().unwrap());
        assert!(keyring.key().unwrap().is_none());
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let keyring = mock();
        keyring.set(KEY).unwrap();
        let error = keyring.set("5ecre7 key").unwrap_err().message().unwrap();
        assert!(
            error.contains("malformed") && !error.contains("5ecre7"),
            "{error}"
        );
        assert!(keyring.key().unwrap().is_some());
        let bytes = KEY.as_bytes().to_vec();
        let error = unusable(KeyringError::BadEncoding(bytes));
        let (shown, debug) = (error.message().unwrap(), format!("{error:?}"));
        assert!(shown.contains("COMIC_VINE_API_KEY"), "{shown}");
        assert!(!debug.contains("53, 101"), "{debug}");
    }
}
