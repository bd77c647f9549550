//! What a purge does to answers.

use super::*;
use crate::store::Purge;

/// A cache and a store that have the same clock.
fn fixture() -> Fixture {
    let clock = ManualClock::default();
    let store = MemoryStore::new(1 << 20).with_clock(Arc::new(clock.clone()));
    let it = Fixture::over(Arc::new(store));
    Fixture {
        cache: it.cache.clone().with_clock(Arc::new(clock.clone())),
        clock,
        ..it
    }
}

fn of_url() -> Purge {
    Purge::url(URL).unwrap()
}

/// A site whose bodies are "0", "1", …, and which validates none.
fn validated(control: &'static str) -> Site {
    Site::new(move |request, count| {
        let lines = [("cache-control", control), ("etag", "\"a\"")];
        if request.headers().contains_key("if-none-match") {
            let mut fresh = response(&lines, Body::empty());
            *fresh.status_mut() = http::StatusCode::NOT_MODIFIED;
            return Ok(fresh);
        }
        Ok(response(&lines, Body::full(count.to_string())))
    })
}

#[tokio::test]
async fn what_was_purged_softly_is_validated_before_it_answers() {
    let (it, origin) = (fixture(), validated("max-age=60"));
    it.get(&origin, &[]).await;
    let store = it.cache.store();
    assert_eq!(store.purge(&of_url().soft()).await.unwrap(), 1);
    let answer = it.get(&origin, &[]).await;
    assert_eq!(answer.did, "fwd=stale;fwd-status=304;stored");
    assert_eq!((&answer.body[..], origin.count()), ("0", 2));
    // It is fresh again.
    assert_eq!(it.get(&origin, &[]).await.did, "hit;ttl=60");
}

#[tokio::test]
async fn what_was_purged_is_fetched_again() {
    let (it, origin) = (fixture(), validated("max-age=60"));
    it.get(&origin, &[]).await;
    assert_eq!(it.cache.store().purge(&of_url()).await.unwrap(), 1);
    let answer = it.get(&origin, &[]).await;
    assert_eq!(answer.did, "fwd=uri-miss;fwd-status=200;stored");
}

#[tokio::test]
async fn the_time_to_use_a_stale_response_counts_from_the_purge() {
    let control = "max-age=60, stale-while-revalidate=10, stale-if-error=20";
    let answers = |lines: Lines<'static>| {
        Site::new(move |_, count| match count {
            0 => Ok(response(lines, Body::full("0"))),
            _ => Err("down"),
        })
    };
    let lines: Lines<'static> = Box::leak(Box::new([("cache-control", control)]));
    for (seconds, answers_stale) in [(9, true), (11, true), (19, true), (21, false)] {
        let (it, origin) = (fixture(), answers(lines));
        it.get(&origin, &[]).await;
        it.clock.advance(SECOND * 30);
        it.cache.store().purge(&of_url().soft()).await.unwrap();
        it.clock.advance(SECOND * seconds);
        let answer = it.cache.handle(request("GET", URL, &[]), &origin).await;
        assert_eq!(answer.is_ok(), answers_stale, "after {seconds} s");
        let waits = usize::from(seconds > 10);
        assert_eq!(origin.count(), 1 + waits, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_purge_spares_no_answer_that_was_on_its_way() {
    let (it, origin) = (fixture(), Site::counting(&[FRESH]).gated());
    let (cache, site) = (it.cache.clone(), origin.clone());
    let first = tokio::spawn(async move {
        let answer = cache.handle(request("GET", URL, &[]), &site).await;
        Received::of(answer.unwrap()).await
    });
    until(|| origin.count() == 1).await;
    it.cache.store().purge(&of_url().soft()).await.unwrap();
    origin.gate.add_permits(2);
    assert_eq!(first.await.unwrap().body, "0");
    assert_eq!(it.get(&origin, &[]).await.body, "1");
}
