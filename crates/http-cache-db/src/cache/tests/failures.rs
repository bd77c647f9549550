//! A store that fails costs the cache, and never the answer.

use super::faulty::Faulty;
use super::*;

fn is_error(event: &Event) -> bool {
    matches!(event, Event::Error { .. })
}

#[tokio::test]
async fn the_origin_answers_in_place_of_a_store_that_fails() {
    for operation in ["variants", "begin", "append", "commit", "body"] {
        let store = Faulty::new();
        let (it, origin) = (
            Fixture::over(Arc::new(store.clone())),
            Site::counting(&[FRESH]),
        );
        store.fail(operation);
        for body in ["0", "1"] {
            let answer = it.get(&origin, &[]).await;
            assert_eq!(
                (answer.status, &answer.body[..]),
                (200, body),
                "{operation}"
            );
        }
        assert!(it.told(is_error) > 0, "{operation}");
        store.recover();
        it.get(&origin, &[]).await;
        let hit = it.get(&origin, &[]).await;
        assert!(hit.did.starts_with("hit"), "{operation}: {hit:?}");
    }
}

#[tokio::test]
async fn the_origin_answers_in_place_of_a_store_that_is_stuck() {
    let store = Faulty::new();
    let it = Fixture::over(Arc::new(store.clone()));
    let origin = Site::counting(&[FRESH]);
    store.fail("late");
    let request = async { it.get(&origin, &[]).await };
    let time = async {
        until(|| it.clock.sleepers() == 1).await;
        it.clock.advance(PATIENCE);
    };
    let (answer, ()) = futures_util::future::join(request, time).await;
    assert_eq!(answer.body, "0");
    assert!(
        answer.did.ends_with("detail=\"store unavailable\""),
        "{answer:?}"
    );
    assert_eq!(it.told(is_error), 1);
}

#[tokio::test]
async fn a_body_that_is_gone_is_a_miss() {
    let store = Faulty::new();
    let (it, origin) = (
        Fixture::over(Arc::new(store.clone())),
        Site::counting(&[FRESH]),
    );
    it.get(&origin, &[]).await;
    store.fail("gone");
    let answer = it.get(&origin, &[]).await;
    assert_eq!(
        (&answer.body[..], &answer.did[..]),
        ("1", "fwd=uri-miss;fwd-status=200;stored")
    );
    let is_like = |event: &Event| matches!(event, Event::CacheError { .. });
    assert_eq!((it.told(is_like), it.told(is_error)), (1, 0));
    let only = it
        .get(&origin, &[("cache-control", "only-if-cached")])
        .await;
    assert_eq!(only.status, 504);
}

#[tokio::test]
async fn a_validated_body_that_is_gone_is_fetched() {
    let store = Faulty::new();
    let it = Fixture::over(Arc::new(store.clone()));
    let origin = Site::new(|request, count| {
        let lines = [("cache-control", "no-cache"), ("etag", "\"a\"")];
        let mut answer = response(&lines, Body::full(count.to_string()));
        if request.headers().contains_key("if-none-match") {
            *answer.status_mut() = http::StatusCode::NOT_MODIFIED;
            *answer.body_mut() = Body::empty();
        }
        Ok(answer)
    });
    it.get(&origin, &[]).await;
    assert_eq!(it.get(&origin, &[]).await.body, "0");
    store.fail("gone");
    let answer = it.get(&origin, &[]).await;
    assert_eq!((answer.status, &answer.body[..]), (200, "3"));
}

#[tokio::test]
async fn what_a_change_made_invalid_is_not_served_though_the_store_fails() {
    let store = Faulty::new();
    let (it, origin) = (
        Fixture::over(Arc::new(store.clone())),
        Site::counting(&[FRESH]),
    );
    it.get(&origin, &[]).await;
    store.fail("invalidate");
    it.send(&origin, request("POST", URL, &[])).await;
    for body in ["2", "3"] {
        assert_eq!(it.get(&origin, &[]).await.body, body);
    }
    store.recover();
    assert_eq!(it.get(&origin, &[]).await.body, "4");
    assert!(it.get(&origin, &[]).await.did.starts_with("hit"));
    let is_like = |event: &Event| matches!(event, Event::DeleteError { .. });
    assert_eq!(it.told(is_like), 3);
}

#[tokio::test]
async fn a_change_takes_effect_though_its_client_goes_away() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    it.get(&origin, &[]).await;
    let origin = origin.gated();
    let change = {
        let (cache, origin) = (it.cache.clone(), origin.clone());
        async move { cache.handle(request("POST", URL, &[]), &origin).await }
    };
    let client = tokio::spawn(change);
    until(|| origin.count() == 2).await;
    client.abort();
    origin.gate.add_permits(2);
    it.until_told(1, |event| {
        matches!(event, Event::Invalidated { responses: 1, .. })
    })
    .await;
    assert_eq!(it.get(&origin, &[]).await.body, "2");
}

#[tokio::test]
async fn an_unreachable_origin_is_an_error_or_stood_in_for() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    it.get(&origin, &[]).await;
    it.clock.advance(SECOND * 61);
    let broken = Site::new(|_, _| Err("broken"));
    assert_eq!(it.get(&broken, &[]).await.did, "hit;detail=\"stale\"");
    let other = request("GET", "http://example.org/other", &[]);
    let failed = it.cache.handle(other, &broken).await;
    assert_eq!(failed.unwrap_err(), "broken");
}

/// An origin that no request reaches.
#[derive(Clone)]
struct OutOfReach {
    was_sent: bool,
}

impl Origin for OutOfReach {
    type Error = &'static str;

    async fn send(&self, _: Request<Body>) -> Result<Response<Body>, &'static str> {
        Err("no connection")
    }

    fn was_sent(&self, _: &&'static str) -> bool {
        self.was_sent
    }
}

#[tokio::test]
async fn what_was_not_sent_makes_nothing_invalid() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    it.get(&origin, &[]).await;
    for (was_sent, responses) in [(false, 1), (true, 0)] {
        let asked = request("POST", URL, &[]);
        let answer = it.cache.handle(asked, &OutOfReach { was_sent }).await;
        assert_eq!(answer.unwrap_err(), "no connection");
        assert_eq!(
            it.cache.store().counts().await.unwrap().responses,
            responses
        );
    }
}
