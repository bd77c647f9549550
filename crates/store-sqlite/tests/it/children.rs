//! Child processes that open the parent's file.

use std::path::{Path, PathBuf};

use store_conformance::child_process;
pub(crate) use store_conformance::child_process::{
    ChildProcess, Signal, receive_from_parent, send_to_parent,
};

const FILE: &str = "STORE_SQLITE_TEST_FILE";
const ARGUMENT: &str = "STORE_SQLITE_TEST_ARGUMENT";

/// Starts an ignored test, by its path, that opens `file`.
pub(crate) fn start(test: &str, file: &Path, argument: &str) -> ChildProcess {
    let mut command = child_process::command(test);
    command.env(FILE, file).env(ARGUMENT, argument);
    ChildProcess::spawn(command)
}

/// In a child: the file to open.
pub(crate) fn file() -> PathBuf {
    std::env::var_os(FILE).expect("started by a parent").into()
}

/// In a child: the argument that the parent started it with.
pub(crate) fn argument() -> String {
    std::env::var(ARGUMENT).expect("started by a parent")
}
