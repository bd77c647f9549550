//! `cargo xtask soak`: real processes against each other, for as long as one likes.
//!
//! A soak is a file of its own with its options, what one worker does and how the whole is judged;
//! an arm of [`Soak`] and one of [`Kind`]. How workers are started and heard is in `crew` and `crowd`,
//! what they do with the three stores in `load`.

mod crew;
mod crowd;
mod dynamodb;
mod load;
mod measure;
mod offset;
mod stores;
mod tally;
mod window;

use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::path::Path;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Error;

/// What to soak.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    soak: Soak,
}

#[derive(Debug, Subcommand)]
enum Soak {
    Window(window::Args),
    Stores(stores::Args),
    #[command(name = "dynamodb")]
    DynamoDb(dynamodb::Args),
    /// One process of a soak, started by the soak.
    #[command(hide = true)]
    Worker {
        /// What it works for.
        #[arg(value_enum)]
        kind: Kind,
    },
}

/// The soaks that have workers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Kind {
    Window,
    Stores,
    DynamoDb,
    DynamoDbWindow,
}

impl Kind {
    /// As written on the command line.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

pub(crate) fn run(args: Args) -> Result<(), Error> {
    match args.soak {
        Soak::Window(args) => window::run(&args),
        Soak::Stores(args) => stores::run(&args),
        Soak::DynamoDb(args) => dynamodb::run(&args),
        Soak::Worker { kind } => match kind {
            Kind::Window => window::work(),
            Kind::Stores => stores::work(),
            Kind::DynamoDb => dynamodb::work(),
            Kind::DynamoDbWindow => dynamodb::work_on_window(),
        },
    }
}

/// Reads a length of time that can be told apart from none in whole milliseconds.
fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_millis(1) || time.subsec_nanos() % 1_000_000 != 0 {
        return Err("whole milliseconds, at least one".to_owned());
    }
    Ok(time)
}

fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir(folder).map_err(Error::file("create", folder))
}

/// The end of a soak, by how many of its runs failed.
fn outcome(failed: usize, runs: usize) -> Result<(), Error> {
    if failed == 0 {
        return Ok(());
    }
    Err(Error::Soak { failed, runs })
}

/// A bar on a terminal, a line elsewhere.
fn progress(name: &str, duration: Duration) -> ProgressBar {
    if !stderr().is_terminal() {
        eprintln!("run {name}");
        return ProgressBar::hidden();
    }
    let length = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let bar = ProgressBar::new(length).with_message(format!("run {name}"));
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %, {eta} left");
    bar.with_style(style.unwrap_or_else(|_invalid| ProgressStyle::default_bar()))
}
