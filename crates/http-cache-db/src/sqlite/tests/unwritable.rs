//! A file that takes no more, behind a cache: it costs what would be stored, and no answer.

use bytes::Bytes;
use http::{Request, Response};
use sqlite_database::rusqlite::Connection;

use super::*;
use crate::cache::{Body, HttpCache};
use crate::store::cases::noise;

/// The body of each target.
fn body(number: u64) -> Vec<u8> {
    noise(number, 20_000)
}

/// Asks for a target, and compares the answer. Yields what the cache did.
async fn ask(cache: &HttpCache, number: u64) -> String {
    let origin = |request: Request<Body>| async move {
        let number = request.uri().path().trim_start_matches('/').parse();
        let response = Response::builder().header("cache-control", "max-age=60");
        response.body(Body::full(body(number.unwrap())))
    };
    let request = Request::get(format!("http://example.org/{number}"));
    let request = request.body(Body::empty()).unwrap();
    let response = cache.handle(request, &origin).await.unwrap();
    let did = response.headers()["cache-status"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        response.into_body().bytes().await.unwrap(),
        Bytes::from(body(number))
    );
    did
}

#[tokio::test]
async fn a_full_file_costs_the_cache_and_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteStoreOptions::default();
    let database = options.database.clone().with_max_bytes(1 << 20);
    let (options, path) = (
        options.with_database(database),
        folder.path().join("cache.db"),
    );
    let failures = Arc::<std::sync::Mutex<Vec<String>>>::default();
    let heard = Arc::clone(&failures);
    let _listener = options.events.listen_to_failures(move |event| {
        heard.lock().unwrap().push(format!("{event:?}"));
    });
    let cache = HttpCache::new(Arc::new(SqliteStore::open(&path, options).await.unwrap()));
    for number in 0..100 {
        ask(&cache, number).await;
    }
    let told = failures.lock().unwrap().clone();
    assert!(
        told.iter().any(|event| event.contains("no space left")),
        "{told:?}"
    );
    // What was stored before still answers.
    assert!(ask(&cache, 0).await.contains(";hit;"));
    let _unwritten = cache.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_costs_the_cache_and_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = SqliteStore::open(&path, SqliteStoreOptions::default());
    let cache = HttpCache::new(Arc::new(store.await.unwrap()));
    ask(&cache, 0).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(ask(&cache, 0).await.contains(";hit;"));
    for _ in 0..2 {
        assert!(ask(&cache, 1).await.contains("uri-miss"));
    }
    other.execute_batch("COMMIT").unwrap();
    while !ask(&cache, 1).await.contains(";hit;") {}
    cache.close().await.unwrap();
}
