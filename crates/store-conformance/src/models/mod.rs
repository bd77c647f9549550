//! Random sequences of calls, answered by a store and by a plain model: they must agree.
//!
//! A model is a few maps and the contract's own words. It knows exactly what the contract promises,
//! and where that leaves a choice (after the clock was set back, say) it knows the bounds. A
//! sequence on which store and model disagree is shortened until every call in it matters.
//!
//! The sequences are the same in every run. `PROPTEST_CASES` asks for more of them,
//! `PROPTEST_RNG_SEED` for others.

#![expect(
    clippy::expect_used,
    reason = "a model fails by panicking, with the shortest sequence that it fails on"
)]
#![expect(
    clippy::future_not_send,
    reason = "a sequence is played by one task, on the thread of its test"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "what is compared reads better without references"
)]

mod cache;
mod dedupe;
mod rate_limit;

pub use cache::cache;
pub use dedupe::dedupe;
pub use rate_limit::rate_limit;

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

/// What a store answered, and what it should have.
#[derive(Debug)]
struct Disagreement(String);

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Disagreement {
    fn from(error: Error) -> Self {
        Self(format!("the store failed: {error}"))
    }
}

type Agreement<T = ()> = Result<T, Disagreement>;

/// The store's answer must be this one.
fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Agreement {
    ensure(found == expected, || {
        format!("{what} is {found:?}, not {expected:?}")
    })
}

/// The store's answer must lie within these bounds.
fn between<T: PartialOrd + fmt::Debug>(what: &str, found: T, least: T, most: T) -> Agreement {
    ensure(least <= found && found <= most, || {
        format!("{what} is {found:?}, not from {least:?} to {most:?}")
    })
}

fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Agreement {
    if holds {
        Ok(())
    } else {
        Err(Disagreement(complaint()))
    }
}

/// Where a player stands when it has come through a sequence of steps.
trait Player<Step> {
    /// Takes one step with the store and with the model.
    async fn take(&mut self, step: &Step) -> Agreement;
}

async fn play<Step: fmt::Debug>(mut player: impl Player<Step>, steps: &[Step]) -> Agreement {
    for (index, step) in steps.iter().enumerate() {
        let taken = player.take(step).await;
        taken.map_err(|why| Disagreement(format!("after step {}: {why}", index + 1)))?;
    }
    Ok(())
}

/// Plays sequences of steps, each on a fresh harness, and panics with the shortest that fails.
fn agree<H: Harness, S: Strategy>(
    harness: impl Fn() -> H,
    step: S,
    play: impl AsyncFn(&dyn Harness, &[S::Value]) -> Agreement,
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
        match block_on(play(&fresh, &steps)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(disagreement)) => Err(TestCaseError::fail(disagreement.to_string())),
            Err(error) => Err(TestCaseError::fail(error.to_string())),
        }
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => {
            let steps: Vec<_> = steps.iter().map(|step| format!("  {step:?}")).collect();
            panic!("{why}, of these:\n{}", steps.join("\n"))
        }
        Err(TestError::Abort(why)) => panic!("no sequence to play: {why}"),
    }
}

/// Sets the clock back, and returns the time then.
fn set_back(clock: &ManualClock, now: Timestamp, millis: u64) -> Timestamp {
    let then = now - std::time::Duration::from_millis(millis);
    clock.set_wall(then);
    then
}
