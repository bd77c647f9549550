//! Histories of several processes, each with a view of its own that may be old, against every
//! admission kept with its moment.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use store_core::backend::Activity;
use store_core::{
    AdaptiveConfig, Limit, Policy, Priority, Resource, ResourceConfig, SECOND, Timestamp,
};

use super::model::apply;
use crate::rate_limit::record::{Bucket, State};
use crate::rate_limit::transition::give_back;
use crate::rate_limit::transition::{EffectiveConfig, Request, Step, decide};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SKEW: Duration = Duration::from_millis(5);
const BUCKETS: u32 = 10;
/// By how many milliseconds the processes' clocks are ahead: no two differ by more than the skew.
const AHEAD: [i64; 3] = [-2, 0, 2];
/// What is told is told by somebody's clock.
const TOLD: Duration = Duration::from_millis(4);

/// What one process does.
#[derive(Clone, Debug)]
enum Act {
    /// Lets time pass.
    Wait(u64),
    /// Looks at the table.
    Look { process: usize },
    /// Asks on the view it has, which is renewed if the write is refused.
    Ask {
        process: usize,
        permits: u32,
        class: Priority,
    },
    /// Gives the nth permit back, counted from the newest.
    GiveBack { nth: usize },
}

fn act() -> impl Strategy<Value = Act> {
    let class = prop_oneof![Just(Priority::User), Just(Priority::Background)];
    prop_oneof![
        3 => prop_oneof![Just(0), 1..20_u64, 20..400_u64, 400..6_000_u64].prop_map(Act::Wait),
        2 => (0..3_usize).prop_map(|process| Act::Look { process }),
        8 => (0..3_usize, 1..3_u32, class).prop_map(|(process, permits, class)| Act::Ask {
            process,
            permits,
            class,
        }),
        1 => (0..6_usize).prop_map(|nth| Act::GiveBack { nth }),
    ]
}

fn configs() -> impl Strategy<Value = ResourceConfig> {
    let quick = AdaptiveConfig::default()
        .with_monitoring_window(SECOND * 30)
        .with_recalculation_interval(SECOND * 2)
        .with_min_user_reserved(1);
    let one = ResourceConfig::from(Limit::new(7, SECOND));
    let guarded = Limit::new(7, SECOND).with_guard(Duration::from_millis(150));
    let two = ResourceConfig::from(Limit::new(12, SECOND * 5)).with_limit(Limit::new(4, SECOND));
    prop_oneof![
        Just(one.clone()),
        Just(guarded.into()),
        Just(two.clone()),
        Just(one.adaptive(quick.clone())),
        Just(two.adaptive(quick)),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Admission {
    at: Timestamp,
    permits: u32,
    class: Priority,
    bucket: Bucket,
}

struct World {
    config: ResourceConfig,
    resource: Resource,
    now: Timestamp,
    table: State,
    views: [State; 3],
    admitted: Vec<Admission>,
    random: u64,
}

impl World {
    fn new(config: ResourceConfig) -> Self {
        Self {
            config,
            resource: Resource::new("issues").expect("a name"),
            now: START,
            table: State::default(),
            views: Default::default(),
            admitted: Vec::new(),
            random: 1 << 40,
        }
    }

    fn used(&self, window: Duration, at: Timestamp) -> u32 {
        let inside = self.admitted.iter();
        let inside = inside.filter(|admission| admission.at <= at && admission.at + window > at);
        inside.map(|admission| admission.permits).sum()
    }

    /// When the permits would fit into windows that are this much longer than they should be.
    fn fits_at(&self, permits: u32, late: impl Fn(Duration) -> Duration) -> Timestamp {
        let releases = self.admitted.iter().flat_map(|admission| {
            let windows = self.config.limits().iter().map(Limit::span);
            windows.map(|window| admission.at + window + late(window))
        });
        let mut moments: Vec<_> = releases.filter(|at| *at > self.now).collect();
        moments.push(self.now);
        let fits = |at: &Timestamp| {
            self.config.limits().iter().all(|limit| {
                let window = limit.span() + late(limit.span());
                self.used(window, *at) + permits <= limit.count()
            })
        };
        moments
            .into_iter()
            .filter(fits)
            .min()
            .expect("an empty window")
    }

    fn ask(&mut self, process: usize, permits: u32, class: Priority) {
        let permits = NonZeroU32::new(permits).expect("some");
        let mut demand = Activity::default();
        demand.add(class);
        for _ in 0..4 {
            self.random += 1;
            let ask = Request {
                permits,
                priority: class,
                demand,
                earlier: Activity::default(),
                batch: 0,
                unspent: None,
                random: self.random << 12,
            };
            let terms = EffectiveConfig {
                resource: &self.resource,
                config: &self.config,
                buckets: NonZeroU32::new(BUCKETS).expect("some"),
                skew: SKEW,
            };
            let is_fresh = self.views[process] == self.table;
            let local = Timestamp::from_millis(self.now.as_millis() + AHEAD[process]);
            let step = decide(&self.views[process], terms, &ask, local);
            match step.expect("a decision") {
                Step::Admit(take) => {
                    let is_done = apply(&mut self.table, &take.change);
                    assert!(is_done || !is_fresh, "{:?}", take.change);
                    self.views[process] = self.table.clone();
                    if is_done {
                        assert!(take.at <= self.now + TOLD && take.at + TOLD >= self.now);
                        self.admitted.push(Admission {
                            at: self.now,
                            permits: permits.get(),
                            class,
                            bucket: take.bucket,
                        });
                        return;
                    }
                }
                Step::Deny(refuse) => {
                    if !is_fresh {
                        self.views[process] = self.table.clone();
                        continue;
                    }
                    // The process tells it by its own clock.
                    let told = refuse.denial.retry_at.as_millis() - AHEAD[process];
                    self.check_refusal(permits.get(), class, Timestamp::from_millis(told));
                    if let Some(settle) = refuse.settle {
                        assert!(apply(&mut self.table, &settle.change));
                    }
                    return;
                }
            }
        }
    }

    fn check_refusal(&self, permits: u32, class: Priority, retry_at: Timestamp) {
        let exact = self.fits_at(permits, |_| Duration::ZERO);
        let latest = self.fits_at(permits, |window| {
            let bucket = window.as_millis().div_ceil(u128::from(BUCKETS));
            Duration::from_millis(u64::try_from(bucket).expect("short")) + SKEW
        });
        assert!(retry_at + TOLD > self.now);
        let is_shared = *self.config.policy() != Policy::Fixed && class == Priority::Background;
        if !is_shared {
            assert!(exact <= retry_at, "{retry_at} is before {exact}");
            assert!(retry_at <= latest + TOLD, "{retry_at} is after {latest}");
        }
    }

    fn give_back(&mut self, nth: usize) {
        let Some(at) = self.admitted.len().checked_sub(nth + 1) else {
            return;
        };
        let Admission {
            bucket,
            permits,
            class,
            ..
        } = self.admitted[at];
        let change = give_back(&self.table, bucket, permits, class, 0);
        if let Some(change) = change {
            assert!(apply(&mut self.table, &change));
            self.admitted.remove(at);
        } else {
            // It stays used; so it does here, and is given back once only.
            self.admitted[at].bucket.epoch = u32::MAX;
        }
    }

    fn check_windows(&self) {
        for admission in &self.admitted {
            for limit in self.config.limits() {
                let used = self.used(limit.span(), admission.at);
                assert!(
                    used <= limit.count(),
                    "{used} of {limit:?} at {}",
                    admission.at
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_window_is_ever_over_and_no_wait_too_long(
        config in configs(),
        acts in prop::collection::vec(act(), 1..150),
    ) {
        let mut world = World::new(config);
        for act in acts {
            match act {
                Act::Wait(millis) => world.now = world.now + Duration::from_millis(millis),
                Act::Look { process } => world.views[process] = world.table.clone(),
                Act::Ask { process, permits, class } => world.ask(process, permits, class),
                Act::GiveBack { nth } => world.give_back(nth),
            }
            world.check_windows();
        }
    }
}
