//! `http-cache-proxy db`, on a file that a proxy has filled, and while one runs on it.

mod changes;
mod looks;
mod page;
mod purge;
mod query;
mod url;
mod usage;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::origin::{Origin, response};
use crate::running::{Proxy, command};

/// What a command printed, and its exit status.
pub(crate) struct Printed {
    pub(crate) status: Option<i32>,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

impl Printed {
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.output).unwrap()
    }

    /// The cells of the row whose first cell is this.
    pub(crate) fn row(&self, first: &str) -> Vec<&str> {
        let mut rows = self.text().lines().map(cells);
        let found = rows.find(|cells| cells.first() == Some(&first));
        found.unwrap_or_else(|| panic!("no row {first}:\n{}", self.text()))
    }
}

pub(crate) fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim_matches('│');
    inner.split(['┆', '│']).map(str::trim).collect()
}

/// Runs a command, whatever comes of it.
pub(crate) fn attempt(file: &Path, arguments: &[&str]) -> Printed {
    let of_file = ["--db", file.to_str().unwrap()];
    let mut command = command(&[&["db"], arguments, &of_file].concat());
    let output = command.output().unwrap();
    Printed {
        status: output.status.code(),
        output: output.stdout,
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command that succeeds.
pub(crate) fn db(file: &Path, arguments: &[&str]) -> Printed {
    let printed = attempt(file, arguments);
    assert_eq!(printed.status, Some(0), "{arguments:?}: {}", printed.errors);
    assert_eq!(printed.errors, "", "{arguments:?}");
    printed
}

/// What a command prints as JSON.
pub(crate) fn json(file: &Path, arguments: &[&str]) -> Value {
    let printed = db(file, &[arguments, &["--format", "json"]].concat());
    serde_json::from_slice(&printed.output).unwrap()
}

/// An origin, a proxy on a file, and a few responses in it.
pub(crate) struct Filled {
    pub(crate) origin: Origin,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) file: PathBuf,
    _folder: TempDir,
}

/// The body of `/issues`, in the n-th version.
pub(crate) fn issues(version: usize) -> String {
    format!("[{}{version}]", "{\"name\": \"Saga\"}, ".repeat(100))
}

impl Filled {
    /// `/issues` in its second version; `/stale` used once; `/copy` and `/other` with equal bodies; `/key` with a
    /// secret.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.db");
        let counter = std::sync::atomic::AtomicUsize::new(0);
        let origin = Origin::start(move |head| {
            let path = head.split(' ').nth(1).unwrap_or_default();
            if path.starts_with("/issues") {
                let version = 1 + counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let fields = [
                    "Content-Type: application/json; charset=utf-8",
                    "Cache-Control: max-age=60, must-revalidate",
                    "ETag: \"a\"",
                ];
                return response("200 OK", &fields, &issues(version));
            }
            let age = if path == "/stale" {
                "max-age=0, stale-while-revalidate=0"
            } else {
                "max-age=600"
            };
            let control = format!("Cache-Control: {age}");
            let fields = ["Content-Type: text/plain", &control, "Surrogate-Key: texts"];
            let body = if path == "/stale" {
                "\u{e9}\0 stale"
            } else {
                "the same"
            };
            response("200 OK", &fields, body)
        });
        let proxy = Proxy::on_file(&origin.url(), &file, &["--versions", "3"]);
        proxy.send("GET", "/issues", &["Accept: application/json"]);
        proxy.send("GET", "/issues", &["Cache-Control: no-cache"]);
        for path in ["/stale", "/copy", "/other", "/key?token=s3cret-1"] {
            assert_eq!(proxy.get(path).status(), 200);
        }
        for _ in 0..3 {
            assert!(proxy.get("/issues").cache_status().starts_with("hit"));
        }
        Self {
            origin,
            proxy: Some(proxy),
            file,
            _folder: folder,
        }
    }

    /// The same, after the proxy has ended.
    pub(crate) fn at_rest() -> Self {
        let mut filled = Self::new();
        filled.stop();
        filled
    }

    pub(crate) fn stop(&mut self) {
        let proxy = self.proxy.take().unwrap();
        let (status, _, errors) = proxy.stop();
        assert_eq!((status, &errors[..]), (Some(0), ""));
    }

    pub(crate) fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin.url())
    }
}
