//! A server that speaks DynamoDB, for tests and development: one process on loopback.
//!
//! It prints `listening on http://ADDRESS` once it answers. Lines on its standard input are commands:
//! `sweep` removes the items whose time to live has passed, as DynamoDB does some time within days,
//! and answers `swept N`. With `--with-parent` the end of the input ends the server, so that it never
//! outlives the process that started it, however that one ended.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dynoxide::Database;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// A server that speaks DynamoDB, for tests and development.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,

    /// Keep the tables in this file; without it they are gone with the process.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,

    /// End when the standard input ends.
    #[arg(long)]
    with_parent: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dynamodb-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let db = match &arguments.file {
        Some(path) => Database::new(&path.to_string_lossy())
            .map_err(|error| format!("cannot open {}: {error}", path.display()))?,
        None => Database::memory().map_err(|error| format!("cannot start: {error}"))?,
    };
    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("has no address: {error}"))?;
    say(&format!("listening on http://{address}")).await;
    let commands = obey(db.clone(), arguments.with_parent);
    let end = async move {
        tokio::select! {
            () = commands => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    tokio::select! {
        served = dynoxide::server::serve_with_shutdown(listener, db, std::future::pending()) => served,
        () = end => Ok(()),
    }
}

/// Does what the standard input says, until it ends.
async fn obey(db: Database, ends_with_input: bool) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match line.trim() {
            "" => {}
            "sweep" => match db.sweep_ttl() {
                Ok(count) => say(&format!("swept {count}")).await,
                Err(error) => say(&format!("failed: {error}")).await,
            },
            other => say(&format!("unknown command: {other}")).await,
        }
    }
    if !ends_with_input {
        std::future::pending::<()>().await;
    }
}

/// One line on the standard output, at once. Whoever started the server may have stopped listening.
async fn say(line: &str) {
    let mut out = tokio::io::stdout();
    if out.write_all(format!("{line}\n").as_bytes()).await.is_ok() {
        out.flush().await.ok();
    }
}
