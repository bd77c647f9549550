//! The results, and whether they pass.

use std::time::Duration;

use http_cache_db::sqlite::VerifyReport;

use super::tally::Tally;
use crate::table::{Column, Table};

/// How many complaints are shown.
const MOST_SHOWN: usize = 20;

/// What the verifier found.
#[derive(Clone, Debug, Default)]
pub(super) struct Verified {
    pub(super) bodies: u64,
    pub(super) wrong: Vec<String>,
    /// Bodies without a response, after the last cleanup.
    pub(super) left: u64,
}

impl Verified {
    pub(super) fn add(&mut self, report: VerifyReport) {
        self.bodies += report.bodies;
        self.wrong.extend(report.damage);
        let violations = report.violations.into_iter();
        self.wrong
            .extend(violations.map(|(what, count)| format!("{what}: {count}")));
        let damaged = report.damaged_bodies.into_iter();
        self.wrong
            .extend(damaged.map(|content| format!("{content:?} is damaged")));
    }

    pub(super) fn join(&mut self, other: Self) {
        self.bodies += other.bodies;
        self.wrong.extend(other.wrong);
        self.left += other.left;
    }
}

/// The result of one part of the soak.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) kills: usize,
    pub(super) tally: Tally,
    pub(super) verified: Verified,
    /// Whether a part that read nothing has failed.
    pub(super) must_read: bool,
}

impl Outcome {
    /// The first thing that is wrong.
    fn fault(&self) -> Option<&'static str> {
        let (tally, verified) = (&self.tally, &self.verified);
        let faults = [
            (tally.torn > 0, "TORN BODIES"),
            (tally.stale > 0, "STALE RESPONSES"),
            (!verified.wrong.is_empty(), "DAMAGED FILE"),
            (tally.errors > 0, "ERRORS"),
            (tally.busy > 0, "BUSY"),
            (verified.left > 0, "BODIES LEFT"),
            (self.must_read && tally.hits == 0, "NOTHING DONE"),
        ];
        let mut faults = faults.into_iter().filter(|(is_so, _)| *is_so);
        faults.next().map(|(_, fault)| fault)
    }

    pub(super) fn passes(&self) -> bool {
        self.fault().is_none()
    }

    pub(super) fn complaints(&self) -> impl Iterator<Item = &str> {
        let all = self.verified.wrong.iter().chain(&self.tally.complaints);
        all.take(MOST_SHOWN).map(String::as_str)
    }
}

/// One row per kind of operation.
pub(super) fn operations(tally: &Tally, took: Duration) -> String {
    let headings = ["calls", "a second", "p50", "p99", "longest"];
    let mut columns = vec![Column::Left("operation")];
    columns.extend(headings.map(Column::Right));
    let mut table = Table::new(&columns);
    let millis = |duration: Duration| format!("{:.2} ms", duration.as_secs_f64() * 1e3);
    for (operation, histogram) in &tally.operations {
        let a_second = u128::from(histogram.total()) * 1_000 / took.as_millis().max(1);
        table.add([
            operation.clone(),
            histogram.total().to_string(),
            a_second.to_string(),
            millis(histogram.percentile(50)),
            millis(histogram.percentile(99)),
            millis(histogram.longest()),
        ]);
    }
    table.to_string()
}

/// One row per part.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let headings = [
        "kills", "hits", "misses", "gone", "stored", "refused", "busy", "errors", "torn", "stale",
        "verified", "wrong", "left",
    ];
    let mut columns = vec![Column::Left("part")];
    columns.extend(headings.map(Column::Right));
    columns.push(Column::Left("outcome"));
    let mut table = Table::new(&columns);
    for outcome in outcomes {
        let (tally, verified) = (&outcome.tally, &outcome.verified);
        table.add([
            outcome.name.to_owned(),
            outcome.kills.to_string(),
            tally.hits.to_string(),
            tally.misses.to_string(),
            tally.gone.to_string(),
            tally.stored.to_string(),
            tally.refused.to_string(),
            tally.busy.to_string(),
            tally.errors.to_string(),
            tally.torn.to_string(),
            tally.stale.to_string(),
            verified.bodies.to_string(),
            verified.wrong.len().to_string(),
            verified.left.to_string(),
            outcome.fault().unwrap_or("passed").to_owned(),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(violate: impl FnOnce(&mut Outcome)) -> Outcome {
        let mut outcome = Outcome {
            name: "storm",
            kills: 0,
            tally: Tally::default(),
            verified: Verified::default(),
            must_read: true,
        };
        outcome.tally.hits = 1;
        violate(&mut outcome);
        outcome
    }

    #[test]
    fn every_kind_of_violation_fails() {
        const VIOLATIONS: [fn(&mut Outcome); 7] = [
            |it| it.tally.torn = 1,
            |it| it.tally.stale = 1,
            |it| it.tally.errors = 1,
            |it| it.tally.busy = 1,
            |it| it.tally.hits = 0,
            |it| it.verified.left = 1,
            |it| it.verified.wrong.push("a variant".to_owned()),
        ];
        assert!(outcome(|_| ()).passes());
        for (index, violate) in VIOLATIONS.into_iter().enumerate() {
            assert!(!outcome(violate).passes(), "violation {index} passes");
        }
    }
}
