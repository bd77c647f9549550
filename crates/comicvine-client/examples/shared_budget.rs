//! Two programs, here two clients, that share a cache and the API's limits.
//!
//! ```sh
//! cargo run -p comicvine-client --example shared_budget
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its output")]

use comicvine_client::{ApiKey, Budget, ComicVine, Error};
use comicvine_fake::FakeServer;
use store_memory::{BoxError, HOUR, Limit, SECOND, Stores};

#[tokio::main]
pub(crate) async fn main() -> Result<(), BoxError> {
    let server = FakeServer::builder().start().await?;
    let stores = store_memory::stores(); // processes share a file: `store_sqlite::stores(&db)`
    let (one, other) = (client(&server, &stores)?, client(&server, &stores)?);

    let fetched = one.issues().await?;
    let cached = other.issues().await?;
    println!("one: {:?}, other: {:?}", fetched.outcome, cached.outcome);

    one.issues().offset(100).await?; // waits for the spacing of 1 second
    let denied = other.issues().offset(200).max_wait(SECOND * 2).await;
    if let Err(Error::RateLimited { reason, .. }) = denied {
        println!("the third of 2 per hour: {reason}");
    }
    assert_eq!(server.counts().total().requests(), 2);
    Ok(())
}

fn client(server: &FakeServer, stores: &Stores) -> Result<ComicVine, BoxError> {
    let client = ComicVine::builder(ApiKey::new("0123456789abcdef")?)
        .base_url(server.base_url()) // without this line: the real API
        .budget(Budget::default().with_path(Limit::new(2, HOUR)))
        .stores(stores.clone());
    Ok(client.build()?)
}
