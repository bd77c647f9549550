//! Cache, requests in flight, and budgets, over real stores.

use std::time::Duration;

use comicvine_client::{
    ApiKey, ComicVine, Error, Freshness, IssueId, LimitReason, Outcome, Priority, ResourceKind,
};
use comicvine_fake::{FakeServer, Fault};
use store_core::{HOUR, ManualClock, SECOND, Stores};

use crate::{budget, builder, client, client_with_stores, fake, memory, times};

async fn some_issue(fake: &FakeServer) -> IssueId {
    client(fake).issues().limit(1).await.unwrap().value.rows[0].id
}

#[tokio::test]
async fn second_request_is_a_hit() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let comics = client_with_stores(&fake);
    let first = comics.issue(id).await.unwrap();
    let second = comics.issue(id).await.unwrap();
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
    let comics = client_with_stores(&fake);
    fake.set_latency(Duration::from_millis(100));
    let all = futures_util::future::join_all((0..8).map(|_| comics.issue(id).into_future())).await;
    let outcomes: Vec<_> = all.into_iter().map(|got| got.unwrap().outcome).collect();
    let fetched = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Fetched)
        .count();
    assert_eq!(fetched, 1, "{outcomes:?}");
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn failure_in_flight_is_told_to_all_who_joined() {
    let fake = fake().await;
    let comics = client_with_stores(&fake);
    fake.set_latency(Duration::from_millis(100));
    let missing = IssueId::new(999_999_999);
    let all = futures_util::future::join_all((0..4).map(|_| comics.issue(missing).into_future()));
    for result in all.await {
        assert!(matches!(result.unwrap_err(), Error::NotFound { .. }));
    }
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn missing_resource_is_not_asked_for_again_while_that_was_wanted() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let asks_each_time = client_with_stores(&fake);
    let remembers = builder(&fake)
        .stores(memory())
        .clock(clock.clone())
        .freshness(Freshness::default().with_missing(HOUR))
        .build()
        .unwrap();
    let missing = IssueId::new(999_999_999);
    let requests = async |comics: &ComicVine| {
        let before = fake.counts().path("issue").requests();
        for _ in 0..2 {
            let error = comics.issue(missing).await.unwrap_err();
            assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        }
        fake.counts().path("issue").requests() - before
    };
    assert_eq!(requests(&asks_each_time).await, 2);
    assert_eq!(requests(&remembers).await, 1);
    assert_eq!(requests(&remembers).await, 0);
    clock.advance(HOUR);
    assert_eq!(requests(&remembers).await, 1);
}

#[tokio::test]
async fn refresh_asks_anew_and_keeps_the_answer() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let clock = ManualClock::default();
    let comics = builder(&fake)
        .stores(memory())
        .clock(clock.clone())
        .build()
        .unwrap();
    comics.issue(id).await.unwrap();
    clock.advance(SECOND);
    let fresh = comics.issue(id).refresh().await.unwrap();
    assert_eq!(fresh.outcome, Outcome::Fetched);
    let after = comics.issue(id).await.unwrap();
    assert_eq!(
        (after.outcome, after.fetched_at),
        (Outcome::Hit, fresh.fetched_at)
    );
}

#[tokio::test]
async fn forgotten_resource_is_fetched_again() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let comics = client_with_stores(&fake);
    comics.issue(id).await.unwrap();
    comics.forget(ResourceKind::Issue, id).await.unwrap();
    assert_eq!(comics.issue(id).await.unwrap().outcome, Outcome::Fetched);
}

#[tokio::test]
async fn stale_answer_is_better_than_none() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let freshness = Freshness::default().with_detail(Duration::ZERO);
    let comics = builder(&fake)
        .stores(memory())
        .freshness(freshness)
        .build()
        .unwrap();
    let first = comics.issue(id).await.unwrap();
    fake.inject(times(Fault::RateLimited, 1));
    let second = comics.issue(id).await.unwrap();
    assert_eq!(second.outcome, Outcome::Stale);
    assert_eq!(second.fetched_at, first.fetched_at);
}

#[tokio::test]
async fn budget_of_a_path_is_kept_and_shown() {
    let fake = fake().await;
    let id = some_issue(&fake).await;
    let comics = builder(&fake)
        .stores(memory())
        .budget(budget(2))
        .build()
        .unwrap();
    comics.issue(id).await.unwrap();
    comics
        .get(ResourceKind::Issue, IssueId::new(999_999_999))
        .await
        .unwrap_err();
    let error = comics
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
    assert!(error.retry_at().is_some_and(|at| at > comics.now()));
    let status = comics.budget(Priority::User).await.unwrap();
    let used: Vec<_> = status
        .in_use()
        .map(|path| (path.path.as_str(), path.status.used))
        .collect();
    assert_eq!(used, [("issue", 2)]);
    assert!(
        comics.issues().await.is_ok(),
        "the list has a budget of its own"
    );
}

// covers("F38")
#[tokio::test]
async fn servers_and_selections_of_fields_share_nothing() {
    let (one, other) = (unlimited(1).await, unlimited(2).await);
    let id = some_issue(&one).await;
    let stores = memory();
    let first = builder(&one).stores(stores.clone()).build().unwrap();
    let second = builder(&other).stores(stores).build().unwrap();
    first.issue(id).await.unwrap();
    let elsewhere = second.get(comicvine_client::ResourceKind::Issue, id).await;
    assert!(elsewhere.is_ok_and(|got| got.outcome == Outcome::Fetched));
    let names = "name".parse().unwrap();
    let selected = first.issue(id).fields(names).await.unwrap();
    assert_eq!(selected.outcome, Outcome::Fetched);
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
async fn keys_share_answers_but_no_budget() {
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
    let budget = budget(10).with_spacing(Duration::from_millis(40));
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
            .max_wait(Duration::from_secs(2))
            .into_future()
    });
    let results = futures_util::future::join_all(calls).await;
    let answered = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(answered, 10);
    let counts = fake.counts().path("issues");
    assert_eq!((counts.requests(), counts.refused()), (10, 0));
}

#[tokio::test]
async fn client_without_limiter_has_no_budget_to_show() {
    let fake = fake().await;
    let comics = builder(&fake)
        .stores(Stores::none())
        .clock(ManualClock::default())
        .build()
        .unwrap();
    assert!(matches!(
        comics.budget(Priority::User).await.unwrap_err(),
        Error::InvalidInput { .. }
    ));
}
