//! `http-cache-proxy`: an HTTP cache in front of an origin, by RFC 9111.
//!
//! Exit status: 0 after SIGINT or SIGTERM; 1 if it cannot serve; 2 wrong usage.

mod access_log;
mod args;
mod config;
mod error;
mod exchange;
mod observed;
mod plain;
mod serve;
mod socket;
mod storage;
mod timed;
mod upstream;
mod via;

use std::process::ExitCode;

use clap::Parser;
use http_cache_db::ErrorChain;

use args::Arguments;
use error::Error;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            serve::report(&format_args!("error: {}", ErrorChain(&error)));
            error.exit_code()
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    let config = arguments.config()?;
    serve::run(config).await
}
