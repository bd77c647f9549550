//! Targets that differ in what does not matter.

use super::*;
use crate::policy::NoVarySearch;

const VARIATION: (&str, &str) = ("no-vary-search", "key-order, params=(\"utm\")");

async fn ask(it: &Fixture, origin: &Site, path: &str, lines: Lines<'_>) -> Received {
    let url = format!("http://example.org{path}");
    it.send(origin, request("GET", &url, lines)).await
}

#[tokio::test]
async fn a_response_answers_targets_that_are_equivalent() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH, VARIATION]));
    assert_eq!(ask(&it, &origin, "/a?b=1&c=2", &[]).await.body, "0");
    for same in ["/a?c=2&b=1", "/a?b=1&c=2&utm=mail", "/a?utm&c=%32&b=1"] {
        let answer = ask(&it, &origin, same, &[]).await;
        assert_eq!((&*answer.body, &*answer.did), ("0", "hit;ttl=60"), "{same}");
    }
    let only = [("cache-control", "only-if-cached")];
    assert_eq!(ask(&it, &origin, "/a?c=2&b=1", &only).await.body, "0");
    for other in ["/a?b=1", "/a", "/b?b=1&c=2", "/a?b=2&c=1"] {
        let answer = ask(&it, &origin, other, &[]).await;
        assert!(answer.did.starts_with("fwd=uri-miss"), "{other}");
    }
}

#[tokio::test]
async fn a_policy_may_leave_the_field_unread() {
    let (mut it, origin) = (Fixture::new(), Site::counting(&[FRESH, VARIATION]));
    let policy = Policy::new(Mode::Private).with_no_vary_search(NoVarySearch::Ignored);
    it.cache = it.cache.with_policy(policy);
    ask(&it, &origin, "/a?b=1&c=2", &[]).await;
    assert_eq!(ask(&it, &origin, "/a?c=2&b=1", &[]).await.body, "1");
}

#[tokio::test]
async fn what_is_stale_is_fetched_for_each_target() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH, VARIATION]));
    ask(&it, &origin, "/a?utm=1", &[]).await;
    it.clock.advance(SECOND * 61);
    let answer = ask(&it, &origin, "/a?utm=2", &[]).await;
    assert_eq!(answer.did, "fwd=uri-miss;fwd-status=200;stored");
    // The latest one answers.
    assert_eq!(ask(&it, &origin, "/a?utm=3", &[]).await.body, "1");
    let stale = [("cache-control", "only-if-cached")];
    it.clock.advance(SECOND * 61);
    assert_eq!(ask(&it, &origin, "/a?utm=3", &stale).await.status, 504);
}

#[tokio::test]
async fn an_unsafe_request_makes_no_equivalent_target_answer_with_what_was_before() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH, VARIATION]));
    ask(&it, &origin, "/a?utm=1", &[]).await;
    let post = request("POST", "http://example.org/a?utm=2", &[]);
    it.send(&origin, post).await;
    assert_eq!(ask(&it, &origin, "/a?utm=2", &[]).await.body, "2");
    assert_eq!(ask(&it, &origin, "/a?utm=3", &[]).await.body, "2");
    it.cache.store().clear().await.unwrap();
    assert_eq!(ask(&it, &origin, "/a?utm=3", &[]).await.body, "3");
}

#[tokio::test]
async fn variants_are_chosen_for_equivalent_targets() {
    let it = Fixture::new();
    let lines: Lines<'static> = &[FRESH, VARIATION, ("vary", "accept-language")];
    let origin = Site::counting(lines);
    let (german, french) = ([("accept-language", "de")], [("accept-language", "fr")]);
    ask(&it, &origin, "/a?utm=1", &german).await;
    ask(&it, &origin, "/a?utm=1", &french).await;
    assert_eq!(ask(&it, &origin, "/a?utm=2", &german).await.body, "0");
    assert_eq!(ask(&it, &origin, "/a", &french).await.body, "1");
    let other = [("accept-language", "it")];
    assert_eq!(ask(&it, &origin, "/a", &other).await.body, "2");
}
