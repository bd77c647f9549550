//! Stored values: a version, the number of the key, a nonce, the encrypted bytes with their tag.

use std::fmt;

use bytes::Bytes;
use chacha20poly1305::aead::{AeadInOut as _, Generate as _};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use store_core::layer::ValueTransform;
use store_core::{Error, ErrorKind, Key, Result};

use crate::keys::EncryptionKeys;

/// The form of stored values that this version writes.
const VERSION: u8 = 1;
/// The version and the number of the key.
const HEADER_BYTES: usize = 1 + 4;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// By how many bytes a stored value is longer than the value.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/// Encrypts values with the current one of [`EncryptionKeys`], and decrypts them with any. See the crate's
/// documentation.
pub struct Encryption {
    /// The current one first.
    ciphers: Vec<(u32, XChaCha20Poly1305)>,
}

impl Encryption {
    /// Encryption with these keys.
    #[must_use]
    pub fn new(keys: EncryptionKeys) -> Self {
        let keys = keys.into_keys().into_iter();
        let ciphers =
            keys.map(|(number, key)| (number, XChaCha20Poly1305::new(key.as_bytes().into())));
        Self {
            ciphers: ciphers.collect(),
        }
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<u32> = self.ciphers.iter().map(|(number, _)| *number).collect();
        f.debug_struct("Encryption")
            .field("keys", &numbers)
            .finish()
    }
}

fn corrupt(detail: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "encryption", "decrypt").with_detail(detail)
}

/// What a tag covers beside the value: the header, and the key of the entry.
fn bound_to(header: &[u8], key: &Key) -> Vec<u8> {
    [header, key.as_str().as_bytes()].concat()
}

impl ValueTransform for Encryption {
    fn encode(&self, key: &Key, value: Bytes) -> Result<Bytes> {
        let failed = || Error::new(ErrorKind::Codec, "encryption", "encrypt");
        let Some((number, cipher)) = self.ciphers.first() else {
            return Err(failed());
        };
        let nonce = XNonce::try_generate().map_err(|source| failed().with_source(source))?;
        let mut stored = Vec::with_capacity(value.len() + OVERHEAD_BYTES);
        stored.push(VERSION);
        stored.extend_from_slice(&number.to_be_bytes());
        let bound = bound_to(&stored, key);
        stored.extend_from_slice(&nonce);
        let start = stored.len();
        stored.extend_from_slice(&value);
        let tag = cipher
            .encrypt_inout_detached(&nonce, &bound, stored.split_at_mut(start).1.into())
            .map_err(|_| failed().with_detail("the value is too long"))?;
        stored.extend_from_slice(&tag);
        Ok(stored.into())
    }

    fn decode(&self, key: &Key, stored: Bytes) -> Result<Bytes> {
        let short = || corrupt("the value is shorter than any that was encrypted");
        let (header, rest) = stored.split_at_checked(HEADER_BYTES).ok_or_else(short)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(short)?;
        let (encrypted, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or_else(short)?;
        let (version, number) = header.split_at(1);
        if version != [VERSION] {
            return Err(corrupt(
                "the value was not encrypted, or by another version",
            ));
        }
        let is_its_own = |cipher: &&(u32, XChaCha20Poly1305)| cipher.0.to_be_bytes() == number;
        let Some((_, cipher)) = self.ciphers.iter().find(is_its_own) else {
            return Err(corrupt(
                "the value was encrypted with a key that is not given",
            ));
        };
        let mut value = encrypted.to_vec();
        cipher
            .decrypt_inout_detached(
                nonce.into(),
                &bound_to(header, key),
                value.as_mut_slice().into(),
                tag.into(),
            )
            .map_err(|_| {
                corrupt("the value is damaged, of another entry, or of another key of this number")
            })?;
        Ok(value.into())
    }
}
