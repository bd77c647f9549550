//! Keys: they are never shown, and wiped from memory.

use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;

use chacha20poly1305::aead::Generate as _;
use store_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;

/// A secret key of 256 bits. `Debug` does not show it, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; KEY_BYTES]>);

impl EncryptionKey {
    /// The key with these bytes. They should come from a generator of random numbers, such as `openssl rand`.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new key of the operating system's random numbers.
    ///
    /// # Errors
    /// `Unavailable` if the system has none.
    pub fn generate() -> Result<Self> {
        let bytes = <[u8; KEY_BYTES]>::try_generate().map_err(|source| {
            Error::new(ErrorKind::Unavailable, "encryption", "generate").with_source(source)
        })?;
        Ok(Self::from_bytes(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

/// A text is not a key of 64 hexadecimal digits. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an encryption key has 64 hexadecimal digits; `openssl rand -hex 32` prints one",
        )
    }
}

impl StdError for InvalidKey {}

/// Reads 64 hexadecimal digits.
impl FromStr for EncryptionKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let mut key = Self::from_bytes([0; KEY_BYTES]);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != KEY_BYTES || !rest.is_empty() {
            return Err(InvalidKey);
        }
        for (byte, pair) in key.0.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(InvalidKey);
            let (high, low) = (digit(pair[0])?, digit(pair[1])?);
            *byte = u8::try_from(high << 4 | low).map_err(|_| InvalidKey)?;
        }
        Ok(key)
    }
}

/// The key that values are encrypted with, and those that they may have been encrypted with before. Each has a number,
/// which is stored with the value: never give it to another key.
#[derive(Clone, Debug)]
pub struct EncryptionKeys {
    /// The current one first.
    keys: Vec<(u32, EncryptionKey)>,
}

impl EncryptionKeys {
    /// One key, with its number.
    #[must_use]
    pub fn new(number: u32, key: EncryptionKey) -> Self {
        Self {
            keys: vec![(number, key)],
        }
    }

    /// Adds a key that is only read with. If the number is taken already, the key that took it stays.
    #[must_use]
    pub fn with_previous(mut self, number: u32, key: EncryptionKey) -> Self {
        self.keys.push((number, key));
        self
    }

    pub(crate) fn into_keys(self) -> Vec<(u32, EncryptionKey)> {
        self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

    #[test]
    fn a_key_is_read_from_64_digits_and_from_nothing_else() {
        let key: EncryptionKey = HEX.parse().unwrap();
        let expected: Vec<u8> = (0..32).collect();
        assert_eq!(key.as_bytes().as_slice(), expected);
        for wrong in [
            "",
            &HEX[1..],
            &HEX[2..],
            &format!("{HEX}00"),
            &HEX.replace('A', "g"),
        ] {
            assert_eq!(wrong.parse::<EncryptionKey>().unwrap_err(), InvalidKey);
        }
    }

    #[test]
    fn no_key_is_shown() {
        let keys = EncryptionKeys::new(7, HEX.parse().unwrap());
        assert_eq!(
            format!("{keys:?}"),
            "EncryptionKeys { keys: [(7, EncryptionKey(..))] }"
        );
        assert!(!InvalidKey.to_string().contains("0001"));
    }

    #[test]
    fn generated_keys_differ() {
        let [one, two] = [(); 2].map(|()| EncryptionKey::generate().unwrap());
        assert_ne!(one.as_bytes(), two.as_bytes());
    }
}
