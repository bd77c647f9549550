//! What came of a run, and whether that is good enough.

use crate::soak::crowd::Course;
use crate::soak::load::{cache, jobs, limits};
use crate::table::{Column, Table};

/// How many complaints of a run are shown.
const MOST_SHOWN: usize = 10;

/// What came of one run.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) kills: usize,
    pub(super) hung: usize,
    pub(super) limits: limits::Tally,
    pub(super) cache: cache::Tally,
    pub(super) jobs: jobs::Tally,
    /// What SQLite finds wrong with the file.
    pub(super) damage: Vec<String>,
}

impl Verdict {
    pub(super) fn of(
        course: Course,
        limits: limits::Tally,
        cache: cache::Tally,
        jobs: jobs::Tally,
        damage: Vec<String>,
    ) -> Self {
        Self {
            kills: course.kills,
            hung: course.hung,
            limits,
            cache,
            jobs,
            damage,
        }
    }

    /// The first thing that is wrong.
    fn fault(&self) -> Option<&'static str> {
        let faults = [
            (self.damage.len(), "DAMAGED FILE"),
            (self.limits.over, "OVER THE LIMIT"),
            (self.limits.adrift, "LOST ADMISSIONS"),
            (self.cache.stale, "STALE VALUES"),
            (self.cache.lost, "LOST VALUES"),
            (self.jobs.twice, "TWO OWNERS"),
            (self.jobs.robbed, "ROBBED OWNERS"),
            (self.jobs.wrong, "WRONG OUTCOMES"),
            (self.jobs.stuck, "STUCK WAITERS"),
            (self.hung, "HUNG WORKERS"),
            (usize::from(self.is_idle()), "NOTHING DONE"),
        ];
        let found = faults.into_iter().find(|(count, _)| *count > 0);
        found.map(|(_, fault)| fault)
    }

    /// Nothing wrong is no proof if nothing was done.
    fn is_idle(&self) -> bool {
        [
            self.limits.admitted,
            self.cache.hits,
            self.cache.kept,
            self.jobs.settled,
            self.jobs.waited,
        ]
        .contains(&0)
    }

    pub(super) fn passes(&self) -> bool {
        self.fault().is_none()
    }

    /// What is wrong, in words; not all of it if it is much.
    pub(super) fn complaints(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.damage,
            &self.limits.complaints,
            &self.cache.complaints,
            &self.jobs.complaints,
        ];
        all.into_iter()
            .flatten()
            .map(String::as_str)
            .take(MOST_SHOWN)
    }
}

/// One row per run.
pub(super) fn table(verdicts: &[(String, Verdict)]) -> String {
    let mut table = Table::new(&[
        Column::Left("run"),
        Column::Right("kills"),
        Column::Right("admitted"),
        Column::Right("returned"),
        Column::Right("over"),
        Column::Right("adrift"),
        Column::Right("hits"),
        Column::Right("dropped"),
        Column::Right("stale"),
        Column::Right("kept"),
        Column::Right("lost"),
        Column::Right("settled"),
        Column::Right("fenced"),
        Column::Right("twice"),
        Column::Right("robbed"),
        Column::Right("waited"),
        Column::Right("wrong"),
        Column::Right("longest"),
        Column::Right("stuck"),
        Column::Left("file"),
        Column::Left("outcome"),
    ]);
    for (name, verdict) in verdicts {
        let Verdict {
            limits,
            cache,
            jobs,
            ..
        } = verdict;
        let file = if verdict.damage.is_empty() {
            "ok"
        } else {
            "damaged"
        };
        table.add([
            name.clone(),
            verdict.kills.to_string(),
            limits.admitted.to_string(),
            limits.given_back.to_string(),
            limits.over.to_string(),
            limits.adrift.to_string(),
            cache.hits.to_string(),
            cache.outdated.to_string(),
            cache.stale.to_string(),
            cache.kept.to_string(),
            cache.lost.to_string(),
            jobs.settled.to_string(),
            jobs.fenced.to_string(),
            jobs.twice.to_string(),
            jobs.robbed.to_string(),
            jobs.waited.to_string(),
            jobs.wrong.to_string(),
            format!("{} ms", jobs.longest_millis),
            jobs.stuck.to_string(),
            file.to_owned(),
            verdict.fault().unwrap_or("passed").to_owned(),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> Verdict {
        let mut verdict = Verdict::default();
        verdict.limits.admitted = 1;
        verdict.cache.hits = 1;
        verdict.cache.kept = 1;
        verdict.jobs.settled = 1;
        verdict.jobs.waited = 1;
        verdict
    }

    #[test]
    fn every_kind_of_violation_fails_a_run() {
        assert!(busy().passes());
        let plant: [fn(&mut Verdict); 10] = [
            |it| it.damage.push("row 1 missing from index".to_owned()),
            |it| it.limits.over = 1,
            |it| it.limits.adrift = 1,
            |it| it.cache.stale = 1,
            |it| it.cache.lost = 1,
            |it| it.jobs.twice = 1,
            |it| it.jobs.robbed = 1,
            |it| it.jobs.wrong = 1,
            |it| it.jobs.stuck = 1,
            |it| it.hung = 1,
        ];
        for plant in plant {
            let mut verdict = busy();
            plant(&mut verdict);
            assert!(!verdict.passes(), "{verdict:?}");
        }
    }

    #[test]
    fn a_run_that_did_nothing_fails() {
        assert_eq!(Verdict::default().fault(), Some("NOTHING DONE"));
    }
}
