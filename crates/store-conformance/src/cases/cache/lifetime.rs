//! Expiry.

use std::time::Duration;

use bytes::Bytes;
use store_core::{CacheStore, HOUR, Result, SECOND, Ttl};

use super::fixture::{entry, present, value};
use crate::{Harness, Setup};

const MILLISECOND: Duration = Duration::from_millis(1);

pub async fn expired_entry_is_gone(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    let lifetime = Duration::from_millis(1_500);
    cache
        .set(entry("comics:1", "a")?.with_ttl(Ttl::After(lifetime)))
        .await?;

    setup.clock.advance(Duration::from_millis(1_499));
    assert_eq!(value(&cache, "comics:1").await?, Some(Bytes::from("a")));
    setup.clock.advance(MILLISECOND);
    assert_eq!(value(&cache, "comics:1").await?, None);
    Ok(())
}

pub async fn entry_without_lifetime_stays(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    cache
        .set(entry("comics:1", "a")?.with_ttl(Ttl::Never))
        .await?;
    cache
        .set(entry("comics:2", "a")?.with_ttl(Ttl::from_npm_seconds(0)))
        .await?;
    setup.clock.advance(HOUR * 24 * 365 * 10);
    assert_eq!(cache.cleanup().await?, 0);
    let keys = ["comics:1", "comics:2"];
    assert_eq!(present(&cache, &keys).await?, keys);
    Ok(())
}

pub async fn entry_of_no_lifetime_is_gone_at_once(harness: &dyn Harness) -> Result<()> {
    let cache = harness.cache(&Setup::default()).await?;
    cache
        .set(entry("comics:1", "a")?.with_ttl(Ttl::After(Duration::ZERO)))
        .await?;
    cache
        .set(entry("comics:2", "a")?.with_ttl(Ttl::from_npm_seconds(-1)))
        .await?;
    assert!(present(&cache, &["comics:1", "comics:2"]).await?.is_empty());
    Ok(())
}

pub async fn new_lifetime_replaces_the_old_one(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let cache = harness.cache(&setup).await?;
    cache
        .set(entry("comics:long", "a")?.with_ttl(Ttl::After(SECOND)))
        .await?;
    cache
        .set(entry("comics:short", "a")?.with_ttl(Ttl::After(HOUR)))
        .await?;
    cache
        .set(entry("comics:long", "b")?.with_ttl(Ttl::After(HOUR)))
        .await?;
    cache
        .set(entry("comics:short", "b")?.with_ttl(Ttl::After(SECOND)))
        .await?;
    setup.clock.advance(SECOND);
    let keys = ["comics:long", "comics:short"];
    assert_eq!(present(&cache, &keys).await?, ["comics:long"]);
    assert_eq!(cache.cleanup().await?, 1);
    assert_eq!(present(&cache, &keys).await?, ["comics:long"]);
    Ok(())
}

pub async fn reading_an_expired_entry_does_not_remove_its_replacement(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let (reader, writer) = (harness.cache(&setup).await?, harness.cache(&setup).await?);
    writer
        .set(entry("comics:1", "old")?.with_ttl(Ttl::After(SECOND)))
        .await?;
    setup.clock.advance(SECOND);
    for round in 0..50 {
        let (read, stored) = tokio::join!(
            value(&reader, "comics:1"),
            writer.set(entry("comics:1", "new")?),
        );
        let (read, _) = (read?, stored?);
        assert!(read.is_none_or(|value| value == "new"), "round {round}");
        assert_eq!(value(&reader, "comics:1").await?, Some(Bytes::from("new")));
    }
    Ok(())
}
