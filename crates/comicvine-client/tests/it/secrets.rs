//! The API key is sent to the API and is nowhere else.

use std::time::Duration;

use comicvine_client::{ApiKey, ComicVine};
use comicvine_fake::Fault;
use store_core::PageRequest;

use crate::scripted::{Canned, Scripted};
use crate::{KEY, builder, fake, memory, times};

#[tokio::test]
async fn key_is_in_no_error_and_no_store() {
    let fake = fake().await;
    let stores = memory();
    let client = builder(&fake)
        .stores(stores.clone())
        .timeout(Duration::from_millis(300))
        .max_retries(2)
        .build()
        .unwrap();
    let mut texts = vec![format!("{client:?}")];
    let slow = Fault::Slow {
        delay: Duration::from_secs(30),
    };
    for fault in [
        slow,
        Fault::Reset,
        Fault::CutOff,
        Fault::InternalError,
        Fault::Forbidden,
    ] {
        fake.inject(times(fault, 3));
        let error = client
            .issues()
            .max_wait(Duration::from_secs(1))
            .await
            .unwrap_err();
        texts.push(format!("{error:?}"));
        texts.push(error.encode());
        fake.clear_injections();
    }
    let client = builder(&fake)
        .stores(stores.clone())
        .base_url("http://127.0.0.1:9/")
        .build()
        .unwrap();
    let error = client.issues().await.unwrap_err();
    texts.push(format!("{error:?} {error}"));

    let everything = PageRequest::default();
    let listed = stores.cache.unwrap().list(&everything).await.unwrap();
    texts.push(format!("{listed:?}"));
    let listed = stores.dedupe.unwrap().list(&everything).await.unwrap();
    texts.push(format!("{listed:?}"));
    let listed = stores.rate_limit.unwrap().list(&everything).await.unwrap();
    texts.push(format!("{listed:?}"));
    for text in texts {
        assert!(!text.contains(KEY), "{text}");
        assert!(!text.contains("api_key"), "{text}");
    }
}

#[tokio::test]
async fn key_that_the_server_repeats_is_in_no_error_and_no_store() {
    let requested = format!("/api/issues/?api_key={KEY}&format=json");
    let page = format!("<html><title>Cannot GET {requested}</title></html>");
    let refusal = format!(r#"{{"error":"no path {requested}","status_code":102,"results":[]}}"#);
    let row = format!(r#"{{"id":7,"name":"{requested}"}}"#);
    let success = format!(
        r#"{{"error":"OK","number_of_total_results":1,"status_code":1,"results":[{row}]}}"#
    );
    for (status, body) in [(404, page), (200, refusal), (200, success)] {
        let server = Scripted::start([Canned::new(status, body)]).await;
        let stores = memory();
        let client = ComicVine::builder(ApiKey::new(KEY).unwrap())
            .base_url(&server.base_url)
            .stores(stores.clone())
            .max_retries(0)
            .build()
            .unwrap();
        let answer = format!("{:?}", client.issues().await);
        assert!(answer.contains("/api/issues/"), "{answer}");
        assert!(!answer.contains(KEY), "{answer}");
        let cache = stores.cache.unwrap();
        for entry in cache.list(&PageRequest::default()).await.unwrap().items {
            let found = cache.get(&entry.key).await.unwrap().hit().unwrap();
            assert!(!String::from_utf8_lossy(&found.value).contains(KEY));
        }
    }
}
