//! Configurations as the tables keep them: JSON, durations in milliseconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{
    AdaptiveConfig, Error, ErrorKind, Limit, Policy, ResourceConfig, Result, Timestamp,
};

use crate::error::{BACKEND, corrupt};

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
}

pub(super) fn to_json(config: &ResourceConfig) -> Result<String> {
    let limits = config.limits.iter().map(|limit| LimitRow {
        count: limit.count,
        window_ms: millis(limit.window).unsigned_abs(),
    });
    let adaptive = match &config.policy {
        Policy::Adaptive(config) => Some(config.clone()),
        Policy::Fixed => None,
        _ => {
            let unknown = Error::new(ErrorKind::InvalidInput, BACKEND, "set_resource_config");
            return Err(unknown.with_detail("this policy cannot be stored"));
        }
    };
    let row = ConfigRow {
        limits: limits.collect(),
        adaptive,
    };
    serde_json::to_string(&row)
        .map_err(|error| corrupt("write", "a configuration is no JSON").with_source(error))
}

pub(super) fn from_json(text: &str) -> Result<ResourceConfig> {
    let unreadable = || {
        corrupt(
            "read",
            "a stored configuration cannot be read; state it anew",
        )
    };
    let row: ConfigRow =
        serde_json::from_str(text).map_err(|error| unreadable().with_source(error))?;
    let mut limits = row
        .limits
        .iter()
        .map(|limit| Limit::new(limit.count, Duration::from_millis(limit.window_ms)));
    let first = limits.next().ok_or_else(unreadable)?;
    let config = limits.fold(ResourceConfig::from(first), ResourceConfig::with_limit);
    Ok(match row.adaptive {
        Some(adaptive) => config.adaptive(adaptive),
        None => config,
    })
}

/// Whole milliseconds, rounded up as the contracts count them.
pub(super) fn millis(duration: Duration) -> i64 {
    (Timestamp::default() + duration).as_millis()
}

#[cfg(test)]
mod tests {
    use store_core::{HOUR, Partition, SECOND};

    use super::*;

    #[test]
    fn a_configuration_survives_the_table() {
        for config in [
            ResourceConfig::from(Limit::new(200, HOUR)).with_limit(Limit::new(1, SECOND)),
            ResourceConfig::from(Limit::new(3, SECOND))
                .adaptive(AdaptiveConfig::default().with_thresholds(2, 4)),
            ResourceConfig::from(Limit::new(3, SECOND))
                .adaptive(AdaptiveConfig::default().with_partition(Partition::Strict)),
        ] {
            let text = to_json(&config).unwrap();
            assert_eq!(from_json(&text).unwrap(), config);
        }
    }

    /// What the first version wrote must be readable for ever.
    #[test]
    fn the_stored_form_does_not_change() {
        let config = ResourceConfig::from(Limit::new(200, HOUR));
        let text = r#"{"limits":[{"count":200,"window_ms":3600000}]}"#;
        assert_eq!(to_json(&config).unwrap(), text);
        assert_eq!(from_json(text).unwrap(), config);

        let config = config.adaptive(AdaptiveConfig::default());
        let text = concat!(
            r#"{"limits":[{"count":200,"window_ms":3600000}],"#,
            r#""adaptive":{"monitoring_window":{"secs":900,"nanos":0},"#,
            r#""high_activity_threshold":10,"moderate_activity_threshold":3,"#,
            r#""recalculation_interval":{"secs":30,"nanos":0},"#,
            r#""sustained_inactivity_threshold":{"secs":1800,"nanos":0},"#,
            r#""background_pause_on_increasing_trend":true,"#,
            r#""max_user_scaling":2.0,"min_user_reserved":5}}"#,
        );
        assert_eq!(to_json(&config).unwrap(), text);
        assert_eq!(from_json(text).unwrap(), config);
    }

    #[test]
    fn a_configuration_without_limits_is_refused() {
        assert!(from_json(r#"{"limits":[]}"#).is_err());
    }
}
