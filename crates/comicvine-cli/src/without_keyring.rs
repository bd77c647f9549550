//! Stands in for the platform's keyring in builds without the feature `keyring`: it holds no key.

use comicvine_client::ApiKey;

use crate::error::Error;

pub(crate) struct Keyring;

impl Keyring {
    pub(crate) fn open() -> Result<Self, Error> {
        Err(Error::usage(
            "this program was built without the feature `keyring`; set COMIC_VINE_API_KEY, or name a file that holds \
             only the key with --api-key-file",
        ))
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the signature of the real one"
    )]
    pub(crate) fn key(&self) -> Result<Option<ApiKey>, Error> {
        Ok(None)
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the signature of the real one"
    )]
    pub(crate) fn set(&self, _text: &str) -> Result<(), Error> {
        Ok(())
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the signature of the real one"
    )]
    pub(crate) fn delete(&self) -> Result<bool, Error> {
        Ok(false)
    }
}
