//! The events of a file.

use std::sync::Mutex;
use std::time::Duration;

use http::{Request, Response};
use sqlite_database::{AccessMode, DatabaseOptions};
use store_core::ManualClock;

use super::*;
use crate::cache::{Body, HttpCache};
use crate::codec::{Codec, CodecError, Codecs, Identity};
use crate::events::{Event, Events, Listener};

const TEXT: &[u8] = &[b'a'; 200];

/// Listeners, what they heard so far, and options that tell them.
fn heard() -> (Listener, Arc<Mutex<Vec<Event>>>, SqliteStoreOptions) {
    let (events, heard) = (Events::default(), Arc::<Mutex<Vec<Event>>>::default());
    let kept = Arc::clone(&heard);
    let listener = events.listen(move |event| kept.lock().unwrap().push(event.clone()));
    let options = SqliteStoreOptions::default().with_events(events);
    (listener, heard, options)
}

fn text_case() -> Case<'static> {
    Case {
        headers: &[
            ("content-type", "text/plain"),
            ("cache-control", "max-age=60"),
        ],
        body: TEXT,
        ..Case::default()
    }
}

// covers("C4")
#[tokio::test]
async fn opening_and_closing_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let (_listener, heard, options) = heard();
    let store = SqliteStore::open(&path, options).await.unwrap();
    let path = path.display().to_string();
    let opened = [Event::Connected { path }, Event::Ready];
    assert_eq!(*heard.lock().unwrap(), opened);
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(heard.lock().unwrap()[2..], [Event::Disconnected]);
}

/// Keeps the first tenth of a body of one repeated byte, and takes its time.
#[derive(Debug)]
struct Slow(ManualClock);

impl Codec for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn full_name(&self) -> String {
        "Slow".to_owned()
    }

    fn level(&self) -> Option<i32> {
        None
    }

    fn compress(&self, body: &[u8]) -> Result<Vec<u8>, CodecError> {
        self.0.advance(Duration::from_millis(7));
        Ok(body[..body.len() / 10].to_vec())
    }

    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
        self.0.advance(Duration::from_millis(2));
        Ok(vec![stored[0]; len])
    }

    fn detects_damage(&self) -> bool {
        true
    }
}

// covers("C4", "C18")
#[tokio::test]
async fn compression_is_told_and_kept_with_its_sizes_and_time() {
    let (_listener, heard, options) = heard();
    let clock = ManualClock::at(Timestamp::from_millis(1_000));
    let codecs = Codecs::default().with(Arc::new(Slow(clock.clone())));
    let options = options
        .with_codecs(codecs.writing_with("slow").unwrap())
        .with_clock(Arc::new(clock));
    let store = SqliteStore::in_memory(options).await.unwrap();
    let case = text_case();
    let id = case.store(&store).await;
    store.stored_file(id).await.unwrap().unwrap();
    let (codec, original_bytes, compressed_bytes) = ("slow".to_owned(), 200, 20);
    let expected = [
        Event::CompressionComplete {
            codec: codec.clone(),
            original_bytes,
            compressed_bytes,
            duration: Duration::from_millis(7),
        },
        Event::DecompressionComplete {
            codec,
            original_bytes,
            compressed_bytes,
            duration: Duration::from_millis(2),
        },
    ];
    for event in expected {
        let heard = heard.lock().unwrap();
        let told = heard.iter().filter(|other| **other == event).count();
        assert_eq!(told, 1, "{event:?}: {heard:#?}");
    }
    let metrics = "SELECT count(*) FROM compression_metrics JOIN responses USING (body_id)
        WHERE original_size = 200 AND compressed_size = 20 AND compression_time_ms = 7.0 AND compression_ratio = 10.0
            AND compression_metrics.created_at = 1000";
    assert_eq!(number(&store, metrics).await, 1);
}

/// Fails.
#[derive(Debug)]
struct Failing;

impl Codec for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn full_name(&self) -> String {
        "Failing".to_owned()
    }

    fn level(&self) -> Option<i32> {
        None
    }

    fn compress(&self, _: &[u8]) -> Result<Vec<u8>, CodecError> {
        Err(CodecError::Compress {
            codec: "failing".to_owned(),
            source: "on purpose".into(),
        })
    }

    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
        Identity.decompress(stored, len)
    }

    fn detects_damage(&self) -> bool {
        false
    }
}

// covers("C4")
#[tokio::test]
async fn a_body_that_cannot_be_compressed_is_told_and_stored_as_it_is() {
    let (_listener, heard, options) = heard();
    let codecs = Codecs::default().with(Arc::new(Failing));
    let options = options.with_codecs(codecs.writing_with("failing").unwrap());
    let store = SqliteStore::in_memory(options).await.unwrap();
    let case = text_case();
    case.store(&store).await;
    assert_eq!(case.bodies(&store).await, [TEXT]);
    let is_like = |event: &Event| {
        matches!(event, Event::CompressionError { codec, error }
            if codec == "failing" && error.contains("cannot compress"))
    };
    let heard = heard.lock().unwrap();
    assert_eq!(
        heard.iter().filter(|event| is_like(event)).count(),
        1,
        "{heard:#?}"
    );
}

// covers("C4")
#[tokio::test]
async fn a_damaged_body_is_told_with_its_codec() {
    let (_listener, heard, options) = heard();
    let store = SqliteStore::in_memory(options).await.unwrap();
    let case = text_case();
    case.store(&store).await;
    let stored = store.variants(case.target(&store)).await.unwrap();
    let damaged = stored[0].content;
    execute(&store, "UPDATE body_contents SET body_content = x'00'").await;
    assert_eq!(store.body(damaged).await.unwrap(), None);
    let is_like = |event: &Event| {
        matches!(event, Event::DecompressionError { codec, content, .. }
            if codec == "zstd-3" && *content == damaged)
    };
    let heard = heard.lock().unwrap();
    assert!(heard.iter().any(is_like), "{heard:#?}");
}

// covers("C4")
#[tokio::test]
async fn what_a_file_refuses_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = SqliteStore::open(&path, SqliteStoreOptions::default());
    let store = store.await.unwrap();
    let id = Case::default().store(&store).await;
    store.close().await.unwrap();
    let (_listener, heard, options) = heard();
    let database = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let options = options.with_database(database);
    let store = SqliteStore::open_existing(&path, options).await.unwrap();
    heard.lock().unwrap().clear();
    let refused = store.remove(id).await.unwrap_err();
    assert_eq!(refused.kind(), store_core::ErrorKind::ReadOnly);
    assert_eq!(*heard.lock().unwrap(), []);
    // A cache tells of what it has called for.
    let cache = HttpCache::new(Arc::new(store));
    let origin =
        |_: Request<Body>| async { Ok::<_, std::convert::Infallible>(Response::default()) };
    let request = Request::post("http://example.org/issues").body(Body::empty());
    cache.handle(request.unwrap(), &origin).await.unwrap();
    let told = heard.lock().unwrap().clone();
    let [
        Event::DeleteError { .. },
        Event::Error { operation, error },
        Event::NotStored { .. },
    ] = &told[..]
    else {
        panic!("{told:#?}");
    };
    assert!(
        *operation == "invalidate" && error.contains("not writable"),
        "{error}"
    );
    cache.close().await.unwrap();
}

// covers("C4")
#[tokio::test]
async fn what_a_store_fails_to_do_by_itself_is_told() {
    let (_listener, heard, options) = heard();
    let (store, clock) = with_clock(options).await;
    execute(&store, "DROP TABLE performance_metrics").await;
    clock.advance(60);
    store.record_hits(Vec::new()).await.unwrap();
    let is_like =
        |event: &Event| matches!(event, Event::Error { operation, .. } if *operation == "cleanup");
    while !heard.lock().unwrap().iter().any(is_like) {
        tokio::task::yield_now().await;
    }
}
