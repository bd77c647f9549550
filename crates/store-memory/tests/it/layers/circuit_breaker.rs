//! The circuit breaker before a cache that fails, or does not answer.

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use store_conformance::{FaultyCache, Harness, Layered};
use store_core::PageRequest;
use store_core::layer::{
    CircuitBreaker, CircuitBreakerOptions, CircuitState, Tiered, TieredOptions,
};
use store_memory::{
    CacheStore, CacheStoreExt, DAY, Error, ErrorKind, HOUR, Key, ManualClock, MemoryCacheStore,
    NewEntry, Result, SECOND, Selection,
};
use tokio::task::JoinHandle;

use crate::conformance::Memory;

fn harness() -> impl Harness {
    Layered::new(Memory::default(), |store, _| {
        Ok(Arc::new(CircuitBreaker::new(store)))
    })
}

store_conformance::cache_conformance!(harness());

#[test]
fn matches_the_model() {
    store_conformance::models::cache(harness);
}

#[tokio::test]
async fn a_store_that_is_down_is_asked_once_until_the_pause_is_over() -> Result<()> {
    let store = FaultyCache::new(MemoryCacheStore::new());
    let clock = ManualClock::default();
    let options = CircuitBreakerOptions::default().with_failure_threshold(1);
    let cache = CircuitBreaker::with_options(store.clone(), options, clock.clone());
    let key = Key::new("issue:1")?;
    store.fail_with(ErrorKind::Unavailable);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(cache.get(&key).await.map_err(|error| error.kind()));
    }
    let open = Err(ErrorKind::CircuitOpen);
    assert_eq!(kinds, [Err(ErrorKind::Unavailable), open.clone(), open]);
    assert_eq!(store.calls(), 1);
    assert!(cache.cleanup().await.is_err());

    store.recover();
    clock.advance(SECOND);
    assert!(cache.get(&key).await.is_ok());
    assert_eq!(cache.status().state, CircuitState::Closed);
    Ok(())
}

/// A breaker with a timeout of two seconds before a store that fails or hangs on request.
fn with_timeout() -> (CircuitBreaker<FaultyCache>, FaultyCache, ManualClock) {
    let store = FaultyCache::new(MemoryCacheStore::new());
    let clock = ManualClock::default();
    let options = CircuitBreakerOptions::default().with_failure_threshold(1);
    let cache = CircuitBreaker::with_options(store.clone(), options, clock.clone());
    (cache.with_timeout(SECOND * 2), store, clock)
}

/// More than any task here needs to get on.
const TURNS: u32 = 1_000;

/// Starts `call`, and returns once it waits for the clock.
async fn until_it_waits<T: Send + 'static>(
    clock: &ManualClock,
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> JoinHandle<Result<T>> {
    let call = tokio::spawn(call);
    for _ in 0..TURNS {
        if clock.sleepers() > 0 {
            return call;
        }
        tokio::task::yield_now().await;
    }
    panic!("the call has no time limit");
}

/// The error of a call that ends without any further time.
async fn error_of<T: Debug>(call: JoinHandle<Result<T>>) -> Error {
    for _ in 0..TURNS {
        if call.is_finished() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(call.is_finished(), "the call goes on");
    call.await.expect("no panic").expect_err("the store hangs")
}

#[tokio::test]
async fn a_store_that_never_answers_costs_its_timeout_once() -> Result<()> {
    let (cache, store, clock) = with_timeout();
    let key = Key::new("issue:1")?;
    store.hang();
    for pause in [Duration::ZERO, Duration::from_millis(250)] {
        clock.advance(pause);
        let asked = store.calls();
        let (asking, wanted) = (cache.clone(), key.clone());
        let call = until_it_waits(&clock, async move { asking.get(&wanted).await }).await;
        clock.advance(Duration::from_millis(1_999));
        tokio::task::yield_now().await;
        assert!(!call.is_finished());
        clock.advance(Duration::from_millis(1));
        assert_eq!(error_of(call).await.kind(), ErrorKind::Timeout);

        let refused = [
            cache.get(&key).await.map(drop),
            cache
                .set(NewEntry::unconditional(key.clone(), "a"))
                .await
                .map(drop),
            cache.delete(&key).await.map(drop),
            cache.get_many(&[]).await.map(drop),
        ];
        let kinds = refused.map(|answer| answer.map_err(|error| error.kind()));
        assert_eq!(kinds, [Err(ErrorKind::CircuitOpen); 4]);
        assert_eq!(store.calls(), asked + 1);
    }
    Ok(())
}

#[tokio::test]
async fn the_error_of_a_call_that_took_too_long_says_what_to_do() -> Result<()> {
    let (cache, store, clock) = with_timeout();
    store.hang();
    let entry = NewEntry::unconditional(Key::new("issue:1")?, "a secret");
    let call = until_it_waits(&clock, async move { cache.set(entry).await }).await;
    clock.advance(SECOND * 2);
    let error = error_of(call).await;
    let text = error.to_string();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Timeout, "set")
    );
    for part in [
        "within 2000 ms",
        "may have been",
        "`CircuitBreaker::with_timeout`",
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    assert!(!text.contains("a secret"));
    Ok(())
}

#[tokio::test]
async fn housekeeping_takes_as_long_as_it_takes() -> Result<()> {
    let (cache, store, clock) = with_timeout();
    store.hang();
    let everything = Selection::All;
    let page = PageRequest::default();
    let mut calls: Vec<Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>> = vec![
        Box::pin(async { cache.clear(&everything).await.map(drop) }),
        Box::pin(async { cache.list(&page).await.map(drop) }),
        Box::pin(async { cache.stats().await.map(drop) }),
        Box::pin(async { cache.cleanup().await.map(drop) }),
        Box::pin(async { cache.close().await }),
    ];
    for _ in 0..2 {
        for call in &mut calls {
            let still_waits =
                poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending()));
            assert!(still_waits.await);
        }
        clock.advance(DAY);
    }
    assert_eq!((clock.sleepers(), store.calls()), (0, 5));
    Ok(())
}

#[tokio::test]
async fn a_write_that_took_too_long_leaves_no_copy() -> Result<()> {
    let (guarded, store, clock) = with_timeout();
    let options = TieredOptions::default()
        .with_clock(clock.clone())
        .with_max_staleness(HOUR);
    let cache = Tiered::with_options(MemoryCacheStore::new(), guarded, options);
    let key = Key::new("issue:1")?;
    cache
        .set(NewEntry::unconditional(key.clone(), "old"))
        .await?;
    assert!(cache.value(&key).await?.is_some());
    store.hang();
    // A copy needs no store.
    assert!(cache.value(&key).await?.is_some());

    let (writing, written) = (cache.clone(), key.clone());
    let write = async move { writing.set(NewEntry::unconditional(written, "new")).await };
    let call = until_it_waits(&clock, write).await;
    clock.advance(SECOND * 2);
    assert_eq!(error_of(call).await.kind(), ErrorKind::Timeout);
    let refused = cache.value(&key).await.map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::CircuitOpen));

    store.recover();
    clock.advance(SECOND);
    assert!(cache.value(&key).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_caller_opens_nothing() -> Result<()> {
    let store = FaultyCache::new(MemoryCacheStore::new());
    let cache = CircuitBreaker::new(store.clone());
    for kind in [ErrorKind::TooLarge, ErrorKind::Codec, ErrorKind::Busy] {
        store.fail_with(kind);
        let refused = cache.get(&Key::new("issue:1")?).await;
        assert_eq!(refused.map_err(|error| error.kind()), Err(kind));
    }
    assert_eq!(cache.status().state, CircuitState::Closed);
    Ok(())
}
