//! Files of images: from the cache or the image's server, spaced, and without the API key.

use std::future::IntoFuture;
use std::sync::{Arc, Mutex};

use comicvine_client::{ComicVine, Error, ImageFormat, IssueId, Outcome, WaitEvent, WaitReason};
use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use reqwest::header::{HeaderName, HeaderValue};
use store_core::{HOUR, Priority, SECOND};

use crate::{KEY, budget, builder, memory};

async fn fake() -> FakeServer {
    let fake = FakeServer::builder().limits(Limits::unlimited());
    fake.accept_key(KEY).serve_images().start().await.unwrap()
}

fn with_stores(fake: &FakeServer) -> ComicVine {
    builder(fake).stores(memory()).build().unwrap()
}

/// The address of some cover.
async fn cover(client: &ComicVine) -> String {
    let issues = client.issues().await.unwrap().value.rows;
    issues[0]
        .image
        .as_ref()
        .unwrap()
        .medium_url
        .clone()
        .unwrap()
}

fn requests(fake: &FakeServer) -> Vec<String> {
    let answered = fake.counts().answered;
    let images = answered.keys().filter(|path| path.starts_with("/a/"));
    images.cloned().collect()
}

#[tokio::test]
async fn image_is_fetched_once_for_all_who_want_it() {
    let fake = fake().await;
    let client = with_stores(&fake);
    let url = cover(&client).await;
    let first = client.image(&url).await.unwrap();
    assert_eq!(first.outcome, Outcome::Fetched);
    assert_eq!(first.format, ImageFormat::Png);
    assert_eq!(ImageFormat::of(&first.bytes), Some(ImageFormat::Png));
    let second = client.image(format!(" {url}#top ")).await.unwrap();
    assert_eq!(second.outcome, Outcome::Hit);
    assert_eq!(second.bytes, first.bytes);
    assert_eq!(
        client.image(&url).refresh().await.unwrap().outcome,
        Outcome::Fetched
    );
}

#[tokio::test]
async fn neither_key_nor_headers_for_the_api_go_to_other_servers() {
    type Seen = Arc<Mutex<Vec<reqwest::Request>>>;
    let (fake, seen) = (fake().await, Seen::default());
    let sent = Arc::clone(&seen);
    // Nothing is sent: the test stands for the network.
    let network = tower::service_fn(move |request: reqwest::Request| {
        sent.lock().unwrap().push(request);
        async { Err::<reqwest::Response, _>(store_core::BoxError::from("no network")) }
    });
    let header = HeaderName::from_static("x-gateway");
    let client = builder(&fake)
        .header(header.clone(), HeaderValue::from_static("token"))
        .http_service(network)
        .max_retries(0)
        .build()
        .unwrap();
    let own = format!("http://{}/a/uploads/1.jpg", fake.address());
    let site = "http://comicvine.gamespot.com/a/uploads/scale_medium/1.jpg";
    client.image(own).await.unwrap_err();
    client.image(site).await.unwrap_err();
    let seen = seen.lock().unwrap();
    let [own, site] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert!(own.headers().contains_key(&header));
    assert!(!site.headers().contains_key(&header));
    assert_eq!(site.url().scheme(), "https");
    for request in [own, site] {
        assert!(!format!("{request:?}").contains(KEY), "{request:?}");
        assert_eq!(
            request.headers()["user-agent"],
            "comicvine-client-tests/1.0"
        );
        assert!(
            request.headers()["accept"]
                .to_str()
                .unwrap()
                .contains("image/")
        );
    }
}

#[tokio::test]
async fn other_servers_are_not_asked_for_images() {
    let fake = fake().await;
    let client = with_stores(&fake);
    for url in [
        "https://example.com/a/uploads/1.jpg",
        "https://comicvine.gamespot.com.example.com/1.jpg",
        "https://comicvine.gamespot.com:8443/1.jpg",
        "https://me:secret@comicvine.gamespot.com/1.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/1.jpg",
        "file:///etc/passwd",
        "/a/uploads/1.jpg",
        "",
    ] {
        let error = client.image(url).await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidInput { .. }),
            "{url}: {error}"
        );
        assert!(!error.to_string().contains("secret"));
    }
    assert_eq!(requests(&fake), [""; 0]);
}

#[tokio::test]
async fn what_is_no_image_is_not_cached() {
    let fake = fake().await;
    let client = with_stores(&fake);
    let url = cover(&client).await;
    fake.inject(Injection::new(Fault::NotFound).on_path("images"));
    let error = client.image(&url).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("/a/uploads/"), "{error}");
    let other = url.replace("medium", "small");
    fake.inject(Injection::new(Fault::Maintenance).on_path("images"));
    // A page of maintenance is tried again.
    assert_eq!(
        client.image(&other).await.unwrap().outcome,
        Outcome::Fetched
    );
    assert_eq!(requests(&fake).len(), 1);
}

#[tokio::test]
async fn refused_image_leaves_the_api_open() {
    let fake = fake().await;
    let client = with_stores(&fake);
    let url = cover(&client).await;
    fake.inject(Injection::new(Fault::Forbidden).on_path("images"));
    let no_wait = || client.image(&url).max_wait(SECOND);
    let refused = no_wait().await.unwrap_err();
    assert!(matches!(refused, Error::Blocked { .. }), "{refused}");
    // The server of the images is asked no more until then, the API is.
    let again = no_wait().await.unwrap_err();
    assert!(matches!(again, Error::RateLimited { .. }), "{again}");
    // To the millisecond in which it was stored.
    let until = |error: &Error| error.retry_at().unwrap();
    assert!(until(&again).since(until(&refused)) < SECOND);
    assert!(until(&refused).since(until(&again)) < SECOND);
    assert!(
        client
            .issue(IssueId::new(1))
            .refresh()
            .await
            .is_err_and(|error| { matches!(error, Error::NotFound { .. }) })
    );
    assert_eq!(
        client.budget(Priority::User).await.unwrap().blocked_until(),
        None
    );
    assert_eq!(client.lift_cooldowns().await.unwrap(), 1);
    assert_eq!(no_wait().await.unwrap().outcome, Outcome::Fetched);
}

#[tokio::test]
async fn images_and_api_on_one_server_are_spaced_together() {
    let (fake, (heard, mut waits)) = (fake().await, tokio::sync::mpsc::unbounded_channel());
    let client = builder(&fake)
        .budget(budget(200).with_spacing(HOUR))
        .stores(memory())
        .on_wait(move |event| {
            if let WaitEvent::Waiting(wait) = event {
                heard.send((wait.path, wait.reason)).unwrap();
            }
        })
        .build()
        .unwrap();
    let url = cover(&client).await;
    let denied = client.image(&url).max_wait(SECOND).await.unwrap_err();
    assert!(matches!(denied, Error::RateLimited { .. }), "{denied}");
    let waiting = tokio::spawn(client.image(&url).max_wait(HOUR * 2).into_future());
    let wait = waits.recv().await.unwrap();
    assert_eq!(wait, ("images".to_owned(), WaitReason::Spacing));
    waiting.abort();
}

#[tokio::test]
async fn image_that_ends_early_is_fetched_again_and_not_cached() {
    let fake = fake().await;
    let client = with_stores(&fake);
    let url = cover(&client).await;
    fake.inject(Injection::new(Fault::HalfBody).on_path("images"));
    let image = client.image(&url).await.unwrap();
    assert!(image.bytes.ends_with(b"IEND\xae\x42\x60\x82"));
}
