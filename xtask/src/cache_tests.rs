//! The public suite of HTTP cache tests (github.com/http-tests/cache-tests) against http-cache-proxy.
//!
//! Needs a checkout of the suite, installed with `npm install --omit=dev --ignore-scripts`, and Node.js. The
//! suite's server and the proxy listen on loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;

const LOOPBACK: &str = "xtask/cache-tests/loopback.cjs";
const REPORT: &str = include_str!("../cache-tests/report.mjs");
/// The ids of the tests that pass, a line each.
const PASSING: &str = "xtask/cache-tests/passing.txt";
/// The options of the proxy that some tests need; the published score names them.
const PROFILE: [&str; 2] = ["--replay-set-cookie", "--complete-unvalidated"];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder with a checkout of the suite
    #[arg(long, value_name = "DIR")]
    suite: PathBuf,

    /// Write the ids that pass to the list instead of comparing with it
    #[arg(long)]
    bless: bool,

    /// Keep responses in memory instead of a file
    #[arg(long)]
    memory: bool,
}

/// The results of one run: for each kind, which ids passed and which did not.
#[derive(Debug, Default)]
struct Results(BTreeMap<String, BTreeMap<String, bool>>);

pub(crate) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    Cargo::new(
        repository,
        &["build", "--release", "--package", "http-cache-proxy"],
    )
    .run()?;
    let setting = Setting::start(repository, args)?;
    println!("suite {}", commit(&args.suite)?);
    let mut passed = Results::parse(&setting.report(&setting.cli("")?)?).passed_and_print();
    let file = repository.root().join(PASSING);
    if args.bless {
        let ids: Vec<_> = passed.into_iter().collect();
        return fs::write(&file, ids.join("\n") + "\n").map_err(Error::file("write", PASSING));
    }
    let expected = fs::read_to_string(&file).map_err(Error::file("read", PASSING))?;
    let mut lost = Vec::new();
    for id in expected.lines().filter(|id| !passed.contains(*id)) {
        // Some tests depend on timing: each lost one gets a second try.
        if is_passed(&setting.cli(id)?) {
            println!("{id} passed when run again");
        } else {
            println!("{id} passed before, and does not now");
            lost.push(id.to_owned());
        }
    }
    for id in expected.lines() {
        passed.remove(id);
    }
    for id in &passed {
        println!("{id} is new: add it with --bless");
    }
    match lost.len() {
        0 => Ok(()),
        count => Err(Error::Lost { count }),
    }
}

impl Results {
    fn parse(report: &str) -> Self {
        let mut results = Self::default();
        for line in report.lines() {
            if let [kind, id, result] = line.split(' ').collect::<Vec<_>>()[..] {
                let of_kind = results.0.entry(kind.to_owned()).or_default();
                of_kind.insert(id.to_owned(), result == "passed");
            }
        }
        results
    }

    /// Prints the counts; the ids that passed.
    fn passed_and_print(self) -> BTreeSet<String> {
        let mut passed = BTreeSet::new();
        for (kind, results) in self.0 {
            let of_kind = results.iter().filter(|(_, is_passed)| **is_passed);
            let ids: Vec<_> = of_kind.map(|(id, _)| id.clone()).collect();
            println!("{kind} {} of {}", ids.len(), results.len());
            passed.extend(ids);
        }
        passed
    }
}

/// Whether the last line of a run of one test says that it passed.
fn is_passed(output: &str) -> bool {
    let last = output.trim_end().lines().next_back().unwrap_or_default();
    last.starts_with('✅') || last.starts_with('Y')
}

/// The suite's server and the proxy before it.
struct Setting {
    suite: PathBuf,
    base: String,
    _server: Running,
    _proxy: Running,
}

impl Setting {
    fn start(repository: &Repository, args: &Args) -> Result<Self, Error> {
        let (suite, port) = (&args.suite, free_port()?);
        let mut server = Command::new("node");
        server
            .arg("--require")
            .arg(repository.root().join(LOOPBACK))
            .arg("test-engine/server/server.mjs")
            .current_dir(suite)
            .envs([
                ("npm_config_protocol", "http"),
                ("npm_config_port", &port.to_string()),
                ("npm_config_pidfile", "/dev/null"),
            ]);
        let (server, _) = Running::start(server, "the suite's server")?;

        let mut proxy = Command::new(target(repository).join("release/http-cache-proxy"));
        let origin = format!("http://127.0.0.1:{port}");
        proxy
            .args(["--origin", &origin, "--listen", "127.0.0.1:0"])
            .args(PROFILE);
        let file = target(repository).join("cache-tests.db");
        // Of the run before; there may be none.
        let _none = fs::remove_file(&file);
        if args.memory {
            proxy.arg("--memory");
        } else {
            proxy.arg("--db").arg(&file);
        }
        let program = "http-cache-proxy";
        let (proxy, line) = Running::start(proxy, program)?;
        let base = line.split(' ').find(|word| word.starts_with("http://"));
        Ok(Self {
            suite: suite.clone(),
            base: base.ok_or(Error::NoAddress { program })?.to_owned(),
            _server: server,
            _proxy: proxy,
        })
    }

    /// The output of the suite's client for the test of this id, or for all if it is empty.
    fn cli(&self, id: &str) -> Result<String, Error> {
        let mut client = Command::new("node");
        client
            .args(["--no-warnings", "test-engine/cli.mjs"])
            .current_dir(&self.suite)
            .env("npm_config_base", &self.base)
            .env("npm_package_config_id", id);
        if !id.is_empty() {
            client.env("npm_config_id", id);
        }
        output(&mut client, "")
    }

    fn report(&self, results: &str) -> Result<String, Error> {
        let mut node = Command::new("node");
        node.args(["--input-type=module", "--eval", REPORT])
            .current_dir(&self.suite);
        output(&mut node, results)
    }
}

/// The folder that cargo builds into.
fn target(repository: &Repository) -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    set.unwrap_or_else(|| repository.root().join("target"))
}

fn commit(suite: &Path) -> Result<String, Error> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--short", "HEAD"])
        .current_dir(suite);
    Ok(output(&mut git, "")?.trim().to_owned())
}

/// Runs a program with this input; its output.
fn output(command: &mut Command, input: &str) -> Result<String, Error> {
    let failed = |detail: String| Error::NoResults { detail };
    let shown = command.get_program().to_string_lossy().into_owned();
    let start = |source| Error::Start {
        command: shown,
        source,
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start)?;
    if let Some(mut stdin) = child.stdin.take() {
        let written = stdin.write_all(input.as_bytes());
        written.map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A port that was free a moment ago: the suite's server takes no other form of address.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    let address = address.map_err(Error::file("listen on", "127.0.0.1"))?;
    Ok(address.port())
}

/// A program that runs until this is dropped.
struct Running {
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a program, and waits for its first line.
    fn start(mut command: Command, program: &'static str) -> Result<(Self, String), Error> {
        let start = |source| Error::Start {
            command: program.to_owned(),
            source,
        };
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(start)?;
        let stdout = child.stdout.take().ok_or(Error::NoAddress { program })?;
        let mut output = BufReader::new(stdout);
        let mut line = String::new();
        let read = output.read_line(&mut line);
        let running = Self {
            child,
            _output: output,
        };
        match read {
            Ok(length) if length > 0 => Ok((running, line.trim_end().to_owned())),
            _ => Err(Error::NoAddress { program }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_counted_by_kind() {
        let report = "required a passed\nrequired b failed\noptimal c passed\n";
        let results = Results::parse(report);
        assert_eq!(results.0["required"].len(), 2);
        let passed = results.passed_and_print();
        assert!(passed.iter().eq(["a", "c"]));
    }

    #[test]
    fn the_last_line_of_one_test_says_whether_it_passed() {
        assert!(is_passed("Running a\n==== Results\n✅ - \n"));
        assert!(is_passed("==== Results\nY - \n"));
        assert!(!is_passed("==== Results\n⛔️ - Response 2 is stale\n"));
        assert!(!is_passed(""));
    }
}
