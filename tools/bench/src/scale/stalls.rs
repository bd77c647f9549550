//! The long calls of the other process, by when they were.

use serde::{Deserialize, Serialize};

/// A call that took long.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Stall {
    /// In Unix milliseconds.
    pub(crate) ended_at: i64,
    pub(crate) millis: f64,
}

/// A time from one moment to another, in Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) until: i64,
}

/// The longest of the calls that went on in the window, in milliseconds; 0 if none was noted.
pub(super) fn longest(stalls: &[Stall], window: Window) -> f64 {
    let within = stalls.iter().filter(|stall| {
        let began_before_its_end = {
            #[expect(clippy::cast_possible_truncation, reason = "calls are far shorter")]
            let began_at = stall.ended_at - stall.millis as i64;
            began_at <= window.until
        };
        began_before_its_end && stall.ended_at >= window.from
    });
    within.map(|stall| stall.millis).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_in_each_window_that_it_touches() {
        let stalls = [(100, 20.0), (300, 7.0)].map(|(ended_at, millis)| Stall { ended_at, millis });
        let longest = |from, until| longest(&stalls, Window { from, until }).to_string();
        assert_eq!(longest(70, 79), "0");
        assert_eq!(longest(70, 80), "20");
        assert_eq!(longest(100, 400), "20");
        assert_eq!(longest(101, 400), "7");
        assert_eq!(longest(301, 400), "0");
    }
}
