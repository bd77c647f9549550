//! Node.js and the peer's packages, in an ignored folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// Exact versions, so that a figure means the same next year.
const PACKAGES: &str = r#"{
  "private": true,
  "type": "module",
  "dependencies": { "@comic-vine/sqlite-store": "0.2.0", "better-sqlite3": "12.11.1" }
}
"#;
const DRIVER: &str = include_str!("driver.mjs");
const OLDEST_NODE: u32 = 20;

/// Makes the peer ready to run and returns its folder.
pub(crate) fn peer(root: &Path) -> Result<PathBuf, Error> {
    check_node()?;
    let folder = root.join("target").join("peers");
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    write(&folder.join("driver.mjs"), DRIVER)?;
    let manifest = folder.join("package.json");
    let is_installed = fs::read_to_string(&manifest).is_ok_and(|text| text == PACKAGES)
        && folder.join("node_modules/.package-lock.json").is_file();
    if !is_installed {
        write(&manifest, PACKAGES)?;
        install(&folder)?;
    }
    Ok(folder)
}

fn check_node() -> Result<(), Error> {
    let no_node = |program| move |source| Error::NoNode { program, source };
    let output = Command::new("node")
        .arg("--version")
        .output()
        .map_err(no_node("node"))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let found = version.trim().trim_start_matches('v');
    if major(found).is_none_or(|major| major < OLDEST_NODE) {
        let found = found.to_owned();
        return Err(Error::OldNode { found });
    }
    Ok(())
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

fn install(folder: &Path) -> Result<(), Error> {
    eprintln!("installing the peer's packages, once");
    // npm is a script on Windows, which is not found without its ending.
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let status = Command::new(npm)
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .map_err(|source| Error::NoNode {
            program: "npm",
            source,
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::NoPackages)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_by_its_first_number() {
        assert_eq!(major("20.20.2"), Some(20));
        assert_eq!(major(""), None);
    }
}
