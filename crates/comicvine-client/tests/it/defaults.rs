//! What a client does without options: stores, limits and priorities.

use std::time::Duration;

use comicvine_client::{
    ApiKey, Budget, ComicVine, ComicVineBuilder, Error, LimitReason, Outcome, Priority,
};
use comicvine_fake::FakeServer;
use futures_util::TryStreamExt;
use store_core::{HOUR, Limit, ManualClock, Stores};

use crate::{KEY, budget, fake, memory};

/// A client that was given a server and nothing else.
fn bare(fake: &FakeServer) -> ComicVineBuilder {
    ComicVine::builder(ApiKey::new(KEY).unwrap()).base_url(fake.base_url())
}

/// Sends more requests than `builder`'s limit of 2, and returns the outcomes.
async fn send_three(builder: ComicVineBuilder) -> [Result<Outcome, Error>; 3] {
    let client = builder.budget(budget(2)).build().unwrap();
    let send = async |offset| {
        let request = client.issues().offset(offset).max_wait(Duration::ZERO);
        request.await.map(|page| page.outcome)
    };
    [send(0).await, send(1).await, send(2).await]
}

fn assert_third_is_over_budget(results: &[Result<Outcome, Error>; 3]) {
    let reason = LimitReason::Budget;
    assert!(
        matches!(
            results,
            [Ok(Outcome::Fetched), Ok(Outcome::Fetched), Err(Error::RateLimited { reason: given, .. })]
                if *given == reason
        ),
        "{results:?}"
    );
}

#[tokio::test]
async fn client_without_stores_keeps_within_its_limits() {
    let fake = fake().await;
    assert_third_is_over_budget(&send_three(bare(&fake)).await);
    assert_eq!(fake.counts().path("issues").requests(), 2);
}

#[tokio::test]
async fn client_with_stores_but_no_limiter_keeps_within_its_limits() {
    let stores = [
        Stores::none(),
        Stores {
            rate_limit: None,
            ..memory()
        },
    ];
    for stores in stores {
        let fake = fake().await;
        assert_third_is_over_budget(&send_three(bare(&fake).stores(stores)).await);
        assert_eq!(fake.counts().path("issues").requests(), 2);
    }
}

#[tokio::test]
async fn client_without_stores_caches_and_shares() {
    let fake = fake().await;
    fake.set_latency(Duration::from_millis(50));
    let client = bare(&fake).build().unwrap();
    let pages = futures_util::future::join_all((0..5).map(|_| client.issues().into_future())).await;
    assert!(pages.iter().all(Result::is_ok), "{pages:?}");
    assert_eq!(client.issues().await.unwrap().outcome, Outcome::Hit);
    assert_eq!(fake.counts().path("issues").requests(), 1);
}

#[tokio::test]
async fn stores_without_a_cache_have_no_cache() {
    let fake = fake().await;
    let client = bare(&fake).budget(budget(9)).stores(Stores::none());
    let client = client.build().unwrap();
    for _ in 0..2 {
        assert_eq!(client.issues().await.unwrap().outcome, Outcome::Fetched);
    }
}

#[tokio::test]
async fn client_without_stores_shows_its_adaptive_budget_of_200_per_hour() {
    let fake = fake().await;
    let client = bare(&fake).build().unwrap();
    client.issues().await.unwrap();
    let status = client.budget(Priority::User).await.unwrap();
    let used: Vec<_> = status.in_use().collect();
    assert_eq!(used.len(), 1);
    let issues = &used[0].status;
    assert_eq!((issues.used, issues.remaining), (1, 199));
    assert!(issues.adaptive.is_some(), "{issues:?}");
}

/// A client with `budget` sends its next request `window` and `guard` after the one before, and not
/// a millisecond earlier.
async fn sends_again_exactly_after(budget: Budget, window: Duration, guard: Duration) {
    const MILLISECOND: Duration = Duration::from_millis(1);
    let (fake, clock) = (fake().await, ManualClock::default());
    let client = bare(&fake).budget(budget).clock(clock.clone());
    let client = client.build().unwrap();
    let send = |offset| {
        let request = client.issues().offset(offset).max_wait(Duration::ZERO);
        request.into_future()
    };
    send(0).await.unwrap();
    clock.advance((window + guard).saturating_sub(MILLISECOND));
    let error = send(1).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    clock.advance(MILLISECOND);
    send(1).await.unwrap();
}

#[tokio::test]
async fn request_counts_for_18_seconds_longer_than_its_hour() {
    let budget = budget(1).with_path(Limit::new(1, HOUR));
    sends_again_exactly_after(budget, HOUR, Duration::from_secs(18)).await;
}

#[tokio::test]
async fn requests_are_spaced_by_50_milliseconds_more_than_a_second() {
    let guard = Duration::from_millis(50);
    sends_again_exactly_after(Budget::default(), Duration::from_secs(1), guard).await;
}

#[test]
fn default_limits_have_their_guards() {
    let default = Budget::default();
    let guarded = Limit::new(200, HOUR).with_guard(Duration::from_secs(18));
    assert_eq!(default.path, guarded);
    assert_eq!(default.spacing, Duration::from_secs(1));
    assert_eq!(default.spacing_guard, Duration::from_millis(50));
}

#[tokio::test]
async fn awaited_request_is_a_users_and_a_stream_is_background() {
    let fake = fake().await;
    let client = bare(&fake)
        .budget(Budget::default().with_spacing(Duration::ZERO))
        .build()
        .unwrap();
    let activity = async || {
        let status = client.budget(Priority::User).await.unwrap();
        let volumes = status.paths.into_iter().find(|path| path.path == "volumes");
        volumes
            .unwrap()
            .status
            .adaptive
            .unwrap()
            .recent_user_activity
    };
    client.volumes().await.unwrap();
    assert_eq!(activity().await, 1);
    let _: Vec<_> = client
        .volumes()
        .offset(1)
        .limit(1)
        .stream()
        .try_collect()
        .await
        .unwrap();
    client.volumes().offset(2).limit(1).all().await.unwrap();
    assert_eq!(activity().await, 1);
    let explicit = client.volumes().offset(3).limit(1).priority(Priority::User);
    explicit.all().await.unwrap();
    assert_eq!(activity().await, 2);
}
