//! The result of one crawl, and whether it passes.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use super::program::Row;
use crate::table::{Column, Table};

/// The least share of the limit that passes, in thousandths.
const LEAST_RATE_PERMILLE: u128 = 980;

/// Two requests with less in between did not wait for a cooldown.
const TOGETHER: Duration = Duration::from_secs(1);

/// The result of one crawl.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) refused: u64,
    lost: usize,
    extra: usize,
    /// When rows came, in order.
    rows: Vec<Duration>,
    /// The share of the limit that was used, in thousandths.
    rate_permille: Option<u128>,
    /// When requests met the block.
    blocked: Vec<Duration>,
}

impl Outcome {
    pub(super) fn new(expected: &BTreeSet<u64>, came: &[Row], blocked: Vec<Duration>) -> Self {
        let ids: BTreeSet<u64> = came.iter().map(|row| row.id).collect();
        let found = expected.intersection(&ids).count();
        let mut rows: Vec<_> = came.iter().map(|row| row.at).collect();
        rows.sort_unstable();
        Self {
            lost: expected.len() - found,
            extra: came.len() - found,
            rows,
            blocked,
            ..Self::default()
        }
    }

    /// Measures from the first row of the first window to the first row of the last; nothing if there is one
    /// window only.
    pub(super) fn measure_rate(&mut self, limit: NonZeroU32, window: Duration) {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let windows = self.rows.len().saturating_sub(1) / limit;
        let ends = self.rows.first().zip(self.rows.get(windows * limit));
        if let Some((first, last)) = ends.filter(|_| windows > 0) {
            let took = last.saturating_sub(*first).as_nanos().max(1);
            self.rate_permille = Some(window.as_nanos() * windows as u128 * 1_000 / took);
        }
    }

    /// Requests that met the block within a second of the one before. The first of these may have been on
    /// its way when the block began.
    fn together(&self) -> usize {
        let pairs = self.blocked.windows(2);
        let gaps = pairs.map(|pair| pair[1].saturating_sub(pair[0]));
        gaps.filter(|gap| *gap < TOGETHER).count()
    }

    fn has_probes_together(&self) -> bool {
        let after_the_start = self.blocked.get(1..).unwrap_or_default().windows(2);
        let mut gaps = after_the_start.map(|pair| pair[1].saturating_sub(pair[0]));
        gaps.any(|gap| gap < TOGETHER)
    }

    /// The first thing that is wrong.
    fn fault(&self) -> Option<&'static str> {
        let is_slow = |permille| permille < LEAST_RATE_PERMILLE;
        let faults = [
            (self.lost > 0, "ROWS LOST"),
            (self.extra > 0, "ROWS TWICE"),
            (self.refused > 0, "REFUSED"),
            (self.rate_permille.is_some_and(is_slow), "TOO SLOW"),
            (self.has_probes_together(), "PROBES TOGETHER"),
        ];
        let mut faults = faults.into_iter().filter(|(is_so, _)| *is_so);
        faults.next().map(|(_, fault)| fault)
    }

    pub(super) fn passes(&self) -> bool {
        self.fault().is_none()
    }
}

/// One row per crawl.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let headings = [
        "rows", "lost", "extra", "refused", "rate", "blocked", "together", "took",
    ];
    let mut columns = vec![Column::Left("block")];
    columns.extend(headings.map(Column::Right));
    columns.push(Column::Left("outcome"));
    let mut table = Table::new(&columns);
    for outcome in outcomes {
        let rate = outcome
            .rate_permille
            .map(|permille| format!("{}.{} %", permille / 10, permille % 10));
        let ends = outcome.rows.first().zip(outcome.rows.last());
        let took = ends.map(|(first, last)| last.saturating_sub(*first).as_secs_f64());
        table.add([
            outcome.name.to_owned(),
            outcome.rows.len().to_string(),
            outcome.lost.to_string(),
            outcome.extra.to_string(),
            outcome.refused.to_string(),
            rate.unwrap_or_default(),
            outcome.blocked.len().to_string(),
            outcome.together().to_string(),
            format!("{:.1} s", took.unwrap_or_default()),
            outcome.fault().unwrap_or("passed").to_owned(),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rows: &[(u64, u64)], blocked_secs: &[u64]) -> Outcome {
        let expected = BTreeSet::from([1, 2, 3]);
        let came = rows.iter().map(|&(id, secs)| Row {
            id,
            at: Duration::from_secs(secs),
        });
        let came: Vec<_> = came.collect();
        let blocked = blocked_secs.iter().map(|secs| Duration::from_secs(*secs));
        Outcome::new(&expected, &came, blocked.collect())
    }

    #[test]
    fn rows_that_are_missing_or_too_many_fail() {
        assert!(outcome(&[(1, 0), (3, 0), (2, 1)], &[]).passes());
        let lost = outcome(&[(1, 0), (2, 0)], &[]);
        assert_eq!((lost.lost, lost.fault()), (1, Some("ROWS LOST")));
        let twice = outcome(&[(1, 0), (2, 0), (3, 0), (2, 1)], &[]);
        assert_eq!((twice.extra, twice.fault()), (1, Some("ROWS TWICE")));
        let strange = outcome(&[(1, 0), (2, 0), (3, 0), (9, 1)], &[]);
        assert_eq!(strange.extra, 1);
    }

    #[test]
    fn rate_is_that_of_whole_windows() {
        let rows = [(1, 7), (2, 8), (3, 9)];
        let mut whole = outcome(&rows, &[]);
        whole.measure_rate(NonZeroU32::MIN, Duration::from_secs(1));
        assert_eq!((whole.rate_permille, whole.passes()), (Some(1_000), true));
        let mut slow = outcome(&rows, &[]);
        slow.measure_rate(NonZeroU32::MIN, Duration::from_millis(979));
        assert_eq!(slow.fault(), Some("TOO SLOW"));
        let mut one = outcome(&rows, &[]);
        one.measure_rate(NonZeroU32::MIN.saturating_add(2), Duration::from_secs(1));
        assert_eq!(one.rate_permille, None);
    }

    #[test]
    fn requests_at_the_start_of_a_block_may_come_together_and_no_others() {
        let rows = [(1, 0), (2, 0), (3, 0)];
        let started = outcome(&rows, &[5, 5, 8, 12]);
        assert_eq!((started.together(), started.fault()), (1, None));
        let probed = outcome(&rows, &[5, 8, 8]);
        assert_eq!(probed.fault(), Some("PROBES TOGETHER"));
    }
}
