//! Durations for people, in whole seconds.

use std::time::Duration;

/// `1h 2m 3s`; fractions of a second are dropped.
pub(crate) fn format_duration(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}
