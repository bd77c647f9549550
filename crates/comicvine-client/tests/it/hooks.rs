//! Layers of the caller around the HTTP client: what they see and change of every attempt.

use std::sync::{Arc, Mutex};

use comicvine_client::{Error, Outcome};
use comicvine_fake::{FakeServer, Fault};
use store_core::{BoxError, SECOND};
use tower::ServiceBuilder;

use crate::{builder, fake, times};

/// What the layers have seen: paths of requests, then statuses and `Retry-After` of responses.
type Seen = Arc<Mutex<Vec<String>>>;

fn http() -> reqwest::Client {
    #[cfg(feature = "tls")]
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .unwrap()
}

fn client(fake: &FakeServer, seen: &Seen) -> comicvine_client::ComicVine {
    let (before, after) = (Arc::clone(seen), Arc::clone(seen));
    let service = ServiceBuilder::new()
        .map_request(move |request: reqwest::Request| {
            let agent = request.headers()["user-agent"].to_str().unwrap().to_owned();
            let path = request.url().path();
            before.lock().unwrap().push(format!("{agent} asks {path}"));
            request
        })
        .map_response(move |response: reqwest::Response| {
            let retry_after = response.headers().get("retry-after");
            let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
            let status = response.status().as_u16();
            after
                .lock()
                .unwrap()
                .push(format!("{status} {}", retry_after.unwrap_or_default()));
            response
        })
        .service(http());
    builder(fake)
        .user_agent("my-app/1.0")
        .http_service(service)
        .retry_backoff(SECOND / 1_000)
        .max_wait(SECOND * 10)
        .build()
        .unwrap()
}

// covers("T6")
#[tokio::test]
async fn layers_see_every_attempt_and_its_response() {
    let fake = fake().await;
    let seen = Seen::default();
    let client = client(&fake, &seen);
    fake.inject(times(Fault::InternalError, 1));
    assert_eq!(client.issues().await.unwrap().outcome, Outcome::Fetched);
    let asks = "my-app/1.0 asks /api/issues/";
    assert_eq!(*seen.lock().unwrap(), [asks, "500 ", asks, "200 "]);
}

// covers("T6")
#[tokio::test]
async fn failure_of_a_layer_is_retried_and_names_its_cause() {
    let fake = fake().await;
    let refuse = async |_: reqwest::Request| {
        Err::<reqwest::Response, BoxError>("the tunnel is closed".into())
    };
    let client = builder(&fake)
        .http_service(tower::service_fn(move |request| {
            Box::pin(refuse(request)) as futures_util::future::BoxFuture<'static, _>
        }))
        .retry_backoff(SECOND / 1_000)
        .max_retries(2)
        .build()
        .unwrap();
    let error = client.issues().await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("interrupted: the tunnel is closed"),
        "{error}"
    );
    assert_eq!(client.stats().attempts, 3);
}

// covers("T7")
#[tokio::test]
async fn http_error_has_its_status_and_layers_its_headers() {
    let fake = fake().await;
    let seen = Seen::default();
    let client = client(&fake, &seen);
    fake.inject(times(Fault::Unavailable, 1).retry_after(SECOND * 3_600));
    let error = client.issues().await.unwrap_err();
    assert_eq!(error.http_status(), Some(503));
    assert!(error.retry_at().is_some());
    assert_eq!(seen.lock().unwrap().last().unwrap(), "503 3600");
    assert_eq!(Error::InvalidKey.http_status(), None);
}
