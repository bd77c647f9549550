//! Typed values: single flight, fills that were overtaken, values that do not decode.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use store_core::backend::SeededRandom;
use store_core::{ManualClock, Random};
use store_memory::{
    BoxError, CacheOptions, CacheStore, HOUR, Key, Lookup, MINUTE, MemoryCacheStore, NewEntry,
    SetOutcome, TypedCache,
};
use tokio::sync::Notify;
use tokio::task::JoinSet;

type Names = TypedCache<String>;

fn names() -> (Names, MemoryCacheStore) {
    let store = MemoryCacheStore::new();
    (TypedCache::new(store.clone()), store)
}

fn key() -> Key {
    Key::new("comics:4000-1").unwrap_or_else(|error| panic!("{error}"))
}

// covers("F48", "F63")
#[tokio::test]
async fn a_value_that_was_deleted_after_its_lookup_is_not_stored() -> Result<(), BoxError> {
    let (names, store) = names();
    let Lookup::Miss(token) = names.get(&key()).await? else {
        panic!("an empty cache has no value");
    };
    store.delete(&key()).await?;
    let outcome = names.set(&key(), &"old".to_owned(), HOUR, token).await?;
    assert_eq!(outcome, SetOutcome::Outdated);
    assert!(names.get(&key()).await?.hit().is_none());
    Ok(())
}

// covers("F48", "F63")
#[tokio::test]
async fn a_value_that_was_deleted_while_it_was_computed_is_not_stored() -> Result<(), BoxError> {
    let (names, store) = names();
    let name = names
        .get_or_try_insert_with(&key(), HOUR, async || {
            store.delete(&key()).await?;
            Ok::<_, BoxError>("old".to_owned())
        })
        .await?;
    assert_eq!(name, "old");
    assert!(names.get(&key()).await?.hit().is_none());
    Ok(())
}

/// Calls for the same key, the first of which computes until it is released.
fn calls(
    names: &Names,
    count: u32,
    computed: &Arc<AtomicU32>,
    release: &Arc<Notify>,
    result: Result<&'static str, &'static str>,
) -> JoinSet<Result<String, store_core::LoadError>> {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let (names, computed) = (names.clone(), Arc::clone(computed));
        let release = Arc::clone(release);
        calls.spawn(async move {
            names
                .get_or_try_insert_with(&key(), HOUR, async || {
                    computed.fetch_add(1, Ordering::SeqCst);
                    release.notified().await;
                    result.map(str::to_owned)
                })
                .await
        });
    }
    calls
}

async fn let_others_run() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

// covers("F3", "D9")
#[tokio::test]
async fn of_many_callers_one_computes_and_all_get_its_value() {
    let (names, _) = names();
    let (computed, release) = (Arc::default(), Arc::default());
    let calls = calls(&names, 50, &computed, &release, Ok("one"));
    let_others_run().await;
    release.notify_one();
    for name in calls.join_all().await {
        assert_eq!(name.unwrap(), "one");
    }
    assert_eq!(computed.load(Ordering::SeqCst), 1);
}

// covers("D9")
#[tokio::test]
async fn the_error_of_the_one_that_computes_is_everybodys_and_is_not_cached() {
    let (names, _) = names();
    let (computed, release) = (Arc::default(), Arc::default());
    let failed = calls(&names, 50, &computed, &release, Err("down"));
    let_others_run().await;
    release.notify_one();
    for name in failed.join_all().await {
        assert_eq!(name.unwrap_err().to_string(), "down");
    }
    assert_eq!(computed.load(Ordering::SeqCst), 1);
    let again = calls(&names, 1, &computed, &release, Ok("up"));
    let_others_run().await;
    release.notify_one();
    assert_eq!(again.join_all().await.remove(0).unwrap(), "up");
}

#[tokio::test]
async fn a_caller_that_is_dropped_while_it_computes_hands_over_to_another() {
    let (names, _) = names();
    let (computed, release): (Arc<AtomicU32>, Arc<Notify>) = (Arc::default(), Arc::default());
    let mut first = calls(&names, 1, &computed, &release, Ok("first"));
    let_others_run().await;
    let others = calls(&names, 3, &computed, &release, Ok("second"));
    let_others_run().await;
    first.abort_all();
    while first.join_next().await.is_some() {}
    let_others_run().await;
    release.notify_one();
    for name in others.join_all().await {
        assert_eq!(name.unwrap(), "second");
    }
    assert_eq!(computed.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_value_is_computed_again_once_it_has_expired() -> Result<(), BoxError> {
    let clock = ManualClock::default();
    let options = CacheOptions::default().with_clock(clock.clone());
    let numbers: TypedCache<u64> = TypedCache::new(MemoryCacheStore::with_options(options));
    let random = SeededRandom::new(1);
    let key = key();
    let get = || {
        numbers.get_or_try_insert_with(&key, MINUTE, async || {
            Ok::<_, std::io::Error>(random.next_u64())
        })
    };
    let first = get().await?;
    assert_eq!(get().await?, first);
    clock.advance(MINUTE);
    assert_ne!(get().await?, first);
    Ok(())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Dimensions {
    width: u32,
    height: u32,
}

/// The same record with its fields in another order.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reordered {
    height: u32,
    width: u32,
}

#[tokio::test]
async fn fields_that_were_reordered_are_read_by_name() -> Result<(), BoxError> {
    let store = MemoryCacheStore::new();
    let written: TypedCache<Dimensions> = TypedCache::new(store.clone());
    let dimensions = Dimensions {
        width: 2,
        height: 3,
    };
    let token = store.fill_token().await?;
    written.set(&key(), &dimensions, HOUR, token).await?;
    let read: TypedCache<Reordered> = TypedCache::new(store);
    let found = read.get(&key()).await?.hit();
    assert_eq!(
        found,
        Some(Reordered {
            height: 3,
            width: 2
        })
    );
    Ok(())
}

#[tokio::test]
async fn a_value_that_does_not_decode_is_a_miss_and_is_replaced() -> Result<(), BoxError> {
    let (names, store) = names();
    store
        .set(NewEntry::unconditional(key(), "something else"))
        .await?;
    assert!(matches!(names.get(&key()).await?, Lookup::Miss(_)));
    assert_eq!(names.decode_failures(), 1);
    let name = names
        .get_or_try_insert_with(&key(), HOUR, async || Ok::<_, BoxError>("one".to_owned()))
        .await?;
    assert_eq!((name.as_str(), names.decode_failures()), ("one", 2));
    assert_eq!(names.get(&key()).await?.hit().as_deref(), Some("one"));
    Ok(())
}

// covers("F41")
#[tokio::test]
async fn a_store_that_fails_costs_a_computation() -> Result<(), BoxError> {
    let (names, store) = names();
    store.close().await?;
    for _ in 0..2 {
        let name = names
            .get_or_try_insert_with(&key(), HOUR, async || Ok::<_, BoxError>("one".to_owned()))
            .await?;
        assert_eq!(name, "one");
    }
    Ok(())
}
