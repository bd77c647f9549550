//! Get and set.

use std::sync::Arc;

use bytes::Bytes;
use store_core::{
    CacheStore, Clock, ErrorKind, HOUR, Key, Lookup, MINUTE, NewEntry, Result, SetOutcome, Tag, Ttl,
};

use super::fixture::{assert_removed, entry, miss, present, tagged, value};
use crate::noise::noise;
use crate::run::run_concurrently;
use crate::{Harness, Setup};

pub async fn stored_value_is_found(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    miss(&cache, "comics:1").await?;

    let stored = cache.set(entry("comics:1", "a")?.with_ttl(Ttl::After(HOUR)));
    assert_eq!(stored.await?, SetOutcome::Stored);

    let found = cache.get(&Key::new("comics:1")?).await?.hit();
    let found = found.expect("it was stored");
    let now = setup.clock.now();
    assert_eq!(found.value, "a");
    assert_eq!(
        (found.created_at, found.expires_at),
        (now, Some(now + HOUR))
    );
    Ok(())
}

pub async fn value_is_replaced_as_a_whole(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let old = tagged("comics:1", "old", &["old"])?;
    cache.set(old.with_ttl(Ttl::After(MINUTE))).await?;
    cache.set(tagged("comics:1", "new", &["new"])?).await?;

    let found = cache.get(&Key::new("comics:1")?).await?.hit();
    let found = found.expect("it was replaced");
    assert_eq!((&*found.value, found.expires_at), (&b"new"[..], None));
    assert_removed(cache.invalidate_tags(&[Tag::new("old")?]).await?, 0);
    assert_removed(cache.invalidate_tags(&[Tag::new("new")?]).await?, 1);
    assert_eq!(value(&cache, "comics:1").await?, None);
    Ok(())
}

pub async fn binary_value_comes_back_unchanged(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    cache
        .set(NewEntry::unconditional(
            Key::new("comics:1")?,
            bytes.clone(),
        ))
        .await?;
    assert_eq!(value(&cache, "comics:1").await?, Some(Bytes::from(bytes)));
    Ok(())
}

pub async fn empty_value_is_a_value(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache.set(entry("comics:1", "")?).await?;
    assert_eq!(value(&cache, "comics:1").await?, Some(Bytes::new()));
    Ok(())
}

pub async fn keys_are_compared_byte_by_byte(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let keys = [
        "a:b", "a:B", "A:b", "a:b ", "a_b", "a%b", "ä:ß", "a:b:c", "plain",
    ];
    for key in keys {
        cache
            .set(NewEntry::unconditional(Key::new(key)?, key.to_owned()))
            .await?;
    }
    for key in keys {
        assert_eq!(value(&cache, key).await?, Some(Bytes::from(key)), "{key}");
    }
    Ok(())
}

pub async fn many_are_found_in_the_order_asked(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    for (key, text) in [
        ("comics:1", "one"),
        ("comics:2", "two"),
        ("comics:3", "three"),
    ] {
        cache.set(entry(key, text)?).await?;
    }
    let keys = ["comics:3", "comics:9", "comics:1", "comics:3"];
    let keys: Vec<Key> = keys.iter().map(Key::new).collect::<Result<_>>()?;
    let found = cache.get_many(&keys).await?;
    let values: Vec<_> = found
        .into_iter()
        .map(|one| one.hit().map(|hit| hit.value))
        .collect();
    let three = || Some(Bytes::from("three"));
    assert_eq!(values, [three(), None, Some(Bytes::from("one")), three()]);
    assert!(cache.get_many(&[]).await?.is_empty());
    Ok(())
}

pub async fn many_are_stored_in_the_order_given(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    let late = cache.fill_token().await?;
    cache.delete(&Key::new("comics:2")?).await?;
    let entries = vec![
        entry("comics:1", "first")?,
        entry("comics:2", "late")?.with_token(late),
        entry("comics:1", "last")?,
    ];
    let outcomes = cache.set_many(entries).await?;
    assert_eq!(
        outcomes,
        [SetOutcome::Stored, SetOutcome::Outdated, SetOutcome::Stored]
    );
    assert_eq!(value(&cache, "comics:1").await?, Some(Bytes::from("last")));
    assert_eq!(value(&cache, "comics:2").await?, None);
    assert!(cache.set_many(Vec::new()).await?.is_empty());
    Ok(())
}

pub async fn oversized_value_is_refused_and_leaves_nothing_stale(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default().with_max_entry_bytes(100);
    let cache = harness.cache(&setup).await?;
    cache.set(tagged("comics:1", "old", &["issue:1"])?).await?;

    let big = NewEntry::unconditional(Key::new("comics:1")?, noise(101));
    let refused = cache.set(big.with_tags([Tag::new("issue:2")?])).await;
    assert_eq!(
        refused.err().map(|error| error.kind()),
        Some(ErrorKind::TooLarge)
    );

    assert_eq!(value(&cache, "comics:1").await?, None);
    for tag in ["issue:1", "issue:2"] {
        assert_removed(cache.invalidate_tags(&[Tag::new(tag)?]).await?, 0);
    }
    Ok(())
}

pub async fn outdated_value_is_dropped_whatever_its_size(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_max_entry_bytes(100);
    let cache = harness.cache(&setup).await?;
    let key = Key::new("comics:1")?;
    let deleted = miss(&cache, "comics:1").await?;
    cache.delete(&key).await?;
    let overtaken = miss(&cache, "comics:1").await?;
    setup.clock.advance(MINUTE);
    cache.set(tagged("comics:1", "new", &["issue:1"])?).await?;
    for late in [deleted, overtaken] {
        let big = || NewEntry::unconditional(key.clone(), noise(101)).with_token(late);
        assert_eq!(cache.set(big()).await?, SetOutcome::Outdated);
        assert_eq!(cache.set_many(vec![big()]).await?, [SetOutcome::Outdated]);
    }
    // The late fills leave the newer value as it is.
    assert_eq!(value(&cache, "comics:1").await?, Some(Bytes::from("new")));
    assert_removed(cache.invalidate_tags(&[Tag::new("issue:1")?]).await?, 1);
    Ok(())
}

pub async fn value_of_the_longest_length_fits(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_max_entry_bytes(100);
    let cache = harness.cache(&setup).await?;
    cache
        .set(NewEntry::unconditional(Key::new("comics:1")?, noise(100)))
        .await?;
    assert_eq!(value(&cache, "comics:1").await?, Some(noise(100)));
    Ok(())
}

pub async fn another_handle_sees_what_is_stored(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (harness.cache(&setup).await?, harness.cache(&setup).await?);
    one.set(entry("comics:1", "a")?).await?;
    assert_eq!(value(&other, "comics:1").await?, Some(Bytes::from("a")));
    other.set(entry("comics:1", "b")?).await?;
    assert_eq!(value(&one, "comics:1").await?, Some(Bytes::from("b")));
    assert_eq!(
        present(&one, &["comics:1", "comics:2"]).await?,
        ["comics:1"]
    );
    Ok(())
}

pub async fn concurrent_writers_leave_one_whole_value(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    run_concurrently((0_u8..32).map(|writer| {
        let cache = Arc::clone(&cache);
        async move {
            let tag = Tag::new(format!("writer:{writer}"))?;
            let value = vec![writer; 1_000];
            let entry = NewEntry::unconditional(Key::new("comics:1")?, value);
            cache.set(entry.with_tags([tag])).await
        }
    }))
    .await?;

    let found = value(&cache, "comics:1")
        .await?
        .expect("one writer stored it");
    assert_eq!(found, vec![found[0]; 1_000]);
    for writer in (0..32).filter(|writer| *writer != found[0]) {
        let tag = Tag::new(format!("writer:{writer}"))?;
        assert_removed(cache.invalidate_tags(&[tag]).await?, 0);
    }
    let tag = Tag::new(format!("writer:{}", found[0]))?;
    assert_removed(cache.invalidate_tags(&[tag]).await?, 1);
    assert!(matches!(
        cache.get(&Key::new("comics:1")?).await?,
        Lookup::Miss(_)
    ));
    Ok(())
}
