//! Entries, lookups and checks that the cache cases share.

use bytes::Bytes;
use store_core::{
    CacheStore, CacheStoreExt, FillToken, Key, Lookup, NewEntry, Removal, Result, Tag,
};

pub(super) fn entry(key: &str, value: &'static str) -> Result<NewEntry> {
    Ok(NewEntry::unconditional(Key::new(key)?, value))
}

pub(super) fn tagged(key: &str, value: &'static str, tags: &[&str]) -> Result<NewEntry> {
    let tags: Vec<Tag> = tags.iter().map(Tag::new).collect::<Result<_>>()?;
    Ok(entry(key, value)?.with_tags(tags))
}

pub(super) async fn value(cache: &impl CacheStore, key: &str) -> Result<Option<Bytes>> {
    cache.value(&Key::new(key)?).await
}

/// Which of `keys` hold a value.
pub(super) async fn present<'a>(cache: &impl CacheStore, keys: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut present = Vec::new();
    for key in keys {
        if value(cache, key).await?.is_some() {
            present.push(*key);
        }
    }
    Ok(present)
}

/// The token that a miss on `key` hands out; fails the case on a hit.
pub(super) async fn miss(cache: &impl CacheStore, key: &str) -> Result<FillToken> {
    match cache.get(&Key::new(key)?).await? {
        Lookup::Miss(token) => Ok(token),
        Lookup::Hit(entry) => panic!("{key} should be missing, found {entry:?}"),
    }
}

/// Asserts the number of removed entries, if the backend counts them.
#[track_caller]
pub(super) fn assert_removed(removal: Removal, expected: u64) {
    if let Some(count) = removal.count() {
        assert_eq!(count, expected, "removed");
    }
}
