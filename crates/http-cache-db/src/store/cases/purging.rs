//! What is removed, or becomes stale, because of what it has in common.

use http::Uri;
use store_core::Timestamp;

use super::Case;
use crate::engine::StoredHead;
use crate::store::{NewResponse, Purge, ResponseStore, Tag, Tags};

const URLS: [&str; 5] = [
    "http://example.org/a",
    "http://example.org/a/b?page=1&token=s3cret",
    "http://example.org/ab",
    "https://example.org:8443/a",
    "http://example.com/a",
];

fn at(url: &'static str) -> Case<'static> {
    Case {
        url,
        ..Case::default()
    }
}

fn tagged(names: &[&str]) -> Purge {
    Purge::tags(names.iter().filter_map(|name| Tag::new(name)))
}

/// A response with tags of its fields, and of the request.
fn response(
    store: &dyn ResponseStore,
    case: &Case<'_>,
    names: &[&str],
    of_request: &[&str],
) -> NewResponse {
    let mut response = case.response(store);
    response.tags = Tags::new(names.iter().copied());
    response.request_tags = Tags::new(of_request.iter().copied());
    response
}

async fn store_tagged(store: &dyn ResponseStore, case: &Case<'_>, names: &[&str]) {
    let fill = case.begin(store).await;
    let stored = fill.commit(response(store, case, names, &[])).await;
    assert!(stored.unwrap().is_some());
}

/// The heads of what is stored of a target.
async fn heads(store: &dyn ResponseStore, case: &Case<'_>) -> Vec<StoredHead> {
    let found = store.variants(case.target(store)).await.unwrap();
    found.into_iter().map(|variant| variant.head).collect()
}

/// Which of the URLs have a response.
async fn left(store: &dyn ResponseStore) -> Vec<bool> {
    let mut left = Vec::new();
    for url in URLS {
        left.push(!at(url).bodies(store).await.is_empty());
    }
    left
}

pub(crate) async fn what_has_a_tag_is_purged_together(store: &dyn ResponseStore) {
    let tags: [&[&str]; 5] = [&["one"], &["one", "two"], &["One"], &["three"], &[]];
    for (url, names) in URLS.into_iter().zip(tags) {
        store_tagged(store, &at(url), names).await;
    }
    assert_eq!(store.purge(&tagged(&["four"])).await.unwrap(), 0);
    assert_eq!(store.purge(&tagged(&["one", "two"])).await.unwrap(), 2);
    assert_eq!(left(store).await, [false, false, true, true, true]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.urls, counts.responses, counts.bodies), (3, 3, 1));
    // A response that takes the place of another has its own tags.
    let later = Case {
        at: 2_000,
        ..at(URLS[3])
    };
    store_tagged(store, &later, &["five"]).await;
    assert_eq!(store.purge(&tagged(&["three"])).await.unwrap(), 0);
    assert_eq!(store.purge(&tagged(&["five"])).await.unwrap(), 1);
}

pub(crate) async fn groups_are_of_an_origin(store: &dyn ResponseStore) {
    let group = |url| Tag::group(&Uri::from_static(url), "scripts").unwrap();
    for url in URLS {
        let fill = at(url).begin(store).await;
        let mut response = at(url).response(store);
        response.tags.extend([group(url)]);
        fill.commit(response).await.unwrap();
    }
    assert_eq!(store.purge(&tagged(&["scripts"])).await.unwrap(), 0);
    let purge = Purge::tags([group("http://EXAMPLE.org:80/other")]);
    assert_eq!(store.purge(&purge).await.unwrap(), 3);
    assert_eq!(left(store).await, [false, false, false, true, true]);
}

pub(crate) async fn urls_prefixes_and_hosts_are_purged(store: &dyn ResponseStore) {
    let host = |name| Purge::host(name).unwrap();
    let prefix = |url| Purge::prefix(url).unwrap();
    for (purge, purged, expected) in [
        (
            Purge::url("http://example.org/a/b?page=1&token=s3cret").unwrap(),
            1,
            [true, false, true, true, true],
        ),
        (
            Purge::url("http://example.org/a/b?page=1&token=REDACTED").unwrap(),
            0,
            [true, true, true, true, true],
        ),
        (
            prefix("http://example.org/a/"),
            1,
            [true, false, true, true, true],
        ),
        (
            prefix("http://example.org/a"),
            3,
            [false, false, false, true, true],
        ),
        (
            prefix("https://example.org:8443"),
            1,
            [true, true, true, false, true],
        ),
        (host("example.org"), 4, [false, false, false, false, true]),
        (host("example.net"), 0, [true; 5]),
        (Purge::everything(), 5, [false; 5]),
    ] {
        for url in URLS {
            at(url).store(store).await;
        }
        assert_eq!(store.purge(&purge).await.unwrap(), purged, "{purge:?}");
        assert_eq!(left(store).await, expected, "{purge:?}");
    }
}

pub(crate) async fn what_was_purged_since_a_fill_began_is_not_stored(store: &dyn ResponseStore) {
    let case = at(URLS[1]);
    let purges = [
        Purge::url(URLS[1]).unwrap(),
        tagged(&["one"]),
        tagged(&["other", "of the request"]),
        Purge::prefix("http://example.org/a/").unwrap(),
        Purge::host("example.org").unwrap(),
        Purge::everything(),
    ];
    let others = [
        Purge::url(URLS[0]).unwrap(),
        tagged(&["other"]),
        Purge::prefix("http://example.org/ab").unwrap(),
        Purge::prefix("https://example.org/a/").unwrap(),
        Purge::host("example.com").unwrap(),
    ];
    let new = || response(store, &case, &["one"], &["of the request"]);
    let soft = purges.iter().cloned().map(Purge::soft);
    for purge in purges.iter().cloned().chain(soft) {
        let (early, freshening) = (case.begin(store).await, case.begin(store).await);
        for other in &others {
            store.purge(other).await.unwrap();
        }
        let before = case.begin(store).await;
        store.purge(&purge).await.unwrap();
        for fill in [early, before] {
            assert_eq!(fill.commit(new()).await.unwrap(), None, "{purge:?}");
        }
        let fill = case.begin(store).await;
        let id = fill.commit(new()).await.unwrap().expect("stored");
        let found = store.variants(case.target(store)).await.unwrap();
        let freshened = freshening.freshen(id, found[0].content, new()).await;
        assert!(!freshened.unwrap(), "{purge:?}");
        assert_eq!(heads(store, &case).await, [new().head]);
        store.clear().await.unwrap();
    }
    // What has nothing to do with it is stored.
    let fill = case.begin(store).await;
    for other in &others {
        store.purge(other).await.unwrap();
    }
    assert!(fill.commit(new()).await.unwrap().is_some());
}

pub(crate) async fn what_is_purged_softly_stays_and_is_stale(store: &dyn ResponseStore) {
    let case = at(URLS[0]);
    let stale = || async { heads(store, &case).await[0].stale_since.is_some() };
    let purges = [
        Purge::url(URLS[0]).unwrap(),
        tagged(&["one"]),
        Purge::prefix("http://example.org/").unwrap(),
        Purge::host("example.org").unwrap(),
        Purge::everything(),
    ];
    for (purge, at) in purges.into_iter().zip(1..) {
        let purge = purge.soft();
        let case = Case {
            at: at * 1_000,
            ..case
        };
        let fill = case.begin(store).await;
        let new = || response(store, &case, &["one"], &[]);
        let id = fill.commit(new()).await.unwrap().expect("stored");
        assert!(!stale().await, "{purge:?}");
        assert_eq!(store.purge(&purge).await.unwrap(), 1, "{purge:?}");
        assert!(stale().await, "{purge:?}");
        assert_eq!(store.purge(&purge).await.unwrap(), 0, "{purge:?}");
        assert_eq!(case.bodies(store).await, ["body"]);
        let found = store.variants(case.target(store)).await.unwrap();
        let fill = case.begin(store).await;
        let freshened = fill.freshen(id, found[0].content, new()).await;
        assert!(freshened.unwrap(), "{purge:?}");
        assert!(!stale().await, "{purge:?}");
        store.purge(&purge).await.unwrap();
    }
    let head = &heads(store, &case).await[0];
    assert!(head.stale_since > Some(Timestamp::default()));
}

pub(crate) async fn tags_of_requests_outlive_a_validation(store: &dyn ResponseStore) {
    let case = at(URLS[0]);
    let fill = case.begin(store).await;
    let new = response(store, &case, &["field"], &["request"]);
    let id = fill.commit(new).await.unwrap().expect("stored");
    let content = store.variants(case.target(store)).await.unwrap()[0].content;
    let fill = case.begin(store).await;
    let new = response(store, &case, &["new field"], &["new request"]);
    assert!(fill.freshen(id, content, new).await.unwrap());
    for (tag, purged) in [
        ("field", 0),
        ("request", 1),
        ("new field", 0),
        ("new request", 0),
    ] {
        let purge = tagged(&[tag]).soft();
        assert_eq!(store.purge(&purge).await.unwrap(), purged, "{tag}");
    }
    assert_eq!(store.purge(&tagged(&["new field"])).await.unwrap(), 1);
}

pub(crate) async fn a_soft_purge_outlives_a_validation_that_began_before(
    store: &dyn ResponseStore,
) {
    let case = at(URLS[0]);
    let fill = case.begin(store).await;
    let new = response(store, &case, &["field"], &["request"]);
    let id = fill.commit(new).await.unwrap().expect("stored");
    let content = store.variants(case.target(store)).await.unwrap()[0].content;
    for tag in ["field", "request"] {
        let validation = case.begin(store).await;
        store.purge(&tagged(&[tag]).soft()).await.unwrap();
        // What confirms it has neither tag.
        let confirmed = response(store, &case, &[], &[]);
        let freshened = validation.freshen(id, content, confirmed).await;
        assert!(!freshened.unwrap(), "{tag}");
        assert!(heads(store, &case).await[0].stale_since.is_some());
    }
}
