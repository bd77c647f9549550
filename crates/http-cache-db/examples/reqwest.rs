//! A client that keeps responses in a file, and takes a permit for what is not there.
//!
//! ```sh
//! cargo run -p http-cache-db --example reqwest -- cache.db
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its output")]

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http_cache_db::engine::CacheStatus;
use http_cache_db::middleware::Permits;
use http_cache_db::middleware::reqwest::HttpCacheMiddleware;
use http_cache_db::{BoxError, HttpCache, SqliteStore, SqliteStoreOptions};
use reqwest_middleware::ClientBuilder;
use store_memory::{HOUR, Limit, MemoryRateLimitStore, RateLimitStoreExt};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let file = std::env::args_os().nth(1).ok_or("name a file")?;
    let url = serve().await?;
    let store = SqliteStore::open(file, SqliteStoreOptions::default()).await?;
    let cache = HttpCache::new(Arc::new(store));
    // Two requests an hour to each host; in a program of several processes, use the store of a file for this too.
    let limits = MemoryRateLimitStore::new(Limit::new(2, HOUR));
    let middleware = HttpCacheMiddleware::new(cache.clone());
    let client = ClientBuilder::new({
        // Where reqwest is built with TLS and without a provider.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    })
    .with(middleware.with_permits(Permits::new(limits.limiter())))
    .build();

    for path in ["/issues/1", "/issues/2", "/issues/1"] {
        let response = client.get(format!("{url}{path}")).send().await?;
        let did = response.extensions().get::<CacheStatus>().cloned();
        let did = did.ok_or("each response has it")?;
        println!("{}: {did}", response.text().await?);
    }
    cache.close().await?;
    Ok(())
}

/// The API that is asked.
async fn serve() -> Result<String, BoxError> {
    let issue =
        |uri: http::Uri| async move { ([("cache-control", "max-age=60")], uri.to_string()) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/issues/{id}", get(issue));
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(url)
}
