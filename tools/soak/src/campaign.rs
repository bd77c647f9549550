//! Parts that every soak has: times on the command line, folders, progress and the outcome of its runs.

use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use tempfile::TempDir;

use crate::error::Error;

/// Parses a duration of whole milliseconds, at least one.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_millis(1) || time.subsec_nanos() % 1_000_000 != 0 {
        return Err("whole milliseconds, at least one".to_owned());
    }
    Ok(time)
}

pub(crate) fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir(folder).map_err(Error::file("create", folder))
}

/// The folder of a campaign: the named one, which is created and stays, or a temporary one.
#[derive(Debug)]
pub(crate) enum Folder {
    Named(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    pub(crate) fn open(named: Option<&Path>) -> Result<Self, Error> {
        let Some(named) = named else {
            let temporary = TempDir::new();
            let temporary = temporary.map_err(Error::file("create", "a temporary folder"))?;
            return Ok(Self::Temporary(temporary));
        };
        create(named)?;
        Ok(Self::Named(named.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// The outcome of a soak, by how many of its runs failed.
pub(crate) fn outcome(failed: usize, runs: usize) -> Result<(), Error> {
    if failed == 0 {
        return Ok(());
    }
    Err(Error::Soak { failed, runs })
}

/// A bar on a terminal, a line elsewhere.
pub(crate) fn progress(name: &str, duration: Duration) -> ProgressBar {
    if !stderr().is_terminal() {
        eprintln!("run {name}");
        return ProgressBar::hidden();
    }
    let length = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let bar = ProgressBar::new(length).with_message(format!("run {name}"));
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %, {eta} left");
    bar.with_style(style.unwrap_or_else(|_invalid| ProgressStyle::default_bar()))
}
