//! The events of requests: what answered, and what failed.

use super::faulty::Faulty;
use super::*;

/// The target with a secret, and as events show it.
const SECRET_URL: &str = "http://example.org/issues?token=s3cret";
const SHOWN_URL: &str = "http://example.org/issues?token=REDACTED";

// covers("C4")
#[tokio::test]
async fn hits_and_misses_are_told_without_secrets() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    it.send(&origin, request("GET", SECRET_URL, &[])).await;
    let url = SHOWN_URL.to_owned();
    let miss = Event::CacheMiss { url: url.clone() };
    let is_hit = |event: &Event| matches!(event, Event::CacheHit { .. });
    assert_eq!((it.told(|event| *event == miss), it.told(is_hit)), (1, 0));
    it.clock.advance(SECOND * 2);
    it.send(&origin, request("GET", SECRET_URL, &[])).await;
    let target = SECRET_URL.parse().unwrap();
    let store = it.cache.store();
    let stored = store.variants(store.salt().target_key(&target)).await;
    let hit = Event::CacheHit {
        url,
        response: stored.unwrap()[0].id,
        age: SECOND * 2,
    };
    assert_eq!(it.told(|event| *event == hit), 1);
    assert_eq!(it.told(|event| *event == miss), 1);
}

// covers("C4")
#[tokio::test]
async fn a_failure_is_told_with_what_comes_of_it() {
    type IsLike = fn(&Event) -> bool;
    let failures: [(&str, IsLike); 6] = [
        ("variants", |event| matches!(event, Event::GetError { .. })),
        ("begin", |event| matches!(event, Event::StoreError { .. })),
        ("append", |event| matches!(event, Event::StoreError { .. })),
        ("commit", |event| matches!(event, Event::StoreError { .. })),
        ("body", |event| matches!(event, Event::CacheError { .. })),
        ("invalidate", |event| {
            matches!(event, Event::DeleteError { .. })
        }),
    ];
    for (failing, is_like) in failures {
        let store = Faulty::new();
        let it = Fixture::over(Arc::new(store.clone()));
        let origin = Site::counting(&[FRESH]);
        if failing == "body" {
            it.get(&origin, &[]).await;
        }
        store.fail(failing);
        let method = if failing == "invalidate" {
            "POST"
        } else {
            "GET"
        };
        it.send(&origin, request(method, URL, &[])).await;
        let is_error = |event: &Event| matches!(event, Event::Error { operation, .. } if *operation == failing);
        assert_eq!((it.told(is_like), it.told(is_error)), (1, 1), "{failing}");
    }
}
