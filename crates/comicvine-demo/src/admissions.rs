//! The admissions of the rate limiter, read from the shared database file during the run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use store_core::Timestamp;
use store_sqlite::{Admission, SqliteDatabase};

use crate::error::Error;

/// Every admission so far, by resource.
pub(crate) struct AdmissionLog {
    db: SqliteDatabase,
    key: String,
    limit: u32,
    window: Duration,
    spacing: Duration,
    seen: BTreeSet<Admission>,
}

/// The largest number of admissions in any one window.
#[derive(Clone, Debug, Default)]
pub(crate) struct FullestWindows {
    /// Within a window, by path.
    pub(crate) paths: BTreeMap<String, usize>,
    /// Within the spacing, over all paths; 1 is allowed.
    pub(crate) spacing: usize,
    /// The limit of every path.
    pub(crate) limit: u32,
}

impl AdmissionLog {
    pub(crate) fn new(
        db: SqliteDatabase,
        key_fingerprint: &str,
        limit: u32,
        window: Duration,
        spacing: Duration,
    ) -> Self {
        Self {
            db,
            key: format!("#{key_fingerprint}"),
            limit,
            window,
            spacing,
            seen: BTreeSet::new(),
        }
    }

    /// Reads the log. An admission that is gone before its window has ended was given back.
    pub(crate) async fn observe(&mut self, now: Timestamp) -> Result<(), Error> {
        let log: BTreeSet<_> = store_sqlite::admissions(&self.db)
            .await?
            .into_iter()
            .collect();
        self.seen
            .retain(|admission| log.contains(admission) || now.since(admission.at) >= self.window);
        self.seen.extend(log);
        Ok(())
    }

    /// The fullest windows of the run.
    pub(crate) fn fullest_windows(&mut self) -> FullestWindows {
        let mut times: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for admission in std::mem::take(&mut self.seen) {
            let name = admission.resource.as_str();
            // What names no key is the server as a whole, which the spacing is of.
            let path = name.split_once(&self.key).map_or("", |(_, path)| path);
            let path = path.trim_start_matches('/').to_owned();
            times.entry(path).or_default().push(admission.at);
        }
        let spacing = times
            .remove("")
            .map_or(0, |times| most_within(times, self.spacing));
        let paths = times
            .into_iter()
            .map(|(path, times)| (path, most_within(times, self.window)))
            .collect();
        FullestWindows {
            paths,
            spacing,
            limit: self.limit,
        }
    }
}

/// The largest number of `times` in any half-open window `(t - window, t]`.
fn most_within(mut times: Vec<Timestamp>, window: Duration) -> usize {
    times.sort_unstable();
    let mut oldest = 0;
    let mut most = 0;
    for (newest, at) in times.iter().enumerate() {
        while times[oldest] + window <= *at {
            oldest += 1;
        }
        most = most.max(newest + 1 - oldest);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_at_its_old_end() {
        let times = |millis: &[i64]| millis.iter().copied().map(Timestamp::from_millis).collect();
        let second = Duration::from_secs(1);
        assert_eq!(most_within(times(&[0, 1_000]), second), 1);
        assert_eq!(most_within(times(&[0, 999, 1_000]), second), 2);
        assert_eq!(most_within(times(&[]), second), 0);
    }
}
