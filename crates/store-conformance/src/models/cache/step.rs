//! The steps of a cache: few keys and short lifetimes, so that calls affect each other.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::{select, subsequence};

pub(super) const KEYS: [&str; 4] = ["a:1", "a:2", "ab:1", "a"];
pub(super) const SCOPES: [&str; 2] = ["a", "ab"];
pub(super) const TAGS: [&str; 2] = ["issue:1", "volume:1"];

/// One call of a handle, or a change of the clock.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Get {
        handle: usize,
        key: usize,
    },
    GetMany {
        handle: usize,
    },
    BeginFill {
        handle: usize,
    },
    Set {
        handle: usize,
        value: NewValue,
    },
    SetMany {
        handle: usize,
        values: Vec<NewValue>,
    },
    SetTooLarge {
        handle: usize,
        key: usize,
    },
    Delete {
        handle: usize,
        key: usize,
    },
    Clear {
        handle: usize,
        scope: Option<usize>,
    },
    Invalidate {
        handle: usize,
        tags: Vec<usize>,
    },
    List {
        handle: usize,
        limit: u32,
    },
    Stats {
        handle: usize,
    },
    CleanUp {
        handle: usize,
    },
    Advance {
        by: Duration,
    },
    AdvanceDay,
    SetBack {
        millis: u64,
    },
}

/// A value to store: it never expires without a lifetime, and is begun now without a fill. `fill`
/// counts from the newest.
#[derive(Clone, Debug)]
pub(super) struct NewValue {
    pub(super) key: usize,
    pub(super) ttl: Option<Duration>,
    pub(super) tags: Vec<usize>,
    pub(super) fill: Option<usize>,
}

fn key() -> impl Strategy<Value = usize> {
    0..KEYS.len()
}

fn tags(least: usize) -> impl Strategy<Value = Vec<usize>> {
    subsequence(vec![0, 1], least..=2)
}

fn value() -> impl Strategy<Value = NewValue> {
    let ttls = select(vec![0, 1, 1_000, 2_000, 5_000]).prop_map(Duration::from_millis);
    let ttl = option::weighted(0.7, ttls);
    (key(), ttl, tags(0), option::of(0..4_usize)).prop_map(|(key, ttl, tags, fill)| NewValue {
        key,
        ttl,
        tags,
        fill,
    })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let handle = || 0..2_usize;
    let by = select(vec![1, 999, 1_000, 2_000, 4_000]).prop_map(Duration::from_millis);
    prop_oneof![
        8 => (handle(), key()).prop_map(|(handle, key)| Step::Get { handle, key }),
        2 => handle().prop_map(|handle| Step::GetMany { handle }),
        2 => handle().prop_map(|handle| Step::BeginFill { handle }),
        10 => (handle(), value()).prop_map(|(handle, value)| Step::Set { handle, value }),
        2 => (handle(), vec(value(), 0..4)).prop_map(|(handle, values)| Step::SetMany { handle, values }),
        1 => (handle(), key()).prop_map(|(handle, key)| Step::SetTooLarge { handle, key }),
        2 => (handle(), key()).prop_map(|(handle, key)| Step::Delete { handle, key }),
        1 => (handle(), option::of(0..SCOPES.len()))
            .prop_map(|(handle, scope)| Step::Clear { handle, scope }),
        2 => (handle(), tags(1)).prop_map(|(handle, tags)| Step::Invalidate { handle, tags }),
        1 => (handle(), 1..4_u32).prop_map(|(handle, limit)| Step::List { handle, limit }),
        1 => handle().prop_map(|handle| Step::Stats { handle }),
        1 => handle().prop_map(|handle| Step::CleanUp { handle }),
        5 => by.prop_map(|by| Step::Advance { by }),
        1 => Just(Step::AdvanceDay),
        2 => select(vec![1, 1_000, 3_000]).prop_map(|millis| Step::SetBack { millis }),
    ]
}
