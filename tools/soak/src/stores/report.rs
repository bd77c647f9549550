//! The result of a run, and whether it passes.

use crate::counters::Counters;
use crate::table::{Column, Table};

/// The result of one run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) kills: usize,
    pub(crate) load: Counters,
    /// The findings of SQLite's integrity check.
    pub(crate) damage: Vec<String>,
}

impl Report {
    /// The first thing that is wrong.
    fn fault(&self) -> Option<&'static str> {
        let damaged = (self.damage.len(), "DAMAGED FILE");
        self.load.fault(&[damaged], &[])
    }

    pub(crate) fn passes(&self) -> bool {
        self.fault().is_none()
    }

    /// The first of the violations, in words.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = &str> {
        self.load.complaints(&self.damage)
    }
}

/// One row per run.
pub(crate) fn table(reports: &[(String, Report)]) -> String {
    let mut columns = vec![Column::Left("run")];
    let first = [
        "kills",
        "admitted",
        "returned",
        "over",
        "mismatched",
        "hits",
        "dropped",
    ];
    columns.extend(first.map(Column::Right));
    columns.extend(Counters::HEADINGS.map(Column::Right));
    columns.extend(["file", "outcome"].map(Column::Left));
    let mut table = Table::new(&columns);
    for (name, report) in reports {
        let Counters { limits, cache, .. } = &report.load;
        let file = if report.damage.is_empty() {
            "ok"
        } else {
            "damaged"
        };
        let mut cells = vec![
            name.clone(),
            report.kills.to_string(),
            limits.admitted.to_string(),
            limits.given_back.to_string(),
            limits.over.to_string(),
            limits.mismatched.to_string(),
            cache.hits.to_string(),
            cache.outdated.to_string(),
        ];
        cells.extend(report.load.cells());
        cells.extend([file, report.fault().unwrap_or("passed")].map(str::to_owned));
        table.add(cells);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_violation_fails_a_run() {
        let report = |load| Report {
            load,
            ..Report::default()
        };
        Counters::assert_each_violation_fails(|load| report(load).passes());
        let mut damaged = report(Counters::busy());
        damaged.damage.push("row 1 missing from index".to_owned());
        assert!(!damaged.passes(), "{damaged:?}");
    }

    #[test]
    fn a_run_that_did_nothing_fails() {
        assert_eq!(Report::default().fault(), Some("NOTHING DONE"));
    }
}
