//! Child processes that open the parent's file.

use std::path::{Path, PathBuf};

pub(crate) use store_conformance::children::{Process, Signal, argument, listen, say};

const FILE: &str = "STORE_SQLITE_TEST_FILE";

/// Starts the test with this path, which is ignored otherwise.
pub(crate) fn start(test: &str, file: &Path, argument: &str) -> Process {
    Process::start(test, argument, [(FILE, file)])
}

/// In a child: the database to open.
pub(crate) fn file() -> PathBuf {
    std::env::var_os(FILE).expect("started by a parent").into()
}
