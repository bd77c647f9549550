//! The pipeline around reqwest, for an API without a client of its own: here the Comic Vine API by hand.
//!
//! ```sh
//! cargo run -p comicvine-client --example pipeline_reqwest
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its output")]

use comicvine_fake::FakeServer;
use store_memory::{
    BoxError, Failure, Fetched, HOUR, Key, Limit, MemoryRateLimitStore, Pipeline, Request, Resource,
};

#[tokio::main]
pub(crate) async fn main() -> Result<(), BoxError> {
    let server = FakeServer::builder().start().await?;
    // reqwest is built here without a TLS provider of its own.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build()?;

    let limits = MemoryRateLimitStore::new(Limit::new(200, HOUR));
    let pipeline = Pipeline::new(store_memory::stores().with_rate_limit(limits));
    let issues = Resource::new("issues")?;
    for _ in 0..2 {
        let request = Request::new(Key::new("comics:issues")?, &issues);
        let answer = pipeline
            .run(request, async |_attempt| {
                let url = format!(
                    "{}/issues/?format=json&api_key=0123456789abcdef",
                    server.base_url()
                );
                let response = http.get(url).send().await?.error_for_status()?;
                Ok::<_, Failure>(Fetched::new(response.bytes().await?).fresh_for(HOUR))
            })
            .await?;
        println!("{} bytes, {}", answer.body.len(), answer.outcome.as_str());
    }
    assert_eq!(server.counts().total().requests(), 1);
    Ok(())
}
