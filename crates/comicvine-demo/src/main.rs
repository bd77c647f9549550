//! The demo: two processes share one rate limit over one store, and one of them crashes.
//!
//! The API server runs in this process and counts the requests that it receives. The two workers are
//! processes of this program that share nothing but the store.
//!
//! Exit status: 0 all properties held; 1 one was violated, or the demo failed; 2 wrong usage.

mod admissions;
mod backend;
mod checks;
mod demo;
mod error;
mod events;
mod options;
mod output;
mod plan;
mod progress;
mod report;
mod server;
mod settings;
mod worker;
mod worker_process;

use std::process::ExitCode;

use clap::Parser;

use error::Error;
use options::{Command, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    // Dropping the future ends the workers and deletes the folder of the demo.
    let result = tokio::select! {
        result = run(options) => result,
        Ok(()) = tokio::signal::ctrl_c() => Err(Error::interrupted()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

async fn run(options: Options) -> Result<(), Error> {
    match options.command {
        Some(Command::Worker(worker)) => worker::run(worker).await,
        None => demo::run(options.demo).await,
    }
}
