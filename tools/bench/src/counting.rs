//! The allocations of this process, and the program in which they are counted.

use std::alloc::System;
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use crate::document;
use crate::error::Error;

const NAME: &str = "count-allocations";

/// Counts from now on; without the counting allocator there is nothing to count.
pub(crate) fn region() -> Region<'static, System> {
    Region::new(&INSTRUMENTED_SYSTEM)
}

/// The path of the program that counts, which is built when it is first asked for.
pub(crate) fn program() -> Result<PathBuf, Error> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program.clone());
    }
    let failed = |source| Error::Process {
        process: format!("cargo, to build {NAME}"),
        source,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--locked", "--bin", NAME])
        .arg("--manifest-path")
        .arg(document::root().join("tools/bench/Cargo.toml"))
        .status()
        .map_err(failed)?;
    if !status.success() {
        return Err(Error::Broken {
            who: "cargo",
            work: format!("build {NAME}"),
        });
    }
    let ours = env::current_exe().map_err(failed)?;
    let program = ours
        .with_file_name(NAME)
        .with_extension(env::consts::EXE_EXTENSION);
    Ok(PROGRAM.get_or_init(|| program).clone())
}
