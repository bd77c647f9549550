//! A store of an application's own behind the cache, made of what is public.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, Uri};
use http_cache_db::cache::Body;
use http_cache_db::engine::CacheStatus;
use http_cache_db::events::Events;
use http_cache_db::store::{
    ContentHash, ContentId, Counts, Evicted, Fill, Health, Hit, NewResponse, Purge, ResponseId,
    ResponseStore, StoredBody, Variant, Version,
};
use http_cache_db::{Clock as _, Error, HttpCache, Salt, SystemClock, TargetKey};

type Result<T> = std::result::Result<T, Error>;

#[derive(Debug)]
struct Row {
    id: i64,
    target: TargetKey,
    response: NewResponse,
    body: Bytes,
}

/// Rows in a list; each body has the id of its response.
#[derive(Clone, Debug)]
struct List {
    salt: Salt,
    events: Events,
    rows: Arc<Mutex<Vec<Row>>>,
    hits: Arc<Mutex<Vec<Hit>>>,
}

impl List {
    fn new() -> Self {
        Self {
            salt: Salt::random(),
            events: Events::default(),
            rows: Arc::default(),
            hits: Arc::default(),
        }
    }

    /// Removes the rows that are like this. Yields how many.
    fn remove_rows(&self, is_like: impl Fn(&Row) -> bool) -> u64 {
        self.rows
            .lock()
            .unwrap()
            .extract_if(.., |row| is_like(row))
            .count() as u64
    }
}

#[async_trait]
impl ResponseStore for List {
    fn salt(&self) -> Salt {
        self.salt
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn max_body_bytes(&self) -> u64 {
        1 << 20
    }

    async fn variants(&self, target: TargetKey) -> Result<Vec<Variant>> {
        let rows = self.rows.lock().unwrap();
        let found = rows.iter().filter(|row| row.target == target);
        let variant = |row: &Row| Variant {
            id: ResponseId(row.id),
            content: ContentId(row.id),
            head: row.response.head.clone(),
            body: None,
        };
        Ok(found.map(variant).collect())
    }

    async fn find_equivalent(&self, _: &Uri) -> Result<Option<(TargetKey, String)>> {
        Ok(None)
    }

    async fn body(&self, content: ContentId) -> Result<Option<StoredBody>> {
        let rows = self.rows.lock().unwrap();
        let found = rows.iter().find(|row| row.id == content.0);
        Ok(found.map(|row| StoredBody::Whole(row.body.clone())))
    }

    async fn chunk(&self, _: ContentId, _: u64) -> Result<Option<Bytes>> {
        Ok(None)
    }

    async fn find_content(&self, hash: &ContentHash) -> Result<Option<ContentId>> {
        let rows = self.rows.lock().unwrap();
        let found = rows.iter().find(|row| ContentHash::of(&row.body) == *hash);
        Ok(found.map(|row| ContentId(row.id)))
    }

    async fn begin(&self, target: TargetKey) -> Result<Box<dyn Fill>> {
        let (store, body) = (self.clone(), BytesMut::new());
        Ok(Box::new(ListFill {
            store,
            target,
            body,
        }))
    }

    async fn invalidate(&self, target: TargetKey) -> Result<u64> {
        Ok(self.remove_rows(|row| row.target == target))
    }

    async fn purge(&self, purge: &Purge) -> Result<u64> {
        if purge.is_soft() {
            let mut rows = self.rows.lock().unwrap();
            let selected = rows.iter_mut().filter(|row| purge.selects(&row.response));
            let stale_since = Some(SystemClock::new().now());
            let marked = selected.map(|row| row.response.head.stale_since = stale_since);
            return Ok(marked.count() as u64);
        }
        Ok(self.remove_rows(|row| purge.selects(&row.response)))
    }

    async fn remove(&self, response: ResponseId) -> Result<bool> {
        Ok(self.remove_rows(|row| row.id == response.0) > 0)
    }

    async fn release(&self, content: ContentId) -> Result<u64> {
        Ok(self.remove_rows(|row| row.id == content.0))
    }

    async fn clear(&self) -> Result<u64> {
        Ok(self.remove_rows(|_| true))
    }

    async fn evict(&self, _: u64) -> Result<Evicted> {
        Ok(Evicted::default())
    }

    async fn record_hits(&self, hits: Vec<Hit>) -> Result<()> {
        self.hits.lock().unwrap().extend(hits);
        Ok(())
    }

    async fn counts(&self) -> Result<Counts> {
        let mut counts = Counts::default();
        counts.responses = self.rows.lock().unwrap().len() as u64;
        Ok(counts)
    }

    async fn history(&self, _: TargetKey) -> Result<Vec<Version>> {
        Ok(Vec::new())
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health::default())
    }

    fn is_open(&self) -> bool {
        true
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct ListFill {
    store: List,
    target: TargetKey,
    body: BytesMut,
}

#[async_trait]
impl Fill for ListFill {
    fn describe(&mut self, _: &HeaderMap) {}

    async fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.body.extend_from_slice(&bytes);
        Ok(())
    }

    fn body_len(&self) -> u64 {
        self.body.len() as u64
    }

    async fn commit(self: Box<Self>, response: NewResponse) -> Result<Option<ResponseId>> {
        let target = self.target;
        self.store
            .remove_rows(|row| row.target == target && response.head.replaces(&row.response.head));
        let mut rows = self.store.rows.lock().unwrap();
        let id = rows.last().map_or(1, |row| row.id + 1);
        let body = self.body.freeze();
        rows.push(Row {
            id,
            target,
            response,
            body,
        });
        Ok(Some(ResponseId(id)))
    }

    async fn freshen(
        self: Box<Self>,
        id: ResponseId,
        _: ContentId,
        response: NewResponse,
    ) -> Result<bool> {
        let mut rows = self.store.rows.lock().unwrap();
        let row = rows.iter_mut().find(|row| row.id == id.0);
        Ok(row.map(|row| row.response = response).is_some())
    }
}

fn did(response: &Response<Body>) -> String {
    let status = response.extensions().get::<CacheStatus>().unwrap();
    status.to_string()
}

// covers("C23")
#[tokio::test]
async fn a_store_of_the_application_keeps_and_answers() {
    let store = List::new();
    let cache = HttpCache::new(Arc::new(store.clone()));
    let origin = |_: Request<Body>| async {
        let response = Response::builder().header("cache-control", "max-age=60");
        response.body(Body::full("one"))
    };
    let ask = |method: &'static str| {
        let request = Request::builder().method(method).uri("http://example.org/");
        request.body(Body::empty()).unwrap()
    };
    let first = cache.handle(ask("GET"), &origin).await.unwrap();
    assert!(did(&first).ends_with("stored"), "{}", did(&first));
    assert_eq!(first.into_body().bytes().await.unwrap(), "one");
    assert_eq!(store.rows.lock().unwrap()[0].body, "one");

    store.rows.lock().unwrap()[0].body = "of the list".into();
    store.rows.lock().unwrap()[0].response.head.body_len = 11;
    let hit = cache.handle(ask("GET"), &origin).await.unwrap();
    assert!(did(&hit).contains(";hit;"), "{}", did(&hit));
    assert_eq!(hit.into_body().bytes().await.unwrap(), "of the list");
    cache.flush().await.unwrap();
    let hits = std::mem::take(&mut *store.hits.lock().unwrap());
    let counted = hits.iter().map(|hit| (hit.response, hit.bytes));
    let expected = [(None, 0), (Some(ResponseId(1)), 11)];
    assert_eq!(counted.collect::<Vec<_>>(), expected);

    let purge = Purge::host("example.org").unwrap();
    assert_eq!(store.purge(&purge.soft()).await.unwrap(), 1);
    let stale = cache.handle(ask("GET"), &origin).await.unwrap();
    assert!(did(&stale).contains("fwd=stale"), "{}", did(&stale));
    assert_eq!(stale.into_body().bytes().await.unwrap(), "one");

    cache.handle(ask("POST"), &origin).await.unwrap();
    assert_eq!(store.counts().await.unwrap().responses, 0);
}
