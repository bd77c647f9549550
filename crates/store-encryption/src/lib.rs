//! Encrypts the values of a cache with XChaCha20-Poly1305, each with a random nonce of 192 bits, under keys that
//! rotate: a [`ValueTransform`](store_core::layer::ValueTransform) for [`Transformed`](store_core::layer::Transformed).
//!
//! Each value is bound to the key of its entry, so that a value that was moved to another key is not served. What is
//! not hidden: keys and tags of entries, times, and how long values are. Compression before encryption tells more by
//! the length where an attacker can choose a part of the value; then leave it out.
//!
//! # Rotation
//!
//! 1. Give every process the new key as a [previous](EncryptionKeys::with_previous) one: all of them can read it.
//! 2. Make it the current one, the old one a previous one: values are written with the new key from now on.
//! 3. When the longest time to live has passed since then, or the cache was cleared, remove the old key.
//!
//! A value whose key is not among those given is a miss.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use store_core::layer::Transformed;
//! use store_core::{CacheStore, CacheStoreExt, Key, NewEntry};
//! use store_encryption::{Encryption, EncryptionKey, EncryptionKeys};
//! use store_memory::MemoryCacheStore;
//!
//! let old: EncryptionKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".parse()?;
//! let new = EncryptionKey::generate()?;
//! let store = MemoryCacheStore::new();
//!
//! let before = Transformed::new(store.clone(), Encryption::new(EncryptionKeys::new(1, old.clone())));
//! let key = Key::new("comics:1")?;
//! before.set(NewEntry::unconditional(key.clone(), "Saga")).await?;
//! assert_ne!(store.value(&key).await?.as_deref(), Some(&b"Saga"[..]));
//!
//! let keys = EncryptionKeys::new(2, new).with_previous(1, old);
//! let after = Transformed::new(store, Encryption::new(keys));
//! assert_eq!(after.value(&key).await?.as_deref(), Some(&b"Saga"[..]));
//! # Ok(())
//! # }
//! ```

mod encryption;
mod keys;

pub use encryption::{Encryption, OVERHEAD_BYTES};
pub use keys::{EncryptionKey, EncryptionKeys, InvalidKey};
