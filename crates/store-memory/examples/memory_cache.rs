//! A cache of structs: of the callers that miss a key one computes the value.
//!
//! ```sh
//! cargo run -p store-memory --example memory_cache
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its output")]

use serde::{Deserialize, Serialize};
use store_memory::{BoxError, HOUR, Key, MemoryCacheStore, TypedCache};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Issue {
    id: u32,
    name: String,
}

#[tokio::main]
pub(crate) async fn main() -> Result<(), BoxError> {
    let issues: TypedCache<Issue> = TypedCache::new(MemoryCacheStore::new());
    let key = Key::new("comics:issue/1")?;
    for _ in 0..2 {
        let issue = issues
            .get_or_try_insert_with(&key, HOUR, async || fetch(1).await)
            .await?;
        println!("{}: {}", issue.id, issue.name);
    }
    Ok(())
}

/// Stands for a request; prints that it is sent, which happens once.
async fn fetch(id: u32) -> Result<Issue, std::io::Error> {
    println!("fetching issue {id}");
    tokio::task::yield_now().await;
    Ok(Issue {
        id,
        name: "Cry for the Moon".to_owned(),
    })
}
