//! The steps and the commands behind each.

use clap::ValueEnum;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;
use crate::tidy;

use super::summary::Outcome;
use super::{deny, features, lint_generated, readme};

/// One step, in the order of a full run: what is quick and fails often comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Step {
    /// The formatting is rustfmt's, in every workspace.
    Fmt,
    /// The house rules hold; the same as `cargo xtask tidy`.
    Tidy,
    /// Licences, bans and advisories of what comes in from outside, by cargo-deny if it is installed.
    Deny,
    /// No lint warns in code or tests, with every feature; one lint finds what the minimum Rust version
    /// lacks.
    Clippy,
    /// No lint warns in a crate without its features, nor with each of them alone.
    Features,
    /// The documentation builds without a warning, with every feature, that of private items too.
    Doc,
    /// The benchmarks, each a workspace of its own, are linted and tested.
    Bench,
    /// The server that tests of DynamoDB run against builds; here, so that its time shows.
    Emulator,
    /// The tests pass, by the very command that the README gives to its readers.
    Test,
    /// The README's first command runs from start to end, and the demo's tests pass on a table too.
    Demo,
    /// What `comicvine table print` writes is what the tools of others read. Only if it is named: it needs them.
    LintGenerated,
}

const EMULATOR: &str = "tools/dynamodb-emulator/Cargo.toml";
const BENCHES: [&str; 2] = [
    "tools/bench/Cargo.toml",
    "tools/bench-http-cache/Cargo.toml",
];

impl Step {
    /// As written on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The steps of a run without any named.
    pub(crate) fn of_full_run() -> Vec<Self> {
        let steps = Self::value_variants().iter().copied();
        steps.filter(|step| *step != Self::LintGenerated).collect()
    }

    pub(crate) fn run(self, repository: &Repository) -> Result<Outcome, Error> {
        let cargo = |arguments: &[&str]| Cargo::new(repository, arguments);
        match self {
            Self::Fmt => {
                cargo(&["fmt", "--all", "--check"]).run()?;
                for manifest in BENCHES.into_iter().chain([EMULATOR]) {
                    cargo(&["fmt", "--check", "--manifest-path", manifest]).run()?;
                }
            }
            Self::Tidy => tidy::run(repository)?,
            Self::Deny => return deny::run(repository),
            Self::Clippy => cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--locked",
                "--",
                "-D",
                "warnings",
            ])
            .run()?,
            Self::Features => features::run(repository)?,
            Self::Doc => {
                let doc = [
                    "doc",
                    "--workspace",
                    "--no-deps",
                    "--all-features",
                    "--locked",
                ];
                let private = [&doc[..], &["--document-private-items"]].concat();
                // Links of public items to private ones are warned of by the first only.
                for arguments in [&doc[..], &private] {
                    let doc = cargo(arguments).env("RUSTDOCFLAGS", "-D warnings");
                    doc.run()?;
                }
            }
            Self::Bench => {
                // In the target folder of the other workspace, where most of it is compiled already.
                for manifest in BENCHES {
                    let bench = [
                        "--locked",
                        "--target-dir",
                        "target",
                        "--manifest-path",
                        manifest,
                    ];
                    let lints = ["--all-targets", "--", "-D", "warnings"];
                    cargo(&[&["clippy"], &bench[..], &lints].concat()).run()?;
                    cargo(&[&["test"], &bench[..]].concat()).run()?;
                }
            }
            Self::Emulator => cargo(&["build", "--locked", "--manifest-path", EMULATOR])
                // Tests expect it in the folder that it has of its own.
                .env_remove("CARGO_TARGET_DIR")
                .run()?,
            Self::Test => from_readme(repository, "cargo test")?,
            Self::Demo => {
                from_readme(repository, "cargo run")?;
                // Off by default, so the README's test command leaves it out.
                let table = ["-p", "comicvine-demo", "--features", "dynamodb"];
                cargo(&[&["test", "--locked"], &table[..]].concat()).run()?;
            }
            Self::LintGenerated => return lint_generated::run(repository),
        }
        Ok(Outcome::Passed)
    }
}

fn from_readme(repository: &Repository, begin: &'static str) -> Result<(), Error> {
    let command = readme::command(repository, begin)?;
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    Cargo::new(repository, &arguments).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_called_by_its_name() {
        for step in Step::value_variants() {
            assert_eq!(Step::from_str(&step.name(), false), Ok(*step));
        }
    }
    #[test]
    fn the_page_on_testing_lists_the_steps_in_their_order() {
        let page = include_str!("../../../docs/testing.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let names = rows.filter_map(|row| row.split_once('`'));
        let listed: Vec<&str> = names.map(|(name, _)| name).collect();
        let steps: Vec<String> = Step::value_variants().iter().map(|it| it.name()).collect();
        assert_eq!(listed, steps);
    }
}
