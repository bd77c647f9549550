//! What became of a mutation, and whether that is good.

use std::fmt;

use super::check;
use super::entry::{Misplaced, Mutation, Patience};
use super::trial::Ending;

/// What became of a mutation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// The test failed.
    Caught,
    /// The test hung for as long as was said to count as failing.
    CaughtByTimeout,
    /// The test passed.
    Survived,
    /// The test hung, and nobody said that this counts.
    Hung,
    /// The mistake does not compile, so nothing was tested.
    Invalid,
    /// There is no one place to make the mistake.
    Misplaced(Misplaced),
    /// The test is not there any more, or is ignored.
    NotRun,
    /// The test does not pass without the mistake either.
    FailsAnyway,
}

impl Verdict {
    pub(super) fn on(ending: Ending, patience: Patience) -> Self {
        match (ending, patience) {
            (Ending::Failed, _) => Self::Caught,
            (Ending::Hung, Patience::Counts(_)) => Self::CaughtByTimeout,
            (Ending::Hung, Patience::CountsNot(_)) => Self::Hung,
            (Ending::Passed, _) => Self::Survived,
            (Ending::NotRun, _) => Self::NotRun,
        }
    }

    /// What is to be done about it; nothing if it was caught.
    pub(super) fn fault(self, mutation: &Mutation) -> Option<String> {
        let claim = mutation.claim();
        match self {
            Self::Caught | Self::CaughtByTimeout => None,
            Self::Survived => Some(format!("`{claim}` passes all the same")),
            Self::Hung => Some(format!(
                "`{claim}` hangs: state a `timeout` if that is right"
            )),
            Self::Invalid => Some("does not compile; what the compiler said is above".to_owned()),
            Self::Misplaced(misplaced) => Some(check::told(mutation, misplaced)),
            Self::NotRun => Some(format!("`{}` is no test that runs", mutation.test())),
            Self::FailsAnyway => Some(format!("`{claim}` does not pass as the code is")),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Caught => "caught",
            Self::CaughtByTimeout => "caught by timeout",
            Self::Survived => "SURVIVED",
            Self::Hung => "HUNG",
            Self::Invalid => "INVALID",
            Self::Misplaced(_) => "MISPLACED",
            Self::NotRun => "NOT RUN",
            Self::FailsAnyway => "FAILS ANYWAY",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::entry;
    use super::*;

    const PATIENCE: Patience = Patience::CountsNot(Duration::from_secs(1));

    #[test]
    fn only_a_failure_counts_and_a_hang_that_was_stated() {
        let stated = Patience::Counts(Duration::from_secs(1));
        for (ending, patience, expected) in [
            (Ending::Failed, PATIENCE, Verdict::Caught),
            (Ending::Passed, PATIENCE, Verdict::Survived),
            (Ending::Passed, stated, Verdict::Survived),
            (Ending::Hung, PATIENCE, Verdict::Hung),
            (Ending::Hung, stated, Verdict::CaughtByTimeout),
            (Ending::NotRun, stated, Verdict::NotRun),
        ] {
            assert_eq!(Verdict::on(ending, patience), expected);
        }
    }

    #[test]
    fn whatever_is_not_caught_is_a_fault() {
        let mutation = entry::read().unwrap().mutations.remove(0);
        for good in [Verdict::Caught, Verdict::CaughtByTimeout] {
            assert_eq!(good.fault(&mutation), None);
        }
        for bad in [
            Verdict::Survived,
            Verdict::Hung,
            Verdict::Invalid,
            Verdict::Misplaced(Misplaced(0)),
            Verdict::NotRun,
            Verdict::FailsAnyway,
        ] {
            assert!(bad.fault(&mutation).is_some(), "{bad}");
        }
    }
}
