//! cargo-deny, as far as it can go without anything being installed or fetched.

use std::env;
use std::path::PathBuf;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;

use super::summary::Outcome;

const NOT_INSTALLED: &str = "cargo-deny is not installed: bans and licences not checked";
const NO_DATABASE: &str = "no database of advisories on this machine: advisories not checked";

pub(crate) fn run(repository: &Repository) -> Result<Outcome, Error> {
    let cargo = |arguments: &[&str]| Cargo::new(repository, arguments);
    if cargo(&["deny", "--version"]).quiet().output().is_err() {
        println!("{NOT_INSTALLED}");
        return Ok(Outcome::Skipped(NOT_INSTALLED));
    }
    let check = ["deny", "--locked", "check", "--hide-inclusion-graph"];
    cargo(&[&check[..], &["bans", "licenses", "sources"]].concat()).run()?;
    if !has_database() {
        println!("{NO_DATABASE}");
        return Ok(Outcome::Skipped(NO_DATABASE));
    }
    cargo(&[&check[..], &["--disable-fetch", "advisories"]].concat()).run()?;
    Ok(Outcome::Passed)
}

/// Whether an earlier `cargo deny fetch` has left the advisories where cargo-deny looks for them.
fn has_database() -> bool {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    home.is_some_and(|home| {
        let databases = home.join("advisory-dbs").read_dir();
        databases.is_ok_and(|mut databases| databases.next().is_some())
    })
}
