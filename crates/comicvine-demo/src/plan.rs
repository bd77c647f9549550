//! The requests that the two workers make.

mod kind_name;

use std::cmp::Reverse;

use comicvine_client::ResourceKind;
use serde::{Deserialize, Serialize};
use store_core::Random;
use store_core::backend::SeededRandom;

/// One request of a plan, as it is written to the plan file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlannedRequest {
    /// One resource.
    Get {
        #[serde(with = "kind_name")]
        kind: ResourceKind,
        id: u64,
    },
    /// One page of a list.
    List {
        #[serde(with = "kind_name")]
        kind: ResourceKind,
        offset: u64,
        limit: u64,
    },
}

impl PlannedRequest {
    /// The path and query under which the server counts the request.
    pub(crate) fn target(&self) -> String {
        match self {
            Self::Get { kind, id } => format!("{}/{}-{id}", kind.detail_path(), kind.prefix()),
            Self::List {
                kind,
                offset,
                limit,
            } => format!("{}?limit={limit}&offset={offset}", kind.list_path()),
        }
    }
}

/// What the server has of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Inventory {
    pub(crate) kind: ResourceKind,
    /// The ids of its details.
    pub(crate) ids: Vec<u64>,
    /// The number of rows of its list.
    pub(crate) rows: u64,
}

/// Different requests: the user worker makes the first 70 % of them, the background worker the last
/// 70 %.
#[derive(Clone, Debug)]
pub(crate) struct Plan(Vec<PlannedRequest>);

/// How often each worker makes every request of its part.
const REPEATS: usize = 3;
/// The kind with the most details gets one request in 3, the next one in 6, and so on: few paths, so
/// that they reach their limits.
const SHARES: [usize; 5] = [3, 6, 8, 12, 12];
/// How many kinds have their lists paged through first.
const FIRST_LISTS: usize = 3;
/// Rows per page.
const PAGE: u64 = 7;

impl Plan {
    /// Chooses up to `count` requests for what the server has; fewer if it has less.
    pub(crate) fn generate(mut inventories: Vec<Inventory>, count: usize) -> Self {
        let random = SeededRandom::new(17);
        inventories.sort_by_key(|inventory| Reverse(inventory.ids.len()));
        let (mut requests, mut remaining) = (Vec::new(), Vec::new());
        for (rank, inventory) in inventories.iter_mut().enumerate() {
            shuffle(&mut inventory.ids, &random);
            let share = SHARES.get(rank).map_or(0, |share| count / share);
            let (first, rest) = inventory.ids.split_at(share.min(inventory.ids.len()));
            let kind = inventory.kind;
            let get = |&id: &u64| PlannedRequest::Get { kind, id };
            requests.extend(first.iter().map(get));
            remaining.extend(rest.iter().map(get));
        }
        inventories.sort_by_key(|inventory| Reverse(inventory.rows));
        let (first, rest) = inventories.split_at(FIRST_LISTS.min(inventories.len()));
        requests.extend(pages(first));
        requests.extend(pages(rest));
        requests.extend(remaining);
        requests.truncate(count);
        shuffle(&mut requests, &random);
        Self(requests)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn for_user(&self) -> Vec<PlannedRequest> {
        repeated(&self.0[..(self.0.len() * 7).div_ceil(10)], 1)
    }

    pub(crate) fn for_background(&self) -> Vec<PlannedRequest> {
        repeated(&self.0[self.0.len() * 3 / 10..], 2)
    }
}

/// The first page of each list, then the second of each that has one, and so on.
fn pages(lists: &[Inventory]) -> Vec<PlannedRequest> {
    let longest = lists.iter().map(|list| list.rows.div_ceil(PAGE)).max();
    let page = |page: u64| {
        let offset = page * PAGE;
        let lists = lists.iter().filter(move |list| offset < list.rows);
        lists.map(move |list| PlannedRequest::List {
            kind: list.kind,
            offset,
            limit: PAGE,
        })
    };
    (0..longest.unwrap_or(0)).flat_map(page).collect()
}

fn repeated(requests: &[PlannedRequest], seed: u64) -> Vec<PlannedRequest> {
    let mut all: Vec<PlannedRequest> = std::iter::repeat_n(requests, REPEATS)
        .flatten()
        .cloned()
        .collect();
    shuffle(&mut all, &SeededRandom::new(seed));
    all
}

/// The Fisher–Yates shuffle.
fn shuffle<T>(items: &mut [T], random: &SeededRandom) {
    for end in (1..items.len()).rev() {
        let bound = u64::try_from(end + 1).unwrap_or(u64::MAX);
        let drawn = usize::try_from(random.next_u64() % bound).unwrap_or(0);
        items.swap(end, drawn);
    }
}

#[cfg(test)]
mod tests;
