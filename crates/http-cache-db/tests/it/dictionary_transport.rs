//! Bodies that were compressed with a dictionary of the client (RFC 9842) are as opaque as any: both stores yield them
//! byte by byte.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_cache_db::cache::Body;
use http_cache_db::engine::CacheStatus;
use http_cache_db::store::ResponseStore;
use http_cache_db::{HttpCache, MemoryStore, SqliteStore, SqliteStoreOptions};

const URL: &str = "https://example.org/app.js";
const VARY: &str = "accept-encoding, available-dictionary";
/// What a client says that has a dictionary, and one that has none.
const ASKED: [(&str, Option<&str>); 4] = [
    ("gzip", None),
    (
        "gzip, dcb",
        Some(":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4=:"),
    ),
    (
        "gzip, dcz",
        Some(":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4=:"),
    ),
    (
        "gzip, dcz",
        Some(":47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    ),
];

/// The header of a frame (RFC 9842, sections 4 and 5), and what looks as if it could be made shorter.
fn body(coding: &str, dictionary: &str) -> Vec<u8> {
    let magic: &[u8] = match coding {
        "dcb" => b"\xffDCB",
        "dcz" => b"\x5e\x2a\x4d\x18\x20\0\0\0",
        _ => b"",
    };
    let text = format!("{coding} {dictionary} {}", "the same words ".repeat(400));
    [magic, text.as_bytes()].concat()
}

fn request((encodings, dictionary): (&str, Option<&str>)) -> Request<Body> {
    let mut request = Request::get(URL).header("accept-encoding", encodings);
    if let Some(dictionary) = dictionary {
        request = request.header("available-dictionary", dictionary);
    }
    request.body(Body::empty()).unwrap()
}

async fn origin(request: Request<Body>) -> Result<Response<Body>, http::Error> {
    let dictionary = request.headers().get("available-dictionary");
    let dictionary = dictionary.map_or("", |value| value.to_str().unwrap());
    let encodings = request.headers()["accept-encoding"].to_str().unwrap();
    let coding = encodings.rsplit(", ").next().unwrap();
    let coding = if dictionary.is_empty() { "" } else { coding };
    let mut response = Response::builder()
        .header("cache-control", "max-age=600")
        .header("content-type", "text/javascript")
        .header("use-as-dictionary", "match=\"/app*.js\", id=\"v 1\"")
        .header("vary", VARY);
    if !coding.is_empty() {
        response = response.header("content-encoding", coding);
    }
    response.body(Body::full(body(coding, dictionary)))
}

/// What the cache did, the fields, and the body.
async fn ask(cache: &HttpCache, asked: (&str, Option<&str>)) -> (bool, http::HeaderMap, Vec<u8>) {
    let answer = cache.handle(request(asked), &origin).await.unwrap();
    let (parts, body) = answer.into_parts();
    let status = parts.extensions.get::<CacheStatus>().unwrap().to_string();
    let body = body.bytes().await.unwrap().to_vec();
    (status.contains(";hit;"), parts.headers, body)
}

async fn each_dictionary_has_its_variant(store: Arc<dyn ResponseStore>) {
    let cache = HttpCache::new(store);
    for is_hit in [false, true] {
        for asked in ASKED {
            let (was_hit, headers, received) = ask(&cache, asked).await;
            assert_eq!(was_hit, is_hit, "{asked:?}");
            let coding = headers.get("content-encoding");
            let coding = coding.map_or("", |value| value.to_str().unwrap());
            let expected = ["", "dcb", "dcz", "dcz"];
            let at = ASKED.iter().position(|other| *other == asked).unwrap();
            assert_eq!(coding, expected[at], "{asked:?}");
            assert_eq!(received, body(coding, asked.1.unwrap_or_default()));
            assert_eq!(headers["vary"], VARY);
            assert_eq!(
                headers["use-as-dictionary"],
                "match=\"/app*.js\", id=\"v 1\""
            );
        }
    }
}

#[tokio::test]
async fn memory_keeps_a_variant_for_each_dictionary_of_the_client() {
    each_dictionary_has_its_variant(Arc::new(MemoryStore::new(1 << 20))).await;
}

#[tokio::test]
async fn a_file_keeps_them_as_they_are_also_when_it_compresses_again() {
    let options = SqliteStoreOptions::default();
    let store = SqliteStore::in_memory(options).await.unwrap();
    each_dictionary_has_its_variant(Arc::new(store.clone())).await;
    store.recompress(Duration::from_mins(1)).await.unwrap();
    let codecs = "SELECT count(*) FROM body_contents JOIN compression_processes USING (compression_process_id)
        WHERE content_encoding IS NOT NULL AND system_name <> 'none'";
    let rows = store.query(codecs).await.unwrap().rows;
    assert_eq!(format!("{rows:?}"), "[[Integer(0)]]");
    let cache = HttpCache::new(Arc::new(store));
    for asked in ASKED {
        let (was_hit, headers, received) = ask(&cache, asked).await;
        let coding = headers.get("content-encoding");
        let coding = coding.map_or("", |value| value.to_str().unwrap());
        assert!(was_hit, "{asked:?}");
        assert_eq!(received, body(coding, asked.1.unwrap_or_default()));
    }
}
