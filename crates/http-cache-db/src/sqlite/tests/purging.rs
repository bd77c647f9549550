//! Purges of many responses, and by other processes.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::store::{Purge, Tag, Tags};

/// More than one transaction.
const MANY: i64 = 210;

/// Stores many responses of one host, in two halves by tags, paths and schemes.
async fn filled() -> SqliteStore {
    let store = in_memory().await;
    let template = Case::default().response(&store);
    for number in 0..MANY {
        let (scheme, half) = [("http", "even"), ("https", "odd")][usize::from(number % 2 != 0)];
        let url = format!("{scheme}://example.org/{half}/{number}");
        let mut new = template.clone();
        new.request.target = url.parse().unwrap();
        new.tags = Tags::new(["all", half]);
        let target = store.salt().target_key(&new.request.target);
        let fill = store.begin(target).await.unwrap();
        assert!(fill.commit(new).await.unwrap().is_some());
    }
    store
}

fn tag(name: &str) -> Purge {
    Purge::tags(Tag::new(name))
}

#[tokio::test]
async fn a_purge_of_many_is_several_short_transactions() {
    let all = u64::try_from(MANY).unwrap();
    for (purge, purged) in [
        (tag("all"), all),
        (tag("even"), all / 2),
        (Purge::host("example.org").unwrap(), all),
        (Purge::prefix("http://example.org/even/").unwrap(), all / 2),
        (Purge::prefix("https://example.org/even/").unwrap(), 0),
        (Purge::everything(), all),
    ] {
        let store = filled().await;
        let soft = purge.clone().soft();
        assert_eq!(store.purge(&soft).await.unwrap(), purged, "{purge:?}");
        assert_eq!(store.purge(&soft).await.unwrap(), 0, "{purge:?}");
        let stale = number(
            &store,
            "SELECT count(*) FROM responses WHERE stale_since > 0",
        )
        .await;
        assert_eq!(stale.unsigned_abs(), purged, "{purge:?}");
        assert_eq!(store.purge(&purge).await.unwrap(), purged, "{purge:?}");
        let counts = store.counts().await.unwrap();
        assert_eq!(
            (counts.urls, counts.responses),
            (all - purged, all - purged)
        );
        assert_eq!(
            number(&store, "SELECT ifnull(max(responses), 0) FROM purge_events").await,
            i64::try_from(purged.min(200)).unwrap()
        );
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn a_transaction_is_short_however_many_variants_a_url_has() {
    let store = in_memory().await;
    for url in ["a", "b", "c", "d", "e"].map(|path| format!("http://example.org/{path}")) {
        for number in 0..64 {
            let value = number.to_string();
            let asked = [("foo", value.as_str())];
            let case = Case {
                asked: &asked,
                ..Case::default()
            };
            let mut new = case.response(&store);
            new.request.target = url.parse().unwrap();
            let target = store.salt().target_key(&new.request.target);
            let fill = store.begin(target).await.unwrap();
            assert!(fill.commit(new).await.unwrap().is_some());
        }
    }
    let purge = Purge::host("example.org").unwrap();
    assert_eq!(store.purge(&purge).await.unwrap(), 320);
    let longest = number(&store, "SELECT max(responses) FROM purge_events").await;
    assert_eq!(longest, 256);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_purge_goes_on_without_its_caller() {
    let store = filled().await;
    {
        let purge = tag("all");
        let mut purging = pin!(store.purge(&purge));
        let polled = purging
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
    }
    while store.counts().await.unwrap().responses > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_purge_counts_in_other_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let open = || SqliteStore::open(&path, SqliteStoreOptions::default());
    let (one, other) = (open().await.unwrap(), open().await.unwrap());
    let case = Case::default();
    let new = || {
        let mut new = case.response(&one);
        new.tags = Tags::new(["all"]);
        new
    };
    for purge in [
        tag("all"),
        Purge::host("example.org").unwrap(),
        Purge::prefix("http://example.org/iss").unwrap(),
        Purge::everything(),
    ] {
        let before = case.begin(&one).await;
        let fill = case.begin(&one).await;
        assert!(fill.commit(new()).await.unwrap().is_some());
        assert_eq!(other.purge(&purge).await.unwrap(), 1, "{purge:?}");
        assert!(case.bodies(&one).await.is_empty(), "{purge:?}");
        assert_eq!(before.commit(new()).await.unwrap(), None, "{purge:?}");
    }
    for store in [one, other] {
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn tags_are_a_view_and_go_with_their_last_response() {
    let store = in_memory().await;
    let case = Case::default();
    let mut new = case.response(&store);
    new.tags = Tags::new(["one", "two"]);
    new.tags.extend(Tag::group(&new.request.target, "one"));
    new.request_tags = Tags::new(["one"]);
    let fill = case.begin(&store).await;
    fill.commit(new).await.unwrap();
    let rows =
        store.query("SELECT full_url, origin, name FROM response_tags ORDER BY name, origin");
    let rows = format!("{:?}", rows.await.unwrap().rows);
    assert_eq!(rows.matches("http://example.org/issues?page=1").count(), 3);
    assert!(
        rows.contains("Null") && rows.contains("\"http://example.org\""),
        "{rows}"
    );
    assert_sound(&store).await;
    store.invalidate(case.target(&store)).await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM tags").await, 0);
}

#[tokio::test]
async fn an_older_program_does_not_find_fresh_what_was_purged_softly() {
    let store = in_memory().await;
    for url in ["http://example.org/a", "http://example.org/b"] {
        let case = Case {
            url,
            ..Case::default()
        };
        case.store(&store).await;
    }
    let purge = Purge::url("http://example.org/a").unwrap().soft();
    store.purge(&purge).await.unwrap();
    let database = store.database().unwrap();
    database.migrate_to(&HTTP_CACHE, 4).await.unwrap();
    let left = "SELECT count(*) FROM variants";
    assert_eq!(number(&store, left).await, 1);
    database.migrate(&HTTP_CACHE).await.unwrap();
    assert_eq!(number(&store, left).await, 1);
    store.cleanup().await.unwrap();
    assert_sound(&store).await;
}
