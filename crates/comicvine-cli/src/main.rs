//! The command `comicvine`.
//!
//! Exit status: 0 success; 1 failure; 2 wrong usage or setting, which trying again does not help.

mod cli;
mod commands;
mod error;
mod eta;
mod fields;
#[cfg(feature = "images")]
mod inline_image;
mod log;
mod names;
mod options;
mod output;
#[cfg(feature = "keyring")]
mod platform_keyring;
#[cfg(not(feature = "keyring"))]
#[path = "without_keyring.rs"]
mod platform_keyring;
mod progress;
mod session;
mod stop_signal;
mod store;
mod waits;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use cli::{Cli, Command};
use error::Error;
use options::OutputFormat;
use stop_signal::stop_signal;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = parse();
    let result = match log::start(&cli.global.log) {
        // Dropping the command releases its leases and clears its progress bars.
        Ok(()) => tokio::select! {
            result = run(cli) => result,
            status = stop_signal() => Err(Error::Stopped { status }),
        },
        Err(failure) => Err(failure),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Parses the command line. Without a command it prints the help.
fn parse() -> Cli {
    let parsed = Cli::with_plain_usage().try_get_matches();
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| {
        if error.kind() == ErrorKind::MissingSubcommand {
            // Still wrong usage: help goes to standard error, and the status is 2.
            output::print_notice(&Cli::command().render_help().to_string());
            std::process::exit(2);
        }
        error.exit()
    })
}

async fn run(cli: Cli) -> Result<(), Error> {
    let global = &cli.global;
    if global.output == OutputFormat::Csv && !cli.command.prints_resources() {
        return Err(Error::usage(
            "csv is a form of get, list, search and types; write --output table, json or jsonl",
        ));
    }
    match cli.command {
        Command::Get(get) => commands::get::run(global, get).await,
        Command::List(list) => commands::list::run(global, list).await,
        Command::Search(search) => commands::search::run(global, search).await,
        Command::Types(types) => commands::types::run(global, types).await,
        Command::Sync(sync) => commands::sync::run(global, sync).await,
        Command::Budget(budget) => commands::budget::run(global, budget).await,
        Command::Cache(cache) => commands::cache::run(global, cache).await,
        Command::Db(db) => commands::db::run(global, db).await,
        Command::Table(table) => commands::table::run(global, table).await,
        Command::Key(key) => commands::key::run(&key).await,
        Command::Completions(completions) => {
            commands::completions::run(&completions, Cli::command())
        }
        Command::Man(man) => commands::man::run(&man, Cli::with_plain_usage()),
    }
}
