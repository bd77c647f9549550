//! A server that computes each page once a minute.
//!
//! ```sh
//! cargo run -p http-cache-db --example axum
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its output")]

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::get;
use http_cache_db::middleware::tower::HttpCacheLayer;
use http_cache_db::policy::{Mode, Policy};
use http_cache_db::{BoxError, HttpCache, MemoryStore};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // Where reqwest is built with TLS and without a provider.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let store = MemoryStore::new(64 * 1024 * 1024);
    let cache = HttpCache::new(Arc::new(store)).with_policy(Policy::new(Mode::Shared));
    let router = Router::new()
        .route("/pages/{id}", get(page))
        .layer(HttpCacheLayer::new(cache));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, router).await });

    for id in [1, 2, 1] {
        let response = reqwest::get(format!("{url}/pages/{id}")).await?;
        let did = response.headers().get("cache-status").cloned();
        let did = did.ok_or("the layer adds the field")?;
        println!("{}: {}", response.text().await?, did.to_str()?);
    }
    Ok(())
}

async fn page(Path(id): Path<u32>) -> impl IntoResponse {
    ([("cache-control", "max-age=60")], format!("page {id}"))
}
