//! What can be typed: the commands and the options they share. The API key is not among them,
//! because arguments show in the list of processes; and help shows no value that the environment
//! holds, because a key may have ended up in one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use store_core::Priority;

use crate::commands::budget::Budget;
use crate::commands::cache::Cache;
use crate::commands::get::Get;
use crate::commands::list::List;
use crate::commands::search::Search;
use crate::demo::Demo;
use crate::demo::worker::DemoWorker;

/// Ask the Comic Vine API, within its limits, together with everything else that uses your key.
///
/// Answers are kept in one database file, or in a DynamoDB table. Every program and every run that
/// opens the same one shares the answers, joins requests in flight, and stays within one budget: 200
/// requests per path and hour, one per second.
///
/// The API key is read from the environment variable `COMIC_VINE_API_KEY` or from a file
/// (`--api-key-file`). Get one at <https://comicvine.gamespot.com/api/>.
#[derive(Debug, Parser)]
#[command(name = "comicvine", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  export COMIC_VINE_API_KEY=…    # your own, from https://comicvine.gamespot.com/api/
  comicvine get issue 4000-319366
  comicvine list issues --filter volume:796 --sort cover_date:asc --limit 10
  comicvine search \"swamp thing\" --resources volume
  comicvine budget
  comicvine demo                 # needs no key

Programs on one machine share a file, those on many a table:
  comicvine --store sqlite:///var/lib/comics.db get issue 4000-319366
  comicvine --store 'dynamodb://comics?region=eu-central-1' budget
  comicvine --store 'dynamodb://comics?endpoint=http://127.0.0.1:8000' cache stats
  comicvine --store memory:// search saga      # leaves nothing behind

Exit status: 0 done; 1 it could not be done now; 2 it was asked for wrongly.

`comicvine help <COMMAND>` has more examples.";

/// Options of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings of every command")]
pub(crate) struct Global {
    // What an argument or the environment says of the store is weighed in `store/address.rs`: clap
    // would repeat a wrong value, and that may hold credentials.
    /// Where answers and budget are kept: `sqlite://PATH`, `memory://` or
    /// `dynamodb://TABLE?region=REGION&endpoint=URL` [default: a database file in the platform's
    /// data directory] [env: `COMIC_VINE_STORE`].
    ///
    /// A path is relative, or absolute with three slashes, and may be percent-encoded. Region and
    /// endpoint may be left out; credentials are found as the AWS command line finds them, and at an
    /// endpoint on this machine made-up ones do.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) store: Option<String>,

    /// The database file, created if it is not there; short for `--store sqlite://PATH` [env:
    /// `COMIC_VINE_DB_PATH`].
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) db: Option<PathBuf>,

    /// Where the API is, such as a proxy or a server for tests [default: the real one].
    #[arg(long, value_name = "URL", global = true)]
    #[arg(env = "COMIC_VINE_BASE_URL", hide_env_values = true)]
    pub(crate) base_url: Option<String>,

    /// A file that holds the API key, instead of `COMIC_VINE_API_KEY`.
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Who waits: `user` comes first, `background` leaves room for users.
    #[arg(long, value_name = "CLASS", global = true, default_value = "user")]
    pub(crate) priority: Priority,

    /// How long each request may wait for its turn, such as `30s` or `2h`.
    #[arg(long, value_name = "TIME", global = true, default_value = "1m", value_parser = duration)]
    pub(crate) max_wait: Duration,

    /// How to print results: a table to read, or JSON exactly as the API sent it.
    #[arg(
        long,
        short,
        value_name = "FORM",
        global = true,
        default_value = "table"
    )]
    pub(crate) output: Output,

    /// What to log to standard error, such as `debug` or `store_core=trace`.
    #[arg(long, value_name = "FILTER", global = true, default_value = "error")]
    #[arg(env = "COMIC_VINE_LOG", hide_env_values = true)]
    pub(crate) log: String,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table, shortened to what fits.
    Table,
    /// One JSON value: the resource, or an array of them.
    Json,
    /// One JSON value per line.
    Jsonl,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Get(Get),
    List(List),
    Search(Search),
    Budget(Budget),
    Cache(Cache),
    Demo(Demo),
    #[command(hide = true)]
    DemoWorker(DemoWorker),
}

/// Reads a number of things, of which there has to be one.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a whole number, 1 or more".to_owned()),
        Ok(count) => Ok(count),
    }
}

/// Reads `30s`, `2h` or `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as `30s`, `10m` or `2h`"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The arguments of an example, up to what the shell takes.
    fn arguments(line: &str) -> Vec<String> {
        let (mut words, mut quote) = (vec![String::new()], None);
        for character in line.chars() {
            match (character, quote) {
                (_, Some(open)) if open == character => quote = None,
                ('"' | '\'', None) => quote = Some(character),
                ('|' | '>' | '#', None) => break,
                (' ', None) => words.push(String::new()),
                _ => words.last_mut().unwrap().push(character),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_has_examples_and_every_example_can_be_typed() {
        let mut cli = Cli::command();
        cli.build();
        for command in cli.get_subcommands_mut() {
            if command.is_hide_set() || command.get_name() == "help" {
                continue;
            }
            let help = command.render_long_help().to_string();
            let examples: Vec<_> = help
                .lines()
                .filter(|line| line.starts_with("  comicvine "))
                .collect();
            assert!(!examples.is_empty(), "{help}");
            for example in examples {
                let parsed = Cli::try_parse_from(arguments(example));
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn help_fits_a_page() {
        let mut cli = Cli::command().term_width(100);
        cli.build();
        let own = cli.render_long_help().to_string();
        let others = cli
            .get_subcommands_mut()
            .filter(|command| !command.is_hide_set())
            .map(|command| command.render_long_help().to_string());
        for help in others.chain([own]) {
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }
}
