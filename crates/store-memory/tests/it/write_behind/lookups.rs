//! What lookups and fills see while a write is queued, and afterwards.

use std::pin::pin;
use std::task::{Context, Waker};

use store_conformance::async_trait;
use store_core::{CacheStore, Codec, Lookup, SetOutcome};
use store_memory::{CacheStoreExt, ErrorKind, HOUR, Json, NewEntry, Result, Tag, TypedCache};

use super::{Fixture, key};

/// A delivery that the test holds up: the write is queued.
async fn with_queued_write(fixture: &Fixture) -> impl CacheStore + Clone {
    fixture.source.hold(true);
    fixture.cache_value("1", "old").await;
    let store = fixture.start();
    store.write(&key("1"), "new").await.unwrap();
    store
}

// covers("D8")
#[tokio::test]
async fn a_write_is_seen_at_once_and_delivered_in_the_background() -> Result<()> {
    let fixture = Fixture::new();
    let store = with_queued_write(&fixture).await;
    assert_eq!(fixture.source.value(&key("1")), None);
    assert_eq!(store.value(&key("1")).await?.unwrap(), "new");
    let many = store.get_many(&[key("2"), key("1")]).await?;
    assert!(matches!(many[0], Lookup::Miss(_)));
    assert_eq!(many[1].clone().hit().unwrap().value, "new");

    fixture.source.hold(false);
    fixture.until_delivered().await;
    assert_eq!(fixture.source.value(&key("1")).unwrap(), "new");
    // The next lookup loads what the source made of it.
    assert!(store.value(&key("1")).await?.is_none());
    Ok(())
}

// covers("D8", "F64")
#[tokio::test]
async fn nothing_replaces_a_queued_write_with_what_the_source_still_has() -> Result<()> {
    let fixture = Fixture::new();
    let store = with_queued_write(&fixture).await;
    let old = || NewEntry::unconditional(key("1"), "old").with_ttl(HOUR);

    // A forced refresh, a plain set, and several at once.
    let token = store.fill_token().await?;
    assert_eq!(
        store.set(old().with_token(token)).await?,
        SetOutcome::Outdated
    );
    assert_eq!(store.set(old()).await?, SetOutcome::Outdated);
    let entries = vec![NewEntry::unconditional(key("2"), "other"), old()];
    let outcomes = store.set_many(entries).await?;
    assert_eq!(outcomes, [SetOutcome::Stored, SetOutcome::Outdated]);

    // What removes cached values.
    store.delete(&key("1")).await?;
    store.invalidate_tags(&[Tag::new("books")?]).await?;
    store.clear(&store_memory::Selection::All).await?;
    fixture.clock.advance(HOUR * 1000);
    assert_eq!(store.value(&key("1")).await?.unwrap(), "new");
    assert_eq!(fixture.cached("1").await, None);
    Ok(())
}

#[tokio::test]
async fn a_fill_that_began_before_a_write_is_not_stored() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    let store = fixture.start();
    let Lookup::Miss(token) = store.get(&key("1")).await? else {
        panic!("nothing is cached");
    };
    let late = || NewEntry::fill(key("1"), "old", token);
    store.write(&key("1"), "new").await?;
    assert_eq!(store.set(late()).await?, SetOutcome::Outdated);
    // Straight into the cache, as by a program without this layer.
    assert_eq!(fixture.cache.set(late()).await?, SetOutcome::Outdated);

    fixture.source.hold(false);
    fixture.until_delivered().await;
    assert_eq!(store.set(late()).await?, SetOutcome::Outdated);
    Ok(())
}

#[tokio::test]
async fn a_value_that_was_loaded_while_a_write_was_queued_is_not_stored_after_it() -> Result<()> {
    let fixture = Fixture::new();
    let store = with_queued_write(&fixture).await;
    let token = store.fill_token().await?;
    fixture.source.hold(false);
    fixture.until_delivered().await;
    let late = NewEntry::fill(key("1"), "old", token);
    assert_eq!(store.set(late).await?, SetOutcome::Outdated);
    Ok(())
}

/// A process may die between queueing a write and dropping the cached value.
// covers("D8", "F64")
#[tokio::test]
async fn what_was_cached_before_a_write_is_gone_once_it_is_delivered() -> Result<()> {
    let fixture = Fixture::new();
    fixture.cache_value("1", "old").await;
    let token = fixture.cache.fill_token().await?;
    store_core::WriteQueue::push(&fixture.queue, &key("1"), "new".into()).await?;

    let store = fixture.start();
    fixture.until_delivered().await;
    assert!(store.value(&key("1")).await?.is_none());
    let late = NewEntry::fill(key("1"), "old", token);
    assert_eq!(store.set(late).await?, SetOutcome::Outdated);
    Ok(())
}

#[tokio::test]
async fn typed_values_are_written_in_their_codec_and_removed_with_none() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    let store = fixture.start();
    let titles: TypedCache<Option<String>> = TypedCache::new(store.clone());
    let load = async || Ok::<_, std::io::Error>(Some("old".to_owned()));
    let get = async || {
        let got = titles.get_or_try_insert_with(&key("1"), HOUR, load).await;
        got.unwrap()
    };
    assert_eq!(get().await.as_deref(), Some("old"));
    store.write(&key("1"), Json.encode(&Some("new"))?).await?;
    assert_eq!(get().await.as_deref(), Some("new"));
    store
        .write(&key("1"), Json.encode(&None::<String>)?)
        .await?;
    assert_eq!(get().await, None);
    Ok(())
}

#[tokio::test]
async fn a_caller_who_stops_waiting_leaves_no_older_value() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    fixture.cache_value("1", "old").await;
    let store = fixture.start();
    {
        let (key, mut context) = (key("1"), Context::from_waker(Waker::noop()));
        let mut write = pin!(store.write(&key, "new"));
        assert!(write.as_mut().poll(&mut context).is_pending());
    }
    fixture
        .until(async || store.value(&key("1")).await.unwrap().unwrap() == "new")
        .await;
    Ok(())
}

#[tokio::test]
async fn a_cache_that_fails_hides_no_queued_write() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    let store = fixture.start();
    store.write(&key("1"), "new").await?;
    fixture.cache.fail_with(ErrorKind::Unavailable);
    assert_eq!(store.value(&key("1")).await?.unwrap(), "new");
    let error = store.value(&key("2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    Ok(())
}

/// A queue that cannot be read.
#[derive(Debug)]
struct Down;

#[async_trait]
impl store_core::WriteQueue for Down {
    async fn push(
        &self,
        _: &store_core::Key,
        _: bytes::Bytes,
    ) -> Result<store_core::WriteSequence> {
        Err(down())
    }
    async fn newest(&self, _: &[store_core::Key]) -> Result<Vec<Option<store_core::QueuedWrite>>> {
        Err(down())
    }
    async fn receive(&self, _: std::num::NonZeroUsize) -> Result<store_core::Received> {
        Err(down())
    }
    async fn renew(&self, _: &store_core::Delivery) -> Result<store_core::DeliveryOutcome> {
        Err(down())
    }
    async fn acknowledge(&self, _: &store_core::Delivery) -> Result<store_core::DeliveryOutcome> {
        Err(down())
    }
    async fn postpone(
        &self,
        _: &store_core::Delivery,
        _: std::time::Duration,
    ) -> Result<store_core::DeliveryOutcome> {
        Err(down())
    }
    async fn list(
        &self,
        _: &store_core::PageRequest,
    ) -> Result<store_core::Page<store_core::QueuedKey>> {
        Err(down())
    }
    async fn stats(&self) -> Result<store_core::WriteQueueStats> {
        Err(down())
    }
}

fn down() -> store_core::Error {
    store_core::Error::new(ErrorKind::Unavailable, "test", "queue")
}

#[tokio::test]
async fn a_queue_that_fails_accepts_nothing_and_leaves_hits_alone() -> Result<()> {
    let fixture = Fixture::new();
    fixture.cache_value("1", "cached").await;
    let target = async |_| Ok(());
    let options = fixture.options();
    let cache = fixture.cache.clone();
    let store = store_core::layer::WriteBehind::start_with(cache, Down, options, target)?;
    let error = store.write(&key("1"), "new").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(store.value(&key("1")).await?.unwrap(), "cached");
    assert!(store.value(&key("2")).await.is_err());
    Ok(())
}
