//! Patterns of caches that need no layer: expiry, invalidation by event, write-through.

use store_core::{ManualClock, SetOutcome};
use store_memory::{
    CacheOptions, CacheStore, CacheStoreExt, FillToken, HOUR, Key, KeyBuilder, Lookup,
    MemoryCacheStore, NewEntry, Result, SECOND,
};

async fn miss(cache: &MemoryCacheStore, key: &Key) -> Result<FillToken> {
    match cache.get(key).await? {
        Lookup::Miss(token) => Ok(token),
        Lookup::Hit(entry) => panic!("{key} is {entry:?}"),
    }
}

// covers("D3", "D5")
#[tokio::test]
async fn a_value_in_memory_is_invalid_once_its_time_is_over() -> Result<()> {
    let clock = ManualClock::default();
    let options = CacheOptions::default().with_clock(clock.clone());
    let cache = MemoryCacheStore::with_options(options);
    let (short, long) = (Key::new("issue:1")?, Key::new("issue:2")?);
    for (key, ttl) in [(&short, SECOND), (&long, HOUR)] {
        let entry = NewEntry::unconditional(key.clone(), "a").with_ttl(ttl);
        cache.set(entry).await?;
    }
    assert!(cache.value(&short).await?.is_some());
    clock.advance(SECOND);
    assert!(cache.value(&short).await?.is_none());
    assert!(cache.value(&long).await?.is_some());
    assert_eq!(cache.cleanup().await?, 1);
    assert_eq!(cache.stats().await?.total_items, 1);
    Ok(())
}

// covers("D6")
#[tokio::test]
async fn an_event_removes_the_entry_and_the_lists_that_hold_it_and_nothing_else() -> Result<()> {
    let cache = MemoryCacheStore::new();
    let issues = KeyBuilder::new("issue")?.with_tenant("acme")?;
    let others = KeyBuilder::new("issue")?.with_tenant("other")?;
    let (changed, neighbour) = (issues.id("1")?, issues.id("2")?);
    let (page, filtered) = (
        issues.list([("page", "1")])?,
        issues.list([("page", "1"), ("status", "open")])?,
    );
    let foreign = others.list([("page", "1")])?;
    for key in [&changed, &neighbour] {
        let entry = NewEntry::unconditional(key.clone(), "old");
        cache.set(entry).await?;
    }
    for (key, tag) in [(&page, issues.list_tag()?), (&foreign, others.list_tag()?)] {
        let list = NewEntry::unconditional(key.clone(), "old").with_tags([tag]);
        cache.set(list).await?;
    }
    // It is being loaded when the event comes.
    let token = miss(&cache, &filtered).await?;

    // What a subscriber of the source's events does.
    cache.delete(&changed).await?;
    cache.invalidate_tags(&[issues.list_tag()?]).await?;

    let late = NewEntry::fill(filtered.clone(), "old", token).with_tags([issues.list_tag()?]);
    assert_eq!(cache.set(late).await?, SetOutcome::Outdated);
    for gone in [&changed, &page, &filtered] {
        assert!(cache.value(gone).await?.is_none(), "{gone}");
    }
    for kept in [&neighbour, &foreign] {
        assert!(cache.value(kept).await?.is_some(), "{kept}");
    }
    let token = miss(&cache, &filtered).await?;
    let fresh = NewEntry::fill(filtered, "new", token).with_tags([issues.list_tag()?]);
    assert_eq!(cache.set(fresh).await?, SetOutcome::Stored);
    Ok(())
}

// covers("D7")
#[tokio::test]
async fn a_value_that_was_written_through_is_served_and_no_fill_from_before_replaces_it()
-> Result<()> {
    let cache = MemoryCacheStore::new();
    let key = Key::new("issue:1")?;
    let token = miss(&cache, &key).await?;
    let loaded_before = "old";

    // The source has the new value by now.
    cache.delete(&key).await?;
    let written = NewEntry::unconditional(key.clone(), "new").with_ttl(HOUR);
    cache.set(written).await?;

    let late = NewEntry::fill(key.clone(), loaded_before, token);
    assert_eq!(cache.set(late).await?, SetOutcome::Outdated);
    assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"new"[..]));
    Ok(())
}
