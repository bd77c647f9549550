//! The stored form of configurations: JSON, with windows in milliseconds.

use std::time::Duration;

use store_core::{ResourceConfig, Result, Timestamp};

use crate::error::corrupt;

pub(super) fn to_json(config: &ResourceConfig) -> Result<String> {
    config.to_stored()
}

pub(super) fn from_json(text: &str) -> Result<ResourceConfig> {
    ResourceConfig::from_stored(text).map_err(|error| {
        let detail = "a stored configuration cannot be parsed; set it again";
        corrupt(detail).with_source(error)
    })
}

/// The duration in milliseconds, rounded up as [`Timestamp`] arithmetic does.
pub(super) fn millis(duration: Duration) -> i64 {
    (Timestamp::default() + duration).as_millis()
}

#[cfg(test)]
mod tests {
    use store_core::{AdaptiveConfig, HOUR, Limit, Partition, SECOND};

    use super::*;

    #[test]
    fn a_configuration_survives_the_table() {
        for config in [
            ResourceConfig::from(Limit::new(200, HOUR)).with_limit(Limit::new(1, SECOND)),
            ResourceConfig::from(Limit::new(200, HOUR).with_guard(SECOND * 18)),
            ResourceConfig::from(Limit::new(3, SECOND))
                .adaptive(AdaptiveConfig::default().with_thresholds(2, 4)),
            ResourceConfig::from(Limit::new(3, SECOND))
                .adaptive(AdaptiveConfig::default().with_partition(Partition::Strict)),
        ] {
            let text = to_json(&config).unwrap();
            assert_eq!(from_json(&text).unwrap(), config);
        }
    }

    /// Later versions must read what the first version wrote.
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
