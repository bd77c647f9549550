//! The emulator as a child process. It ends when its standard input closes, however this process ends.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::Error;

/// Loopback, any free port.
const ANY_PORT: &str = "127.0.0.1:0";

/// A running emulator, ended on drop.
///
/// ```
/// let emulator = dynamodb_local::Emulator::start()?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// assert_eq!(emulator.sweep()?, 0);
/// # Ok::<(), dynamodb_local::Error>(())
/// ```
#[derive(Debug)]
pub struct Emulator {
    url: String,
    file: Option<PathBuf>,
    process: Process,
}

#[derive(Debug)]
struct Process {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Emulator {
    /// Builds the emulator if it is out of date and starts it on a free port with its tables in memory. Blocks.
    ///
    /// # Errors
    /// [`Error::Build`], [`Error::Start`], or [`Error::Unexpected`] if it does not report its address.
    pub fn start() -> Result<Self, Error> {
        Self::start_at(ANY_PORT, None)
    }

    /// Starts an emulator on a free port with its tables in `file`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_on_file(file: &Path) -> Result<Self, Error> {
        Self::start_at(ANY_PORT, Some(file))
    }

    /// Starts an emulator at an address such as `127.0.0.1:8000` with its tables in `file`, or in memory.
    ///
    /// # Errors
    /// As [`start`](Self::start); [`Error::Unexpected`] also if the port is in use.
    pub fn start_at(address: &str, file: Option<&Path>) -> Result<Self, Error> {
        let (url, process) = launch(address, file)?;
        Ok(Self {
            url,
            file: file.map(Path::to_owned),
            process,
        })
    }

    /// Kills the process, as a power failure would. Its address refuses connections until
    /// [`restart`](Self::restart).
    pub fn kill(&mut self) {
        self.process.end();
    }

    /// Kills the process, if it still runs, and starts another at the same address on the same file. Without a
    /// file the tables are lost.
    ///
    /// # Errors
    /// As [`start_at`](Self::start_at).
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.end();
        let address = self.url.trim_start_matches("http://");
        let (_, process) = launch(address, self.file.as_deref())?;
        self.process = process;
        Ok(())
    }

    /// Waits for the process to exit.
    ///
    /// # Errors
    /// The error of waiting for the child process.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.child.wait()
    }

    /// URL of the server, such as `http://127.0.0.1:8000`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Removes the items whose time to live has passed, as DynamoDB does within days, and returns their number.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if the emulator has ended or fails.
    pub fn sweep(&self) -> Result<u64, Error> {
        let mut pipes = self
            .process
            .pipes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *pipes;
        let mut answer = String::new();
        let asked = writeln!(input, "sweep").and_then(|()| output.read_line(&mut answer));
        let swept = answer.trim().strip_prefix("swept ");
        match (asked, swept.and_then(|count| count.parse().ok())) {
            (Ok(_), Some(count)) => Ok(count),
            (asked, _) => Err(Error::Unexpected {
                output: asked.err().map_or(answer, |error| error.to_string()),
                expected: "the number of removed items",
            }),
        }
    }
}

impl Process {
    fn end(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts the program and reads its address.
fn launch(address: &str, file: Option<&Path>) -> Result<(String, Process), Error> {
    let program = build()?;
    let failed = |source| Error::Start {
        program: program.clone(),
        source,
    };
    let mut command = Command::new(&program);
    command.args(["--with-parent", "--listen", address]);
    if let Some(file) = file {
        command.arg("--file").arg(file);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(io::Error::other("it has no input and output")));
    };
    let mut output = BufReader::new(output);
    let mut line = String::new();
    let read = output.read_line(&mut line);
    let process = Process {
        child,
        pipes: Mutex::new((input, output)),
    };
    read.map_err(failed)?;
    match line.trim().strip_prefix("listening on ") {
        Some(url) => Ok((url.to_owned(), process)),
        None => Err(Error::Unexpected {
            output: line,
            expected: "its address",
        }),
    }
}

/// Builds the emulator in its own workspace and target folder and returns the path of the program. Runs once per
/// process; a fraction of a second if the build is up to date.
///
/// # Errors
/// [`Error::Build`]; the compiler's messages go to standard error.
pub fn build() -> Result<PathBuf, Error> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = BUILT.get() {
        return Ok(program.clone());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/dynamodb-emulator");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--locked"])
        .current_dir(&folder);
    // The values of the cargo that runs the tests belong to another workspace.
    for name in ["CARGO_TARGET_DIR", "RUSTFLAGS"] {
        command.env_remove(name);
    }
    let source = match command.status() {
        Ok(status) if status.success() => {
            let program = folder.join("target/debug/dynamodb-emulator");
            return Ok(BUILT.get_or_init(|| program).clone());
        }
        Ok(_) => None,
        Err(source) => Some(source),
    };
    Err(Error::Build { folder, source })
}
