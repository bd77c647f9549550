//! `cargo xtask ci`: every step that a change must pass, in one command.

mod deny;
mod features;
mod lint_generated;
mod readme;
mod step;
mod summary;

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::repository::Repository;

use self::step::Step;
use self::summary::{Outcome, Summary};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The steps to run, in this order; without any, all but the last of them in the order below.
    #[arg(value_enum, value_name = "STEP")]
    steps: Vec<Step>,
}

pub(crate) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    let steps = match &*args.steps {
        [] => Step::of_full_run(),
        named => named.to_vec(),
    };
    let (summary, outcome) = run_steps(&steps, |step| step.run(repository));
    println!("\n{summary}");
    outcome
}

/// Runs the steps until one fails. The summary has a line for each step, run or not.
fn run_steps(
    steps: &[Step],
    mut work: impl FnMut(Step) -> Result<Outcome, Error>,
) -> (Summary, Result<(), Error>) {
    let mut summary = Summary::default();
    let mut failure = Ok(());
    for &step in steps {
        if failure.is_err() {
            summary.add(step.name(), Duration::ZERO, Outcome::NotRun);
            continue;
        }
        println!("\n== {} ==", step.name());
        let started = now();
        let result = work(step);
        let took = started.elapsed();
        let outcome = *result.as_ref().unwrap_or(&Outcome::Failed);
        println!(
            "== {}: {outcome} in {:.1} s ==",
            step.name(),
            took.as_secs_f64()
        );
        summary.add(step.name(), took, outcome);
        failure = result.map(drop).map_err(|source| Error::Step {
            step: step.name(),
            source: Box::new(source),
        });
    }
    (summary, failure)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a step took is only shown, and a dependency on the clock's crate would be built before any chore"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_the_run_and_is_named() {
        let steps = [Step::Fmt, Step::Tidy, Step::Test];
        let mut ran = Vec::new();
        let (summary, outcome) = run_steps(&steps, |step| {
            ran.push(step);
            if step == Step::Tidy {
                return Err(Error::Untidy { count: 3 });
            }
            Ok(Outcome::Passed)
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
        let (summary, outcome) = run_steps(&Step::of_full_run(), |_| Ok(Outcome::Passed));
        assert!(outcome.is_ok());
        assert!(!summary.to_string().contains("not run"));
    }
}
