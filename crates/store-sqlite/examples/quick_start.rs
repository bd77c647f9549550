//! Cached values, and one rate limit for all processes. Run it in two terminals at the same time, with
//! the arguments `stores.db 1` and `stores.db 6`: in each 250 tasks want five issues and send five
//! requests; both together send at most two a second and 100 a minute.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use serde::{Deserialize, Serialize};
use store_sqlite::{
    BoxError, HOUR, Key, Limit, MINUTE, RateLimitStoreExt, RateLimiter, Resource, ResourceConfig,
    SECOND, SqliteCacheStore, SqliteRateLimitStore, TypedCache,
};
use tokio::task::JoinSet;

#[derive(Debug, Serialize, Deserialize)]
struct Issue(u32);

type Client = (TypedCache<Issue>, RateLimiter, Resource);

async fn issue(id: u32, (cache, limiter, api): Client) -> Result<Issue, BoxError> {
    let key = Key::new(format!("issue:{id}"))?;
    let request = async || Issue(id); // yours
    let fetch = async || limiter.run(&api, request).await;
    Ok(cache.get_or_try_insert_with(&key, HOUR, fetch).await?)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().collect();
    let database = store_sqlite::open(&arguments[1]).await?;
    let first: u32 = arguments[2].parse()?;
    let limits = ResourceConfig::from(Limit::new(100, MINUTE)).with_limit(Limit::new(2, SECOND));
    let limiter = SqliteRateLimitStore::new(&database, limits).limiter();
    let cache = TypedCache::new(SqliteCacheStore::new(&database));
    let client = (cache, limiter, Resource::new("api")?);
    let tasks: JoinSet<_> = (0..250)
        .map(|n| issue(first + n % 5, client.clone()))
        .collect();
    let issues: Result<Vec<_>, _> = tasks.join_all().await.into_iter().collect();
    println!("{} issues", issues?.len());
    Ok(database.close().await?)
}
