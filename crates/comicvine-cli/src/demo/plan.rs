//! Which requests the two workers make.

use std::cmp::Reverse;

use comicvine_client::ResourceKind;
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
    fn get(kind: ResourceKind, id: u64) -> Self {
        let kind = kind.detail_path().to_owned();
        Self::Get { kind, id }
    }

    fn list(kind: ResourceKind, offset: u64, limit: u64) -> Self {
        Self::List {
            kind: kind.detail_path().to_owned(),
            offset,
            limit,
        }
    }

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

/// What a server holds of one kind.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) kind: ResourceKind,
    /// What can be got one by one.
    pub(super) ids: Vec<u64>,
    /// How many rows its list has.
    pub(super) rows: u64,
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
/// The lists of so many kinds are paged through first.
const LISTS: usize = 3;
const PAGE: u64 = 7;

impl Plan {
    /// Draws up to `wanted` requests from what the server holds; fewer if there are no more.
    pub(super) fn draw(mut held: Vec<Holding>, wanted: usize) -> Self {
        let random = SeededRandom::new(17);
        held.sort_by_key(|holding| Reverse(holding.ids.len()));
        let (mut asks, mut leftover) = (Vec::new(), Vec::new());
        for (place, holding) in held.iter_mut().enumerate() {
            shuffle(&mut holding.ids, &random);
            let share = SHARES.get(place).map_or(0, |share| wanted / share);
            let (first, rest) = holding.ids.split_at(share.min(holding.ids.len()));
            let get = |id: &u64| Ask::get(holding.kind, *id);
            asks.extend(first.iter().map(get));
            leftover.extend(rest.iter().map(get));
        }
        held.sort_by_key(|holding| Reverse(holding.rows));
        let (first, rest) = held.split_at(LISTS.min(held.len()));
        asks.extend(pages(first));
        asks.extend(pages(rest));
        asks.extend(leftover);
        asks.truncate(wanted);
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
        repeated(&self.0[..(self.0.len() * 7).div_ceil(10)], 1)
    }

    pub(super) fn for_background(&self) -> Vec<Ask> {
        repeated(&self.0[self.0.len() * 3 / 10..], 2)
    }
}

/// The first page of each list, then the second of each that has one, and so on.
fn pages(lists: &[Holding]) -> Vec<Ask> {
    let longest = lists.iter().map(|list| list.rows.div_ceil(PAGE)).max();
    let page = |page: u64| {
        let offset = page * PAGE;
        let lists = lists.iter().filter(move |list| offset < list.rows);
        lists.map(move |list| Ask::list(list.kind, offset, PAGE))
    };
    (0..longest.unwrap_or(0)).flat_map(page).collect()
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
mod tests;
