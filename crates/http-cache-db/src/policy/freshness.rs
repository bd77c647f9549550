//! Age and freshness lifetime (RFC 9111, section 4.2).

use std::time::Duration;

use http::StatusCode;
use store_core::{DAY, Timestamp};

use super::head::ResponseHead;
use super::options::Policy;
use crate::fields::Expires;

/// The greatest heuristic lifetime. Section 4.2.2 leaves it to the cache; longer ones surprise people.
const MAX_HEURISTIC: Duration = DAY;

/// A response that arrived later than now by more than this is of no known age: the clock was set back.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);

/// When the response was asked for, and when its head arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeTimes {
    /// When the request was sent.
    pub requested_at: Timestamp,
    /// When the head of the response arrived.
    pub received_at: Timestamp,
}

/// The age of a response and the age up to which it is fresh, in whole seconds as the fields are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The age now.
    pub age: Duration,
    /// The age at which the response becomes stale.
    pub lifetime: Duration,
    /// Whether the origin stated the lifetime.
    pub is_explicit: bool,
}

impl Freshness {
    /// Whether the response is fresh.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.lifetime > self.age
    }

    /// How long the response will be fresh; zero if it is stale.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.lifetime.saturating_sub(self.age)
    }

    /// How long the response has been stale; zero if it is fresh.
    #[must_use]
    pub fn staleness(&self) -> Duration {
        self.age.saturating_sub(self.lifetime)
    }
}

/// Age (section 4.2.3) and freshness lifetime (section 4.2.1) of a response. The lifetime is zero if the clock was set
/// back by more than a minute since the response arrived.
#[must_use]
pub fn freshness(
    response: &ResponseHead,
    times: ExchangeTimes,
    now: Timestamp,
    policy: &Policy,
) -> Freshness {
    let (stated, heuristic) = (
        stated_lifetime(response, times.received_at, policy),
        heuristic(response, times),
    );
    let lifetime = stated.or(policy.default_ttl).or(heuristic);
    let lifetime = lifetime.unwrap_or_default();
    let lifetime = lifetime.max(policy.min_ttl.unwrap_or_default());
    let is_age_known = times.received_at.since(now) <= CLOCK_TOLERANCE;
    let most = if is_age_known {
        policy.max_ttl.unwrap_or(Duration::MAX)
    } else {
        Duration::ZERO
    };
    Freshness {
        age: age(response, times, now),
        lifetime: lifetime.min(most),
        is_explicit: stated.is_some(),
    }
}

fn age(response: &ResponseHead, times: ExchangeTimes, now: Timestamp) -> Duration {
    let ExchangeTimes {
        requested_at,
        received_at,
    } = times;
    let date = response.fields.date.unwrap_or(received_at);
    let apparent = whole_seconds(received_at.since(date));
    let delay = whole_seconds(received_at.since(requested_at));
    let initial = apparent.max(response.fields.age + delay);
    initial + whole_seconds(now.since(received_at))
}

/// The lifetime that the origin states for a response that was received at this time (section 4.2.1).
pub(super) fn stated_lifetime(
    response: &ResponseHead,
    received_at: Timestamp,
    policy: &Policy,
) -> Option<Duration> {
    let fields = &response.fields;
    let of_shared = fields.control.s_maxage.filter(|_| policy.is_shared());
    let of_control = of_shared.or(fields.control.max_age);
    if of_control.is_some() || fields.is_targeted {
        return of_control;
    }
    Some(match fields.expires? {
        Expires::At(at) => at.since(fields.date.unwrap_or(received_at)),
        Expires::Invalid => Duration::ZERO,
    })
}

/// A tenth of the time since the last modification (section 4.2.2).
fn heuristic(response: &ResponseHead, times: ExchangeTimes) -> Option<Duration> {
    if !is_heuristically_cacheable(response.status) && !response.fields.control.public {
        return None;
    }
    let date = response.fields.date.unwrap_or(times.received_at);
    let unchanged_for = date.since(response.fields.last_modified?);
    Some(whole_seconds(unchanged_for / 10).min(MAX_HEURISTIC))
}

/// Whether a status may get a heuristic lifetime (RFC 9110, section 15.1).
pub(super) const fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

const fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::format_date;
    use crate::policy::Mode;
    use crate::test_headers::headers;

    const RECEIVED: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn of(status: u16, lines: &[(&'static str, &str)], policy: &Policy) -> Freshness {
        let status = StatusCode::from_u16(status).unwrap();
        let response = ResponseHead::new(status, headers(lines), policy);
        let times = ExchangeTimes {
            requested_at: RECEIVED - secs(2),
            received_at: RECEIVED,
        };
        freshness(&response, times, RECEIVED + secs(10), policy)
    }

    fn shared() -> Policy {
        Policy::new(Mode::Shared)
    }

    // covers("T1")
    #[test]
    fn the_most_specific_field_states_the_lifetime() {
        let expires = format_date(RECEIVED + secs(30));
        let lines = [
            ("date", format_date(RECEIVED)),
            ("expires", expires),
            ("cache-control", "max-age=20, s-maxage=10".to_owned()),
        ];
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(of(200, &lines, &shared()).lifetime, secs(10));
        assert_eq!(
            of(200, &lines, &Policy::new(Mode::Private)).lifetime,
            secs(20)
        );
        assert_eq!(of(200, &lines[..2], &shared()).lifetime, secs(30));
    }

    // covers("T1")
    #[test]
    fn the_age_is_the_greater_of_date_and_age_field() {
        let date = format_date(RECEIVED - secs(100));
        assert_eq!(
            of(200, &[("date", &date), ("age", "7")], &shared()).age,
            secs(110)
        );
        assert_eq!(
            of(200, &[("date", &date), ("age", "200")], &shared()).age,
            secs(212)
        );
        assert_eq!(of(200, &[], &shared()).age, secs(12));
    }

    #[test]
    fn a_date_in_the_future_does_not_make_a_response_younger() {
        let date = format_date(RECEIVED + secs(1_000));
        assert_eq!(of(200, &[("date", &date)], &shared()).age, secs(12));
    }

    #[test]
    fn a_response_of_the_future_is_stale() {
        let policy = shared().with_min_ttl(secs(90));
        let response = ResponseHead::new(StatusCode::OK, headers(&[]), &policy);
        let times = ExchangeTimes {
            requested_at: RECEIVED,
            received_at: RECEIVED,
        };
        let is_fresh = |now| freshness(&response, times, now, &policy).is_fresh();
        assert!(is_fresh(RECEIVED - secs(60)));
        assert!(!is_fresh(RECEIVED - secs(61)));
    }

    // covers("T1")
    #[test]
    fn a_heuristic_lifetime_is_a_tenth_and_at_most_a_day() {
        let modified = format_date(RECEIVED - secs(1_000));
        let long_ago = format_date(RECEIVED - DAY * 1_000);
        let lines = [("last-modified", modified.as_str())];
        assert_eq!(of(200, &lines, &shared()).lifetime, secs(100));
        assert_eq!(of(403, &lines, &shared()).lifetime, Duration::ZERO);
        assert_eq!(
            of(200, &[("last-modified", &long_ago)], &shared()).lifetime,
            DAY
        );
        assert!(!of(200, &lines, &shared()).is_explicit);
    }

    #[test]
    fn a_targeted_field_silences_expires() {
        let expires = format_date(RECEIVED + secs(300));
        let lines = [("cdn-cache-control", "public"), ("expires", &expires)];
        assert_eq!(of(200, &lines, &shared()).lifetime, Duration::ZERO);
    }

    // covers("T5")
    #[test]
    fn overrides_bound_the_lifetime() {
        let lines = [("cache-control", "max-age=60")];
        let at_least = shared().with_min_ttl(secs(90));
        let at_most = shared().with_max_ttl(secs(30));
        let default = shared().with_default_ttl(secs(45));
        assert_eq!(of(200, &lines, &at_least).lifetime, secs(90));
        assert_eq!(of(200, &lines, &at_most).lifetime, secs(30));
        assert_eq!(of(200, &lines, &default).lifetime, secs(60));
        assert_eq!(of(200, &[], &default).lifetime, secs(45));
    }
}
