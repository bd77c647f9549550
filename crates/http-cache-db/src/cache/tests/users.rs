//! One store behind a cache of one user and a cache of several.

use super::*;
use crate::sqlite::{SqliteStore, SqliteStoreOptions};

const OF_USER: Lines<'static> = &[("authorization", "Basic c2VjcmV0")];

/// In memory, and in a file.
async fn stores() -> [Arc<dyn ResponseStore>; 2] {
    let file = SqliteStore::in_memory(SqliteStoreOptions::default());
    [
        Arc::new(MemoryStore::new(1 << 20)),
        Arc::new(file.await.unwrap()),
    ]
}

async fn of_all(it: &Fixture, origin: &Site) -> Received {
    let cache = it.cache.clone().with_policy(Policy::new(Mode::Shared));
    let answer = cache.handle(request("GET", URL, &[]), origin).await;
    Received::of(answer.unwrap()).await
}

#[tokio::test]
async fn what_one_user_got_is_not_for_all() {
    for (lines, asked) in [
        (&[("cache-control", "private, max-age=60")][..], &[][..]),
        (&[FRESH], OF_USER),
        (
            // RFC 9213: the first is for caches of one user, the second for those of several.
            &[
                ("cache-control", "private, max-age=60"),
                ("cdn-cache-control", "no-store"),
                ("last-modified", "Mon, 01 Jan 2018 00:00:00 GMT"),
            ],
            &[],
        ),
    ] {
        for store in stores().await {
            let (it, origin) = (Fixture::over(store), Site::counting(lines));
            it.get(&origin, asked).await;
            assert!(it.get(&origin, asked).await.did.starts_with("hit"));
            let answer = of_all(&it, &origin).await;
            assert_eq!((&answer.body[..], origin.count()), ("1", 2), "{answer:?}");
            assert!(answer.did.starts_with("fwd=uri-miss"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_validation_makes_nothing_public() {
    for store in stores().await {
        let origin = Site::new(|request, count| {
            let lines = &[("cache-control", "max-age=60"), ("etag", "\"1\"")];
            let mut response = response(lines, Body::full(count.to_string()));
            if request.headers().contains_key("if-none-match") {
                *response.status_mut() = http::StatusCode::NOT_MODIFIED;
                *response.body_mut() = Body::empty();
            }
            Ok(response)
        });
        let it = Fixture::over(store);
        it.get(&origin, OF_USER).await;
        it.clock.advance(SECOND * 61);
        // The user's client asks without its name this time, as a cache may.
        let confirmed = it.get(&origin, &[]).await;
        assert!(confirmed.did.contains("fwd-status=304"), "{confirmed:?}");
        let answer = of_all(&it, &origin).await;
        assert_eq!(answer.body, "2");
    }
}

#[tokio::test]
async fn what_a_cache_of_several_may_store_is_for_all() {
    for (lines, asked) in [
        (&[("cache-control", "public, max-age=60")][..], OF_USER),
        (&[FRESH], &[]),
    ] {
        for store in stores().await {
            let (it, origin) = (Fixture::over(store), Site::counting(lines));
            it.get(&origin, asked).await;
            let answer = of_all(&it, &origin).await;
            assert_eq!((&answer.body[..], origin.count()), ("0", 1), "{answer:?}");
        }
    }
}
