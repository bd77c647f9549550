//! What answers, and what is told of it.

use http::StatusCode;

use super::faulty::Faulty;
use super::*;
use crate::policy::NotStorable;

#[tokio::test]
async fn a_fresh_response_answers_without_the_origin() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    let first = it.get(&origin, &[]).await;
    assert_eq!(first.did, "fwd=uri-miss;fwd-status=200;stored");
    it.clock.advance(SECOND);
    let second = it.get(&origin, &[]).await;
    assert_eq!((second.status, &second.body[..]), (200, "0"));
    assert_eq!(second.did, "hit;ttl=59");
    assert_eq!(second.headers["cache-status"], "http-cache;hit;ttl=59");
    assert_eq!(
        (&second.headers["age"], origin.count()),
        (&"1".parse().unwrap(), 1)
    );
}

// covers("T5")
#[tokio::test]
async fn a_request_may_bring_its_own_policy() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    it.get(&origin, &[]).await;
    let mut asked = request("GET", URL, &[]);
    let policy = Policy::new(Mode::Private).with_max_ttl(Duration::ZERO);
    asked.extensions_mut().insert(policy);
    assert_eq!(it.send(&origin, asked).await.body, "1");
    assert!(it.get(&origin, &[]).await.did.starts_with("hit"));
}

// covers("T5")
#[tokio::test]
async fn a_client_may_have_its_own_policy_over_the_same_responses() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    it.get(&origin, &[]).await;
    let offline = it.cache.clone().with_policy(Policy::default().offline());
    let asked = || request("GET", URL, &[]);
    let stored = offline.handle(asked(), &origin).await.unwrap();
    assert_eq!(Received::of(stored).await.body, "0");
    let other = request("GET", "http://example.org/other", &[]);
    let missing = offline.handle(other, &origin).await.unwrap();
    assert_eq!(missing.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn the_status_has_a_name_and_may_stay_inside() {
    let (mut it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    it.cache = it.cache.with_name("mine").without_cache_status_header();
    let answer = it.cache.handle(request("GET", URL, &[]), &origin).await;
    let answer = answer.unwrap();
    let status = answer.extensions().get::<CacheStatus>().unwrap();
    assert!(status.to_string().starts_with("mine;fwd=uri-miss"));
    assert!(!answer.headers().contains_key("cache-status"));
}

#[tokio::test]
async fn a_target_without_a_host_is_refused() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    for url in ["/issues", "example.org:80"] {
        let answer = it.send(&origin, request("GET", url, &[])).await;
        assert_eq!(answer.status, 400, "{url}");
    }
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn a_closure_is_an_origin() {
    let cache = HttpCache::new(Arc::new(MemoryStore::new(1 << 20)));
    let body = Arc::new("one".to_owned());
    let origin = move |request: Request<Body>| {
        let body = Arc::clone(&body);
        async move {
            assert_eq!(request.uri(), URL);
            Ok::<_, std::convert::Infallible>(Response::new(Body::full((*body).clone())))
        }
    };
    let answer = cache.handle(request("GET", URL, &[]), &origin).await;
    assert_eq!(Received::of(answer.unwrap()).await.body, "one");
}

#[tokio::test]
async fn the_origin_gets_the_target_as_it_was_asked_for() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    let (asked, same) = ("http://EXAMPLE.org:80/a{b}", "http://example.org/a%7Bb%7D");
    it.send(&origin, request("GET", asked, &[])).await;
    assert_eq!(origin.requests.lock().unwrap()[0].uri(), asked);
    let second = it.send(&origin, request("GET", same, &[])).await;
    assert!(second.did.starts_with("hit"), "{second:?}");
}

#[tokio::test]
async fn a_response_that_repeats_a_secret_is_not_stored() {
    let it = Fixture::new();
    let next = ("link", "</issues?token=s3cret&page=2>; rel=next");
    let origin = Site::new(move |_, _| Ok(response(&[FRESH, next], Body::full("one"))));
    let url = "http://example.org/issues?token=s3cret";
    let answer = it.send(&origin, request("GET", url, &[])).await;
    assert!(answer.did.ends_with("detail=\"secret\""), "{answer:?}");
    assert_eq!(it.cache.store().counts().await.unwrap().responses, 0);
    let told = Event::NotStored {
        url: "http://example.org/issues?token=REDACTED".to_owned(),
        reason: NotStorable::Secret,
    };
    assert_eq!(it.told(|event| *event == told), 1);
}

#[tokio::test]
async fn an_update_that_repeats_a_secret_is_not_stored() {
    let it = Fixture::new();
    let origin = Site::new(|_, count| {
        let lines = [
            ("cache-control", "no-cache"),
            ("etag", "\"a\""),
            ("x-echo", "s3cret-token"),
        ];
        let mut answer = response(&lines[..2 + count], Body::empty());
        if count > 0 {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        }
        Ok(answer)
    });
    let asked: Lines<'_> = &[("authorization", "Bearer s3cret-token")];
    it.get(&origin, asked).await;
    let answer = it.get(&origin, asked).await;
    assert_eq!(answer.did, "fwd=stale;fwd-status=304");
    assert_eq!(answer.headers["x-echo"], "s3cret-token");
    let key = it.cache.store().salt().target_key(&URL.parse().unwrap());
    let stored = it.cache.store().variants(key).await.unwrap();
    assert!(!stored[0].head.headers.contains_key("x-echo"));
}

#[tokio::test]
async fn uses_are_written_some_seconds_after_the_first() {
    let store = Faulty::new();
    let (it, origin) = (
        Fixture::over(Arc::new(store.clone())),
        Site::counting(&[FRESH]),
    );
    it.get(&origin, &[]).await;
    it.clock.advance(SECOND * 4);
    assert!(store.hits().is_empty());
    while store.hits().is_empty() {
        it.clock.advance(SECOND);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn hits_and_misses_are_counted() {
    let store = Faulty::new();
    let (it, origin) = (
        Fixture::over(Arc::new(store.clone())),
        Site::counting(&[FRESH]),
    );
    let ask = || request("GET", "http://example.org/issues?token=s3cret", &[]);
    it.send(&origin, ask()).await;
    it.send(&origin, ask()).await;
    it.send(&origin, request("HEAD", URL, &[])).await;
    it.send(&origin, request("POST", URL, &[])).await;
    assert!(store.hits().is_empty());
    it.cache.flush().await.unwrap();
    let hits = store.hits();
    let counted = hits.iter().map(|hit| (hit.response.is_some(), hit.bytes));
    assert_eq!(
        counted.collect::<Vec<_>>(),
        [(false, 0), (true, 1), (false, 0)]
    );
    assert_eq!(
        (&hits[1].host[..], &hits[1].path[..]),
        ("example.org", "/issues")
    );
    it.clock.advance(SECOND * 5);
    it.get(&origin, &[]).await;
    until(|| store.hits().len() == 4).await;
    it.get(&origin, &[]).await;
    it.cache.close().await.unwrap();
    assert_eq!(store.hits().len(), 5);
    assert!(!store.is_open());
}

#[tokio::test]
async fn what_is_counted_of_a_target_is_short() {
    let store = Faulty::new();
    let it = Fixture::over(Arc::new(store.clone()));
    let origin = Site::counting(&[FRESH]);
    let url = format!("http://bob:s3cret@example.org:8080/{}", "a".repeat(60_000));
    it.send(&origin, request("GET", &url, &[])).await;
    it.cache.flush().await.unwrap();
    let hit = &store.hits()[0];
    assert_eq!((&hit.host[..], hit.path.len()), ("example.org:8080", 258));
}

// covers("C17")
#[tokio::test]
async fn the_time_that_an_answer_took_is_counted() {
    let store = Faulty::new();
    let it = Fixture::over(Arc::new(store.clone()));
    let clock = it.clock.clone();
    let origin = Site::new(move |_, count| {
        let (seconds, status) = if count == 0 { (3, 200) } else { (2, 304) };
        clock.advance(SECOND * seconds);
        let lines = [("cache-control", "no-cache"), ("etag", "\"a\"")];
        let mut answer = response(&lines, Body::empty());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok(answer)
    });
    it.get(&origin, &[]).await;
    it.get(&origin, &[]).await;
    it.cache.flush().await.unwrap();
    let hits = store.hits();
    let counted = hits
        .iter()
        .map(|hit| (hit.response.is_some(), hit.duration));
    assert_eq!(
        counted.collect::<Vec<_>>(),
        [(false, SECOND * 3), (true, SECOND * 2)]
    );
}

#[tokio::test]
async fn a_stale_response_is_validated_once_in_the_background() {
    let it = Fixture::new();
    let control = ("cache-control", "max-age=0, stale-while-revalidate=60");
    let origin = Site::new(move |_, count| Ok(response(&[control], Body::full(count.to_string()))));
    it.get(&origin, &[]).await;
    let origin = origin.gated();
    for _ in 0..3 {
        assert_eq!(it.get(&origin, &[]).await.body, "0");
    }
    until(|| origin.count() == 2).await;
    let is_detached = |at: usize| {
        let requests = origin.requests.lock().unwrap();
        requests[at].extensions().get() == Some(&true)
    };
    assert!(!is_detached(0) && is_detached(1));
    origin.gate.add_permits(1);
    it.until_told(2, |event| matches!(event, Event::StoreSuccess { .. }))
        .await;
    assert_eq!(it.get(&origin, &[]).await.body, "1");
    let is_stale = |event: &Event| matches!(event, Event::ServedStale { .. });
    assert_eq!(it.told(is_stale), 4);
}

#[tokio::test]
async fn what_an_origin_adds_to_its_response_reaches_the_client() {
    let it = Fixture::new();
    let origin = Site::new(|_, _| {
        let mut answer = response(&[FRESH], Body::empty());
        answer.extensions_mut().insert("of the origin");
        Ok(answer)
    });
    for extension in [Some(&"of the origin"), None] {
        let answer = it.cache.handle(request("GET", URL, &[]), &origin).await;
        let answer = answer.unwrap();
        assert!(answer.extensions().get::<CacheStatus>().is_some());
        assert_eq!(answer.extensions().get::<&str>(), extension);
    }
}

#[tokio::test]
async fn a_wait_before_the_request_is_sent_is_no_part_of_the_age() {
    let it = Fixture::new();
    let clock = it.clock.clone();
    let origin = Site::new(move |_, _| {
        clock.advance(SECOND * 30);
        let mut answer = response(&[FRESH], Body::empty());
        answer.extensions_mut().insert(SentAt(clock.now()));
        clock.advance(SECOND * 2);
        Ok(answer)
    });
    it.get(&origin, &[]).await;
    assert_eq!(it.get(&origin, &[]).await.headers["age"], "2");
}

/// An origin that follows redirects after the first response, and answers from another target then.
fn redirecting(status: u16, lines: Lines<'static>) -> Site {
    Site::new(move |_, count| {
        let mut answer = response(lines, Body::full(count.to_string()));
        if count > 0 {
            answer.extensions_mut().insert(Redirected);
        }
        if count == 1 {
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        }
        Ok(answer)
    })
}

#[tokio::test]
async fn the_response_of_another_target_is_passed_on_and_takes_the_stored_one_away() {
    let (it, origin) = (
        Fixture::new(),
        redirecting(200, &[("cache-control", "max-age=1")]),
    );
    it.get(&origin, &[]).await;
    it.clock.advance(SECOND * 2);
    let answer = it.get(&origin, &[]).await;
    let expected = "fwd=stale;fwd-status=200;detail=\"redirected\"";
    assert_eq!((&answer.body[..], &answer.did[..]), ("1", expected));
    assert_eq!(it.cache.store().counts().await.unwrap().responses, 0);
}

#[tokio::test]
async fn another_target_confirms_nothing() {
    let lines = &[("cache-control", "max-age=1"), ("etag", "\"1\"")];
    let (it, origin) = (Fixture::new(), redirecting(304, lines));
    it.get(&origin, &[]).await;
    it.clock.advance(SECOND * 2);
    let answer = it.get(&origin, &[]).await;
    assert_eq!((answer.status, &answer.body[..]), (200, "2"));
}

#[tokio::test]
async fn what_connection_lists_still_governs_the_cache() {
    for control in ["no-store", "no-cache"] {
        let it = Fixture::new();
        let origin = Site::new(move |_, count| {
            let lines = [
                ("connection", "cache-control, x-hop"),
                ("cache-control", control),
                ("expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
                ("x-hop", "1"),
            ];
            Ok(response(&lines, Body::full(count.to_string())))
        });
        let first = it.get(&origin, &[]).await;
        assert!(!first.headers.contains_key("x-hop"));
        assert_eq!(it.get(&origin, &[]).await.body, "1", "{control}");
    }
}

#[tokio::test]
async fn a_transfer_coding_that_is_not_undone_is_passed_on_unstored() {
    let coded = &[FRESH, ("transfer-encoding", "gzip, chunked")];
    let (it, origin) = (Fixture::new(), Site::counting(coded));
    for body in ["0", "1"] {
        let answer = it.get(&origin, &[]).await;
        assert_eq!(answer.body, body);
        assert_eq!(answer.headers["transfer-encoding"], "gzip, chunked");
        assert!(answer.did.ends_with("detail=\"transfer coding\""));
    }
    let chunked: Lines<'_> = &[FRESH, ("transfer-encoding", "Chunked")];
    let unknown: Lines<'_> = &[FRESH, ("transfer-encoding", "no coding")];
    for lines in [chunked, unknown] {
        let (it, origin) = (Fixture::new(), Site::counting(lines));
        it.get(&origin, &[]).await;
        let answer = it.get(&origin, &[]).await;
        assert!(answer.body == "0" && !answer.headers.contains_key("transfer-encoding"));
    }
}
