//! Fill tokens: a fill that was overtaken by a removal is dropped.

use bytes::Bytes;
use store_core::{
    CacheStore, Clock, DAY, FillToken, HOUR, Key, MINUTE, Result, SECOND, Scope, Selection,
    SetOutcome, Tag, Ttl,
};

use super::fixture::{entry, miss, tagged, value};
use crate::{Harness, Setup};

/// Stores `comics:1` with this fill token; `true` if the value was dropped.
async fn is_dropped(cache: &impl CacheStore, token: FillToken) -> Result<bool> {
    let late = tagged("comics:1", "late", &["issue:1"])?.with_token(token);
    let dropped = cache.set(late).await? == SetOutcome::Outdated;
    let found = value(cache, "comics:1").await?;
    assert_eq!(found.is_some_and(|value| value == "late"), !dropped);
    Ok(dropped)
}

pub async fn late_fill_after_a_delete_is_dropped(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let token = miss(&cache, "comics:1").await?;
    cache.delete(&Key::new("comics:1")?).await?;
    assert!(is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn late_fill_after_a_clear_is_dropped(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let token = miss(&cache, "comics:1").await?;
    cache
        .clear(&Selection::Scope(Scope::new("comics")?))
        .await?;
    assert!(is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn late_fill_after_clearing_all_is_dropped(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let token = miss(&cache, "comics:1").await?;
    cache.clear(&Selection::All).await?;
    assert!(is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn late_fill_after_its_tag_was_invalidated_is_dropped(
    harness: &dyn Harness,
) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let token = miss(&cache, "comics:1").await?;
    cache.invalidate_tags(&[Tag::new("issue:1")?]).await?;
    assert!(is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn refresh_of_an_invalidated_entry_is_dropped(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache.set(tagged("comics:1", "old", &["volume:1"])?).await?;
    let token = cache.fill_token().await?;
    cache.invalidate_tags(&[Tag::new("volume:1")?]).await?;
    // What was fetched before the invalidation no longer carries the tag.
    assert!(is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn late_fill_of_another_handle_is_dropped(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (harness.cache(&setup).await?, harness.cache(&setup).await?);
    let token = miss(&one, "comics:1").await?;
    other.invalidate_tags(&[Tag::new("issue:1")?]).await?;
    assert!(is_dropped(&one, token).await?);
    Ok(())
}

pub async fn fill_begun_after_an_invalidation_is_kept(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache.delete(&Key::new("comics:1")?).await?;
    cache.clear(&Selection::All).await?;
    cache.invalidate_tags(&[Tag::new("issue:1")?]).await?;
    let token = miss(&cache, "comics:1").await?;
    assert!(!is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn invalidation_of_other_entries_drops_no_fill(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let token = miss(&cache, "comics:1").await?;
    cache.delete(&Key::new("comics:2")?).await?;
    cache
        .clear(&Selection::Scope(Scope::new("others")?))
        .await?;
    cache.invalidate_tags(&[Tag::new("issue:2")?]).await?;
    assert!(!is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn fill_that_began_later_wins(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    let early = miss(&cache, "comics:1").await?;
    setup.clock.advance(SECOND);
    let later = miss(&cache, "comics:1").await?;
    cache
        .set(entry("comics:1", "newer")?.with_token(later))
        .await?;
    assert!(is_dropped(&cache, early).await?);
    assert_eq!(value(&cache, "comics:1").await?, Some(Bytes::from("newer")));
    Ok(())
}

pub async fn fill_without_a_token_counts_as_begun_now(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    let early = cache.fill_token().await?;
    setup.clock.advance(SECOND);
    cache.set(entry("comics:1", "newer")?).await?;
    assert!(is_dropped(&cache, early).await?);
    // And it is stored itself, whatever was invalidated before.
    cache.delete(&Key::new("comics:1")?).await?;
    assert_eq!(
        cache.set(entry("comics:1", "newest")?).await?,
        SetOutcome::Stored
    );
    Ok(())
}

pub async fn fill_of_a_day_ago_is_dropped(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    let token = cache.fill_token().await?;
    cache.delete(&Key::new("comics:1")?).await?;
    // Longer than any store remembers invalidations.
    for _ in 0..24 {
        setup.clock.advance(DAY / 24);
        cache.delete(&Key::new("comics:2")?).await?;
        cache.cleanup().await?;
    }
    assert!(is_dropped(&cache, token).await?);
    Ok(())
}

pub async fn clock_set_back_does_not_freeze_an_entry(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    cache
        .set(entry("comics:1", "old")?.with_ttl(Ttl::After(DAY)))
        .await?;
    setup.clock.set_wall(setup.clock.now() - HOUR);
    assert_eq!(
        cache.set(entry("comics:1", "new")?).await?,
        SetOutcome::Stored
    );

    setup.clock.set_wall(setup.clock.now() - HOUR);
    let token = cache.fill_token().await?;
    setup.clock.advance(MINUTE);
    assert!(!is_dropped(&cache, token).await?);
    Ok(())
}
