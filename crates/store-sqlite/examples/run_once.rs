//! Work that runs once, however many tasks and processes want its result at the same time. Run it in
//! two terminals at the same time: `cargo run --example run_once stores.db`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example shows what it does, and sleeps for want of real work"
)]

use store_sqlite::{BoxError, DedupeStoreExt, Key, SECOND, SqliteDedupeStore};
use tokio::task::JoinSet;

async fn report(jobs: SqliteDedupeStore) -> Result<u32, BoxError> {
    let work = async || {
        println!("working");
        tokio::time::sleep(SECOND * 2).await; // something expensive
        Ok::<_, BoxError>(std::process::id())
    };
    Ok(jobs.run_once(&Key::new("report:today")?, work).await?)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let file = std::env::args().nth(1).unwrap_or("stores.db".to_owned());
    let database = store_sqlite::open(file).await?;
    let jobs = SqliteDedupeStore::new(&database);

    let callers: JoinSet<_> = (0..50).map(|_| report(jobs.clone())).collect();
    let reports = callers.join_all().await;
    let reports = reports.into_iter().collect::<Result<Vec<_>, _>>()?;
    println!(
        "{} callers, result of process {}",
        reports.len(),
        reports[0]
    );

    Ok(database.close().await?)
}
