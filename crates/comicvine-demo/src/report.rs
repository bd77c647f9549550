//! The results of a run, as tables and sentences.

use std::fmt;
use std::iter::once;
use std::time::Duration;

use comicvine_fake::Counts;

use crate::admissions::FullestWindows;
use crate::checks::{
    Check, Kill, WorkerSummary, a_process_was_killed, every_request_is_answered,
    every_window_keeps_its_limit, nothing_is_fetched_twice,
};
use crate::error::Error;
use crate::events::Stats;
use crate::output::{bar, table};
use crate::settings::{PATH_LIMIT, SPACING, WINDOW};

/// The results of a run.
#[derive(Debug)]
pub(crate) struct Report {
    /// The number of different requests.
    pub(crate) different: usize,
    pub(crate) user: WorkerSummary,
    pub(crate) background: WorkerSummary,
    pub(crate) counts: Counts,
    pub(crate) admissions: FullestWindows,
    pub(crate) took: Duration,
    pub(crate) kill: Option<Kill>,
}

impl Report {
    fn checks(&self) -> [Check; 4] {
        let kill = self.kill.as_ref();
        [
            every_request_is_answered([("user", &self.user), ("background", &self.background)]),
            every_window_keeps_its_limit(&self.admissions),
            nothing_is_fetched_twice(&self.counts, kill),
            a_process_was_killed(kill),
        ]
    }

    /// Fails with every violated property.
    pub(crate) fn result(&self) -> Result<(), Error> {
        let checks = self.checks();
        let violated: Vec<String> = checks
            .iter()
            .filter(|check| !check.violations.is_empty())
            .map(ToString::to_string)
            .collect();
        if violated.is_empty() {
            Ok(())
        } else {
            Err(Error::failed(violated.join("\n")))
        }
    }

    fn processes(&self) -> String {
        let header = columns("process", Stats::COLUMNS, "failed");
        let (user, background) = (&self.user, &self.background);
        let rows = [
            row("user", user.stats, user.failed.len()),
            row("background", background.stats, background.failed.len()),
            row(
                "both",
                user.stats + background.stats,
                user.failed.len() + background.failed.len(),
            ),
        ];
        let numbers: Vec<usize> = (1..header.len()).collect();
        table(header, rows, &numbers)
    }

    fn paths(&self) -> String {
        let header = ["path", "calls", "refused", "fullest window", "", "limit"];
        let row = |name: &str, calls: u64, refused: u64, most: usize, limit: u32| {
            [
                name.to_owned(),
                calls.to_string(),
                refused.to_string(),
                most.to_string(),
                bar(u64::try_from(most).unwrap_or(u64::MAX), limit.into()),
                limit.to_string(),
            ]
        };
        let limit = self.admissions.limit;
        let paths = self.counts.paths.keys().map(|path| {
            let counts = self.counts.path(path);
            let most = self.admissions.paths.get(path).copied().unwrap_or(0);
            row(path, counts.requests(), counts.refused(), most, limit)
        });
        let all = self.counts.total();
        let (calls, refused) = (all.requests(), all.refused());
        let key = row("all paths", calls, refused, self.admissions.spacing, 1);
        table(header, paths.chain([key]), &[1, 2, 3, 5])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (window, spacing) = (WINDOW.as_secs(), SPACING.as_millis());
        writeln!(
            f,
            "{} different requests, most of them made by both processes, three times each:\n\n{}",
            self.different,
            self.processes()
        )?;
        writeln!(
            f,
            "\nCalls that reached the server (limits: {PATH_LIMIT} per path and {window} s, one per \
             {spacing} ms over all paths):\n\n{}\n",
            self.paths()
        )?;
        for check in self.checks() {
            writeln!(f, "{check}")?;
        }
        let stats = self.user.stats + self.background.stats;
        let calls = self.counts.total().requests();
        write!(
            f,
            "\n{} requests were made, {calls} calls reached the server, in {:.1} s.",
            stats.requests,
            self.took.as_secs_f64()
        )?;
        match calls.saturating_sub(stats.attempts) {
            0 => Ok(()),
            unreported => write!(
                f,
                " The killed process had not yet reported {unreported} of the calls."
            ),
        }
    }
}

/// The cells of one process, or of the header.
type Row<T> = [T; Stats::COLUMNS.len() + 2];

fn row(name: &str, stats: Stats, failed: usize) -> Row<String> {
    let counters = stats.counters().map(|counter| counter.to_string());
    columns(name.to_owned(), counters, failed.to_string())
}

fn columns<T: Default>(name: T, counters: [T; Stats::COLUMNS.len()], failed: T) -> Row<T> {
    let mut cells = once(name).chain(counters).chain([failed]);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let worker = WorkerSummary {
            planned: 3,
            answered: 3,
            ..WorkerSummary::default()
        };
        Report {
            different: 2,
            user: worker.clone(),
            background: worker,
            counts: Counts::default(),
            admissions: FullestWindows {
                limit: PATH_LIMIT,
                ..FullestWindows::default()
            },
            took: Duration::from_millis(1_500),
            kill: Some(Kill::new(Vec::new())),
        }
    }

    fn violations(report: &Report) -> String {
        report.result().unwrap_err().message.unwrap()
    }

    #[test]
    fn success_names_every_property() {
        let report = report();
        assert!(report.result().is_ok());
        let text = report.to_string();
        assert_eq!(text.matches(": yes (").count(), 4, "{text}");
        assert!(text.ends_with("in 1.5 s."));
    }

    #[test]
    fn each_violated_property_is_an_error() {
        let mut incomplete = report();
        incomplete.background.answered = 2;
        assert!(violations(&incomplete).contains("1 requests unanswered"));

        let mut over = report();
        over.admissions.paths.insert("issue".to_owned(), 26);
        assert!(violations(&over).contains("issue: 26 admitted"));

        let mut repeated = report();
        repeated
            .counts
            .answered
            .insert("issue/4000-1".to_owned(), 2);
        assert!(violations(&repeated).contains("issue/4000-1 was fetched 2 times"));

        let mut not_killed = report();
        not_killed.kill = None;
        assert!(violations(&not_killed).contains("did not reach the half"));
    }

    #[test]
    fn all_violated_properties_are_reported_together() {
        let mut violated = report();
        violated.kill = None;
        violated.admissions.spacing = 2;
        assert_eq!(violations(&violated).matches(": NO").count(), 2);
        assert_eq!(violated.to_string().matches(": NO").count(), 2);
    }
}
