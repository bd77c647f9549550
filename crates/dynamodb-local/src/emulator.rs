//! The emulator as a child process. It ends when its input does, however this process ends.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::Error;

/// On this machine only, on any port that is free.
const ANY_PORT: &str = "127.0.0.1:0";

/// A running emulator. Dropping it ends it.
///
/// ```no_run
/// let emulator = dynamodb_local::Emulator::start()?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
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
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Emulator {
    /// Builds the emulator if it is missing or older than its sources, and starts it on a free port,
    /// without tables; they are gone with it.
    ///
    /// # Errors
    /// If it cannot be built or does not start.
    pub fn start() -> Result<Self, Error> {
        Self::start_at(ANY_PORT, None)
    }

    /// The same on a free port, with its tables in `file`.
    ///
    /// # Errors
    /// If it cannot be built or does not start.
    pub fn start_on_file(file: &Path) -> Result<Self, Error> {
        Self::start_at(ANY_PORT, Some(file))
    }

    /// The same at an address such as `127.0.0.1:8000`, with its tables in `file`, if there is one.
    ///
    /// # Errors
    /// If it cannot be built or does not start: the port may be taken.
    pub fn start_at(address: &str, file: Option<&Path>) -> Result<Self, Error> {
        let (url, process) = launch(address, file)?;
        Ok(Self {
            url,
            file: file.map(Path::to_owned),
            process,
        })
    }

    /// Kills it, as a power cut would. Nobody answers at its address until [`restart`](Self::restart).
    pub fn kill(&mut self) {
        self.process.end();
    }

    /// Kills it, if it still runs, and starts another at the same address, on the same file. Without a
    /// file its tables are gone.
    ///
    /// # Errors
    /// If it does not start: somebody may have taken the port meanwhile.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.end();
        let address = self.url.trim_start_matches("http://");
        let (_, process) = launch(address, self.file.as_deref())?;
        self.process = process;
        Ok(())
    }

    /// Waits until it ends by itself or is ended from outside, and tells how.
    ///
    /// # Errors
    /// If the process cannot be waited for.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.child.wait()
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
        let mut talk = self
            .process
            .talk
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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

/// Starts the program and waits for its address.
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
        talk: Mutex::new((input, output)),
    };
    read.map_err(failed)?;
    match line.trim().strip_prefix("listening on ") {
        Some(url) => Ok((url.to_owned(), process)),
        None => Err(Error::Unexpected {
            said: line,
            expected: "its address",
        }),
    }
}

/// Builds the emulator, in its own workspace and the target folder that it has there, once in a
/// process; where it is up to date that takes a fraction of a second.
///
/// # Errors
/// If it cannot be built; the compiler's words go to the standard error.
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
    // Those of the cargo that runs the tests are about another workspace.
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
