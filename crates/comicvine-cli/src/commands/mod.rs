//! One file per command.

pub(crate) mod budget;
pub(crate) mod cache;
pub(crate) mod get;
pub(crate) mod list;
mod rows;
pub(crate) mod search;

use comicvine_client::Outcome;
use store_core::Timestamp;

/// Where an answer comes from, in words for the line below a table.
fn source(outcome: Outcome, fetched_at: Timestamp, now: Timestamp) -> String {
    let age = humantime::format_duration(whole_seconds(now.since(fetched_at)));
    match outcome {
        Outcome::Fetched => "fetched now".to_owned(),
        Outcome::Joined => "joined a request of another caller".to_owned(),
        Outcome::Hit => format!("from the cache, fetched {age} ago"),
        Outcome::Stale => format!("from the cache, fetched {age} ago; nothing newer is to be had"),
    }
}

fn whole_seconds(duration: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(duration.as_secs())
}
