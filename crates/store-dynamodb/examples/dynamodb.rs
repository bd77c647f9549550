//! Cache, rate limiter and shared jobs in one DynamoDB table.
//!
//! ```sh
//! cargo xtask dynamodb-local   # another terminal; without the variable below: AWS
//! DYNAMODB_ENDPOINT_URL=http://127.0.0.1:8000 cargo run -p store-dynamodb --example dynamodb
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{
    BoxError, CacheStore, Decision, DedupeStoreExt, DynamoDbCacheStore, DynamoDbDedupeStore,
    DynamoDbRateLimitStore, DynamoDbTable, HOUR, Key, Limit, Lookup, MINUTE, NewEntry,
    RateLimitStoreExt, RateLimiter, Resource, TableOptions,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut options = TableOptions::default().with_table("example");
    options.endpoint_url = std::env::var("DYNAMODB_ENDPOINT_URL").ok();
    let table = DynamoDbTable::from_env(options.clone()).await;
    let spec = TableSpec::of(&options);
    let report = create_or_verify(table.client(), &spec, &SetupOptions::default()).await?;
    println!("{report}");

    let issues = Issues::new(&table)?;
    for id in 1..=4 {
        println!("issue {id}: {:?}", issues.get(id).await?);
    }
    let used = table.consumed_capacity();
    println!(
        "{} write units, {} read units",
        used.write_units, used.read_units
    );
    Ok(())
}

/// A client of an API whose limit and answers all hosts share.
pub(crate) struct Issues {
    cache: DynamoDbCacheStore,
    jobs: DynamoDbDedupeStore,
    limiter: RateLimiter,
    api: Resource,
}

impl Issues {
    /// At most three requests a minute.
    pub(crate) fn new(table: &DynamoDbTable) -> Result<Self, Box<dyn Error>> {
        let limits = DynamoDbRateLimitStore::new(table, Limit::new(3, MINUTE));
        Ok(Self {
            cache: DynamoDbCacheStore::new(table),
            jobs: DynamoDbDedupeStore::new(table),
            limiter: limits.limiter(),
            api: Resource::new("issues")?,
        })
    }

    /// An issue: cached, else from the caller that is fetching it, else fetched. `None` if the limit denies
    /// the request; `limiter.acquire` would wait instead.
    pub(crate) async fn get(&self, id: u32) -> Result<Option<String>, Box<dyn Error>> {
        let key = Key::new(format!("issue:{id}"))?;
        // The token keeps this caller from storing what is removed while it fetches.
        let token = match self.cache.get(&key).await? {
            Lookup::Hit(cached) => return Ok(Some(String::from_utf8(cached.value.to_vec())?)),
            Lookup::Miss(token) => token,
        };
        let body = self.jobs.run_once(&key, async || {
            if let Decision::Denied { retry_at, reason } =
                self.limiter.try_acquire(&self.api).await?
            {
                println!("issue {id}: {reason} until {retry_at}");
                return Ok::<_, BoxError>(None);
            }
            let body = fetch(id);
            let entry = NewEntry::fill(key.clone(), body.clone(), token).with_ttl(HOUR);
            self.cache.set(entry).await?;
            Ok(Some(body))
        });
        Ok(body.await?)
    }
}

/// A stand-in for an HTTP request.
fn fetch(id: u32) -> String {
    format!("{{\"id\": {id}}}")
}
