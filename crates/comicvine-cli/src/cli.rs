//! The commands, and the help that is common to all of them.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::budget::Budget;
use crate::commands::cache::Cache;
use crate::commands::completions::Completions;
use crate::commands::db::Db;
use crate::commands::get::Get;
use crate::commands::key::Key;
use crate::commands::list::List;
use crate::commands::man::Man;
use crate::commands::search::Search;
use crate::commands::sync::Sync;
use crate::commands::table::Table;
use crate::commands::types::Types;
use crate::options::GlobalOptions;

/// Query the Comic Vine API within its rate limits.
///
/// Answers and rate limits are stored in one database file, or in a DynamoDB table. Every program that
/// opens the same store shares the cached answers, joins requests in flight, and stays within the same
/// limits: 200 requests per path and hour, one per second.
///
/// The API key is read from the environment variable `COMIC_VINE_API_KEY` or from a file
/// (`--api-key-file`). Get one at <https://comicvine.gamespot.com/api/>.
#[derive(Debug, Parser)]
#[command(name = "comicvine", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
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

Programs on one machine share a file, programs on several machines a table:
  comicvine --store sqlite:///var/lib/comics.db get issue 4000-319366
  comicvine --store 'dynamodb://comics?region=eu-central-1' budget
  comicvine --store 'dynamodb://comics?endpoint=http://127.0.0.1:8000' cache stats
  comicvine --store memory:// search saga      # stores nothing

Set up the store beforehand, if you wish or have to:
  comicvine db status                          # the schema of a database file
  comicvine table setup --table comics         # a DynamoDB table, which must exist

Exit status: 0 success; 1 failure; 2 wrong usage or setting.

`comicvine help <COMMAND>` has more examples.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Get(Get),
    List(List),
    Search(Search),
    Types(Types),
    Sync(Sync),
    Budget(Budget),
    Cache(Cache),
    Db(Db),
    Table(Table),
    Key(Key),
    Completions(Completions),
    Man(Man),
}

impl Cli {
    /// The command line, with the same usage line in every message: clap would add the global options that the
    /// command line or the environment sets.
    pub(crate) fn with_plain_usage() -> clap::Command {
        let mut command = Self::command();
        command.build();
        plain_usage(command)
    }
}

fn plain_usage(mut command: clap::Command) -> clap::Command {
    let usage = command.render_usage().to_string();
    let below = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned());
    for name in below.collect::<Vec<_>>() {
        command = command.mut_subcommand(name, plain_usage);
    }
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    command.override_usage(usage)
}

impl Command {
    /// Whether it prints resources of the API, for which there is CSV.
    pub(crate) const fn prints_resources(&self) -> bool {
        match self {
            Self::Get(_) | Self::List(_) | Self::Search(_) | Self::Types(_) => true,
            Self::Sync(_)
            | Self::Budget(_)
            | Self::Cache(_)
            | Self::Db(_)
            | Self::Table(_)
            | Self::Key(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arguments of an example, without comments, pipes and redirections.
    fn arguments(line: &str) -> Vec<String> {
        let (mut words, mut quote) = (vec![String::new()], None);
        for character in line.chars() {
            match (character, quote) {
                (_, Some(open)) if open == character => quote = None,
                ('"' | '\'', None) => quote = Some(character),
                ('|' | '<' | '>' | '#', None) => break,
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
            if command.get_name() == "help" {
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

    /// The arguments of the commands in a page's blocks. Variables may be set in front.
    fn shown(page: &str) -> impl Iterator<Item = Vec<String>> {
        page.lines().map(arguments).filter_map(|mut words| {
            let command = words.iter().position(|word| word == "comicvine")?;
            let mut variables = words[..command].iter();
            let is_command = variables.all(|word| word.contains('='));
            is_command.then(|| words.split_off(command))
        })
    }

    #[test]
    fn the_commands_that_pages_show_can_be_typed() {
        for page in [
            include_str!("../../../README.md"),
            include_str!("../../../docs/operations.md"),
            include_str!("../../../docs/dynamodb.md"),
        ] {
            let commands: Vec<_> = shown(page).collect();
            assert!(commands.len() >= 5, "{commands:?}");
            for command in commands {
                let parsed = Cli::try_parse_from(&command);
                assert!(parsed.is_ok(), "{command:?}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn the_services_of_the_compose_file_share_a_file_and_can_be_started() {
        const RUN: &str = "command: cargo run --release --locked -p comicvine-cli -- ";
        let file = include_str!("../../../docker-compose.yml");
        let commands: Vec<_> = file
            .lines()
            .filter_map(|line| line.trim().strip_prefix(RUN))
            .map(|rest| arguments(&format!("comicvine {rest}")))
            .collect();
        assert_eq!(commands.len(), 2, "{commands:?}");
        for (command, priority) in commands.iter().zip(["user", "background"]) {
            let parsed = Cli::try_parse_from(command);
            assert!(parsed.is_ok(), "{command:?}: {}", parsed.unwrap_err());
            let end = ["--priority", priority].map(str::to_owned);
            assert!(command.ends_with(&end), "{command:?}");
        }
        assert_eq!(file.matches("<<: *comicvine").count(), commands.len());
        assert_eq!(file.matches("COMIC_VINE_DB_PATH: ").count(), 1);
    }

    /// The help of `command` and of everything below it.
    fn all_help(command: &mut clap::Command) -> Vec<String> {
        let mut helps = vec![command.render_long_help().to_string()];
        let below = command.get_subcommands_mut();
        for command in below.filter(|command| command.get_name() != "help") {
            helps.extend(all_help(command));
        }
        helps
    }

    #[test]
    fn help_fits_a_page_and_names_no_command_of_the_repository() {
        let mut cli = Cli::command().term_width(100);
        cli.build();
        let helps = all_help(&mut cli);
        assert!(helps.len() > 20, "{}", helps.len());
        for help in helps {
            assert!(!help.contains("cargo"), "{help}");
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }
}
