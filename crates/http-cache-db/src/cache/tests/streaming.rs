//! Bodies on their way in both directions.

use bytes::Bytes;
use futures_util::FutureExt;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::mpsc;

use super::faulty::Faulty;
use super::*;

/// A body of what is sent.
fn channel() -> (mpsc::UnboundedSender<Bytes>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
        let bytes: Bytes = receiver.recv().await?;
        Some((Ok::<_, store_core::BoxError>(Frame::data(bytes)), receiver))
    });
    (sender, Body::new(StreamBody::new(frames)))
}

/// A cache whose store has "0123456789" in chunks of four bytes.
async fn chunked() -> (Fixture, Faulty, Site) {
    let store = Faulty::new().chunked(4);
    let it = Fixture::over(Arc::new(store.clone()));
    let origin = Site::new(|_, _| Ok(response(&[FRESH], Body::full("0123456789"))));
    it.get(&origin, &[]).await;
    (it, store, origin)
}

#[tokio::test]
async fn a_chunked_body_is_read_as_the_client_reads() {
    let (it, _, origin) = chunked().await;
    let asked = request("GET", URL, &[]);
    let mut body = it.cache.handle(asked, &origin).await.unwrap().into_body();
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(10));
    for chunk in ["0123", "4567", "89"] {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), chunk);
    }
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_slice_begins_at_its_chunk_and_crosses_borders() {
    let (it, store, origin) = chunked().await;
    for (range, bytes) in [
        ("bytes=0-3", "0123"),
        ("bytes=3-4", "34"),
        ("bytes=5-9", "56789"),
        ("bytes=-1", "9"),
    ] {
        let part = it.get(&origin, &[("range", range)]).await;
        assert_eq!((part.status, &part.body[..]), (206, bytes));
    }
    store.lose_chunk(0);
    assert_eq!(it.get(&origin, &[("range", "bytes=4-6")]).await.body, "456");
}

#[tokio::test]
async fn a_chunk_that_is_missing_or_fails_breaks_the_body_off() {
    for (failing, errors) in [(false, 0), (true, 1)] {
        let (it, store, origin) = chunked().await;
        store.lose_chunk(1);
        let asked = request("GET", URL, &[]);
        let mut body = it.cache.handle(asked, &origin).await.unwrap().into_body();
        assert!(body.frame().await.unwrap().is_ok());
        if failing {
            store.fail("chunk");
        }
        assert!(body.frame().await.unwrap().is_err());
        let is_like = |event: &Event| matches!(event, Event::CacheError { .. });
        let is_error = |event: &Event| matches!(event, Event::Error { .. });
        assert_eq!((it.told(is_like), it.told(is_error)), (1, errors));
    }
}

#[tokio::test]
async fn a_beginning_is_completed_on_its_way() {
    let store = Faulty::new().chunked(2);
    let it = Fixture::over(Arc::new(store.clone()));
    let origin = Site::new(|request, _| {
        let (range, body) = match request.headers()["range"].to_str() {
            Ok("bytes=0-4") => ("bytes 0-4/10", "01234"),
            Ok("bytes=5-") => ("bytes 5-9/10", "56789"),
            other => panic!("{other:?}"),
        };
        let lines = [FRESH, ("etag", "\"a\""), ("content-range", range)];
        let mut answer = response(&lines, Body::full(body));
        *answer.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        Ok(answer)
    });
    it.get(&origin, &[("range", "bytes=0-4")]).await;
    for did in ["fwd=partial;fwd-status=206;stored", "hit;ttl=60"] {
        let whole = it.get(&origin, &[]).await;
        assert_eq!((whole.status, &whole.body[..]), (200, "0123456789"));
        assert_eq!(whole.did, did);
    }
}

/// An origin that sends this in place of the bytes from 5 to 9, with a length or without one.
fn sending_as_rest(rest: &'static str, has_length: bool) -> Site {
    Site::new(move |request, _| {
        let range = request.headers().get("range");
        let (range, body) = match range.map(|range| range.to_str().unwrap()) {
            Some("bytes=0-4") => ("bytes 0-4/10", Body::full("01234")),
            Some("bytes=5-") if has_length => ("bytes 5-9/10", Body::full(rest)),
            Some("bytes=5-") => {
                let (sender, body) = channel();
                for byte in rest.chars() {
                    sender.send(byte.to_string().into()).unwrap();
                }
                ("bytes 5-9/10", body)
            }
            _ => return Ok(response(&[FRESH], Body::full("whole"))),
        };
        let lines = [FRESH, ("etag", "\"a\""), ("content-range", range)];
        let mut answer = response(&lines, body);
        *answer.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        Ok(answer)
    })
}

#[tokio::test]
async fn a_completed_body_is_never_longer_or_shorter_than_its_length() {
    for rest in ["567", "56789abc"] {
        let (it, origin) = (Fixture::new(), sending_as_rest(rest, false));
        it.get(&origin, &[("range", "bytes=0-4")]).await;
        let whole = it.cache.handle(request("GET", URL, &[]), &origin).await;
        let whole = whole.unwrap();
        assert_eq!(whole.headers()["content-length"], "10");
        let mut body = whole.into_body();
        let (mut read, mut is_broken) = (0, false);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => read += frame.data_ref().map_or(0, Bytes::len),
                Err(_) => is_broken = true,
            }
        }
        assert!(is_broken && read <= 10, "{rest}: {read}");
    }
}

#[tokio::test]
async fn a_rest_that_contradicts_its_range_is_not_used() {
    for rest in ["567", "56789abc"] {
        let (it, origin) = (Fixture::new(), sending_as_rest(rest, true));
        it.get(&origin, &[("range", "bytes=0-4")]).await;
        assert_eq!(it.get(&origin, &[]).await.body, "whole");
    }
}

#[tokio::test]
async fn a_frame_waits_for_the_store_only_so_long() {
    let store = Faulty::new().gated();
    let (it, origin) = (
        Fixture::over(Arc::new(store.clone())),
        Site::counting(&[FRESH]),
    );
    let asked = request("GET", URL, &[]);
    let mut body = it.cache.handle(asked, &origin).await.unwrap().into_body();
    let mut frame = body.frame();
    assert!((&mut frame).now_or_never().is_none());
    it.clock.advance(PATIENCE);
    let frame = frame.await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "0");
    assert!(body.frame().await.is_none());
    assert_eq!(
        it.told(|event| matches!(event, Event::StoreError { .. })),
        1
    );
    assert_eq!(store.counts().await.unwrap().responses, 0);
}

#[tokio::test]
async fn who_has_the_last_byte_finds_the_response_stored() {
    let store = Faulty::new().gated();
    let (it, origin) = (
        Fixture::over(Arc::new(store.clone())),
        Site::counting(&[FRESH]),
    );
    let asked = request("GET", URL, &[]);
    let mut body = it.cache.handle(asked, &origin).await.unwrap().into_body();
    let mut frame = body.frame();
    store.gate.add_permits(1);
    assert!((&mut frame).now_or_never().is_none());
    store.gate.add_permits(1);
    frame.await.unwrap().unwrap();
    assert_eq!(store.counts().await.unwrap().responses, 1);
}

#[tokio::test]
async fn a_body_without_a_length_is_stored_before_its_end_is_seen() {
    let it = Fixture::new();
    let (sender, body) = channel();
    let body = Mutex::new(Some(body));
    let origin =
        Site::new(move |_, _| Ok(response(&[FRESH], body.lock().unwrap().take().unwrap())));
    let asked = request("GET", URL, &[]);
    let mut body = it.cache.handle(asked, &origin).await.unwrap().into_body();
    for bytes in ["one", "two"] {
        sender.send(bytes.into()).unwrap();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), bytes);
    }
    assert_eq!(it.cache.store().counts().await.unwrap().responses, 0);
    drop(sender);
    assert!(body.frame().await.is_none());
    assert_eq!(it.get(&origin, &[]).await.body, "onetwo");
}

#[tokio::test]
async fn a_response_with_trailers_is_stored_once_they_are_read() {
    let it = Fixture::new();
    let origin = Site::new(|_, _| {
        let trailers = crate::test_headers::headers(&[("x-sum", "1")]);
        let frames = [Frame::data(Bytes::from("one")), Frame::trailers(trailers)];
        let frames = frames.map(Ok::<_, store_core::BoxError>);
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Ok(response(&[FRESH], Body::new(body)))
    });
    let asked = request("GET", URL, &[]);
    let mut body = it.cache.handle(asked, &origin).await.unwrap().into_body();
    assert!(body.frame().await.unwrap().unwrap().is_data());
    assert!(body.frame().await.unwrap().unwrap().is_trailers());
    assert_eq!(it.cache.store().counts().await.unwrap().responses, 1);
}

#[tokio::test]
async fn what_its_client_leaves_is_not_stored() {
    let (it, origin) = (Fixture::new(), Site::counting(&[FRESH]));
    let asked = request("GET", URL, &[]);
    drop(it.cache.handle(asked, &origin).await.unwrap());
    assert_eq!(it.get(&origin, &[]).await.body, "1");
}

#[tokio::test]
async fn a_body_that_is_known_to_be_too_long_is_passed() {
    let it = Fixture::new();
    let long = vec![b'x'; 1 << 18];
    let origin = Site::new(move |_, _| Ok(response(&[FRESH], Body::full(long.clone()))));
    for _ in 0..2 {
        let answer = it.get(&origin, &[]).await;
        assert_eq!(answer.body.len(), 1 << 18);
        assert!(
            answer.did.ends_with("detail=\"too long\""),
            "{}",
            answer.did
        );
    }
    assert_eq!(it.told(|event| matches!(event, Event::Error { .. })), 0);
}

#[tokio::test]
async fn an_empty_body_is_stored_before_the_answer() {
    let it = Fixture::new();
    let origin = Site::new(|_, _| Ok(response(&[FRESH], Body::empty())));
    let asked = request("GET", URL, &[]);
    let _answer = it.cache.handle(asked, &origin).await.unwrap();
    assert_eq!(it.cache.store().counts().await.unwrap().responses, 1);
}
