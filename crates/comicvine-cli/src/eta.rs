//! The time that the rest of a list takes, from what is left of the limits: the pages that fit into the
//! window go as fast as the spacing allows, the others as capacity comes back.

use std::time::Duration;

use store_core::{DAY, HOUR, MINUTE, Priority, Status};

/// The time that `pages` take under the limits of their path and of the server as a whole. `page_time` is the
/// time of a page that nothing holds up; the spacing of the server may be longer.
pub(crate) fn time_left(
    pages: u64,
    path: &Status,
    server: &Status,
    priority: Priority,
    page_time: Duration,
) -> Duration {
    let now = path.as_of;
    let capacity = u64::from(match (&path.adaptive, priority) {
        (Some(adaptive), Priority::Background) => adaptive.allocation.background_max.max(1),
        (Some(_) | None, _) => path.limit.count(),
    });
    let cooldown = path.cooldown_until.max(server.cooldown_until);
    // Nothing remains during a cooldown, whatever the window holds.
    let free = match cooldown {
        Some(_) => capacity.saturating_sub(path.used.into()),
        None => u64::from(path.remaining).min(capacity),
    };
    let page_time = page_time.max(server.limit.span() / server.limit.count());
    // Capacity that was used comes back one window later: the last page is in the round that follows as
    // many rounds of the whole capacity.
    let last = pages.saturating_sub(1);
    let (rounds, place) = (last / capacity, last % capacity);
    let admitted = if place < free {
        Duration::ZERO
    } else {
        let (first, all) = (path.reset_at.since(now), path.full_reset_at.since(now));
        let others = capacity.saturating_sub(free + 1).max(1);
        first + times(all.saturating_sub(first), place - free) / to_u32(others)
    };
    let in_round = (admitted + page_time).max(times(page_time, place + 1));
    let limited = times(path.limit.span(), rounds).saturating_add(in_round);
    let left = if pages == 0 {
        Duration::ZERO
    } else {
        limited.max(times(page_time, pages))
    };
    left.saturating_add(cooldown.map_or(Duration::ZERO, |until| until.since(now)))
}

fn times(duration: Duration, count: u64) -> Duration {
    duration.saturating_mul(to_u32(count))
}

fn to_u32(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// `about 3 h left`, in the largest unit of which there are a few.
pub(crate) fn about(left: Duration) -> String {
    const WEEK: Duration = Duration::from_hours(24 * 7);
    let (unit, name) = match left {
        left if left < MINUTE => return "less than a minute left".to_owned(),
        left if left < MINUTE * 90 => (MINUTE, "min"),
        left if left < HOUR * 36 => (HOUR, "h"),
        left if left < WEEK * 2 => (DAY, "days"),
        _ => (WEEK, "weeks"),
    };
    let count = (left + unit / 2).as_secs() / unit.as_secs();
    format!("about {count} {name} left")
}

#[cfg(test)]
mod tests {
    use store_core::{AdaptiveStatus, Allocation, Limit, SECOND, Timestamp};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const PATH: Limit = Limit::new(200, HOUR);

    fn server() -> Status {
        Status::unused(Limit::new(1, SECOND), NOW)
    }

    /// A path of which `used` admissions come back between these two moments.
    fn used(used: u32, first: Duration, all: Duration) -> Status {
        let mut status = Status::unused(PATH, NOW);
        status.used = used;
        status.remaining = PATH.count() - used;
        status.reset_at = NOW + first;
        status.full_reset_at = NOW + all;
        status
    }

    fn left(pages: u64, path: &Status) -> Duration {
        time_left(pages, path, &server(), Priority::User, Duration::ZERO)
    }

    #[test]
    fn pages_that_fit_go_at_the_pace_of_the_spacing() {
        let unused = Status::unused(PATH, NOW);
        assert_eq!(left(0, &unused), Duration::ZERO);
        assert_eq!(left(1, &unused), SECOND);
        assert_eq!(left(200, &unused), SECOND * 200);
        assert_eq!(left(50, &used(150, MINUTE, HOUR)), SECOND * 50);
    }

    #[test]
    fn slow_server_is_slower_than_the_spacing() {
        let unused = Status::unused(PATH, NOW);
        let left = time_left(10, &unused, &server(), Priority::User, SECOND * 5);
        assert_eq!(left, SECOND * 50);
    }

    #[test]
    fn pages_that_do_not_fit_wait_for_what_comes_back() {
        // Everything was used in a burst of 200 seconds.
        let burst = used(200, MINUTE * 10, MINUTE * 10 + SECOND * 199);
        assert_eq!(left(1, &burst), MINUTE * 10 + SECOND);
        assert_eq!(left(200, &burst), MINUTE * 10 + SECOND * 200);
        // Half is left, and the other half comes back within the hour.
        let half = used(100, MINUTE, MINUTE + SECOND * 99);
        assert_eq!(left(100, &half), SECOND * 100);
        assert_eq!(left(200, &half), SECOND * 200);
    }

    #[test]
    fn pages_beyond_the_limit_go_at_its_rate() {
        let unused = Status::unused(PATH, NOW);
        assert_eq!(left(201, &unused), HOUR + SECOND);
        assert_eq!(left(10_000, &unused), HOUR * 49 + SECOND * 200);
        let guarded = Status::unused(PATH.with_guard(SECOND * 18), NOW);
        assert_eq!(left(401, &guarded), (HOUR + SECOND * 18) * 2 + SECOND);
    }

    #[test]
    fn spacing_that_is_slower_than_the_limit_decides() {
        let slow = Status::unused(Limit::new(1, MINUTE), NOW);
        let unused = Status::unused(PATH, NOW);
        let left = time_left(400, &unused, &slow, Priority::User, Duration::ZERO);
        assert_eq!(left, MINUTE * 400);
    }

    #[test]
    fn background_has_its_share_only() {
        let mut shared = Status::unused(PATH, NOW);
        shared.remaining = 100;
        let mut allocation = Allocation::initial(200);
        allocation.background_max = 100;
        shared.adaptive = Some(AdaptiveStatus::new(allocation, 0));
        let left = |priority| time_left(101, &shared, &server(), priority, Duration::ZERO);
        assert_eq!(left(Priority::Background), HOUR + SECOND);
        assert_eq!(left(Priority::User), SECOND * 101);
    }

    #[test]
    fn cooldown_comes_first() {
        let mut cooling = Status::unused(PATH, NOW);
        cooling.remaining = 0;
        cooling.cooldown_until = Some(NOW + MINUTE * 15);
        assert_eq!(left(10, &cooling), MINUTE * 15 + SECOND * 10);
        let mut blocked = server();
        blocked.cooldown_until = Some(NOW + HOUR);
        let unused = Status::unused(PATH, NOW);
        let left = time_left(10, &unused, &blocked, Priority::User, Duration::ZERO);
        assert_eq!(left, HOUR + SECOND * 10);
    }

    #[test]
    fn number_that_no_list_has_is_estimated_without_a_panic() {
        let mut unused = Status::unused(Limit::new(1, Duration::MAX), NOW);
        unused.full_reset_at = Timestamp::MAX;
        assert_eq!(left(u64::MAX, &unused), Duration::MAX);
    }

    #[test]
    fn time_left_is_rounded_to_one_unit() {
        for (secs, text) in [
            (0, "less than a minute left"),
            (59, "less than a minute left"),
            (61, "about 1 min left"),
            (25 * 60, "about 25 min left"),
            (3 * 3_600 + 600, "about 3 h left"),
            (50 * 3_600, "about 2 days left"),
            (40 * 24 * 3_600, "about 6 weeks left"),
        ] {
            assert_eq!(about(Duration::from_secs(secs)), text);
        }
    }
}
