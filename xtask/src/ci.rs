//! `cargo xtask ci`: every step that a change must pass, in one command.

mod step;
mod summary;
mod test_command;

use std::time::Duration;

use clap::ValueEnum as _;
use store_core::{Clock, SystemClock};

use crate::error::Error;
use crate::repository::Repository;

use self::step::Step;
use self::summary::{Outcome, Summary};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The steps to run, in this order; without any, all of them in the order below.
    #[arg(value_enum, value_name = "STEP")]
    steps: Vec<Step>,
}

pub(crate) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    let steps = if args.steps.is_empty() {
        Step::value_variants()
    } else {
        &args.steps
    };
    let (summary, outcome) = run_steps(steps, &SystemClock::new(), |step| step.run(repository));
    println!("\n{summary}");
    outcome
}

/// Runs the steps until one fails. The summary has a line for each step, run or not.
fn run_steps(
    steps: &[Step],
    clock: &dyn Clock,
    mut work: impl FnMut(Step) -> Result<(), Error>,
) -> (Summary, Result<(), Error>) {
    let mut summary = Summary::default();
    let mut outcome = Ok(());
    for &step in steps {
        if outcome.is_err() {
            summary.add(step.name(), Duration::ZERO, Outcome::NotRun);
            continue;
        }
        println!("\n== {} ==", step.name());
        let started = clock.monotonic();
        let result = work(step);
        let took = clock.monotonic().saturating_sub(started);
        let told = if result.is_ok() {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        println!(
            "== {}: {told} in {:.1} s ==",
            step.name(),
            took.as_secs_f64()
        );
        summary.add(step.name(), took, told);
        outcome = result.map_err(|source| Error::Step {
            step: step.name(),
            source: Box::new(source),
        });
    }
    (summary, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_the_run_and_is_named() {
        let steps = [Step::Fmt, Step::Tidy, Step::Test];
        let mut ran = Vec::new();
        let (summary, outcome) = run_steps(&steps, &SystemClock::new(), |step| {
            ran.push(step);
            if step == Step::Tidy {
                return Err(Error::Untidy { count: 3 });
            }
            Ok(())
        });
        assert_eq!(ran, [Step::Fmt, Step::Tidy]);
        assert!(outcome.unwrap_err().to_string().contains("`tidy` failed"));
        let shown = summary.to_string();
        assert!(
            shown.contains("FAILED") && shown.contains("not run"),
            "{shown}"
        );
    }

    #[test]
    fn steps_that_all_pass_pass_together() {
        let (summary, outcome) = run_steps(Step::value_variants(), &SystemClock::new(), |_| Ok(()));
        assert!(outcome.is_ok());
        assert!(!summary.to_string().contains("not run"));
    }
}
