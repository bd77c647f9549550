//! `dynamodb-local`: a server that speaks DynamoDB, in the foreground.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

use std::error::Error;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use clap::Parser;
use dynamodb_local::Emulator;
use store_core::ErrorChain;

/// Start a server that speaks DynamoDB on this machine, for development.
#[derive(Debug, Parser)]
#[command(name = "dynamodb-local", bin_name = "cargo xtask dynamodb-local")]
struct Args {
    /// The port, on this machine only; 0 takes any that is free.
    #[arg(long, default_value_t = 8000)]
    port: u16,

    /// Keep the tables in this file [default: they are gone with the server].
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

fn main() -> ExitCode {
    match serve(&Args::parse()) {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => {
            eprintln!("error: the emulator ended with {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {}", ErrorChain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn serve(args: &Args) -> Result<ExitStatus, Box<dyn Error>> {
    println!("building the emulator, if need be");
    dynamodb_local::build()?;
    let address = format!("127.0.0.1:{}", args.port);
    let mut emulator = Emulator::start_at(&address, args.file.as_deref())?;
    let url = emulator.url();
    println!("listening on {url}");
    match &args.file {
        Some(file) => println!("tables are kept in {}", file.display()),
        None => println!("tables are gone when it ends; keep them with --file PATH"),
    }
    println!("create the table:  comicvine table setup --endpoint-url {url}");
    println!("use it in tests:   DYNAMODB_ENDPOINT_URL={url} cargo test -p store-dynamodb");
    println!("end it:            Ctrl-C");
    Ok(emulator.wait()?)
}
