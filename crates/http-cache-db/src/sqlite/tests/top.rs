//! What the cache is most and least of use for.

use std::time::Duration;

use super::*;
use crate::store::Hit;

fn used(response: Option<ResponseId>, path: &str, bytes: u64) -> Hit {
    Hit {
        response,
        host: "example.org".to_owned(),
        path: path.to_owned(),
        at: Timestamp::from_millis(5_000),
        duration: Duration::from_millis(1),
        bytes,
    }
}

async fn paths(store: &SqliteStore, order: TopOrder, most: u32) -> Vec<(String, u64)> {
    let top = store.top(order, most).await.unwrap();
    let savings = top.savings.into_iter();
    savings.map(|of| (of.path, of.uses.hits)).collect()
}

// covers("C19")
#[tokio::test]
async fn what_saves_most_comes_first() {
    let store = in_memory().await;
    // Each took five milliseconds to fetch.
    let short = Case::default().store(&store).await;
    let long = Case {
        url: "http://example.org/long",
        body: &[7; 1_000],
        ..Case::default()
    };
    let long = long.store(&store).await;
    let hits = [
        vec![used(Some(short), "/issues", 4); 9],
        vec![used(Some(long), "/long", 1_000); 2],
        // Of a response that is gone.
        vec![used(Some(ResponseId(77)), "/gone", 1)],
        vec![used(None, "/long", 0), used(None, "/never", 0)],
        vec![used(None, "/never", 0), used(None, "/once", 0)],
    ];
    store.record_hits(hits.concat()).await.unwrap();
    let named = |paths: &[(&str, u64)]| -> Vec<_> {
        let paths = paths.iter();
        paths
            .map(|(path, hits)| ((*path).to_owned(), *hits))
            .collect()
    };
    assert_eq!(
        paths(&store, TopOrder::Bytes, 9).await,
        named(&[("/long", 2), ("/issues", 9), ("/gone", 1)])
    );
    assert_eq!(
        paths(&store, TopOrder::Hits, 1).await,
        named(&[("/issues", 9)])
    );
    let top = store.top(TopOrder::Time, 9).await.unwrap();
    let times = top.savings.iter().map(|of| of.saved_time.as_millis());
    assert_eq!(times.collect::<Vec<_>>(), [45, 10, 0]);
    assert_eq!(top.savings[1].uses.misses, 1);
    let missed: Vec<_> = top
        .misses
        .iter()
        .map(|of| (&of.path[..], of.misses))
        .collect();
    assert_eq!(missed, [("/never", 2), ("/once", 1)]);
    assert!(top.validations.is_empty());
}

#[tokio::test]
async fn confirmations_are_counted_until_the_response_goes() {
    let store = in_memory().await;
    let case = Case {
        headers: &[("cache-control", "max-age=7"), ("etag", "\"a\"")],
        ..Case::default()
    };
    let id = case.store(&store).await;
    let content = store.variants(case.target(&store)).await.unwrap()[0].content;
    for at in [2_000, 3_000] {
        let confirmed = Case { at, ..case };
        let fill = store.begin(case.target(&store)).await.unwrap();
        let freshened = fill.freshen(id, content, confirmed.response(&store)).await;
        assert!(freshened.unwrap());
    }
    let top = store.top(TopOrder::Bytes, 9).await.unwrap();
    let [only] = &top.validations[..] else {
        panic!("{top:?}");
    };
    assert_eq!((&only.url[..], only.validations), (case.url, 2));
    assert_eq!(only.lifetime, Duration::from_secs(7));
    assert_eq!(only.validated_at, Timestamp::from_millis(3_000));
    store.remove(id).await.unwrap();
    let top = store.top(TopOrder::Bytes, 9).await.unwrap();
    assert!(top.validations.is_empty(), "{top:?}");
}
