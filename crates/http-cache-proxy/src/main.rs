//! `http-cache-proxy`: an HTTP cache in front of origins, by RFC 9111.
//!
//! Exit status: 0 after SIGINT or SIGTERM; 1 if it cannot serve; 2 wrong usage. `http-cache-proxy db` looks at the file
//! of responses: 0 if that succeeded, 1 if not.

mod access_log;
mod admin;
mod allow;
mod args;
mod config;
mod db;
mod descriptors;
mod error;
mod exchange;
mod host;
mod http2;
mod jobs;
mod max_forwards;
mod metrics;
mod observed;
mod output;
mod plain;
mod record;
mod reload;
mod routing;
mod serve;
mod socket;
mod storage;
mod timed;
mod tls;
mod token;
mod upstream;
mod via;
mod warnings;

use std::process::ExitCode;

use http_cache_db::ErrorChain;

use args::{Arguments, Command};
use error::Error;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::of_process()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            serve::report(&format_args!("error: {}", ErrorChain(&error)));
            error.exit_code()
        }
    }
}

async fn run(mut arguments: Arguments) -> Result<(), Error> {
    match arguments.command.take() {
        Some(Command::Db(db)) => db::run(db).await,
        None if arguments.check => check(&arguments),
        None => serve::run(arguments).await,
    }
}

/// Checks the settings and what they name, and prints what would be served.
fn check(arguments: &Arguments) -> Result<(), Error> {
    let config = arguments.config()?;
    if let Some(files) = &config.tls {
        files.read()?;
    }
    output::print(&config.table())
}
