//! Items that are listed live in sixteen partitions, so that no partition takes all the writes; a
//! listing asks them all and merges the answers.

use std::collections::VecDeque;

use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};
use store_core::Result;

use crate::item::Item;
use crate::table::{Query, Requests};

/// Into how many partitions the items of one prefix are spread. Stored items depend on it.
const SHARDS: u8 = 16;

/// The most items of a partition that one request asks for where it has a limit.
const MOST_AT_ONCE: u32 = 1_000;

/// The partition of `name`: its prefix, and the first hexadecimal digit of the name's SHA-256.
pub(crate) fn partition_of(prefix: &str, name: &str) -> String {
    let digest = Sha256::digest(name);
    let first = digest.first().copied().unwrap_or_default();
    partition(prefix, first >> 4)
}

/// All partitions of a prefix, for those who ask one after the other.
pub(crate) fn partitions(prefix: &str) -> Vec<String> {
    (0..SHARDS).map(|shard| partition(prefix, shard)).collect()
}

fn partition(prefix: &str, shard: u8) -> String {
    format!("{prefix}#{shard:x}")
}

/// The items of all partitions of a prefix in the order of their sort keys, read as they are wanted.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    requests: Requests<'a>,
    shards: Vec<Shard>,
}

#[derive(Debug)]
struct Shard {
    /// What to ask next, if there may be more.
    rest: Option<Query>,
    /// What was read, with its sort key.
    read: VecDeque<(String, Item)>,
}

impl<'a> Merged<'a> {
    /// What `query` asks for, of every partition of `prefix`. If the query names the attributes that it
    /// returns, the keys have to be among them.
    pub(crate) fn new(requests: Requests<'a>, prefix: &str, query: &Query) -> Self {
        let shards = (0..SHARDS).map(|shard| Shard {
            rest: Some(Query {
                partition: partition(prefix, shard),
                ..query.clone()
            }),
            read: VecDeque::new(),
        });
        Self {
            requests,
            shards: shards.collect(),
        }
    }

    /// The next item with its sort key.
    pub(crate) async fn next(&mut self) -> Result<Option<(String, Item)>> {
        let (requests, shards) = (self.requests, self.shards.iter_mut());
        try_join_all(shards.map(|shard| shard.fill(requests))).await?;
        let first = self
            .shards
            .iter_mut()
            .filter(|shard| !shard.read.is_empty())
            .min_by(|one, other| one.first().cmp(&other.first()));
        Ok(first.and_then(|shard| shard.read.pop_front()))
    }
}

impl Shard {
    /// Reads on until there is an item, or no more.
    async fn fill(&mut self, requests: Requests<'_>) -> Result<()> {
        while self.read.is_empty()
            && let Some(query) = self.rest.take()
        {
            let page = requests.query(query.clone()).await?;
            for item in page.items {
                self.read
                    .push_back((requests.table.key_of(&item)?.sort, item));
            }
            self.rest = page.next.map(|start| Query {
                start: Some(start),
                // Whoever reads on, or finds nothing, wants more at once.
                limit: query.limit.map(|limit| (limit * 2).min(MOST_AT_ONCE)),
                ..query
            });
        }
        Ok(())
    }

    fn first(&self) -> Option<&str> {
        self.read.front().map(|(name, _)| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_of_names_stay_what_they_are() {
        // Stored items are found by them: SHA-256 begins with ba78…, e3b0….
        assert_eq!(partition_of("JOB", "abc"), "JOB#b");
        assert_eq!(partition_of("CACHE", ""), "CACHE#e");
    }
}
