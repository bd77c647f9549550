//! Rows by id: many in one call, and single ones that share a call.

use std::num::NonZeroU32;
use std::time::Duration;

use comicvine_client::{
    ApiKey, ComicVine, Error, Id, Outcome, Priority, RawJson, ResourceKind, VolumeRow,
};
use comicvine_fake::{FakeServer, Fault, Injection};
use futures_util::future::{Either, join_all, select};
use store_core::{ManualClock, Stores};

use crate::scripted::{Canned, Scripted};
use crate::{KEY, budget, builder, client, client_with_stores, fake, memory};

const MISSING: u64 = 999_999_999;
const WINDOW: Duration = Duration::from_millis(20);

fn volumes(fake: &FakeServer) -> Vec<u64> {
    let details = fake.detail_ids();
    let (_, ids) = details.iter().find(|(path, _)| path == "volume").unwrap();
    ids.clone()
}

fn calls(fake: &FakeServer) -> u64 {
    fake.counts().path("volumes").requests()
}

/// A client of a server that has its script.
fn client_of(server: &Scripted) -> ComicVine {
    ComicVine::builder(ApiKey::new(KEY).unwrap())
        .base_url(&server.base_url)
        .budget(budget(200))
        .stores(Stores::none())
        .build()
        .unwrap()
}

fn coalescing(fake: &FakeServer, clock: &ManualClock, stores: Stores) -> ComicVine {
    let builder = builder(fake).stores(stores).clock(clock.clone());
    builder.coalesce(WINDOW).build().unwrap()
}

async fn row(client: &ComicVine, id: u64) -> Result<u64, Error> {
    let row = client.row::<VolumeRow>(ResourceKind::Volume, id).await?;
    Ok(row.value.id.number())
}

/// Waits until `sleepers` wait for `clock`, then lets the window pass.
async fn window_ends(clock: &ManualClock, sleepers: usize) {
    while clock.sleepers() < sleepers {
        tokio::task::yield_now().await;
    }
    clock.advance(WINDOW);
}

#[tokio::test]
async fn a_hundred_ids_are_one_call_and_missing_ones_are_named() {
    let fake = fake().await;
    let ids = &volumes(&fake)[..120];
    let asked = ids.iter().copied().chain([MISSING, ids[0]]);
    let client = client(&fake);
    let many = client
        .get_many::<VolumeRow>(ResourceKind::Volume, asked)
        .await
        .unwrap();
    assert_eq!(calls(&fake), 2);
    let found: Vec<u64> = many.found.keys().map(|id| id.number()).collect();
    assert_eq!(found, ids);
    for (id, row) in &many.found {
        assert_eq!(row.value.id.number(), id.number());
        assert!(row.raw.get().starts_with('{'));
    }
    assert_eq!(many.missing, [Id::new(MISSING)]);
    assert!(many.skipped.is_empty());

    let none = client
        .get_many::<RawJson>(ResourceKind::Volume, Vec::<u64>::new())
        .await
        .unwrap();
    assert!(none.found.is_empty() && none.missing.is_empty());
    assert_eq!(calls(&fake), 2);
}

#[tokio::test]
async fn equal_sets_of_ids_are_answered_from_the_cache_unless_refreshed() {
    let fake = fake().await;
    let ids = &volumes(&fake)[..3];
    let client = client_with_stores(&fake);
    let ask = |ids: Vec<u64>| client.get_many::<RawJson>(ResourceKind::Volume, ids);
    ask(ids.to_vec()).await.unwrap();
    let again = ask(ids.iter().rev().copied().collect()).await.unwrap();
    assert!(again.found.values().all(|row| row.outcome == Outcome::Hit));
    assert_eq!(calls(&fake), 1);
    let refreshed = ask(ids.to_vec()).refresh().await.unwrap();
    assert!(
        refreshed
            .found
            .values()
            .all(|row| row.outcome == Outcome::Fetched)
    );
    assert_eq!(calls(&fake), 2);
}

#[tokio::test]
async fn row_that_cannot_be_read_is_not_missing() {
    #[derive(Debug, serde::Deserialize)]
    struct Strange {
        #[expect(dead_code, reason = "no row has it")]
        never_there: u8,
    }
    let fake = fake().await;
    let id = volumes(&fake)[0];
    let many = client(&fake)
        .get_many::<Strange>(ResourceKind::Volume, [id])
        .await
        .unwrap();
    assert!(many.found.is_empty() && many.missing.is_empty());
    assert!(many.skipped[&Id::new(id)].reason.contains("never_there"));
}

#[tokio::test]
async fn list_that_ignores_the_ids_is_an_error_and_not_crawled() {
    let ids: Vec<u64> = (1..=100).collect();
    let server = Scripted::start([Canned::rows(5_000, &ids)]).await;
    let client = client_of(&server);
    let many = client.get_many::<RawJson>(ResourceKind::Issue, [7, 200]);
    let error = many.await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(error.to_string().contains("5000 rows for 2 ids"), "{error}");
}

#[tokio::test]
async fn short_page_and_foreign_rows_make_no_id_missing() {
    let pages = [Canned::rows(3, &[1, 9]), Canned::rows(3, &[2])];
    let server = Scripted::start(pages).await;
    let client = client_of(&server);
    let many = client
        .get_many::<RawJson>(ResourceKind::Issue, [1, 2, 3])
        .await
        .unwrap();
    let found: Vec<u64> = many.found.keys().map(|id| id.number()).collect();
    assert_eq!(found, [1, 2]);
    assert_eq!(many.missing, [Id::new(3)]);
}

#[tokio::test]
async fn a_hundred_concurrent_rows_are_one_call() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let client = coalescing(&fake, &clock, Stores::none());
    let ids = &volumes(&fake)[..99];
    let asked: Vec<u64> = ids.iter().copied().chain([MISSING]).collect();
    let rows = join_all(asked.iter().map(|id| row(&client, *id)));
    let (rows, ()) = tokio::join!(rows, window_ends(&clock, 1));
    assert_eq!(calls(&fake), 1);
    for (id, row) in asked.iter().zip(&rows) {
        match row {
            Ok(found) => assert_eq!(found, id),
            Err(error) => {
                assert_eq!(*id, MISSING);
                assert!(matches!(error, Error::NotFound { .. }), "{error}");
                assert_eq!(error.to_string(), "volume 4050-999999999 does not exist");
            }
        }
    }
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1);
}

#[tokio::test]
async fn more_than_a_hundred_rows_and_other_options_are_further_calls() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let client = coalescing(&fake, &clock, Stores::none());
    let ids = &volumes(&fake)[..101];
    let rows = join_all(ids.iter().map(|id| row(&client, *id)));
    let (rows, ()) = tokio::join!(rows, window_ends(&clock, 2));
    assert!(rows.iter().all(Result::is_ok));
    assert_eq!(calls(&fake), 2);

    let asked = |priority| {
        let request = client.row::<VolumeRow>(ResourceKind::Volume, ids[0]);
        request.priority(priority).into_future()
    };
    let both = join_all([asked(Priority::User), asked(Priority::Background)]);
    let (rows, ()) = tokio::join!(both, window_ends(&clock, 2));
    assert!(rows.iter().all(Result::is_ok));
    assert_eq!(calls(&fake), 4);
}

#[tokio::test]
async fn dropped_request_costs_the_others_nothing() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let client = coalescing(&fake, &clock, memory());
    let ids = volumes(&fake);
    // The first one opens the batch and drives it until it is dropped.
    let first = Box::pin(row(&client, ids[0]));
    let second = Box::pin(row(&client, ids[1]));
    let Either::Right(((), waiting)) = select(
        Box::pin(async { join_all([first, second]).await }),
        Box::pin(async {
            while clock.sleepers() == 0 {
                tokio::task::yield_now().await;
            }
        }),
    )
    .await
    else {
        unreachable!("nothing is sent before the window ends")
    };
    let third = tokio::spawn({
        let (client, id) = (client.clone(), ids[2]);
        async move { row(&client, id).await }
    });
    while clock.sleepers() < 1 {
        tokio::task::yield_now().await;
    }
    drop(waiting);
    window_ends(&clock, 1).await;
    assert_eq!(third.await.unwrap().unwrap(), ids[2]);
    assert_eq!(calls(&fake), 1);

    // A batch that was dropped as a whole takes no further request with it.
    let abandoned = Box::pin(row(&client, ids[3]));
    drop(select(abandoned, Box::pin(tokio::task::yield_now())).await);
    let alone = row(&client, ids[4]);
    let (found, ()) = tokio::join!(alone, window_ends(&clock, 1));
    assert_eq!(found.unwrap(), ids[4]);
    assert_eq!(calls(&fake), 2);
}

#[tokio::test]
async fn failed_call_is_the_error_of_every_request() {
    let fake = fake().await;
    let clock = ManualClock::default();
    let client = coalescing(&fake, &clock, Stores::none());
    fake.inject(Injection::new(Fault::Forbidden).times(NonZeroU32::MAX));
    let ids = &volumes(&fake)[..5];
    let rows = join_all(ids.iter().map(|id| row(&client, *id)));
    let (rows, ()) = tokio::join!(rows, window_ends(&clock, 1));
    for row in rows {
        assert!(matches!(row.unwrap_err(), Error::Blocked { .. }));
    }
    assert_eq!(calls(&fake), 1);
}

#[tokio::test]
async fn rows_without_a_window_are_calls_of_their_own() {
    let fake = fake().await;
    let client = client(&fake);
    let ids = &volumes(&fake)[..3];
    let rows = join_all(ids.iter().map(|id| row(&client, *id))).await;
    assert!(rows.iter().all(Result::is_ok));
    assert_eq!(calls(&fake), 3);
}
