//! Chores that are programs of their own: cargo builds and starts them, with the arguments that the
//! chore was given, where it was called.

use std::ffi::OsString;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;

/// The arguments after the chore's name.
#[derive(Debug, clap::Args)]
pub(crate) struct Rest {
    /// Arguments of the program; `--help` lists them.
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) arguments: Vec<OsString>,
}

/// A program that a chore forwards to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Program {
    Migrate,
    SetupDynamo,
    DynamoDbLocal,
    Soak,
    Bench,
    BenchHttpCache,
}

const MANIFEST: &str = "Cargo.toml";
/// A workspace of its own, so that the other one compiles no benchmark.
const BENCH_MANIFEST: &str = "tools/bench/Cargo.toml";
/// Another, as its peers are many crates.
const BENCH_HTTP_CACHE_MANIFEST: &str = "tools/bench-http-cache/Cargo.toml";

impl Program {
    /// The benchmark that the first argument names, which is left out then, or that of the stores.
    pub(crate) fn bench(rest: &mut Rest) -> Self {
        if rest
            .arguments
            .first()
            .is_some_and(|name| name == "http-cache")
        {
            rest.arguments.remove(0);
            return Self::BenchHttpCache;
        }
        Self::Bench
    }

    /// Runs the program in place of this one; returns only if it cannot be started.
    pub(crate) fn exec(self, repository: &Repository, rest: Rest) -> Error {
        Cargo::forward(&self.command(repository, rest.arguments)).exec()
    }

    /// The arguments for cargo.
    fn command(self, repository: &Repository, arguments: Vec<OsString>) -> Vec<OsString> {
        // By its manifest, so that the program runs in the caller's directory.
        let manifest = match self {
            Self::Bench => BENCH_MANIFEST,
            Self::BenchHttpCache => BENCH_HTTP_CACHE_MANIFEST,
            Self::Migrate | Self::SetupDynamo | Self::DynamoDbLocal | Self::Soak => MANIFEST,
        };
        let mut command: Vec<OsString> = ["run", "--quiet", "--manifest-path"]
            .map(OsString::from)
            .to_vec();
        command.push(repository.root().join(manifest).into());
        let is_http_cache = arguments.first().is_some_and(|first| first == "http-cache");
        let words: &[&str] = match self {
            Self::Migrate if is_http_cache => {
                &["--package", "http-cache-proxy", "--", "db", "migrate"]
            }
            Self::Migrate => &["--package", "comicvine-cli", "--", "db"],
            Self::SetupDynamo => &["--package", "comicvine-cli", "--", "table", "setup"],
            Self::DynamoDbLocal => &["--package", "dynamodb-local", "--"],
            Self::Soak => &["--package", "soak", "--"],
            // Figures want a build for release.
            Self::Bench | Self::BenchHttpCache => &["--release", "--"],
        };
        command.extend(words.iter().map(OsString::from));
        match self {
            Self::Migrate if is_http_cache => command.extend(arguments.into_iter().skip(1)),
            Self::Migrate => command.extend(migrate(arguments)),
            Self::SetupDynamo
            | Self::DynamoDbLocal
            | Self::Soak
            | Self::Bench
            | Self::BenchHttpCache => command.extend(arguments),
        }
        command
    }
}

/// Arguments of `migrate`, as `comicvine db` takes them. The word `sqlite` may come first, as in the
/// earlier form, and without an action it is `up`.
fn migrate(arguments: Vec<OsString>) -> impl Iterator<Item = OsString> {
    const ACTIONS: [&str; 7] = ["status", "plan", "up", "down", "help", "--help", "-h"];
    let is_action = |word: &OsString| ACTIONS.iter().any(|action| word == action);
    let action = (!arguments.iter().any(is_action)).then(|| "up".into());
    let backend = usize::from(arguments.first().is_some_and(|first| first == "sqlite"));
    arguments.into_iter().skip(backend).chain(action)
}
