//! What a list of admissions says: the fullest window, what was possible, the admissions over time.

use std::time::Duration;

/// The most moments in any half-open window `(t - length, t]`; `moments` are in ascending order.
pub(crate) fn fullest_window(moments: &[i64], length_millis: i64) -> usize {
    // The fullest window can be moved back until it ends on a moment, and loses none by that.
    let mut fullest = 0;
    let mut first = 0;
    for (last, end) in moments.iter().enumerate() {
        while moments[first] <= end.saturating_sub(length_millis) {
            first += 1;
        }
        fullest = fullest.max(last + 1 - first);
    }
    fullest
}

/// The most admissions that fit into `duration`, its end not included: a full limit at the very
/// start, and another as soon as each window has passed.
pub(crate) fn possible(limit: u32, window: Duration, duration: Duration) -> u128 {
    u128::from(limit) * duration.as_nanos().div_ceil(window.as_nanos().max(1))
}

/// How many moments are in each bucket of a span of time; those outside the span are left out.
pub(crate) fn timeline(
    moments: &[i64],
    start: i64,
    bucket: Duration,
    buckets: usize,
) -> Vec<usize> {
    let mut counts = vec![0; buckets];
    for moment in moments {
        let Ok(after) = u128::try_from(moment.saturating_sub(start)) else {
            continue;
        };
        let bucket = usize::try_from(after / bucket.as_millis().max(1)).unwrap_or(usize::MAX);
        if let Some(count) = counts.get_mut(bucket) {
            *count += 1;
        }
    }
    counts
}

/// Counts as bars, the highest as high as a line; nothing is no bar at all.
pub(crate) fn sparkline(counts: &[usize]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: &usize| match count * BARS.len() / highest {
        _ if *count == 0 => ' ',
        eighths => BARS[eighths.saturating_sub(1)],
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use store_core::backend::SeededRandom;
    use store_core::{Random as _, SECOND};

    use super::*;

    #[test]
    fn a_window_is_open_at_its_start_and_closed_at_its_end() {
        assert_eq!(fullest_window(&[0, 999], 1_000), 2);
        assert_eq!(fullest_window(&[0, 1_000], 1_000), 1);
        assert_eq!(fullest_window(&[5, 5, 5, 1_004, 1_005], 1_000), 4);
        assert_eq!(fullest_window(&[], 1_000), 0);
    }

    #[test]
    fn the_fullest_window_is_the_one_that_looking_everywhere_finds() {
        let random = SeededRandom::new(11);
        for _ in 0..200 {
            let mut moments: Vec<i64> = (0..40)
                .map(|_| i64::try_from(random.next_u64() % 500).unwrap())
                .collect();
            moments.sort_unstable();
            let length = 1 + i64::try_from(random.next_u64() % 80).unwrap();
            let everywhere = (-1..600).map(|end| {
                let inside = |moment: &&i64| end - length < **moment && **moment <= end;
                moments.iter().filter(inside).count()
            });
            assert_eq!(fullest_window(&moments, length), everywhere.max().unwrap());
        }
    }

    #[test]
    fn a_window_that_has_begun_gives_a_full_limit() {
        assert_eq!(possible(50, SECOND, SECOND * 10), 500);
        assert_eq!(possible(50, SECOND, Duration::from_millis(10_001)), 550);
        assert_eq!(possible(200, SECOND * 3_600, SECOND), 200);
    }

    #[test]
    fn the_timeline_leaves_out_what_is_outside() {
        let counts = timeline(&[-1, 0, 999, 1_000, 2_000], 0, SECOND, 2);
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn bars_are_relative_to_the_highest() {
        assert_eq!(sparkline(&[0, 1, 50, 100]), " ▁▄█");
        assert_eq!(sparkline(&[0, 0]), "  ");
    }
}
