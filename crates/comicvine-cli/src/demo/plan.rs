//! Which requests the two workers make.

use std::cmp::Reverse;

use comicvine_client::ResourceKind;
use comicvine_fake::FakeServer;
use serde::{Deserialize, Serialize};
use store_core::{Random, SeededRandom};

/// One request, as the parent writes it and a worker reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// One resource.
    Get { kind: String, id: u64 },
    /// One page of a list.
    List {
        kind: String,
        offset: u64,
        limit: u64,
    },
}

impl Ask {
    /// The request as the server counts it.
    pub(crate) fn target(&self) -> Option<String> {
        match self {
            Self::Get { kind, id } => {
                let kind: ResourceKind = kind.parse().ok()?;
                Some(format!("{}/{}-{id}", kind.detail_path(), kind.prefix()))
            }
            Self::List {
                kind,
                offset,
                limit,
            } => {
                let kind: ResourceKind = kind.parse().ok()?;
                Some(format!(
                    "{}?limit={limit}&offset={offset}",
                    kind.list_path()
                ))
            }
        }
    }
}

/// Different requests; the first part is wanted by the user's worker, the last by the background's,
/// and the middle by both.
#[derive(Clone, Debug)]
pub(super) struct Plan(Vec<Ask>);

/// Each worker asks for every request of its part so often.
const REPEATS: usize = 3;
/// Of how many requests one goes to the kind the server holds most of, the next, and so on: enough
/// to run into the limit of a path, on few enough paths to see it.
const SHARES: [usize; 5] = [3, 6, 8, 12, 12];
/// The lists of so many kinds are paged through.
const LISTS: usize = 3;
const PAGE: u64 = 7;

impl Plan {
    /// Draws up to `wanted` requests from what the server holds.
    pub(super) fn draw(server: &FakeServer, wanted: usize) -> Self {
        let random = SeededRandom::new(17);
        let mut held = server.details();
        held.sort_by_key(|(_, ids)| Reverse(ids.len()));
        let mut asks = Vec::new();
        for ((kind, ids), share) in held.iter_mut().zip(SHARES) {
            shuffle(ids, &random);
            let some = ids.iter().take(wanted / share);
            asks.extend(some.map(|id| Ask::Get {
                kind: kind.clone(),
                id: *id,
            }));
        }
        let lists: Vec<_> = held.iter().take(LISTS).map(|(kind, _)| kind).collect();
        let pages = (0..).flat_map(|page| {
            lists.iter().map(move |kind| Ask::List {
                kind: (*kind).clone(),
                offset: page * PAGE,
                limit: PAGE,
            })
        });
        let left = if lists.is_empty() {
            0
        } else {
            wanted.saturating_sub(asks.len())
        };
        asks.extend(pages.take(left));
        shuffle(&mut asks, &random);
        Self(asks)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn for_user(&self) -> Vec<Ask> {
        repeated(&self.0[..self.0.len() * 7 / 10], 1)
    }

    pub(super) fn for_background(&self) -> Vec<Ask> {
        repeated(&self.0[self.0.len() * 3 / 10..], 2)
    }
}

fn repeated(asks: &[Ask], seed: u64) -> Vec<Ask> {
    let mut all: Vec<Ask> = std::iter::repeat_n(asks, REPEATS)
        .flatten()
        .cloned()
        .collect();
    shuffle(&mut all, &SeededRandom::new(seed));
    all
}

/// Fisher and Yates.
fn shuffle<T>(items: &mut [T], random: &SeededRandom) {
    for end in (1..items.len()).rev() {
        let bound = u64::try_from(end + 1).unwrap_or(u64::MAX);
        let drawn = usize::try_from(random.next_u64() % bound).unwrap_or(0);
        items.swap(end, drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_overlap_and_cover_everything() {
        let get = |id| Ask::Get {
            kind: "issue".to_owned(),
            id,
        };
        let plan = Plan((0..100).map(get).collect());
        let (user, background) = (plan.for_user(), plan.for_background());
        assert_eq!((user.len(), background.len()), (210, 210));
        for ask in &plan.0 {
            assert!(user.contains(ask) || background.contains(ask));
        }
        assert!(user.iter().any(|ask| background.contains(ask)));
    }

    #[test]
    fn shuffling_loses_nothing() {
        let mut numbers: Vec<u32> = (0..50).collect();
        shuffle(&mut numbers, &SeededRandom::new(3));
        assert_ne!(numbers, (0..50).collect::<Vec<_>>());
        numbers.sort_unstable();
        assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    }
}
