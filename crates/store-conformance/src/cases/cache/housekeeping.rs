//! Lists, stats, cleanup and close.

use store_core::{
    CacheStore, Clock, EntryInfo, ErrorKind, HOUR, Key, NewEntry, PageRequest, Result, SECOND,
    Selection, Tag, Ttl,
};

use super::fixture::{entry, present, tagged};
use crate::noise::noise;
use crate::{Harness, Setup};

pub async fn listing_shows_sizes_times_and_tags(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    let now = setup.clock.now();
    cache
        .set(tagged("comics:2", "four", &["z", "a"])?.with_ttl(Ttl::After(HOUR)))
        .await?;
    cache.set(entry("comics:1", "a")?).await?;
    let page = cache.list(&PageRequest::default()).await?;
    let overhead = harness.stored_overhead_bytes();
    let expected = [
        EntryInfo::new(Key::new("comics:1")?, overhead + 1, now),
        EntryInfo::new(Key::new("comics:2")?, overhead + 4, now)
            .with_expires_at(Some(now + HOUR))
            .with_tags(vec![Tag::new("a")?, Tag::new("z")?]),
    ];
    assert_eq!(page.items, expected);
    assert_eq!(page.next, None);
    Ok(())
}

pub async fn listing_goes_on_page_by_page(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    for n in [4, 2, 0, 3, 1] {
        cache
            .set(NewEntry::unconditional(
                Key::new(format!("comics:{n}"))?,
                "a",
            ))
            .await?;
    }
    let mut request = PageRequest::default().with_limit(2);
    let mut pages = Vec::new();
    loop {
        let page = cache.list(&request).await?;
        pages.push(
            page.items
                .iter()
                .map(|item| item.key.to_string())
                .collect::<Vec<_>>(),
        );
        let Some(next) = page.next else { break };
        request = request.with_after(next);
    }
    assert_eq!(
        pages,
        [
            vec!["comics:0", "comics:1"],
            vec!["comics:2", "comics:3"],
            vec!["comics:4"]
        ]
    );
    Ok(())
}

pub async fn listing_hides_what_has_expired(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    cache
        .set(entry("comics:1", "a")?.with_ttl(Ttl::After(SECOND)))
        .await?;
    cache
        .set(entry("comics:2", "a")?.with_ttl(Ttl::After(HOUR)))
        .await?;
    setup.clock.advance(SECOND);
    let page = cache.list(&PageRequest::default().with_limit(1)).await?;
    assert_eq!(page.items[0].key.as_str(), "comics:2");
    assert_eq!((page.items.len(), page.next), (1, None));
    Ok(())
}

pub async fn stats_count_entries_and_bytes(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    let empty = cache.stats().await?;
    assert_eq!((empty.total_items, empty.expired_items), (0, 0));

    cache
        .set(entry("comics:1", "a")?.with_ttl(Ttl::After(SECOND)))
        .await?;
    cache
        .set(NewEntry::unconditional(
            Key::new("comics:2")?,
            noise(50_000),
        ))
        .await?;
    setup.clock.advance(SECOND);
    let stats = cache.stats().await?;
    assert_eq!((stats.total_items, stats.expired_items), (2, 1));
    assert!(stats.size_bytes >= 50_000, "{stats:?}");
    Ok(())
}

pub async fn cleanup_frees_the_expired_and_nothing_else(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    for n in 0..10 {
        let expires = if n < 4 { SECOND } else { HOUR };
        let entry = NewEntry::unconditional(Key::new(format!("comics:{n}"))?, "a");
        let entry = entry.with_tags([Tag::new("t")?]);
        cache.set(entry.with_ttl(Ttl::After(expires))).await?;
    }
    cache.set(tagged("comics:eternal", "a", &["t"])?).await?;
    setup.clock.advance(SECOND);
    assert_eq!(cache.cleanup().await?, 4);
    assert_eq!(cache.cleanup().await?, 0);
    let stats = cache.stats().await?;
    assert_eq!((stats.total_items, stats.expired_items), (7, 0));
    assert_eq!(
        present(&cache, &["comics:3", "comics:4"]).await?,
        ["comics:4"]
    );
    Ok(())
}

pub async fn cleanup_is_bounded(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_cleanup_batch(3);
    let cache = harness.cache(&setup).await?;
    for n in 0..7 {
        let entry = NewEntry::unconditional(Key::new(format!("comics:{n}"))?, "a");
        cache.set(entry.with_ttl(Ttl::After(SECOND))).await?;
    }
    setup.clock.advance(SECOND);
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(cache.cleanup().await?);
    }
    assert_eq!(runs, [3, 3, 1, 0]);
    Ok(())
}

pub async fn closed_cache_refuses_calls(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let key = Key::new("comics:1")?;
    cache.set(NewEntry::unconditional(key.clone(), "a")).await?;
    cache.close().await?;
    let refusals = [
        cache.get(&key).await.err(),
        cache.get_many(std::slice::from_ref(&key)).await.err(),
        cache
            .set(NewEntry::unconditional(key.clone(), "a"))
            .await
            .err(),
        cache
            .set_many(vec![NewEntry::unconditional(key.clone(), "a")])
            .await
            .err(),
        cache.fill_token().await.err(),
        cache.delete(&key).await.err(),
        cache.clear(&Selection::All).await.err(),
        cache.invalidate_tags(&[Tag::new("t")?]).await.err(),
        cache.list(&PageRequest::default()).await.err(),
        cache.stats().await.err(),
        cache.cleanup().await.err(),
    ];
    for (call, refusal) in refusals.into_iter().enumerate() {
        let kind = refusal.map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Closed), "call {call}");
    }
    Ok(())
}
