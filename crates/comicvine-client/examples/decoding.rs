//! How long a cached resource and a cached page take, beside reading their JSON into a tree of values.
//!
//! ```sh
//! cargo run --release -p comicvine-client --example decoding
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its output")]
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement reads the real clock"
)]

use std::time::{Duration, Instant};

use comicvine_client::{ApiKey, ComicVine, VolumeId};
use comicvine_fake::{FakeServer, Limits};
use serde_json::Value;
use store_memory::BoxError;

#[cfg_attr(test, expect(dead_code, reason = "the tests call `measure`"))]
#[tokio::main]
pub(crate) async fn main() -> Result<(), BoxError> {
    measure(2_000).await
}

/// Prints the shortest of five means of `calls` calls each.
pub(crate) async fn measure(calls: u32) -> Result<(), BoxError> {
    let limits = Limits::unlimited();
    let server = FakeServer::builder().limits(limits).start().await?;
    let client = ComicVine::builder(ApiKey::new("0123456789abcdef")?)
        .base_url(server.base_url())
        .build()?;
    let id = VolumeId::new(701);
    let (volume, page) = (client.volume(id).await?.raw, client.volumes().await?.raw);

    let (mut resource, mut resource_tree) = (Duration::MAX, Duration::MAX);
    let (mut rows, mut rows_tree) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..calls {
            client.volume(id).await?;
        }
        resource = resource.min(start.elapsed() / calls);

        let start = Instant::now();
        for _ in 0..calls {
            volume.decode::<Value>()?;
        }
        resource_tree = resource_tree.min(start.elapsed() / calls);

        let calls = calls.div_ceil(20);
        let start = Instant::now();
        for _ in 0..calls {
            client.volumes().await?;
        }
        rows = rows.min(start.elapsed() / calls);

        let start = Instant::now();
        for _ in 0..calls {
            page.decode::<Value>()?;
        }
        rows_tree = rows_tree.min(start.elapsed() / calls);
    }
    for (what, bytes, ours, tree) in [
        (
            "a cached volume",
            volume.get().len(),
            resource,
            resource_tree,
        ),
        (
            "a cached page of volumes",
            page.get().len(),
            rows,
            rows_tree,
        ),
    ] {
        let ratio = ours.as_secs_f64() / tree.as_secs_f64();
        println!("{what} ({bytes} bytes): {ours:.1?}, its tree {tree:.1?}, ratio {ratio:.2}");
    }
    Ok(())
}
