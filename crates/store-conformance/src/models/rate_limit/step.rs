//! The steps of a rate limiter: few resources, small limits, and times around their windows.

use std::time::Duration;

use proptest::bool::ANY;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::{select, subsequence};
use store_core::Priority;

pub(super) const RESOURCES: [&str; 3] = ["default", "claimed", "shared"];

/// One call of a handle, or a change of the clock. `permit` counts from the newest.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Acquire {
        handle: usize,
        spec: RequestSpec,
        is_held: bool,
    },
    Record {
        handle: usize,
        spec: RequestSpec,
    },
    GiveBack {
        permit: usize,
    },
    Status {
        handle: usize,
        resource: usize,
        priority: Priority,
    },
    Reset {
        handle: usize,
        resource: usize,
    },
    Clear {
        handle: usize,
    },
    SetCooldown {
        handle: usize,
        resource: usize,
        millis: u64,
    },
    GetCooldown {
        handle: usize,
        resource: usize,
    },
    ClearCooldown {
        handle: usize,
        resource: usize,
        is_seen: bool,
    },
    SetConfig {
        handle: usize,
        resource: usize,
        config: usize,
    },
    List {
        handle: usize,
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
    SetBack {
        millis: u64,
    },
}

/// The resources, permits and priority of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestSpec {
    pub(super) resources: Vec<usize>,
    pub(super) permits: u32,
    pub(super) priority: Priority,
}

impl RequestSpec {
    /// One resource for a user.
    pub(super) fn of_user(resource: usize, permits: u32) -> Self {
        Self {
            resources: vec![resource],
            permits,
            priority: Priority::User,
        }
    }
}

fn priority() -> impl Strategy<Value = Priority> {
    select(vec![Priority::User, Priority::Background])
}

fn spec() -> impl Strategy<Value = RequestSpec> {
    let resources = subsequence(vec![0, 1, 2], 1..=2).prop_shuffle();
    let permits = select(vec![1, 1, 1, 2, 3]);
    (resources, permits, priority()).prop_map(|(resources, permits, priority)| RequestSpec {
        resources,
        permits,
        priority,
    })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let handle = || 0..2_usize;
    let resource = || 0..RESOURCES.len();
    let by = select(vec![0, 1, 333, 999, 1_000, 1_700, 4_000]).prop_map(Duration::from_millis);
    let looks = prop_oneof![
        4 => (handle(), resource(), priority())
            .prop_map(|(handle, resource, priority)| Step::Status { handle, resource, priority }),
        1 => handle().prop_map(|handle| Step::List { handle }),
        1 => handle().prop_map(|handle| Step::Stats { handle }),
        1 => handle().prop_map(|handle| Step::CleanUp { handle }),
    ];
    let cooldowns = prop_oneof![
        2 => (handle(), resource(), select(vec![500, 2_000, 6_000]))
            .prop_map(|(handle, resource, millis)| Step::SetCooldown { handle, resource, millis }),
        1 => (handle(), resource())
            .prop_map(|(handle, resource)| Step::GetCooldown { handle, resource }),
        1 => (handle(), resource(), ANY)
            .prop_map(|(handle, resource, is_seen)| Step::ClearCooldown { handle, resource, is_seen }),
    ];
    let rules = prop_oneof![
        2 => (handle(), 0..2_usize, 0..2_usize)
            .prop_map(|(handle, resource, config)| Step::SetConfig { handle, resource, config }),
        1 => (handle(), resource()).prop_map(|(handle, resource)| Step::Reset { handle, resource }),
        1 => handle().prop_map(|handle| Step::Clear { handle }),
    ];
    prop_oneof![
        20 => (handle(), spec(), ANY)
            .prop_map(|(handle, spec, is_held)| Step::Acquire { handle, spec, is_held }),
        2 => (handle(), spec()).prop_map(|(handle, spec)| Step::Record { handle, spec }),
        4 => (0..3_usize).prop_map(|permit| Step::GiveBack { permit }),
        6 => looks,
        4 => cooldowns,
        2 => rules,
        12 => by.prop_map(|by| Step::Advance { by }),
        2 => prop_oneof![Just(1), Just(500), Just(3_000), Just(20_000)]
            .prop_map(|millis| Step::SetBack { millis }),
    ]
}
