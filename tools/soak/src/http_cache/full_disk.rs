//! A cache on a file system that gets full: the origin goes on answering.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, Response};
use http_cache_db::cache::{Body, HttpCache};
use http_cache_db::engine::CacheStatus;
use http_cache_db::events::{Event, Events};
use http_cache_db::{SqliteStore, SqliteStoreOptions};

use super::made::Made;
use super::report::{Outcome, Verified};
use super::tally::Tally;
use crate::error::Error;

/// The requests after the first that could not be stored.
const AFTERWARDS: u64 = 200;
/// The file system is small: it is full by then.
const MOST: u64 = 100_000;

pub(super) async fn run(folder: &Path) -> Result<Outcome, Error> {
    let events = Events::default();
    let not_stored = Arc::new(AtomicU64::new(0));
    let hearing = Arc::clone(&not_stored);
    let _listener = events.listen(move |event| {
        if matches!(event, Event::StoreError { .. }) {
            hearing.fetch_add(1, Ordering::Relaxed);
        }
    });
    let options = SqliteStoreOptions::default().with_events(events.clone());
    let path = folder.join("cache.db");
    let store = SqliteStore::open(&path, options).await?;
    let cache = HttpCache::new(Arc::new(store.clone()));
    let mut tally = Tally::default();
    let mut rest = AFTERWARDS;
    for number in 0..MOST {
        ask(&cache, number, &mut tally).await;
        // One of the first, which was stored.
        ask(&cache, number % 5, &mut tally).await;
        if not_stored.load(Ordering::Relaxed) > 0 {
            rest -= 1;
        }
        if rest == 0 {
            break;
        }
    }
    tally.refused = not_stored.load(Ordering::Relaxed);
    let mut verified = Verified::default();
    verified.add(store.verify().await?);
    if tally.refused == 0 {
        verified
            .wrong
            .push("the file system never was full".to_owned());
    }
    // Closing may find no room for what it would tidy up.
    let _closed = cache.close().await;
    Ok(Outcome {
        name: "full disk",
        kills: 0,
        tally,
        verified,
        must_read: true,
    })
}

async fn ask(cache: &HttpCache, number: u64, tally: &mut Tally) {
    let made = Made {
        target: usize::try_from(number).unwrap_or_default(),
        variant: 0,
        version: 0,
        shared: Some(number % 7),
    };
    let mut expected = made.body();
    expected.truncate(40_000);
    expected.extend_from_slice(&number.to_le_bytes());
    let body = expected.clone();
    let origin = move |_: Request<Body>| {
        let body = Body::full(body.clone());
        let response = Response::builder().header("cache-control", "max-age=600");
        async move { response.body(body) }
    };
    let target = format!("http://comics.example/{number}");
    let Ok(request) = Request::get(target).body(Body::empty()) else {
        return;
    };
    let Ok(response) = cache.handle(request, &origin).await else {
        tally.torn(format!("no answer to {number}"));
        return;
    };
    let status = response.extensions().get::<CacheStatus>();
    let is_hit = status.is_some_and(|status| status.to_string().contains(";hit"));
    match response.into_body().bytes().await {
        Ok(body) if body == expected => {
            if is_hit {
                tally.hits += 1;
            } else {
                tally.misses += 1;
            }
        }
        Ok(_) | Err(_) => tally.torn(format!("another answer to {number}")),
    }
}
