//! The client against the fake API over real HTTP on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocks;
mod cache;
mod crawl;
mod damage;
mod defaults;
mod details;
mod examples;
mod hooks;
mod images;
mod large;
mod lists;
mod many;
mod positions;
mod scripted;
mod secrets;
mod shared;
mod table;
mod waits;
mod wire;

use std::num::NonZeroU32;
use std::time::Duration;

use comicvine_client::{ApiKey, Budget, ComicVine, ComicVineBuilder};
use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use store_core::{HOUR, Limit, Policy, Stores};

const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// A fake server without limits.
async fn fake() -> FakeServer {
    FakeServer::builder()
        .limits(Limits::unlimited())
        .accept_key(KEY)
        .start()
        .await
        .unwrap()
}

/// A client of `fake` without spacing, cache and de-duplication.
fn builder(fake: &FakeServer) -> ComicVineBuilder {
    ComicVine::builder(ApiKey::new(KEY).unwrap())
        .base_url(fake.base_url())
        .user_agent("comicvine-client-tests/1.0")
        .budget(budget(200))
        .stores(Stores::none())
        .retry_backoff(Duration::from_millis(1))
}

fn budget(per_hour: u32) -> Budget {
    Budget::default()
        .with_path(Limit::new(per_hour, HOUR))
        .with_spacing(Duration::ZERO)
        .with_policy(Policy::Fixed)
}

fn client(fake: &FakeServer) -> ComicVine {
    builder(fake).build().unwrap()
}

fn memory() -> Stores {
    store_memory::stores()
}

fn client_with_stores(fake: &FakeServer) -> ComicVine {
    builder(fake).stores(memory()).build().unwrap()
}

fn times(fault: Fault, times: u32) -> Injection {
    Injection::new(fault).times(NonZeroU32::new(times).unwrap())
}

fn json(raw: &comicvine_client::RawJson) -> serde_json::Value {
    serde_json::from_str(raw.get()).unwrap()
}
