//! A cache in a file: values that expire, and tags to invalidate those that belong together.
//! `cargo run --example cache stores.db`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use store_sqlite::{BoxError, CacheStore, HOUR, Key, Lookup, SqliteCacheStore, Tag, TypedCache};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let file = std::env::args().nth(1).unwrap_or("stores.db".to_owned());
    let database = store_sqlite::open(file).await?;
    let store = SqliteCacheStore::new(&database);
    let titles = TypedCache::<String>::new(store.clone());

    let (key, volume) = (Key::new("issues:4000-1")?, Tag::new("volume:1")?);
    // The token lets the store refuse a value that was invalidated while it was computed.
    if let Lookup::Miss(token) = titles.get(&key).await? {
        let title = "Saga".to_owned();
        let stored = titles
            .set_with_tags(&key, &title, HOUR, [volume.clone()], token)
            .await?;
        println!("{stored:?}");
    }
    println!("cached: {:?}", titles.get(&key).await?.hit());

    let removed = store.invalidate_tags(&[volume]).await?;
    println!("invalidated: {:?}", removed.count());
    println!("cached: {:?}", titles.get(&key).await?.hit());
    Ok(database.close().await?)
}
