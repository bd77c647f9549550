//! The mutations: what to break, how, and which test is to notice.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::error::Error;
use crate::finding::line_at;

pub(super) const PATH: &str = "xtask/src/mutants/mutations.toml";
const TEXT: &str = include_str!("mutations.toml");

/// Longer than any of the tests takes, those that notice a hang themselves included.
pub(super) const PATIENCE: Duration = Duration::from_mins(3);

/// Where the conformance suite runs on a backend's own stores, by package.
const SUITES: [(&str, &str); 2] = [
    ("store-memory", "conformance::direct"),
    ("store-sqlite", "conformance::file"),
];

/// The modules of the conformance suite.
const ROLES: [&str; 4] = ["cache", "dedupe", "rate_limit", "pipeline"];

/// All that the file holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entries {
    #[serde(rename = "mutation", default)]
    pub(super) mutations: Vec<Mutation>,
    #[serde(rename = "reason", default)]
    pub(super) reasons: Vec<Reason>,
}

/// One mistake.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutation {
    /// The row that names the mistake.
    pub(super) row: String,
    /// The test that must fail: as libtest lists it, or `role::case`.
    claim: Spanned<String>,
    /// The crate that the test belongs to.
    pub(super) package: String,
    #[serde(default)]
    pub(super) target: Target,
    /// The file to change, from the root.
    pub(super) file: String,
    find: String,
    replace: String,
    /// What the code does then, in words.
    pub(super) why: String,
    /// How long the test may take before its hanging counts as failing.
    #[serde(default, deserialize_with = "timeout")]
    timeout: Option<Duration>,
}

/// Why rows have no mutation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    pub(super) rows: Vec<String>,
    pub(super) why: Spanned<String>,
}

/// Which of a crate's test programs holds a test.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Target {
    /// That of `tests/it`.
    #[default]
    It,
    /// That of the unit tests.
    Lib,
}

/// The text to replace does not stand exactly once in its file, but this often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Misplaced(pub(super) usize);

/// A hang is waited for this long, and then does or does not count as failing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Patience {
    Counts(Duration),
    CountsNot(Duration),
}

impl Patience {
    pub(super) const fn duration(self) -> Duration {
        match self {
            Self::Counts(duration) | Self::CountsNot(duration) => duration,
        }
    }
}

impl Mutation {
    /// The claim as it was written.
    pub(super) fn claim(&self) -> &str {
        self.claim.as_ref()
    }

    /// The test's own name, without modules.
    pub(super) fn case(&self) -> &str {
        self.claim().rsplit("::").next().unwrap_or_default()
    }

    /// The claim as libtest lists it.
    pub(super) fn test(&self) -> String {
        let claim = self.claim();
        let (module, _) = claim.split_once("::").unwrap_or_default();
        let suite = SUITES
            .iter()
            .find(|(package, _)| *package == self.package && ROLES.contains(&module));
        match suite {
            Some((_, suite)) => format!("{suite}::{claim}"),
            None => claim.to_owned(),
        }
    }

    /// Package and claim, for tables.
    pub(super) fn caught_by(&self) -> String {
        format!("{}: {}", self.package, self.claim())
    }

    /// The line of the data that holds the claim.
    pub(super) fn line(&self) -> usize {
        line_of(self.claim.span())
    }

    pub(super) fn patience(&self) -> Patience {
        self.timeout
            .map_or(Patience::CountsNot(PATIENCE), Patience::Counts)
    }

    /// The file's text with the mistake in it.
    pub(super) fn apply(&self, text: &str) -> Result<String, Misplaced> {
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => Err(Misplaced(count)),
        }
    }

    pub(super) fn changes_nothing(&self) -> bool {
        self.find == self.replace
    }
}

impl Reason {
    pub(super) fn line(&self) -> usize {
        line_of(self.why.span())
    }
}

impl Target {
    /// As cargo is told.
    pub(super) const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::It => &["--test", "it"],
            Self::Lib => &["--lib"],
        }
    }
}

fn line_of(span: Range<usize>) -> usize {
    line_at(TEXT, span.start)
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let timeout = humantime::parse_duration(&text).map_err(serde::de::Error::custom)?;
    Ok(Some(timeout))
}

pub(super) fn read() -> Result<Entries, Error> {
    parse(TEXT).map_err(|source| Error::Toml { path: PATH, source })
}

fn parse(text: &str) -> Result<Entries, toml::de::Error> {
    toml::from_str(text)
}

/// Entries as a test plants them.
#[cfg(test)]
pub(super) fn planted(text: &str) -> Entries {
    parse(text).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutation(package: &str, claim: &str, rest: &str) -> Mutation {
        let text = format!(
            "[[mutation]]\nrow = \"F1\"\nclaim = \"{claim}\"\npackage = \"{package}\"\n\
             file = \"a.rs\"\nfind = \"a < b\"\nreplace = \"a <= b\"\nwhy = \"late\"\n{rest}"
        );
        planted(&text).mutations.remove(0)
    }

    #[test]
    fn the_text_is_replaced_where_it_stands() {
        let mutation = mutation("store-core", "t", "");
        assert_eq!(mutation.apply("if a < b {").unwrap(), "if a <= b {");
        assert!(!mutation.changes_nothing());
    }

    #[test]
    fn a_text_that_does_not_stand_exactly_once_is_not_replaced() {
        let mutation = mutation("store-core", "t", "");
        assert_eq!(mutation.apply("if a > b {"), Err(Misplaced(0)));
        assert_eq!(mutation.apply("a < b, a < b"), Err(Misplaced(2)));
    }

    #[test]
    fn a_case_of_the_suite_runs_on_the_backends_own_stores() {
        let test = |package, claim| mutation(package, claim, "").test();
        assert_eq!(
            test("store-memory", "cache::expired_entry_is_gone"),
            "conformance::direct::cache::expired_entry_is_gone"
        );
        assert_eq!(
            test("store-sqlite", "dedupe::one"),
            "conformance::file::dedupe::one"
        );
        assert_eq!(test("store-memory", "bounds::one"), "bounds::one");
        assert_eq!(test("comicvine-client", "cache::one"), "cache::one");
    }

    #[test]
    fn a_hang_counts_only_with_a_timeout() {
        let none = mutation("store-core", "t", "");
        assert_eq!(none.patience(), Patience::CountsNot(PATIENCE));
        let stated = mutation("store-core", "t", "timeout = \"5s\"\n");
        let five = Patience::Counts(Duration::from_secs(5));
        assert_eq!(
            (stated.patience(), five.duration()),
            (five, five.duration())
        );
    }

    #[test]
    fn the_file_can_be_read_and_knows_its_lines() {
        let entries = read().unwrap();
        assert!(entries.mutations.len() >= 50);
        for mutation in &entries.mutations {
            let line = TEXT.lines().nth(mutation.line() - 1).unwrap();
            assert!(line.contains(mutation.claim()), "{line}");
        }
    }
}
