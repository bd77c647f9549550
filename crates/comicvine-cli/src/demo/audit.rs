//! What the limiter admitted, read off the shared file while it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use store_core::Timestamp;
use store_sqlite::{Admission, SqliteDatabase};

use crate::failure::Failure;

/// Every admission seen so far, by resource.
pub(super) struct Audit {
    db: SqliteDatabase,
    key: String,
    limit: u32,
    window: Duration,
    spacing: Duration,
    seen: BTreeSet<Admission>,
}

/// The largest number of admissions in any one window, by path; the key's spacing has no path.
#[derive(Clone, Debug, Default)]
pub(super) struct Worst {
    /// By path: how many, of how many allowed.
    pub(super) paths: BTreeMap<String, usize>,
    /// Within the spacing, of one allowed.
    pub(super) spacing: usize,
    /// The path limit.
    pub(super) limit: u32,
}

impl Audit {
    pub(super) fn new(
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

    /// Reads the log. What has vanished from it before its window was over was given back.
    pub(super) async fn look(&mut self, now: Timestamp) -> Result<(), Failure> {
        let log: BTreeSet<_> = store_sqlite::admissions(&self.db)
            .await?
            .into_iter()
            .collect();
        self.seen
            .retain(|admission| log.contains(admission) || now.since(admission.at) >= self.window);
        self.seen.extend(log);
        Ok(())
    }

    /// The fullest windows of all that was seen.
    pub(super) fn finish(&mut self) -> Worst {
        let mut times: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for admission in std::mem::take(&mut self.seen) {
            let name = admission.resource.as_str();
            let path = name.split_once(&self.key).map_or(name, |(_, path)| path);
            let path = path.trim_start_matches('/').to_owned();
            times.entry(path).or_default().push(admission.at);
        }
        let spacing = times
            .remove("")
            .map_or(0, |times| worst(times, self.spacing));
        let paths = times
            .into_iter()
            .map(|(path, times)| (path, worst(times, self.window)))
            .collect();
        Worst {
            paths,
            spacing,
            limit: self.limit,
        }
    }
}

/// The most times in any half-open window `(t - window, t]`.
fn worst(mut times: Vec<Timestamp>, window: Duration) -> usize {
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
        assert_eq!(worst(times(&[0, 1_000]), second), 1);
        assert_eq!(worst(times(&[0, 999, 1_000]), second), 2);
        assert_eq!(worst(times(&[]), second), 0);
    }
}
