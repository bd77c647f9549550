//! Cache, rate limiter and shared jobs in one DynamoDB table.
//!
//! ```sh
//! cargo xtask dynamodb-local   # another terminal; without the variable below: AWS
//! DYNAMODB_ENDPOINT_URL=http://127.0.0.1:8000 cargo run -p store-dynamodb --example dynamodb
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use store_core::{
    Acquire, CacheStore, CacheStoreExt, Decision, DedupeStore, JobOutcome, JobResult, Key, Limit,
    MINUTE, NewEntry, Priority, RateLimitStore, Registration, Resource, SECOND,
};
use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{
    DynamoDbCacheStore, DynamoDbDedupeStore, DynamoDbRateLimitStore, DynamoDbTable, TableOptions,
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
    limits: DynamoDbRateLimitStore,
    api: Resource,
}

impl Issues {
    /// At most three requests a minute.
    pub(crate) fn new(table: &DynamoDbTable) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            cache: DynamoDbCacheStore::new(table),
            jobs: DynamoDbDedupeStore::new(table),
            limits: DynamoDbRateLimitStore::new(table, Limit::new(3, MINUTE)),
            api: Resource::named("issues")?,
        })
    }

    /// An issue: cached, else from the caller that is fetching it, else fetched. `None` if the limit denies
    /// the request.
    pub(crate) async fn get(&self, id: u32) -> Result<Option<String>, Box<dyn Error>> {
        let key = Key::new(&format!("issue:{id}"))?;
        if let Some(body) = self.cache.value(&key).await? {
            return Ok(Some(String::from_utf8(body.to_vec())?));
        }
        let owner = match self.jobs.register_or_join(&key, Priority::User).await? {
            Registration::Owner(owner) => owner,
            Registration::Joined(job) => {
                let outcome = self.jobs.wait_for(&key, &job, SECOND * 30).await?;
                let JobOutcome::Value(body) = outcome else {
                    return Err(format!("issue {id}: {outcome:?}").into());
                };
                return Ok(Some(String::from_utf8(body.to_vec())?));
            }
        };
        match self.limits.acquire(Acquire::one(&self.api).user()).await? {
            Decision::Granted(permit) => permit.commit(),
            Decision::Denied { retry_at, reason } => {
                println!("issue {id}: {reason} until {retry_at}");
                self.jobs.fail(owner, "denied").await?;
                return Ok(None);
            }
        }
        let body = fetch(id);
        self.cache.set(NewEntry::new(key, body.clone())).await?;
        let result = JobResult::Value(body.clone().into());
        self.jobs.complete(owner, result).await?;
        Ok(Some(body))
    }
}

/// A stand-in for an HTTP request.
fn fetch(id: u32) -> String {
    format!("{{\"id\": {id}}}")
}
