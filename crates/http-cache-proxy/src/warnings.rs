//! Warnings on standard error of what happens to the store while the proxy runs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_cache_db::events::{Event, Events, Listener};
use http_cache_db::{Clock, SystemClock};

use crate::serve::report;

/// The least time between two warnings of errors: a full disk fails every request.
const PAUSE: Duration = Duration::from_secs(10);

/// Warns of a file that is set aside and of errors, until the listener is dropped.
pub(crate) fn listen(events: &Events) -> Listener {
    let clock = SystemClock::new();
    let errors = Mutex::new(ErrorWarnings::default());
    events.listen_to_failures(move |event| {
        if let Event::SetAside { path } = event {
            report(&format_args!(
                "warning: the cache file was damaged and is now {path}; a new one is begun"
            ));
        }
        if let Event::Error { error, .. } = event {
            let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(left_out) = errors.next(clock.monotonic()) {
                let left_out = match left_out {
                    0 => String::new(),
                    count => format!(" ({count} more were left out)"),
                };
                report(&format_args!(
                    "warning: the cache failed, and the origin answers instead: {error}{left_out}"
                ));
            }
        }
    })
}

/// When a warning of an error was printed last, and how many errors came since.
#[derive(Debug, Default)]
struct ErrorWarnings {
    printed_at: Option<Duration>,
    left_out: u64,
}

impl ErrorWarnings {
    /// At an error: how many were left out, if a warning is due.
    fn next(&mut self, now: Duration) -> Option<u64> {
        let is_due = self.printed_at.is_none_or(|at| now >= at + PAUSE);
        if is_due {
            self.printed_at = Some(now);
            Some(std::mem::take(&mut self.left_out))
        } else {
            self.left_out += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_warned_of_at_intervals_and_counted_between() {
        let mut warnings = ErrorWarnings::default();
        let mut at = |seconds| warnings.next(Duration::from_secs(seconds));
        assert_eq!(
            [1, 1, 10, 11, 30].map(&mut at),
            [Some(0), None, None, Some(2), Some(0)]
        );
    }
}
