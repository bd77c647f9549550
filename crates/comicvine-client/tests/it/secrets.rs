//! The API key is sent to the API and is nowhere else.

use std::time::Duration;

use comicvine_fake::Fault;
use store_core::PageRequest;

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
