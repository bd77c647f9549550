//! Configurations as backends keep them: JSON, durations of limits in milliseconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adaptive::AdaptiveConfig;
use crate::error::Error;
use crate::rate_limit::{Limit, Policy, ResourceConfig};
use crate::time::millis_ceil;

#[derive(Serialize, Deserialize)]
struct ConfigRow {
    limits: Vec<LimitRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    adaptive: Option<AdaptiveConfig>,
}

#[derive(Serialize, Deserialize)]
struct LimitRow {
    count: u32,
    window_ms: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    guard_ms: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_zero(millis: &u64) -> bool {
    *millis == 0
}

impl ResourceConfig {
    /// The configuration as backends keep it, a JSON object.
    ///
    /// ```
    /// use store_core::{Limit, ResourceConfig, SECOND};
    ///
    /// let config = ResourceConfig::from(Limit::new(1, SECOND));
    /// let text = config.to_stored()?;
    /// assert_eq!(text, r#"{"limits":[{"count":1,"window_ms":1000}]}"#);
    /// assert_eq!(ResourceConfig::from_stored(&text)?, config);
    /// # Ok::<(), store_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if it has no form in JSON.
    pub fn to_stored(&self) -> Result<String, Error> {
        let limits = self.limits().iter().map(|limit| LimitRow {
            count: limit.count(),
            window_ms: millis_ceil(limit.window()).unsigned_abs(),
            guard_ms: millis_ceil(limit.guard()).unsigned_abs(),
        });
        let adaptive = match self.policy() {
            Policy::Adaptive(config) => Some(config.clone()),
            Policy::Fixed => None,
        };
        let row = ConfigRow {
            limits: limits.collect(),
            adaptive,
        };
        serde_json::to_string(&row).map_err(|error| {
            Error::invalid("resource config", "has no form in JSON").with_source(error)
        })
    }

    /// Parses the text that [`to_stored`](Self::to_stored) wrote.
    ///
    /// # Errors
    /// `InvalidInput` if it is anything else.
    pub fn from_stored(text: &str) -> Result<Self, Error> {
        let unreadable = || Error::invalid("resource config", "cannot be read; set it again");
        let row: ConfigRow =
            serde_json::from_str(text).map_err(|error| unreadable().with_source(error))?;
        let mut limits = row.limits.iter().map(|row| {
            let limit = Limit::try_new(row.count, Duration::from_millis(row.window_ms))?;
            Ok(limit.with_guard(Duration::from_millis(row.guard_ms)))
        });
        let first = limits.next().ok_or_else(unreadable)??;
        let config = limits.try_fold(Self::from(first), |config, limit| {
            limit.map(|limit| config.with_limit(limit))
        })?;
        Ok(match row.adaptive {
            Some(adaptive) => config.adaptive(adaptive),
            None => config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HOUR, SECOND};

    #[test]
    fn a_configuration_comes_back_as_it_was_stored() {
        for config in [
            ResourceConfig::from(Limit::new(200, HOUR)).with_limit(Limit::new(1, SECOND)),
            ResourceConfig::from(Limit::new(200, HOUR).with_guard(SECOND * 18)),
            ResourceConfig::from(Limit::new(3, SECOND))
                .adaptive(AdaptiveConfig::default().with_thresholds(2, 4)),
        ] {
            let text = config.to_stored().unwrap();
            assert_eq!(ResourceConfig::from_stored(&text).unwrap(), config);
        }
    }

    #[test]
    fn a_configuration_without_limits_is_refused() {
        for text in [
            r#"{"limits":[]}"#,
            r#"{"limits":[{"count":0,"window_ms":1000}]}"#,
            r#"{"limits":[{"count":1,"window_ms":0}]}"#,
        ] {
            assert!(ResourceConfig::from_stored(text).is_err(), "{text}");
        }
    }
}
