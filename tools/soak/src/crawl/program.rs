//! The program `comicvine`: built, started, and read row by row.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Deserialize;
use store_core::{Clock as _, SystemClock};

use crate::error::Error;

/// A row of the list, and when it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) at: Duration,
}

/// What one process lists.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) database: PathBuf,
    pub(super) base_url: String,
    pub(super) offset: u64,
    pub(super) rows: u64,
    pub(super) limit: String,
    pub(super) spacing: String,
}

#[derive(Clone, Debug)]
pub(super) struct Program(PathBuf);

/// A process, killed if it is given up before its end.
#[derive(Debug)]
pub(super) struct Running {
    process: Child,
    reader: Option<JoinHandle<()>>,
}

impl Program {
    pub(super) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Builds it beside this program.
    pub(super) fn build() -> Result<Self, Error> {
        let failed = |source| Error::Start {
            what: "the build of comicvine",
            source,
        };
        let this = std::env::current_exe().map_err(failed)?;
        let folders = this.parent().zip(this.parent().and_then(Path::parent));
        let (profile, target) = folders.ok_or_else(|| failed(ErrorKind::NotFound.into()))?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build
            .args(["build", "--quiet", "--locked", "--package", "comicvine-cli"])
            .args([
                "--manifest-path",
                concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"),
            ])
            .arg("--target-dir")
            .arg(target);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let status = build.status().map_err(failed)?;
        if !status.success() {
            return Err(Error::Program {
                what: "the build of comicvine",
                status,
            });
        }
        let name = format!("comicvine{}", std::env::consts::EXE_SUFFIX);
        Ok(Self(profile.join(name)))
    }

    /// The ids of the first `rows` issues, from a server without limits.
    pub(super) fn list_at_once(&self, base_url: &str, rows: u64) -> Result<BTreeSet<u64>, Error> {
        let mut command = self.list(base_url, 0, rows);
        command.args(["--store", "memory://", "--spacing", "0s"]);
        let mut process = spawn(&mut command)?;
        let mut ids = BTreeSet::new();
        if let Some(output) = process.stdout.take() {
            read(output, |id| {
                ids.insert(id);
            });
        }
        ended(process)?;
        Ok(ids)
    }

    /// Starts a process whose rows are sent to `rows`.
    pub(super) fn start(
        &self,
        listing: &Listing,
        clock: SystemClock,
        rows: Sender<Row>,
    ) -> Result<Running, Error> {
        let mut command = self.list(&listing.base_url, listing.offset, listing.rows);
        command
            .arg("--db")
            .arg(&listing.database)
            .args(["--page-size", "1", "--max-wait", "1h"])
            .args(["--limit-per-hour", &listing.limit])
            .args(["--spacing", &listing.spacing]);
        let mut process = spawn(&mut command)?;
        let reader = process.stdout.take().map(|output| {
            thread::spawn(move || {
                read(output, |id| {
                    let at = clock.monotonic();
                    // Nobody waits for rows after an error.
                    let _ = rows.send(Row { id, at });
                });
            })
        });
        Ok(Running { process, reader })
    }

    fn list(&self, base_url: &str, offset: u64, rows: u64) -> Command {
        let mut command = Command::new(&self.0);
        command
            .args(["list", "issues", "--fields", "id", "--output", "jsonl"])
            .args([
                "--offset",
                &offset.to_string(),
                "--limit",
                &rows.to_string(),
            ])
            .env("COMIC_VINE_API_KEY", "soak")
            .env("COMIC_VINE_BASE_URL", base_url)
            .env_remove("COMIC_VINE_STORE")
            .env_remove("COMIC_VINE_DB_PATH");
        command
    }
}

impl Running {
    /// Waits for its end, which must be a success.
    pub(super) fn end(mut self) -> Result<(), Error> {
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has said so.
            let _ = reader.join();
        }
        let status = self.process.wait().map_err(not_started)?;
        check(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and that is all that can go wrong here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(command: &mut Command) -> Result<Child, Error> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().map_err(not_started)
}

fn ended(mut process: Child) -> Result<(), Error> {
    check(process.wait().map_err(not_started)?)
}

fn check(status: std::process::ExitStatus) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    let what = "comicvine";
    Err(Error::Program { what, status })
}

fn not_started(source: std::io::Error) -> Error {
    Error::Start {
        what: "comicvine",
        source,
    }
}

/// Reads the ids of the rows.
fn read(output: ChildStdout, mut on_id: impl FnMut(u64)) {
    #[derive(Deserialize)]
    struct Id {
        id: u64,
    }
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        // What is no row is missed in the list.
        if let Ok(row) = serde_json::from_str::<Id>(&line) {
            on_id(row.id);
        }
    }
}
