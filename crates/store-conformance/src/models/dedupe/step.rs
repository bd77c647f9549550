//! The steps of a de-duplication store: few keys, and times around the lease and the retention.

use std::time::Duration;

use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use store_core::Priority;

pub(super) const KEYS: [&str; 3] = ["a:1", "a:2", "ab:1"];
pub(super) const SCOPES: [&str; 2] = ["a", "ab"];

/// One call of a handle, or a change of the clock. `job` and `owner` count from the newest.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Register {
        handle: usize,
        key: usize,
        priority: Priority,
    },
    Wait {
        handle: usize,
        job: usize,
    },
    Heartbeat {
        handle: usize,
        job: usize,
    },
    End {
        owner: usize,
        ending: Ending,
    },
    IsInProgress {
        handle: usize,
        key: usize,
    },
    List {
        handle: usize,
    },
    Stats {
        handle: usize,
    },
    Clear {
        handle: usize,
        scope: Option<usize>,
    },
    CleanUp {
        handle: usize,
    },
    Advance {
        by: Duration,
    },
    SetBack {
        millis: u64,
    },
}

/// How an owner ends its job.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// With a value of this length, in bytes.
    Value(usize),
    NotShared,
    Fail,
    Drop,
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        4 => select(vec![1_usize, 0, 16, 17]).prop_map(Ending::Value),
        1 => Just(Ending::NotShared),
        2 => Just(Ending::Fail),
        2 => Just(Ending::Drop),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let handle = || 0..2_usize;
    let key = || 0..KEYS.len();
    let priority = select(vec![Priority::Background, Priority::User]);
    let by = select(vec![1, 999, 1_000, 3_000, 4_000]).prop_map(Duration::from_millis);
    prop_oneof![
        10 => (handle(), key(), priority)
            .prop_map(|(handle, key, priority)| Step::Register { handle, key, priority }),
        6 => (handle(), 0..5_usize).prop_map(|(handle, job)| Step::Wait { handle, job }),
        4 => (handle(), 0..5_usize).prop_map(|(handle, job)| Step::Heartbeat { handle, job }),
        7 => (0..3_usize, ending()).prop_map(|(owner, ending)| Step::End { owner, ending }),
        2 => (handle(), key()).prop_map(|(handle, key)| Step::IsInProgress { handle, key }),
        2 => handle().prop_map(|handle| Step::List { handle }),
        2 => handle().prop_map(|handle| Step::Stats { handle }),
        1 => (handle(), option::of(0..SCOPES.len()))
            .prop_map(|(handle, scope)| Step::Clear { handle, scope }),
        1 => handle().prop_map(|handle| Step::CleanUp { handle }),
        6 => by.prop_map(|by| Step::Advance { by }),
        2 => select(vec![1, 2_000, 5_000]).prop_map(|millis| Step::SetBack { millis }),
    ]
}
