//! Response headers about waiting: `Retry-After` and the families of rate limit headers.

use std::time::Duration;

use reqwest::header::HeaderMap;
use store_core::Timestamp;

/// The reset of a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reset {
    pub(super) remaining: Option<u64>,
    pub(super) wait: Duration,
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => http_date(value).map(|at| at.since(now)),
    }
}

/// The first family of rate limit headers that is present.
pub(super) fn reset(headers: &HeaderMap, now: Timestamp) -> Option<Reset> {
    structured(headers)
        .or_else(|| pair(headers, "ratelimit-remaining", "ratelimit-reset", now))
        .or_else(|| pair(headers, "x-ratelimit-remaining", "x-ratelimit-reset", now))
}

/// `RateLimit: "default";r=0;t=30`, or `limit=100, remaining=0, reset=30` of earlier drafts.
fn structured(headers: &HeaderMap) -> Option<Reset> {
    let value = text(headers, "ratelimit")?;
    let find = |names: [&str; 2]| {
        value
            .split([';', ','])
            .filter_map(|part| part.trim().split_once('='))
            .find(|(name, _)| names.contains(name))
            .and_then(|(_, number)| number.parse().ok())
    };
    Some(Reset {
        remaining: find(["r", "remaining"]),
        wait: Duration::from_secs(find(["t", "reset"])?),
    })
}

/// A pair of headers, one for what remains and one for the reset.
fn pair(headers: &HeaderMap, remaining: &str, reset: &str, now: Timestamp) -> Option<Reset> {
    Some(Reset {
        remaining: text(headers, remaining).and_then(|count| count.parse().ok()),
        wait: duration_or_instant(text(headers, reset)?.parse().ok()?, now),
    })
}

/// Some servers send the remaining seconds, others a Unix time in seconds or milliseconds.
fn duration_or_instant(number: u64, now: Timestamp) -> Duration {
    const SECONDS_SINCE_2001: u64 = 1_000_000_000;
    const MILLIS_SINCE_2001: u64 = SECONDS_SINCE_2001 * 1_000;
    let instant =
        |millis: u64| Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)).since(now);
    match number {
        ..SECONDS_SINCE_2001 => Duration::from_secs(number),
        SECONDS_SINCE_2001..MILLIS_SINCE_2001 => instant(number * 1_000),
        MILLIS_SINCE_2001.. => instant(number),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// An IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT`: the only form that RFC 9110 §5.6.7 allows senders.
fn http_date(value: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let rest = value.split_once(", ")?.1.strip_suffix(" GMT")?;
    let mut parts = rest.split(' ');
    let day: i64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = i64::try_from(MONTHS.iter().position(|month| *month == name)?).ok()? + 1;
    let year: i64 = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.splitn(3, ':').map(str::parse::<i64>);
    let (hour, minute, second) = (
        clock.next()?.ok()?,
        clock.next()?.ok()?,
        clock.next()?.ok()?,
    );
    let in_range = (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp::from_millis(seconds * 1_000))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, for years from 1970 on.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // With years that begin in March the leap day is the last (Howard Hinnant, "days_from_civil").
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year / 400;
    let year_of_era = year % 400;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.parse().unwrap(),
                    reqwest::header::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000); // 6 November 1994, 08:49:37

    // covers("T9")
    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, seconds) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            (
                "Tue, 29 Feb 2000 00:00:00 GMT",
                Some(951_782_400 - 784_111_777),
            ),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("Sun, 06 Nom 1994 08:50:37 GMT", None),
            ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ] {
            let found = retry_after(&headers(&[("retry-after", value)]), NOW);
            assert_eq!(found, seconds.map(Duration::from_secs), "{value}");
        }
    }

    // covers("T9")
    #[test]
    fn every_family_of_rate_limit_headers_is_read() {
        for pairs in [
            &[("ratelimit", "\"default\";r=0;t=30")][..],
            &[("ratelimit", "limit=100, remaining=0, reset=30")],
            &[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")],
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")],
        ] {
            let found = reset(&headers(pairs), NOW);
            assert_eq!(
                found,
                Some(Reset {
                    remaining: Some(0),
                    wait: Duration::from_secs(30)
                }),
                "{pairs:?}"
            );
        }
        assert_eq!(
            reset(&headers(&[("x-ratelimit-remaining", "0")]), NOW),
            None
        );
    }

    #[test]
    fn unix_times_are_told_from_spans() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(
            duration_or_instant(1_700_000_060, now),
            Duration::from_mins(1)
        );
        assert_eq!(
            duration_or_instant(1_700_000_060_500, now),
            Duration::from_millis(60_500)
        );
        assert_eq!(duration_or_instant(3_600, now), Duration::from_hours(1));
        assert_eq!(duration_or_instant(1_600_000_000, now), Duration::ZERO);
    }
}
