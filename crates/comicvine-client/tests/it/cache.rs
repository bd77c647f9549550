//! Cache, request de-duplication and budgets with real stores.

use std::time::Duration;

use comicvine_client::{
    ApiKey, CacheMode, ComicVine, Error, Freshness, IssueId, LimitReason, Outcome, Priority,
    RawJson, ResourceKind,
};
use comicvine_fake::{FakeServer, Fault};
use store_core::{DAY, HOUR, MINUTE, ManualClock, SECOND, Timestamp};

use crate::{KEY, budget, builder, client, client_with_stores, fake, json, memory, times};

async fn some_issue(fake: &FakeServer) -> IssueId {
    client(fake).issues().limit(1).await.unwrap().value.rows[0].id
}

#[tokio::test]
async fn second_request_is_a_hit() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let client = client_with_stores(&fake);
    let first = client.issue(id).await.unwrap();
    let second = client.issue(id).await.unwrap();
    assert_eq!(
        (first.outcome, second.outcome),
        (Outcome::Fetched, Outcome::Hit)
    );
    assert_eq!(first.raw.get(), second.raw.get());
    assert_eq!(first.fetched_at, second.fetched_at);
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn equal_requests_in_flight_are_one() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let client = client_with_stores(&fake);
    fake.set_latency(Duration::from_millis(100));
    let all = futures_util::future::join_all((0..8).map(|_| client.issue(id).into_future())).await;
    let outcomes: Vec<_> = all
        .into_iter()
        .map(|response| response.unwrap().outcome)
        .collect();
    let fetched = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Fetched)
        .count();
    assert_eq!(fetched, 1, "{outcomes:?}");
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn failure_in_flight_is_shared_with_all_who_joined() {
    let fake = fake().await;
    let client = client_with_stores(&fake);
    fake.set_latency(Duration::from_millis(100));
    let missing = IssueId::new(999_999_999);
    let all = futures_util::future::join_all((0..4).map(|_| client.issue(missing).into_future()));
    for result in all.await {
        assert!(matches!(result.unwrap_err(), Error::NotFound { .. }));
    }
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn not_found_is_cached_for_ten_minutes_or_as_configured() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let built = |freshness| {
        let builder = builder(&fake).stores(memory()).clock(clock.clone());
        builder.freshness(freshness).build().unwrap()
    };
    let without_caching = built(Freshness::default().with_not_found(Duration::ZERO));
    let with_caching = built(Freshness::default());
    let missing = IssueId::new(999_999_999);
    let requests = async |client: &ComicVine| {
        let before = fake.counts().path("issue").requests();
        for _ in 0..2 {
            let error = client.issue(missing).await.unwrap_err();
            assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        }
        fake.counts().path("issue").requests() - before
    };
    assert_eq!(requests(&without_caching).await, 2);
    assert_eq!(requests(&with_caching).await, 1);
    assert_eq!(requests(&with_caching).await, 0);
    clock.advance(MINUTE * 10);
    assert_eq!(requests(&with_caching).await, 1);
}

#[tokio::test]
async fn refresh_fetches_again_and_caches_the_response() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let clock = ManualClock::default();
    let client = builder(&fake)
        .stores(memory())
        .clock(clock.clone())
        .build()
        .unwrap();
    client.issue(id).await.unwrap();
    clock.advance(SECOND);
    let fresh = client.issue(id).refresh().await.unwrap();
    assert_eq!(fresh.outcome, Outcome::Fetched);
    let after = client.issue(id).await.unwrap();
    assert_eq!(
        (after.outcome, after.fetched_at),
        (Outcome::Hit, fresh.fetched_at)
    );
}

#[tokio::test]
async fn invalidated_resource_is_fetched_again() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let client = client_with_stores(&fake);
    client.issue(id).await.unwrap();
    client.invalidate(ResourceKind::Issue, id).await.unwrap();
    assert_eq!(client.issue(id).await.unwrap().outcome, Outcome::Fetched);
}

#[tokio::test]
async fn stale_response_is_served_while_the_api_refuses() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let freshness = Freshness::default()
        .with_detail(Duration::ZERO)
        .with_settled(Duration::ZERO);
    let client = builder(&fake)
        .stores(memory())
        .freshness(freshness)
        .build()
        .unwrap();
    let first = client.issue(id).await.unwrap();
    fake.inject(times(Fault::RateLimited, 1));
    let second = client.issue(id).await.unwrap();
    assert_eq!(second.outcome, Outcome::Stale);
    assert_eq!(second.fetched_at, first.fetched_at);
}

#[tokio::test]
async fn budget_of_a_path_is_enforced_and_shown() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let client = builder(&fake)
        .stores(memory())
        .budget(budget(2))
        .build()
        .unwrap();
    client.issue(id).await.unwrap();
    client
        .get::<RawJson>(ResourceKind::Issue, IssueId::new(999_999_999))
        .await
        .unwrap_err();
    let error = client
        .issue(IssueId::new(999_999_998))
        .max_wait(Duration::ZERO)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::RateLimited {
            reason: LimitReason::Budget,
            ..
        }
    ));
    assert!(error.retry_at().is_some_and(|at| at > client.now()));
    let status = client.budget(Priority::User).await.unwrap();
    let used: Vec<_> = status
        .in_use()
        .map(|path| (path.path.as_str(), path.status.used))
        .collect();
    assert_eq!(used, [("issue", 2)]);
    let alone = client.path_budget("issue", Priority::User).await.unwrap();
    let paths: Vec<_> = alone.paths.iter().map(|path| path.path.as_str()).collect();
    assert_eq!((paths, alone.paths[0].status.used), (vec!["issue"], 2));
    let unknown = client.path_budget("issu", Priority::User).await;
    assert!(matches!(unknown, Err(Error::InvalidInput { .. })));
    assert!(
        client.issues().await.is_ok(),
        "the list has a separate budget"
    );
}

// covers("F38")
#[tokio::test]
async fn servers_share_nothing_and_selections_of_fields_one_entry() {
    let (one, other) = (unlimited(1).await, unlimited(2).await);
    let id = some_issue(&one).await;
    let stores = memory();
    let first = builder(&one).stores(stores.clone()).build().unwrap();
    let second = builder(&other).stores(stores).build().unwrap();
    first.issue(id).await.unwrap();
    let elsewhere = second.issue(id).await;
    assert!(elsewhere.is_ok_and(|response| response.outcome == Outcome::Fetched));
    let names = "name,id".parse().unwrap();
    let selected = first.get::<RawJson>(ResourceKind::Issue, id).fields(names);
    let selected = selected.await.unwrap();
    assert_eq!(selected.outcome, Outcome::Hit);
    assert_eq!(json(&selected.value).as_object().unwrap().len(), 2);
}

async fn unlimited(seed: u64) -> FakeServer {
    FakeServer::builder()
        .seed(seed)
        .limits(comicvine_fake::Limits::unlimited())
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn keys_share_the_cache_but_not_the_budget() {
    let fake = unlimited(1).await;
    let id = some_issue(&fake).await;
    let stores = memory();
    let mine = builder(&fake).stores(stores.clone()).build().unwrap();
    let yours = comicvine_client::ComicVine::builder(ApiKey::new("another").unwrap())
        .base_url(fake.base_url())
        .stores(stores)
        .build()
        .unwrap();
    mine.issue(id).await.unwrap();
    assert_eq!(yours.issue(id).await.unwrap().outcome, Outcome::Hit);
    assert_eq!(
        mine.budget(Priority::User).await.unwrap().in_use().count(),
        1
    );
    assert_eq!(
        yours.budget(Priority::User).await.unwrap().in_use().count(),
        0
    );
}

#[tokio::test]
async fn real_limits_are_never_exceeded() {
    let limits = comicvine_fake::Limits::default()
        .with_requests(std::num::NonZeroU32::new(10).unwrap())
        .with_window(HOUR)
        .with_spacing(Duration::from_millis(5));
    let fake = FakeServer::builder().limits(limits).start().await.unwrap();
    let stores = memory();
    // The server's own spacing. The guard is long, because a busy machine delays requests by more than
    // the default of 50 milliseconds after they are permitted.
    let budget = budget(10)
        .with_spacing(limits.spacing)
        .with_spacing_guard(Duration::from_millis(200));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            builder(&fake)
                .stores(stores.clone())
                .budget(budget.clone())
                .build()
                .unwrap()
        })
        .collect();
    let calls = (0..12_u64).map(|at| {
        let client = &clients[usize::try_from(at % 3).unwrap()];
        client
            .issues()
            .offset(at)
            .max_wait(Duration::from_secs(30))
            .into_future()
    });
    let results = futures_util::future::join_all(calls).await;
    let answered = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(answered, 10);
    let counts = fake.counts().path("issues");
    assert_eq!((counts.requests(), counts.refused()), (10, 0));
}

/// A client whose responses are stale at once.
fn never_fresh(fake: &FakeServer) -> ComicVine {
    let freshness = Freshness::default()
        .with_detail(Duration::ZERO)
        .with_settled(Duration::ZERO);
    let client = builder(fake).stores(memory()).freshness(freshness);
    client.build().unwrap()
}

#[tokio::test]
async fn request_from_the_cache_only_sends_nothing() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let client = never_fresh(&fake);
    let only = || client.issue(id).cache_mode(CacheMode::Only);
    let error = only().await.unwrap_err();
    assert!(matches!(error, Error::NotCached { .. }), "{error:?}");
    assert_eq!(fake.counts().path("issue").requests(), 0);

    client.issue(id).await.unwrap();
    assert_eq!(only().await.unwrap().outcome, Outcome::Stale);
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn stale_response_is_returned_at_once_and_fetched_again_in_the_background() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let client = never_fresh(&fake);
    let request = client.issue(id).cache_mode(CacheMode::StaleWhileRevalidate);
    assert_eq!(request.clone().await.unwrap().outcome, Outcome::Fetched);
    let first = fake.counts().path("issue").requests();
    assert_eq!(request.await.unwrap().outcome, Outcome::Stale);
    while fake.counts().path("issue").requests() == first {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn unchanged_resource_stays_fresh_longer() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let changed = client(&fake)
        .issue(id)
        .await
        .unwrap()
        .value
        .date_last_updated;
    let changed = changed.unwrap().value().unwrap().civil().year();
    assert!(changed < 2025, "the fake's issues are old: {changed}");
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let client = ComicVine::builder(ApiKey::new(KEY).unwrap())
        .base_url(fake.base_url())
        .budget(budget(200))
        .clock(clock.clone())
        .build()
        .unwrap();
    client.issue(id).await.unwrap();
    clock.advance(DAY * 10);
    assert_eq!(client.issue(id).await.unwrap().outcome, Outcome::Hit);
    clock.advance(DAY * 5);
    assert_eq!(client.issue(id).await.unwrap().outcome, Outcome::Fetched);
}
