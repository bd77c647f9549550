//! `cargo xtask soak`: real processes against each other, for as long as one likes.
//!
//! A soak is a file of its own with its options, what one worker does and how the whole is judged;
//! an arm of [`Soak`] and one of [`Kind`]. How workers are started and heard is in `crew`.

mod crew;
mod measure;
mod stores;
mod window;

use std::time::Duration;

use clap::{Subcommand, ValueEnum};

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
}

impl Kind {
    /// As written on the command line.
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

pub(crate) fn run(args: Args) -> Result<(), Error> {
    match args.soak {
        Soak::Window(args) => window::run(&args),
        Soak::Stores(args) => stores::run(&args),
        Soak::Worker { kind } => match kind {
            Kind::Window => window::work(),
            Kind::Stores => stores::work(),
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
