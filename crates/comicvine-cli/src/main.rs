//! The command `comicvine`.
//!
//! Exit status: 0 done; 1 it could not be done; 2 it was asked for wrongly, and trying again as it
//! stands is useless.

mod cli;
mod commands;
mod demo;
mod failure;
mod output;
mod progress;
mod session;
mod store;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use failure::Failure;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = parse();
    let result = match start_log(&cli.global.log) {
        // Dropping the command is what gives its leases back and clears its progress bars.
        Ok(()) => tokio::select! {
            result = run(cli) => result,
            Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        },
        Err(failure) => Err(failure),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// What was typed. Without a command, what there is to type.
fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        if error.kind() == ErrorKind::MissingSubcommand {
            // Asked for wrongly all the same: help is on standard error, and the status is 2.
            output::remark(&Cli::command().render_help().to_string());
            std::process::exit(2);
        }
        error.exit()
    })
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Get(get) => commands::get::run(global, get).await,
        Command::List(list) => commands::list::run(global, list).await,
        Command::Search(search) => commands::search::run(global, search).await,
        Command::Budget(_) => commands::budget::run(global).await,
        Command::Cache(cache) => commands::cache::run(global, cache).await,
        Command::Demo(demo) => demo::run(global, demo).await,
        Command::DemoWorker(worker) => demo::worker::run(global, worker).await,
    }
}

fn start_log(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("--log {filter}: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    Ok(())
}
