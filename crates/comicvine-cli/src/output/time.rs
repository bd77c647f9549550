//! Moments for people, in the local time of the system or of `TZ`, with its offset from UTC; JSON keeps UTC.

use std::fmt;
use std::time::Duration;

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use store_core::{Clock, SystemClock, Timestamp};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// `14:32:05 +01:00`, with the date unless that is today's.
pub(crate) fn local_time(at: Timestamp, now: Timestamp) -> String {
    time_in(&TimeZone::system(), at, now)
}

fn time_in(zone: &TimeZone, at: Timestamp, now: Timestamp) -> String {
    // The calendar has no such year.
    let Some(local) = zoned(zone, at) else {
        return at.to_string();
    };
    let is_today = zoned(zone, now).is_some_and(|now| now.date() == local.date());
    let format = if is_today {
        "%H:%M:%S %:z"
    } else {
        "%Y-%m-%d %H:%M:%S %:z"
    };
    local.strftime(format).to_string()
}

fn zoned(zone: &TimeZone, at: Timestamp) -> Option<ZonedDateTime> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    Some(at.to_zoned_datetime(zone.clone()))
}

/// How long ago `at` was; what is still to come was written by another clock.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        // Rounded up: nothing to come is zero seconds away.
        let ahead = at.since(now) + Duration::from_millis(999);
        format!("in {} by a clock that differs", format_duration(ahead))
    } else {
        format!("{} ago", format_duration(now.since(at)))
    }
}

/// `1h 2m 3s`; fractions of a second are dropped.
pub(crate) fn format_duration(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

/// The time of a line of the log.
pub(crate) struct LogTime;

impl FormatTime for LogTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let now = SystemClock::new().now();
        match zoned(&TimeZone::system(), now) {
            Some(now) => write!(w, "{}", now.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")),
            None => write!(w, "{now}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::offset;
    use store_core::{HOUR, SECOND};

    use super::*;

    /// 22:13:20 in UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn moments_are_local_and_have_their_offset_and_another_day_its_date() {
        let zone = TimeZone::fixed(offset(1));
        assert_eq!(time_in(&zone, NOW, NOW), "23:13:20 +01:00");
        let tomorrow = time_in(&zone, NOW + HOUR, NOW);
        assert_eq!(tomorrow, "2023-11-15 00:13:20 +01:00");
        let west = TimeZone::fixed(offset(-5));
        assert_eq!(time_in(&west, NOW + HOUR, NOW), "18:13:20 -05:00");
    }

    #[test]
    fn years_out_of_calendar_are_shown_all_the_same() {
        let never = time_in(&TimeZone::UTC, Timestamp::MAX, NOW);
        assert_eq!(never, Timestamp::MAX.to_string());
    }

    #[test]
    fn what_is_still_to_come_is_not_ago() {
        assert_eq!(ago(NOW, NOW), "0s ago");
        assert_eq!(ago(NOW, NOW + SECOND * 61), "1m 1s ago");
        let ahead = "in 5m by a clock that differs";
        assert_eq!(ago(NOW + SECOND * 300, NOW), ahead);
        let moment = Timestamp::from_millis(NOW.as_millis() + 1);
        assert_eq!(ago(moment, NOW), "in 1s by a clock that differs");
    }
}
