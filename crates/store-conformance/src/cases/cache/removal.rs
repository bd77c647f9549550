//! Delete, clear and invalidation by tag.

use store_core::{CacheStore, Key, NewEntry, Result, Scope, Selection, Tag};

use super::fixture::{assert_removed, entry, present, tagged};
use crate::{Harness, Setup};

pub async fn deleting_is_idempotent(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache.set(entry("comics:1", "a")?).await?;
    cache.set(entry("comics:2", "a")?).await?;
    let key = Key::new("comics:1")?;
    assert_removed(cache.delete(&key).await?, 1);
    assert_removed(cache.delete(&key).await?, 0);
    assert_eq!(
        present(&cache, &["comics:1", "comics:2"]).await?,
        ["comics:2"]
    );
    Ok(())
}

pub async fn scope_is_cleared_literally(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let others = [
        "aXb:1", "A_B:1", "a_bc:1", "a_:1", "a_b", "a%b:1", "b:a_b:1",
    ];
    for key in others.iter().chain(&["a_b:1", "a_b:2:3"]) {
        cache.set(entry(key, "a")?).await?;
    }
    let scope = Selection::Scope(Scope::new("a_b")?);
    assert_removed(cache.clear(&scope).await?, 2);
    assert!(present(&cache, &["a_b:1", "a_b:2:3"]).await?.is_empty());
    assert_eq!(present(&cache, &others).await?, others);

    let wild = Selection::Scope(Scope::new("%")?);
    assert_removed(cache.clear(&wild).await?, 0);
    assert_eq!(present(&cache, &others).await?, others);
    Ok(())
}

pub async fn clearing_all_reaches_keys_without_scope(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let keys = ["comics:1", "other:1", "5d41402abc4b2a76", ":odd"];
    for key in keys {
        cache.set(tagged(key, "a", &["all"])?).await?;
    }
    assert_removed(cache.clear(&Selection::All).await?, 4);
    assert!(present(&cache, &keys).await?.is_empty());
    assert_removed(cache.invalidate_tags(&[Tag::new("all")?]).await?, 0);
    Ok(())
}

pub async fn many_entries_are_cleared_at_once(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let tag = Tag::new("volume:1")?;
    let fill = |scope: &str| -> Result<Vec<NewEntry>> {
        let keys = (0..400).map(|n| Key::new(format!("{scope}:{n}")));
        keys.map(|key| Ok(NewEntry::unconditional(key?, "a").with_tags([tag.clone()])))
            .collect()
    };
    cache.set_many(fill("comics")?).await?;
    cache.set_many(fill("others")?).await?;
    let scope = Selection::Scope(Scope::new("comics")?);
    assert_removed(cache.clear(&scope).await?, 400);
    assert_removed(cache.invalidate_tags(&[tag]).await?, 400);
    assert_eq!(cache.stats().await?.total_items, 0);
    Ok(())
}

pub async fn any_number_of_keys_and_tags_fits_into_one_call(harness: &dyn Harness) -> Result<()> {
    // More than DynamoDB takes in a call, or older SQLite binds to a statement.
    const NAMES: usize = 1_200;
    let cache = harness.cache(&Setup::default()).await?;
    let last = NAMES - 1;
    let [key, tag] = ["comics", "issue"].map(|what| format!("{what}:{last}"));
    cache.set(tagged(&key, "a", &[&tag])?).await?;
    let keys: Vec<Key> = (0..NAMES)
        .map(|n| Key::new(format!("comics:{n}")))
        .collect::<Result<_>>()?;
    let found = cache.get_many(&keys).await?;
    let hits: Vec<_> = found.into_iter().map(|one| one.hit().is_some()).collect();
    assert_eq!((hits.len(), hits[last]), (NAMES, true));
    assert_eq!(hits.iter().filter(|hit| **hit).count(), 1);
    let tags: Vec<Tag> = (0..NAMES)
        .map(|n| Tag::new(format!("issue:{n}")))
        .collect::<Result<_>>()?;
    assert_removed(cache.invalidate_tags(&tags).await?, 1);
    assert!(present(&cache, &[&key]).await?.is_empty());
    Ok(())
}

pub async fn tag_is_invalidated_and_nothing_else(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache
        .set(tagged("comics:1", "a", &["volume:1", "issue:1"])?)
        .await?;
    cache
        .set(tagged("comics:2", "a", &["volume:1", "issue:2"])?)
        .await?;
    cache
        .set(tagged("comics:3", "a", &["volume:10", "VOLUME:1"])?)
        .await?;
    cache.set(entry("comics:4", "a")?).await?;
    assert_removed(cache.invalidate_tags(&[Tag::new("volume:1")?]).await?, 2);
    let keys = ["comics:1", "comics:2", "comics:3", "comics:4"];
    assert_eq!(present(&cache, &keys).await?, ["comics:3", "comics:4"]);
    assert_removed(cache.invalidate_tags(&[Tag::new("unknown")?]).await?, 0);
    assert_removed(cache.invalidate_tags(&[]).await?, 0);
    Ok(())
}

pub async fn several_tags_are_invalidated_together(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache.set(tagged("comics:1", "a", &["x", "y"])?).await?;
    cache.set(tagged("comics:2", "a", &["y", "z"])?).await?;
    cache.set(tagged("comics:3", "a", &["z"])?).await?;
    cache.set(tagged("comics:4", "a", &["w"])?).await?;
    let tags = [Tag::new("x")?, Tag::new("y")?, Tag::new("z")?];
    assert_removed(cache.invalidate_tags(&tags).await?, 3);
    let keys = ["comics:1", "comics:2", "comics:3", "comics:4"];
    assert_eq!(present(&cache, &keys).await?, ["comics:4"]);
    Ok(())
}

pub async fn replaced_tags_no_longer_reach_the_entry(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache
        .set(tagged("comics:1", "a", &["old", "both"])?)
        .await?;
    cache
        .set(tagged("comics:1", "b", &["new", "both"])?)
        .await?;
    assert_removed(cache.invalidate_tags(&[Tag::new("old")?]).await?, 0);
    assert_eq!(present(&cache, &["comics:1"]).await?, ["comics:1"]);

    cache.set(entry("comics:1", "c")?).await?;
    let former = [Tag::new("new")?, Tag::new("both")?];
    assert_removed(cache.invalidate_tags(&former).await?, 0);
    assert_eq!(present(&cache, &["comics:1"]).await?, ["comics:1"]);
    Ok(())
}

pub async fn tags_of_removed_entries_are_removed(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache.set(tagged("comics:1", "a", &["t"])?).await?;
    cache.set(tagged("others:1", "a", &["t"])?).await?;
    cache.delete(&Key::new("comics:1")?).await?;
    cache
        .clear(&Selection::Scope(Scope::new("others")?))
        .await?;
    // The same keys again, this time without the tag.
    cache.set(entry("comics:1", "b")?).await?;
    cache.set(entry("others:1", "b")?).await?;
    assert_removed(cache.invalidate_tags(&[Tag::new("t")?]).await?, 0);
    let keys = ["comics:1", "others:1"];
    assert_eq!(present(&cache, &keys).await?, keys);
    Ok(())
}

pub async fn removal_is_seen_by_another_handle(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (harness.cache(&setup).await?, harness.cache(&setup).await?);
    let keys = ["comics:1", "comics:2", "others:1", "others:2"];
    for key in keys {
        one.set(tagged(key, "a", &[key])?).await?;
    }
    assert_eq!(present(&other, &keys).await?, keys);
    one.delete(&Key::new("comics:1")?).await?;
    one.invalidate_tags(&[Tag::new("comics:2")?]).await?;
    assert_eq!(present(&other, &keys).await?, ["others:1", "others:2"]);
    one.clear(&Selection::Scope(Scope::new("others")?)).await?;
    assert!(present(&other, &keys).await?.is_empty());
    Ok(())
}
