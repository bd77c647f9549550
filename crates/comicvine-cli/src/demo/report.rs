//! What happened, as tables, and what should not have happened.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use comicvine_fake::Counts;

use crate::demo::audit::Worst;
use crate::demo::child::Child;
use crate::demo::worker::Stats;
use crate::demo::{Kill, TASKS};
use crate::output::grid;

/// The end of a demo.
pub(super) struct Report {
    pub(super) user: Child,
    pub(super) background: Child,
    pub(super) counts: Counts,
    pub(super) admissions: Worst,
    pub(super) took: Duration,
    pub(super) kill: Option<Kill>,
}

impl Report {
    /// What broke a promise; empty if nothing did.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = Vec::new();
        complaints.extend(self.user.lost.iter().cloned());
        complaints.extend(self.background.lost.iter().cloned());
        if !self.admissions.is_within() {
            complaints.push("a window holds more admissions than its limit".to_owned());
        }
        if self.kill.is_none() {
            complaints.push("no process was killed".to_owned());
        }
        let repeated = self.repeated();
        let unexplained: Vec<_> = repeated
            .iter()
            .filter(|(target, times)| **times > 2 || !self.is_explained(target))
            .map(|(target, times)| format!("{target} was fetched {times} times"))
            .collect();
        complaints.extend(unexplained);
        if repeated.len() > TASKS {
            complaints.push(format!(
                "{} requests were sent twice, and the killed process had {TASKS} under way",
                repeated.len()
            ));
        }
        complaints
    }

    /// Requests that were answered by the server more than once.
    fn repeated(&self) -> BTreeMap<&str, u64> {
        let answered = self.counts.answered.iter();
        answered
            .filter(|(_, times)| **times > 1)
            .map(|(target, times)| (target.as_str(), *times))
            .collect()
    }

    /// Whether the killed process may have been fetching `target` when it was killed.
    fn is_explained(&self, target: &str) -> bool {
        self.kill.as_ref().is_some_and(|kill| {
            let mut unanswered = kill.unanswered.iter();
            unanswered.any(|place| self.background.plan[*place].target().as_deref() == Some(target))
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = [
            "process",
            "asked",
            "cache hits",
            "joined",
            "fetched",
            "sent",
            "waits",
            "denied",
            "lost",
            "cooldowns",
        ];
        let all = self.user.stats() + self.background.stats();
        let lost = (self.user.lost.len(), self.background.lost.len());
        let rows = [
            row("user", self.user.stats(), lost.0),
            row("background", self.background.stats(), lost.1),
            row("both", all, lost.0 + lost.1),
        ];
        let numbers: Vec<usize> = (1..header.len()).collect();
        writeln!(f, "{}", grid(&header.map(str::to_owned), rows, &numbers))?;

        let header = [
            "path",
            "upstream calls",
            "refused",
            "most in one window",
            "limit",
        ];
        let paths = self.counts.paths.keys().map(|path| {
            let seen = self.counts.path(path);
            let most = self.admissions.paths.get(path).copied().unwrap_or(0);
            vec![
                path.clone(),
                seen.requests().to_string(),
                seen.refused().to_string(),
                most.to_string(),
                self.admissions.limit.to_string(),
            ]
        });
        let spacing = vec![
            "(spacing of the key)".to_owned(),
            self.counts.total().requests().to_string(),
            self.counts.total().refused().to_string(),
            self.admissions.spacing.to_string(),
            "1".to_owned(),
        ];
        let rows = paths.chain([spacing]);
        writeln!(
            f,
            "{}",
            grid(&header.map(str::to_owned), rows, &[1, 2, 3, 4])
        )?;

        if let Some(kill) = &self.kill {
            writeln!(
                f,
                "The background process was killed at {} with {} requests unanswered, and started \
                 again; {} of them had to be fetched twice.",
                kill.at,
                kill.unanswered.len(),
                self.repeated().len()
            )?;
        }
        write!(
            f,
            "{} requests were asked for; {} calls reached the server in {:.1} s.",
            all.asked,
            self.counts.total().requests(),
            self.took.as_secs_f64()
        )
    }
}

fn row(name: &str, stats: Stats, lost: usize) -> Vec<String> {
    let numbers = [
        stats.asked,
        stats.hits,
        stats.joined,
        stats.fetched,
        stats.attempts,
        stats.waits,
        stats.denied,
    ];
    let mut cells = vec![name.to_owned()];
    cells.extend(numbers.map(|number| number.to_string()));
    cells.push(lost.to_string());
    cells.push(stats.cooldowns.to_string());
    cells
}
