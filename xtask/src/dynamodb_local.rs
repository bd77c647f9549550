//! `cargo xtask dynamodb-local`: a server that speaks DynamoDB, in the foreground.

use std::path::PathBuf;

use dynamodb_local::Emulator;

use crate::error::Error;

/// Where it listens, and what it keeps.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The port, on this machine only; 0 takes any that is free.
    #[arg(long, default_value_t = 8000)]
    port: u16,

    /// Keep the tables in this file [default: they are gone with the server].
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
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
    println!("create the table:  cargo xtask setup-dynamo --endpoint-url {url}");
    println!("use it in tests:   DYNAMODB_ENDPOINT_URL={url} cargo test -p store-dynamodb");
    println!("end it:            Ctrl-C");
    let status = emulator.wait().map_err(|source| Error::Start {
        command: "dynamodb-emulator".to_owned(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        command: "dynamodb-emulator".to_owned(),
        status,
    })
}
