//! The stores in the file of an application that has a `sqlx` pool already, beside its own tables.
//! `cargo run --example own_sqlx_pool app.db`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use store_sqlite::sqlite_database::sqlx::{self, SqlitePool}; // or of `sqlx` 0.9 itself
use store_sqlite::{BoxError, HOUR, Key, SqliteCacheStore, SqliteDatabase, TypedCache};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let file = std::env::args().nth(1).unwrap_or("app.db".to_owned());
    let pool = SqlitePool::connect(&format!("sqlite://{file}?mode=rwc")).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS visits (page TEXT NOT NULL)")
        .execute(&pool)
        .await?;
    sqlx::query("INSERT INTO visits VALUES ('start')")
        .execute(&pool)
        .await?;

    let database = SqliteDatabase::from_pool(pool.clone()).await?;
    let titles = TypedCache::<String>::new(SqliteCacheStore::new(&database));
    let key = Key::new("issues:4000-1")?;
    let title = async || Ok::<_, BoxError>("Saga".to_owned());
    let title = titles.get_or_try_insert_with(&key, HOUR, title).await?;
    println!("{title}");
    database.close().await?;

    // The pool is the application's: it stays open.
    let (visits,): (i64,) = sqlx::query_as("SELECT count(*) FROM visits")
        .fetch_one(&pool)
        .await?;
    println!("visits: {visits}");
    pool.close().await;
    Ok(())
}
