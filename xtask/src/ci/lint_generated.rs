//! What `comicvine table print` writes, read by the tools that it is written for.
//!
//! These are programs in Python, which CI does not install; so the step runs only if it is named.

use std::process::Command;

use crate::error::Error;
use crate::repository::Repository;

use super::summary::Outcome;

const SCRIPT: &str = "tools/lint-generated.py";
const NOT_INSTALLED: &str = "python3 -m pip install awscli botocore cfn-lint python-hcl2";
/// The script's status if a package is missing.
const MISSING: i32 = 77;

pub(crate) fn run(repository: &Repository) -> Result<Outcome, Error> {
    let shown = format!("python3 {SCRIPT}");
    println!("$ {shown}");
    let mut command = Command::new("python3");
    let status = command.arg(SCRIPT).current_dir(repository.root()).status();
    let status = status.map_err(|source| Error::Start {
        command: shown.clone(),
        source,
    })?;
    match status.code() {
        Some(0) => Ok(Outcome::Passed),
        Some(MISSING) => Ok(Outcome::Skipped(NOT_INSTALLED)),
        _ => Err(Error::Failed {
            command: shown,
            status,
        }),
    }
}
