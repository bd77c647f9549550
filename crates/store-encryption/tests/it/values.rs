//! What is stored, and what is made of it.

use bytes::Bytes;
use store_core::layer::{Transformed, ValueTransform as _};
use store_core::{CacheStore, CacheStoreExt, ErrorKind, Key, Lookup, NewEntry, Result};
use store_encryption::{Encryption, EncryptionKey, EncryptionKeys, OVERHEAD_BYTES};
use store_memory::MemoryCacheStore;

fn key_of(byte: u8) -> EncryptionKey {
    EncryptionKey::from_bytes([byte; 32])
}

fn encryption(number: u32, byte: u8) -> Encryption {
    Encryption::new(EncryptionKeys::new(number, key_of(byte)))
}

fn name(name: &str) -> Key {
    Key::new(name).expect("a key")
}

fn kind(result: Result<Bytes>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn a_value_of_any_length_comes_back_and_is_not_to_be_seen() -> Result<()> {
    let encryption = encryption(1, 1);
    for len in [0, 1, 31, 64, 100_000] {
        let value = Bytes::from(b"Saga".repeat(len));
        let stored = encryption.encode(&name("a"), value.clone())?;
        assert_eq!(stored.len(), value.len() + OVERHEAD_BYTES);
        assert!(!stored.windows(4).any(|bytes| bytes == b"Saga"));
        assert_eq!(encryption.decode(&name("a"), stored)?, value);
    }
    Ok(())
}

#[test]
fn equal_values_are_stored_differently() -> Result<()> {
    let encryption = encryption(1, 1);
    let stored = || encryption.encode(&name("a"), Bytes::from("Saga"));
    assert_ne!(stored()?, stored()?);
    Ok(())
}

#[test]
fn no_changed_bit_and_no_missing_byte_goes_unnoticed() -> Result<()> {
    let encryption = encryption(1, 1);
    let stored = encryption.encode(&name("a"), Bytes::from("Saga"))?;
    for bit in 0..stored.len() * 8 {
        let mut changed = stored.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let decoded = encryption.decode(&name("a"), changed.into());
        assert_eq!(kind(decoded), Some(ErrorKind::Corrupt), "bit {bit}");
    }
    for len in 0..stored.len() {
        let decoded = encryption.decode(&name("a"), stored.slice(..len));
        assert_eq!(kind(decoded), Some(ErrorKind::Corrupt), "{len} bytes");
    }
    Ok(())
}

#[test]
fn a_value_of_another_entry_is_refused() -> Result<()> {
    let encryption = encryption(1, 1);
    let stored = encryption.encode(&name("a"), Bytes::from("Saga"))?;
    let decoded = encryption.decode(&name("b"), stored);
    assert_eq!(kind(decoded), Some(ErrorKind::Corrupt));
    Ok(())
}

#[test]
fn each_number_stands_for_its_own_key() -> Result<()> {
    let stored = encryption(1, 1).encode(&name("a"), Bytes::from("Saga"))?;
    let decoded = |keys| Encryption::new(keys).decode(&name("a"), stored.clone());
    let current = EncryptionKeys::new(2, key_of(2));
    assert_eq!(kind(decoded(current.clone())), Some(ErrorKind::Corrupt));
    let wrong = current.clone().with_previous(1, key_of(3));
    assert_eq!(kind(decoded(wrong)), Some(ErrorKind::Corrupt));
    let both = current.with_previous(1, key_of(1));
    assert_eq!(decoded(both)?, "Saga");
    Ok(())
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_a_miss_that_a_fill_replaces() -> Result<()> {
    let store = MemoryCacheStore::new();
    let key = name("comics:1");
    store
        .set(NewEntry::unconditional(key.clone(), "plain"))
        .await?;
    let cache = Transformed::new(store.clone(), encryption(1, 1));
    let Lookup::Miss(token) = cache.get(&key).await? else {
        panic!("a value that was not encrypted was served");
    };
    assert_eq!(store.value(&key).await?.as_deref(), Some(&b"plain"[..]));
    cache
        .set(NewEntry::fill(key.clone(), "Saga", token))
        .await?;
    let found = cache.get_many(std::slice::from_ref(&key)).await?;
    assert!(matches!(&found[..], [Lookup::Hit(entry)] if entry.value == "Saga"));
    assert_eq!(cache.clone().unreadable(), 1);
    Ok(())
}

#[test]
fn debug_output_shows_numbers_and_no_keys() {
    assert_eq!(
        format!("{:?}", encryption(9, 77)),
        "Encryption { keys: [9] }"
    );
}
