//! The command line of the demo, and that of its worker processes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use store_core::Priority;

const EXAMPLES: &str = "\
Examples, in a checkout of the project:
  cargo run -p comicvine-demo
  cargo run -p comicvine-demo -- --requests 60
  cargo run -p comicvine-demo -- --responses recorded/
  cargo run -p comicvine-demo -- --store tiered+sqlite
  cargo run -p comicvine-demo --features dynamodb -- --store dynamodb

Exit status: 0 every property held; 1 one was violated; 2 wrong usage.";

/// Watch two processes share one rate limit, against an API server on this machine.
///
/// Starts the API on loopback with scaled-down limits, and two processes that request an overlapping
/// set of resources over one database file. Kills one of them halfway and starts it again. At the end
/// it shows what was requested and what was sent, and checks that no limit was exceeded, that every
/// request was answered, and that nothing was fetched twice.
///
/// Needs no API key and no network.
///
/// `--store dynamodb` does the same over a DynamoDB table, which the demo creates and deletes, in a
/// build with the feature `dynamodb`. The table is created at `DYNAMODB_ENDPOINT_URL`; if that is not
/// set, the demo builds and starts a server, which ends with it.
#[derive(Debug, Parser)]
#[command(name = "comicvine-demo", version, max_term_width = 100, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) demo: DemoOptions,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Args, Debug)]
pub(crate) struct DemoOptions {
    /// Serve the recorded responses (`*.json`) below this folder instead of a generated catalogue.
    #[arg(long, value_name = "DIR")]
    pub(crate) responses: Option<PathBuf>,
    /// How many different requests the two processes make, if the server has as many resources.
    #[arg(long, value_name = "N", default_value = "300")]
    #[arg(value_parser = positive, allow_negative_numbers = true)]
    pub(crate) requests: usize,
    /// What the two processes share: `sqlite` or `dynamodb`. With `tiered+` before it each process keeps copies of
    /// cached responses in memory.
    #[arg(long, value_name = "KIND", default_value = "sqlite")]
    pub(crate) store: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(hide = true)]
    Worker(WorkerOptions),
}

/// One of the two worker processes.
#[derive(Args, Debug)]
pub(crate) struct WorkerOptions {
    /// The requests to make: a file with one JSON request per line.
    #[arg(long)]
    pub(crate) plan: PathBuf,
    /// The base URL of the API server.
    #[arg(long)]
    pub(crate) base_url: String,
    /// The priority class of the requests.
    #[arg(long)]
    pub(crate) priority: Priority,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

/// The store of a worker: a file or a table.
#[derive(Args, Debug)]
pub(crate) struct StoreOptions {
    /// Whether copies in memory come before the cache.
    #[arg(long)]
    pub(crate) tiered: bool,
    /// The database file.
    #[arg(long)]
    pub(crate) db: Option<PathBuf>,
    /// The DynamoDB table.
    #[cfg(feature = "dynamodb")]
    #[arg(long, requires = "endpoint_url")]
    pub(crate) table: Option<String>,
    /// Where the table is.
    #[cfg(feature = "dynamodb")]
    #[arg(long)]
    pub(crate) endpoint_url: Option<String>,
    /// The region of the table [default: the environment's].
    #[cfg(feature = "dynamodb")]
    #[arg(long)]
    pub(crate) region: Option<String>,
}

/// Parses a whole number of at least 1.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a whole number, 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_example_is_accepted_and_help_fits_a_page() {
        Options::command().debug_assert();
        let mut command = Options::command().term_width(100);
        let help = command.render_long_help().to_string();
        assert!(help.lines().all(|line| line.chars().count() <= 100));
        let examples: Vec<&str> = help
            .lines()
            .filter(|line| line.starts_with("  cargo run "))
            .collect();
        assert_eq!(examples.len(), 5, "{help}");
        for example in examples {
            let arguments = example.split_once(" -- ").map_or("", |(_, rest)| rest);
            let arguments = ["demo"].into_iter().chain(arguments.split_whitespace());
            assert!(Options::try_parse_from(arguments).is_ok(), "{example}");
        }
    }
}
