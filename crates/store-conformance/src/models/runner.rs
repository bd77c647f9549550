//! The run of a model: random sequences of steps on fresh stores, and the comparison of answers.

use std::fmt;

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, RngSeed, TestCaseError, TestError, TestRunner, contextualize_config,
};
use store_core::{Error, ManualClock, Timestamp};

use crate::Harness;
use crate::run::block_on;

/// Sequences per model, unless the environment says otherwise: few enough for every run of the tests.
const SEQUENCES: u32 = 48;
/// The most calls in a sequence.
const STEPS: usize = 40;
/// Any number would do.
const SEED: u64 = 20_231_114;

/// A difference between the answer of the store and that of the model.
#[derive(Debug)]
pub(super) struct Mismatch(pub(super) String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Mismatch {
    fn from(error: Error) -> Self {
        Self(format!("the store failed: {error}"))
    }
}

pub(super) type Check<T = ()> = Result<T, Mismatch>;

/// Checks that the store's answer is the expected one.
pub(super) fn check_eq<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Check {
    ensure(found == expected, || {
        format!("{what} is {found:?}, not {expected:?}")
    })
}

/// Checks that the store's answer is within these bounds.
pub(super) fn check_range<T: PartialOrd + fmt::Debug>(
    what: &str,
    found: T,
    least: T,
    most: T,
) -> Check {
    ensure(least <= found && found <= most, || {
        format!("{what} is {found:?}, not from {least:?} to {most:?}")
    })
}

pub(super) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Check {
    if holds {
        Ok(())
    } else {
        Err(Mismatch(message()))
    }
}

/// A store under test and its model.
pub(super) trait StateMachine<Step> {
    /// Applies one step to the store and to the model, and compares their answers.
    async fn apply(&mut self, step: &Step) -> Check;
}

pub(super) async fn apply_all<Step: fmt::Debug>(
    mut machine: impl StateMachine<Step>,
    steps: &[Step],
) -> Check {
    for (index, step) in steps.iter().enumerate() {
        let applied = machine.apply(step).await;
        applied.map_err(|why| Mismatch(format!("after step {}: {why}", index + 1)))?;
    }
    Ok(())
}

/// Checks random sequences of steps, each on a fresh harness; panics with the shortest that fails.
pub(super) fn check_sequences<H: Harness, S: Strategy>(
    harness: impl Fn() -> H,
    step: S,
    check: impl AsyncFn(&dyn Harness, &[S::Value]) -> Check,
) where
    S::Value: Clone,
{
    let config = contextualize_config(Config {
        cases: SEQUENCES,
        failure_persistence: None,
        max_shrink_iters: 4_096,
        rng_seed: RngSeed::Fixed(SEED),
        ..Config::default()
    });
    let outcome = TestRunner::new(config).run(&vec(step, 1..=STEPS), |steps| {
        let fresh = harness();
        match block_on(check(&fresh, &steps)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(mismatch)) => Err(TestCaseError::fail(mismatch.to_string())),
            Err(error) => Err(TestCaseError::fail(error.to_string())),
        }
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => {
            let steps: Vec<_> = steps.iter().map(|step| format!("  {step:?}")).collect();
            panic!("{why}, of these:\n{}", steps.join("\n"))
        }
        Err(TestError::Abort(why)) => panic!("no sequence to check: {why}"),
    }
}

/// Sets the clock back and returns its new time.
pub(super) fn set_back(clock: &ManualClock, now: Timestamp, millis: u64) -> Timestamp {
    let then = now - std::time::Duration::from_millis(millis);
    clock.set_wall(then);
    then
}
