//! The configs that a limiter was created with.

use std::collections::HashMap;

use crate::options::RateLimitOptions;
use crate::rate_limit::{Limit, ResourceConfig};
use crate::resource::Resource;

/// The configs of resources that neither the store nor a claim has one for, from
/// [`RateLimitOptions`]. They are not stored.
#[derive(Clone, Debug)]
pub struct DefaultConfigs {
    resources: HashMap<Resource, ResourceConfig>,
    default: ResourceConfig,
}

impl DefaultConfigs {
    /// The configs of `options`; `limit` is the backend's default.
    #[must_use]
    pub fn new(options: &RateLimitOptions, limit: Limit) -> Self {
        let default = options.default_config.clone();
        Self {
            resources: options.resource_configs.clone(),
            default: default.unwrap_or_else(|| limit.into()),
        }
    }

    /// The config of `resource`.
    #[must_use]
    pub fn get(&self, resource: &Resource) -> &ResourceConfig {
        self.resources.get(resource).unwrap_or(&self.default)
    }
}
