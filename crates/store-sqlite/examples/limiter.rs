//! One rate limit for all processes that open the file: five requests a second, each of which waits for
//! its permit. Run it in two terminals at the same time: `cargo run --example limiter stores.db`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use store_sqlite::{
    Acquire, AcquireError, BoxError, HOUR, Limit, RateLimitStoreExt, Resource, ResourceConfig,
    SECOND, SqliteRateLimitStore,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let file = std::env::args().nth(1).unwrap_or("stores.db".to_owned());
    let database = store_sqlite::open(file).await?;
    let limits = ResourceConfig::from(Limit::new(5, SECOND)).with_limit(Limit::new(200, HOUR));
    let limiter = SqliteRateLimitStore::new(&database, limits).limiter();
    let search = Resource::new("search")?;

    for request in 1..=10 {
        let permit = limiter.acquire(&search).await?; // then send the request
        println!("request {request} admitted at {}", permit.admitted_at());
    }

    // A background request, which users may overtake, with a deadline of its own.
    let request = Acquire::one(&search).background().max_wait(SECOND / 100);
    match limiter.acquire(request).await {
        Ok(permit) => permit.give_back(), // nothing is sent
        Err(AcquireError::Denied { retry_at, reason }) => println!("{reason} until {retry_at}"),
        Err(error) => return Err(error.into()),
    }
    Ok(database.close().await?)
}
