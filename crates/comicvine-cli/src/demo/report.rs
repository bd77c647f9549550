//! What happened, as tables and in words.

use std::fmt;
use std::time::Duration;

use comicvine_fake::Counts;

use crate::demo::audit::Worst;
use crate::demo::verdict::{
    Kill, Tally, Verdict, a_process_was_killed, every_window_keeps_its_limit,
    nothing_is_fetched_twice, nothing_is_lost,
};
use crate::demo::worker::Stats;
use crate::demo::{PATH_LIMIT, SPACING, WINDOW};
use crate::failure::Failure;
use crate::output::{gauge, grid};

/// The end of a demo.
#[derive(Debug)]
pub(super) struct Report {
    /// How many different requests there were.
    pub(super) different: usize,
    pub(super) user: Tally,
    pub(super) background: Tally,
    pub(super) counts: Counts,
    pub(super) admissions: Worst,
    pub(super) took: Duration,
    pub(super) kill: Option<Kill>,
}

impl Report {
    fn verdicts(&self) -> [Verdict; 4] {
        let kill = self.kill.as_ref();
        [
            nothing_is_lost([("user", &self.user), ("background", &self.background)]),
            every_window_keeps_its_limit(&self.admissions),
            nothing_is_fetched_twice(&self.counts, kill),
            a_process_was_killed(kill),
        ]
    }

    /// # Errors
    /// [`Failure::Unmet`] if any promise was broken.
    pub(super) fn judge(&self) -> Result<(), Failure> {
        let verdicts = self.verdicts();
        let broken: Vec<String> = verdicts
            .iter()
            .filter(|verdict| !verdict.complaints.is_empty())
            .map(ToString::to_string)
            .collect();
        if broken.is_empty() {
            Ok(())
        } else {
            Err(Failure::Unmet(broken.join("\n")))
        }
    }

    fn processes(&self) -> String {
        let header = [
            "process",
            "asked",
            "cache",
            "joined",
            "fetched",
            "sent",
            "waits",
            "denied",
            "cooldowns",
            "lost",
        ];
        let (user, background) = (&self.user, &self.background);
        let rows = [
            row("user", user.stats, user.lost.len()),
            row("background", background.stats, background.lost.len()),
            row(
                "both",
                user.stats + background.stats,
                user.lost.len() + background.lost.len(),
            ),
        ];
        let numbers: Vec<usize> = (1..header.len()).collect();
        grid(&header, rows, &numbers)
    }

    fn paths(&self) -> String {
        let header = ["path", "calls", "refused", "fullest window", "", "limit"];
        let row = |name: &str, calls: u64, refused: u64, most: usize, limit: u32| {
            let gauge = gauge(u64::try_from(most).unwrap_or(u64::MAX), limit.into());
            let numbers = [calls.to_string(), refused.to_string(), most.to_string()];
            let mut cells = vec![name.to_owned()];
            cells.extend(numbers);
            cells.extend([gauge, limit.to_string()]);
            cells
        };
        let limit = self.admissions.limit;
        let paths = self.counts.paths.keys().map(|path| {
            let seen = self.counts.path(path);
            let most = self.admissions.paths.get(path).copied().unwrap_or(0);
            row(path, seen.requests(), seen.refused(), most, limit)
        });
        let all = self.counts.total();
        let (calls, refused) = (all.requests(), all.refused());
        let key = row("the key", calls, refused, self.admissions.spacing, 1);
        grid(&header, paths.chain([key]), &[1, 2, 3, 5])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (window, spacing) = (WINDOW.as_secs(), SPACING.as_millis());
        writeln!(
            f,
            "{} different requests, most of them wanted by both processes, three times each\n{}",
            self.different,
            self.processes()
        )?;
        writeln!(
            f,
            "\nWhat reached the server (limits: {PATH_LIMIT} per path and {window} s, one per key and \
             {spacing} ms)\n{}\n",
            self.paths()
        )?;
        for verdict in self.verdicts() {
            writeln!(f, "{verdict}")?;
        }
        let told = self.user.stats + self.background.stats;
        let calls = self.counts.total().requests();
        write!(
            f,
            "\n{} requests were asked for, {calls} calls reached the server, in {:.1} s.",
            told.asked,
            self.took.as_secs_f64()
        )?;
        match calls.saturating_sub(told.attempts) {
            0 => Ok(()),
            untold => write!(
                f,
                " The killed process did not live to tell of {untold} of them."
            ),
        }
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
        stats.cooldowns,
    ];
    let mut cells = vec![name.to_owned()];
    cells.extend(numbers.map(|number| number.to_string()));
    cells.push(lost.to_string());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let worker = Tally {
            planned: 3,
            answered: 3,
            ..Tally::default()
        };
        Report {
            different: 2,
            user: worker.clone(),
            background: worker,
            counts: Counts::default(),
            admissions: Worst {
                limit: PATH_LIMIT,
                ..Worst::default()
            },
            took: Duration::from_millis(1_500),
            kill: Some(Kill::new(Vec::new())),
        }
    }

    fn complaints(report: &Report) -> String {
        let judged = report.judge();
        let Err(Failure::Unmet(complaints)) = judged else {
            panic!("{judged:?}");
        };
        complaints
    }

    #[test]
    fn kept_promises_are_success_in_words() {
        let report = report();
        assert!(report.judge().is_ok());
        let text = report.to_string();
        assert_eq!(text.matches(": yes (").count(), 4, "{text}");
        assert!(text.ends_with("in 1.5 s."));
    }

    #[test]
    fn each_broken_promise_is_a_failure() {
        let mut lossy = report();
        lossy.background.answered = 2;
        assert!(complaints(&lossy).contains("1 requests unanswered"));

        let mut over = report();
        over.admissions.paths.insert("issue".to_owned(), 26);
        assert!(complaints(&over).contains("issue: 26 admitted"));

        let mut repeated = report();
        repeated
            .counts
            .answered
            .insert("issue/4000-1".to_owned(), 2);
        assert!(complaints(&repeated).contains("issue/4000-1 was fetched 2 times"));

        let mut unharmed = report();
        unharmed.kill = None;
        assert!(complaints(&unharmed).contains("never got halfway"));
    }

    #[test]
    fn all_broken_promises_are_told_together() {
        let mut broken = report();
        broken.kill = None;
        broken.admissions.spacing = 2;
        assert_eq!(complaints(&broken).matches(": NO").count(), 2);
        assert_eq!(broken.to_string().matches(": NO").count(), 2);
    }
}
