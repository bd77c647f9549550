//! Equal requests at the same time.

use http::StatusCode;
use tokio::task::JoinHandle;

use super::faulty::Faulty;
use super::*;

fn is_collapsed(event: &Event) -> bool {
    matches!(event, Event::Collapsed { .. })
}

impl Fixture {
    fn spawn(&self, origin: &Site, lines: Lines<'static>) -> JoinHandle<Received> {
        let (cache, origin) = (self.cache.clone(), origin.clone());
        tokio::spawn(async move {
            let answer = cache.handle(request("GET", URL, lines), &origin).await;
            Received::of(answer.unwrap()).await
        })
    }

    /// A request at the origin, and one that waits for it.
    async fn pair(&self, origin: &Site) -> (JoinHandle<Received>, JoinHandle<Received>) {
        let leader = self.spawn(origin, &[]);
        until(|| origin.count() == 1).await;
        let waiter = self.spawn(origin, &[]);
        self.until_told(1, is_collapsed).await;
        (leader, waiter)
    }
}

#[tokio::test]
async fn fifty_equal_requests_ask_the_origin_once() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]).gated());
    let tasks: Vec<_> = (0..50).map(|_| it.spawn(&origin, &[])).collect();
    it.until_told(49, is_collapsed).await;
    origin.gate.add_permits(1);
    let mut waited = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        assert_eq!(answer.body, "0");
        waited += usize::from(answer.did == "fwd=uri-miss;collapsed");
    }
    assert_eq!((waited, origin.count()), (49, 1));
}

#[tokio::test]
async fn who_looked_too_early_looks_again_before_it_asks() {
    let store = Faulty::new();
    let it = Fixture::over(Arc::new(store.clone()));
    let origin = Site::counting(&[FRESH]);
    store.fail("late");
    let early = it.spawn(&origin, &[]);
    until(|| !store.fails("late")).await;
    assert_eq!(it.get(&origin, &[]).await.body, "0");
    store.late.add_permits(1);
    let answer = early.await.unwrap();
    assert_eq!((&answer.body[..], origin.count()), ("0", 1));
}

#[tokio::test]
async fn a_stale_response_is_validated_once_for_all() {
    let it = Fixture::new();
    let origin = Site::new(|request, _| {
        let mut answer = response(&[FRESH, ("etag", "\"a\"")], Body::full("one"));
        if request.headers().contains_key("if-none-match") {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.body_mut() = Body::empty();
        }
        Ok(answer)
    });
    it.get(&origin, &[]).await;
    it.clock.advance(SECOND * 60);
    let origin = origin.gated();
    let tasks: Vec<_> = (0..5).map(|_| it.spawn(&origin, &[])).collect();
    it.until_told(4, is_collapsed).await;
    origin.gate.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap().body, "one");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn who_needs_another_variant_asks_after_the_first() {
    let it = Fixture::new();
    let origin = Site::new(|_, count| {
        let lines = [FRESH, ("vary", "foo")];
        Ok(response(&lines, Body::full(count.to_string())))
    });
    let origin = origin.gated();
    let first = it.spawn(&origin, &[("foo", "1")]);
    until(|| origin.count() == 1).await;
    let second = it.spawn(&origin, &[("foo", "2")]);
    it.until_told(1, is_collapsed).await;
    origin.gate.add_permits(2);
    assert_eq!(first.await.unwrap().body, "0");
    let second = second.await.unwrap();
    assert_eq!(second.body, "1");
    assert_eq!(
        second.did,
        "fwd=vary-miss;collapsed=?0;fwd-status=200;stored"
    );
}

#[tokio::test]
async fn nobody_queues_for_what_is_not_stored() {
    let it = Fixture::new();
    let origin = Site::counting(&[("cache-control", "no-store")]);
    it.get(&origin, &[]).await;
    let origin = origin.gated();
    let tasks: Vec<_> = (0..5).map(|_| it.spawn(&origin, &[])).collect();
    until(|| origin.count() == 6).await;
    assert_eq!(it.told(is_collapsed), 0);
    origin.gate.add_permits(5);
    for task in tasks {
        task.await.unwrap();
    }
    // The verdict is forgotten after a minute.
    it.clock.advance(SECOND * 60);
    let tasks: Vec<_> = (0..2).map(|_| it.spawn(&origin, &[])).collect();
    it.until_told(1, is_collapsed).await;
    origin.gate.add_permits(2);
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_stored_response_ends_the_verdict() {
    let it = Fixture::new();
    let origin = Site::new(|_, count| match count {
        0 => Err("broken"),
        _ => Ok(response(&[FRESH], Body::full("one"))),
    });
    let failed = it.cache.handle(request("GET", URL, &[]), &origin).await;
    assert!(failed.is_err());
    it.get(&origin, &[]).await;
    it.cache.store().clear().await.unwrap();
    let origin = origin.gated();
    let tasks: Vec<_> = (0..2).map(|_| it.spawn(&origin, &[])).collect();
    it.until_told(1, is_collapsed).await;
    origin.gate.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap().body, "one");
    }
}

#[tokio::test]
async fn who_waited_too_long_asks_for_itself() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]).gated());
    let (_leader, waiter) = it.pair(&origin).await;
    it.clock.advance(LONGEST_WAIT);
    until(|| origin.count() == 2).await;
    // And so does everybody after it.
    let third = it.spawn(&origin, &[]);
    until(|| origin.count() == 3).await;
    origin.gate.add_permits(3);
    let answer = waiter.await.unwrap();
    assert!(
        answer.did.starts_with("fwd=uri-miss;collapsed=?0"),
        "{answer:?}"
    );
    third.await.unwrap();
}

#[tokio::test]
async fn the_next_leads_if_the_first_goes_away() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]).gated());
    let (leader, second) = it.pair(&origin).await;
    let third = it.spawn(&origin, &[]);
    it.until_told(2, is_collapsed).await;
    leader.abort();
    until(|| origin.count() == 2).await;
    origin.gate.add_permits(1);
    for waiter in [second, third] {
        assert_eq!(waiter.await.unwrap().body, "1");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn who_leaves_a_body_leaves_the_others_to_themselves() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    let asked = request("GET", URL, &[]);
    let answer = it.cache.handle(asked, &origin).await.unwrap();
    let waiter = it.spawn(&origin, &[]);
    it.until_told(1, is_collapsed).await;
    drop(answer);
    assert_eq!(waiter.await.unwrap().body, "1");
}

#[tokio::test]
async fn some_requests_do_not_wait() {
    let it = Fixture::new();
    let origin = Site::counting(&[FRESH]).gated();
    let first = it.spawn(&origin, &[]);
    until(|| origin.count() == 1).await;
    let lines: [Lines<'static>; 5] = [
        &[("authorization", "Bearer s3cret-token")],
        &[("cache-control", "no-store")],
        &[("cache-control", "no-cache")],
        &[("pragma", "no-cache")],
        &[("range", "bytes=0-0")],
    ];
    let tasks = lines.map(|lines| it.spawn(&origin, lines));
    until(|| origin.count() == 6).await;
    let only = it
        .get(&origin, &[("cache-control", "only-if-cached")])
        .await;
    assert_eq!((only.status, it.told(is_collapsed)), (504, 0));
    origin.gate.add_permits(6);
    first.await.unwrap();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn waiting_can_be_switched_off() {
    let (mut it, origin) = (Fixture::new(), Site::counting(&[FRESH]).gated());
    it.cache = it.cache.without_collapsing();
    let tasks: Vec<_> = (0..3).map(|_| it.spawn(&origin, &[])).collect();
    until(|| origin.count() == 3).await;
    origin.gate.add_permits(3);
    for task in tasks {
        task.await.unwrap();
    }
}
