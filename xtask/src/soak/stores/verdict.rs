//! What came of a run, and whether that is good enough.

use crate::soak::tally::Tally;
use crate::table::{Column, Table};

/// How many complaints of a run are shown.
const MOST_SHOWN: usize = 10;

/// What came of one run.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) kills: usize,
    pub(super) load: Tally,
    /// What SQLite finds wrong with the file.
    pub(super) damage: Vec<String>,
}

impl Verdict {
    /// The first thing that is wrong.
    fn fault(&self) -> Option<&'static str> {
        let damaged = (self.damage.len(), "DAMAGED FILE");
        self.load.fault(&[damaged], &[])
    }

    pub(super) fn passes(&self) -> bool {
        self.fault().is_none()
    }

    /// What is wrong, in words; not all of it if it is much.
    pub(super) fn complaints(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.damage,
            &self.load.limits.complaints,
            &self.load.cache.complaints,
            &self.load.jobs.complaints,
        ];
        all.into_iter()
            .flatten()
            .map(String::as_str)
            .take(MOST_SHOWN)
    }
}

/// One row per run.
pub(super) fn table(verdicts: &[(String, Verdict)]) -> String {
    let mut columns = vec![Column::Left("run")];
    let first = [
        "kills", "admitted", "returned", "over", "adrift", "hits", "dropped",
    ];
    columns.extend(first.map(Column::Right));
    columns.extend(Tally::HEADINGS.map(Column::Right));
    columns.extend(["file", "outcome"].map(Column::Left));
    let mut table = Table::new(&columns);
    for (name, verdict) in verdicts {
        let Tally { limits, cache, .. } = &verdict.load;
        let file = if verdict.damage.is_empty() {
            "ok"
        } else {
            "damaged"
        };
        let mut cells = vec![
            name.clone(),
            verdict.kills.to_string(),
            limits.admitted.to_string(),
            limits.given_back.to_string(),
            limits.over.to_string(),
            limits.adrift.to_string(),
            cache.hits.to_string(),
            cache.outdated.to_string(),
        ];
        cells.extend(verdict.load.cells());
        cells.extend([file, verdict.fault().unwrap_or("passed")].map(str::to_owned));
        table.add(cells);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> Verdict {
        Verdict {
            load: Tally::busy(),
            ..Verdict::default()
        }
    }

    #[test]
    fn every_kind_of_violation_fails_a_run() {
        assert!(busy().passes());
        for plant in Tally::VIOLATIONS {
            let mut verdict = busy();
            plant(&mut verdict.load);
            assert!(!verdict.passes(), "{verdict:?}");
        }
        let mut damaged = busy();
        damaged.damage.push("row 1 missing from index".to_owned());
        assert!(!damaged.passes(), "{damaged:?}");
    }

    #[test]
    fn a_run_that_did_nothing_fails() {
        assert_eq!(Verdict::default().fault(), Some("NOTHING DONE"));
    }
}
