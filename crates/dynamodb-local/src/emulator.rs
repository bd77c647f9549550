//! The emulator as a child process. It ends when its input does, however this process ends.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// A running emulator, with no tables. Dropping it ends it.
#[derive(Debug)]
pub struct Emulator {
    url: String,
    child: Child,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Emulator {
    /// Builds the emulator if it is missing or older than its sources, and starts it on a free port.
    ///
    /// # Errors
    /// If it cannot be built or does not start.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&["--with-parent"])
    }

    /// The same, keeping its tables in `file`, on the address that it had before, if there is one.
    ///
    /// # Errors
    /// If it cannot be built or does not start.
    pub fn start_on_file(file: &Path, address: Option<&str>) -> Result<Self, Error> {
        let file = file.to_string_lossy();
        let mut arguments = vec!["--with-parent", "--file", &file];
        if let Some(address) = address {
            arguments.extend(["--listen", address]);
        }
        Self::start_with(&arguments)
    }

    fn start_with(arguments: &[&str]) -> Result<Self, Error> {
        let program = built()?;
        let failed = |source| Error::Start {
            program: program.clone(),
            source,
        };
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(io::Error::other("it has no input and output")));
        };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line).map_err(failed)?;
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            return Err(Error::Unexpected {
                said: line,
                expected: "its address",
            });
        };
        Ok(Self {
            url: url.to_owned(),
            child,
            talk: Mutex::new((input, output)),
        })
    }

    /// Where it listens, such as `http://127.0.0.1:8000`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Removes the items whose time to live has passed, as DynamoDB does some time within days, and
    /// returns how many there were.
    ///
    /// # Errors
    /// If the emulator has ended or cannot sweep.
    pub fn sweep(&self) -> Result<u64, Error> {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *talk;
        let mut answer = String::new();
        let asked = writeln!(input, "sweep").and_then(|()| output.read_line(&mut answer));
        let swept = answer.trim().strip_prefix("swept ");
        match (asked, swept.and_then(|count| count.parse().ok())) {
            (Ok(_), Some(count)) => Ok(count),
            (asked, _) => Err(Error::Unexpected {
                said: asked.err().map_or(answer, |error| error.to_string()),
                expected: "how many items it swept",
            }),
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Builds the emulator in its own workspace, with the target folder that it has there.
fn built() -> Result<PathBuf, Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/dynamodb-emulator");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--locked"])
        .current_dir(&folder)
        // Those of the cargo that runs the tests are about another workspace.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .status();
    match status {
        Ok(status) if status.success() => Ok(folder.join("target/debug/dynamodb-emulator")),
        Ok(_) => Err(Error::Build {
            folder,
            source: None,
        }),
        Err(source) => Err(Error::Build {
            folder,
            source: Some(source),
        }),
    }
}
