//! This backend's defaults for the options that all backends have.

use std::collections::HashMap;

use store_core::{AdaptiveConfig, Limit, Resource, ResourceConfig};

/// The default of [`CacheOptions::max_entry_bytes`](store_core::CacheOptions::max_entry_bytes): 5 MiB.
pub const DEFAULT_MAX_ENTRY_BYTES: usize = 5 * 1024 * 1024;
/// The default of [`DedupeOptions::inline_limit_bytes`](store_core::DedupeOptions::inline_limit_bytes):
/// 5 MiB, as long as an entry of the cache.
pub const DEFAULT_INLINE_LIMIT_BYTES: usize = DEFAULT_MAX_ENTRY_BYTES;
/// The default of `cleanup_batch` in the options of all stores: few enough rows that a cleanup does not
/// hold the write lock for long.
pub const DEFAULT_CLEANUP_BATCH: u32 = 500;

/// The config of the limiter of [`stores`](crate::stores): the npm package's adaptive default.
pub(crate) fn adaptive_config() -> ResourceConfig {
    ResourceConfig::from(Limit::TWO_HUNDRED_PER_HOUR).adaptive(AdaptiveConfig::default())
}

/// The configs of resources that neither a claim nor the store has one for.
#[derive(Debug)]
pub(crate) struct DefaultConfigs {
    resources: HashMap<Resource, ResourceConfig>,
    default: ResourceConfig,
}

impl DefaultConfigs {
    pub(crate) fn new(
        default: Option<ResourceConfig>,
        resources: HashMap<Resource, ResourceConfig>,
    ) -> Self {
        Self {
            resources,
            default: default.unwrap_or_else(|| Limit::SIXTY_PER_MINUTE.into()),
        }
    }

    pub(crate) fn get(&self, resource: &Resource) -> &ResourceConfig {
        self.resources.get(resource).unwrap_or(&self.default)
    }
}
