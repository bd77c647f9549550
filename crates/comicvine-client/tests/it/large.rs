//! Responses that are too large for a store, or not cached at all, are fetched once all the same.

use std::time::Duration;

use comicvine_client::{ApiKey, ComicVine, ComicVineBuilder, Error, Freshness, Outcome, Priority};
use comicvine_fake::{FakeServer, Fault};
use futures_util::future::join_all;

use crate::{KEY, builder, fake, memory, times};

const KIBIBYTE: usize = 1024;
const MEBIBYTE: usize = 1024 * KIBIBYTE;

/// Five callers of one response of this length, and the outcome of a sixth after them.
async fn five_callers(
    fake: &FakeServer,
    builder: ComicVineBuilder,
    bytes: usize,
) -> Result<Outcome, Error> {
    let client = builder.build().unwrap();
    fake.set_latency(Duration::from_millis(100));
    fake.inject(times(Fault::Large { bytes }, 6));
    let pages = join_all((0..5).map(|_| client.issues().into_future())).await;
    let outcomes: Vec<_> = pages
        .into_iter()
        .map(|page| page.unwrap().outcome)
        .collect();
    let fetched = |outcome: &&Outcome| **outcome == Outcome::Fetched;
    assert_eq!(outcomes.iter().filter(fetched).count(), 1, "{outcomes:?}");
    assert_eq!(fake.counts().path("issues").requests(), 1);
    let status = client.budget(Priority::User).await.unwrap();
    let used: Vec<_> = status.in_use().map(|path| path.status.used).collect();
    assert_eq!(used, [1], "permits of the five");
    client.issues().await.map(|page| page.outcome)
}

#[tokio::test]
async fn response_that_is_not_cached_is_fetched_once_for_five() {
    let fake = fake().await;
    let nothing_cached = Freshness::default()
        .with_list(Duration::ZERO)
        .with_stale(Duration::ZERO);
    let builder = builder(&fake).stores(memory()).freshness(nothing_cached);
    let sixth = five_callers(&fake, builder, 100 * KIBIBYTE).await;
    assert_eq!(sixth.unwrap(), Outcome::Fetched);
}

#[tokio::test]
async fn response_too_large_for_the_cache_is_fetched_once_for_five() {
    let fake = fake().await;
    let builder = builder(&fake).stores(memory());
    let sixth = five_callers(&fake, builder, 6 * MEBIBYTE).await;
    assert_eq!(sixth.unwrap(), Outcome::Fetched);
}

#[tokio::test]
async fn default_stores_cache_the_largest_response_that_is_accepted() {
    let fake = fake().await;
    let builder = ComicVine::builder(ApiKey::new(KEY).unwrap())
        .base_url(fake.base_url())
        .max_body_bytes(6 * MEBIBYTE);
    let sixth = five_callers(&fake, builder, 6 * MEBIBYTE).await;
    assert_eq!(sixth.unwrap(), Outcome::Hit);
}

#[tokio::test]
async fn response_above_the_maximum_is_an_error() {
    let fake = fake().await;
    let client = builder(&fake).max_body_bytes(MEBIBYTE).build().unwrap();
    fake.inject(times(
        Fault::Large {
            bytes: MEBIBYTE + 1,
        },
        1,
    ));
    let error = client.issues().await.unwrap_err();
    assert!(error.to_string().contains("max_body_bytes"), "{error}");
}
