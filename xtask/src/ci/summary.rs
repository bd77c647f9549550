//! The table at the end of a run.

use std::fmt;
use std::time::Duration;

/// The outcome of one step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    NotRun,
    /// Passed as far as it went; the reason says what was left out.
    Skipped(&'static str),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed => f.write_str("FAILED"),
            Self::NotRun => f.write_str("not run"),
            Self::Skipped(reason) => write!(f, "SKIPPED: {reason}"),
        }
    }
}

/// One line per step: its name, its duration, its outcome.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    lines: Vec<(String, Duration, Outcome)>,
}

impl Summary {
    pub(crate) fn add(&mut self, step: String, took: Duration, outcome: Outcome) {
        self.lines.push((step, took, outcome));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<8} {:>9}  outcome", "step", "time")?;
        let mut total = Duration::ZERO;
        for (step, took, outcome) in &self.lines {
            total += *took;
            if *outcome == Outcome::NotRun {
                writeln!(f, "{step:<8} {:>9}  {outcome}", "-")?;
            } else {
                writeln!(f, "{step:<8} {:>7.1} s  {outcome}", took.as_secs_f64())?;
            }
        }
        write!(f, "{:<8} {:>7.1} s", "total", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_per_step_and_the_total() {
        let mut summary = Summary::default();
        summary.add(
            "fmt".to_owned(),
            Duration::from_millis(1_500),
            Outcome::Passed,
        );
        summary.add(
            "clippy".to_owned(),
            Duration::from_secs(62),
            Outcome::Failed,
        );
        summary.add(
            "deny".to_owned(),
            Duration::from_millis(20),
            Outcome::Skipped("no tool"),
        );
        summary.add("doc".to_owned(), Duration::ZERO, Outcome::NotRun);
        let expected = "\
step          time  outcome
fmt          1.5 s  passed
clippy      62.0 s  FAILED
deny         0.0 s  SKIPPED: no tool
doc              -  not run
total       63.5 s";
        assert_eq!(summary.to_string(), expected);
    }
}
