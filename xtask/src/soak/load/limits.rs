//! Limits: what is claimed, what a worker tells of it.

mod judge;
mod load;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{AdaptiveConfig, Claim, Limit, Resource, ResourceConfig};

pub(in crate::soak) use self::judge::{Row, Tally, judge, judge_told};
pub(in crate::soak) use self::load::{PATIENCE, run};

/// A resource of the load.
#[derive(Debug)]
pub(in crate::soak) struct Limited {
    name: &'static str,
    limits: &'static [Limit],
    is_shared: bool,
}

const fn per_millis(count: u32, millis: u64) -> Limit {
    Limit::new(count, Duration::from_millis(millis))
}

/// Small windows, so that there are many: two paths, the key that requests to both may claim too,
/// and a resource that is also used without asking.
pub(in crate::soak) const LIMITED: [Limited; 4] = [
    Limited {
        name: "issues",
        limits: &[per_millis(30, 300), per_millis(6, 20)],
        is_shared: true,
    },
    Limited {
        name: "volumes",
        limits: &[per_millis(20, 250)],
        is_shared: false,
    },
    Limited {
        name: "key",
        limits: &[per_millis(1, 4)],
        is_shared: false,
    },
    Limited {
        name: "recorded",
        limits: &[per_millis(10, 200)],
        is_shared: false,
    },
];

const PATHS: [usize; 2] = [0, 1];
const KEY: usize = 2;
const RECORDED: usize = 3;

impl Limited {
    fn claim(&self) -> store_core::Result<Claim> {
        let mut config = self
            .limits
            .iter()
            .skip(1)
            .fold(ResourceConfig::from(self.limits[0]), |config, limit| {
                config.with_limit(*limit)
            });
        if self.is_shared {
            let sharing = AdaptiveConfig::default()
                .with_monitoring_window(Duration::from_secs(2))
                .with_recalculation_interval(Duration::from_millis(200))
                .with_sustained_inactivity_threshold(Duration::from_secs(4));
            config = config.adaptive(sharing);
        }
        Ok(Claim::new(Resource::named(self.name)?).with_config(config))
    }
}

/// What a worker tells; moments in Unix milliseconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::soak) enum Event {
    /// A permit was granted and committed.
    Admitted {
        resources: Vec<usize>,
        permits: usize,
        /// It was counted on each resource at this moment or later,
        since: i64,
        /// and on one of them, and at the latest, at this.
        at: i64,
    },
    /// Usage was counted without asking.
    Recorded { asked: i64, answered: i64 },
    /// A permit was dropped.
    GivenBack,
    /// A wait in line was answered this long after its deadline.
    Overran { millis: i64 },
}
