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

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use failure::Failure;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match start_log(&cli.global.log) {
        Ok(()) => run(cli).await,
        Err(failure) => Err(failure),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Get(get) => commands::get::run(global, get).await,
        Command::List(list) => commands::list::run(global, list).await,
        Command::Search(search) => commands::search::run(global, search).await,
        Command::Budget => commands::budget::run(global).await,
        Command::Demo(demo) => demo::run(demo).await,
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
