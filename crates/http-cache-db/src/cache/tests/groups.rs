//! Groups and tags of responses.

use http::HeaderValue;

use super::faulty::Faulty;
use super::*;
use crate::store::{Purge, Tag, Tags};

/// A site whose responses to `GET` are in the group of their path's first letter, and whose other answers invalidate
/// the group "a".
fn grouped() -> Site {
    Site::new(|request, count| {
        let mut answer = response(&[FRESH], Body::full(count.to_string()));
        let group = format!("\"{}\"", &request.uri().path()[1..2]);
        let group = HeaderValue::try_from(group).unwrap();
        let fields = answer.headers_mut();
        if request.method() == http::Method::GET {
            fields.insert("cache-groups", group);
            // Ignored on answers to safe methods (RFC 9875, section 3).
            fields.insert("cache-group-invalidation", "\"b\"".parse().unwrap());
        } else {
            fields.insert("cache-group-invalidation", "\"a\"".parse().unwrap());
        }
        Ok(answer)
    })
}

/// Whether each of these is answered by the cache.
async fn hits(it: &Fixture, origin: &Site) -> Vec<bool> {
    let mut hits = Vec::new();
    for url in [
        "http://example.org/a1",
        "http://example.org/a2",
        "http://example.org/b",
        "http://example.com/a1",
    ] {
        let answer = it.send(origin, request("GET", url, &[])).await;
        hits.push(answer.did.starts_with("hit"));
    }
    hits
}

#[tokio::test]
async fn an_unsafe_request_invalidates_groups_of_its_origin() {
    let (it, origin) = (Fixture::new(), grouped());
    assert_eq!(hits(&it, &origin).await, [false; 4]);
    assert_eq!(hits(&it, &origin).await, [true; 4]);
    let post = request("POST", "http://example.org/other", &[]);
    it.send(&origin, post).await;
    assert_eq!(hits(&it, &origin).await, [false, false, true, true]);
    let purged = |event: &Event| *event == Event::Purged { responses: 2 };
    assert_eq!(it.told(purged), 1);
}

#[tokio::test]
async fn groups_that_could_not_be_invalidated_answer_nobody() {
    let store = Faulty::new();
    let (it, origin) = (Fixture::over(Arc::new(store.clone())), grouped());
    hits(&it, &origin).await;
    store.fail("purge");
    let post = || request("POST", "http://example.org/other", &[]);
    it.send(&origin, post()).await;
    assert_eq!(hits(&it, &origin).await, [false; 4]);
    store.recover();
    // What the store knows not to be in the groups is there.
    assert_eq!(hits(&it, &origin).await, [false, false, true, true]);
}

#[tokio::test]
async fn an_answer_of_an_invalidated_group_that_is_on_its_way_is_not_stored() {
    let (it, origin) = (Fixture::new(), grouped().gated());
    let (cache, site) = (it.cache.clone(), origin.clone());
    let get = || request("GET", "http://example.org/a1", &[]);
    let asked = get();
    let first = tokio::spawn(async move {
        let answer = cache.handle(asked, &site).await;
        Received::of(answer.unwrap()).await
    });
    until(|| origin.count() == 1).await;
    let purge = Tag::group(&"http://example.org/".parse().unwrap(), "a");
    it.cache.purge(&Purge::tags(purge)).await.unwrap();
    origin.gate.add_permits(2);
    assert_eq!(first.await.unwrap().body, "0");
    assert_eq!(it.send(&origin, get()).await.body, "1");
}

#[tokio::test]
async fn tags_come_from_fields_in_a_shared_cache_and_from_requests() {
    let origin = Site::counting(&[FRESH, ("surrogate-key", "field")]);
    let tagged = || {
        let mut asked = request("GET", URL, &[]);
        asked.extensions_mut().insert(Tags::new(["request"]));
        asked
    };
    for (mode, name, purged) in [
        (Mode::Shared, "field", 1),
        (Mode::Private, "field", 0),
        (Mode::Shared, "request", 1),
        (Mode::Private, "request", 1),
        (Mode::Private, "Request", 0),
    ] {
        let mut it = Fixture::new();
        it.cache = it.cache.with_policy(Policy::new(mode));
        it.send(&origin, tagged()).await;
        let purge = Purge::tags(Tag::new(name));
        let responses = it.cache.purge(&purge).await.unwrap();
        assert_eq!(responses, purged, "{mode:?} {name}");
    }
}

#[tokio::test]
async fn a_validation_adds_the_tags_of_its_request() {
    let it = Fixture::new();
    let origin = Site::new(|_, count| {
        let lines = [("cache-control", "no-cache"), ("etag", "\"a\"")];
        let mut answer = response(&lines, Body::empty());
        if count > 0 {
            *answer.status_mut() = http::StatusCode::NOT_MODIFIED;
        }
        Ok(answer)
    });
    for name in ["first", "second"] {
        let mut asked = request("GET", URL, &[]);
        asked.extensions_mut().insert(Tags::new([name]));
        it.send(&origin, asked).await;
    }
    for (name, purged) in [("first", 1), ("second", 0)] {
        let purge = Purge::tags(Tag::new(name)).soft();
        assert_eq!(it.cache.purge(&purge).await.unwrap(), purged, "{name}");
    }
    let purge = Purge::tags(Tag::new("second"));
    assert_eq!(it.cache.purge(&purge).await.unwrap(), 1);
}
