//! The resources of the load, and their limits.

use std::time::Duration;

use store_core::{AdaptiveConfig, Claim, Limit, Resource, ResourceConfig};

/// A resource of the load.
#[derive(Debug)]
pub(crate) struct Limited {
    pub(crate) name: &'static str,
    pub(crate) limits: &'static [Limit],
    is_shared: bool,
}

const fn per_millis(count: u32, millis: u64) -> Limit {
    Limit::new(count, Duration::from_millis(millis))
}

/// Small windows, so that there are many: two paths, the key that requests to both may claim too,
/// and a resource that is also used without asking.
pub(crate) const LIMITED: [Limited; 4] = [
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

pub(crate) const PATHS: [usize; 2] = [0, 1];
pub(crate) const KEY: usize = 2;
pub(crate) const RECORDED: usize = 3;

impl Limited {
    /// One permit of this resource, with its limits.
    pub(crate) fn claim(&self) -> store_core::Result<Claim> {
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
        Ok(Claim::new(Resource::new(self.name)?).with_config(config))
    }
}
