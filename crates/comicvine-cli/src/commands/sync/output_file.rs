//! The output file: a line of JSON for each version of a resource.
//!
//! - Lines are appended, each with its line ending in one write, and on the disk before the call
//!   returns. So only the last line can be cut off, and it then has no line ending.
//! - The file is locked until it is closed, by a lock that the operating system releases with the process.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use comicvine_client::{Id, RawJson};
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;

/// An open and locked output file.
#[derive(Debug)]
pub(super) struct OutputFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// The date of the last version of each resource, if it has one.
    dates: HashMap<Id, Option<String>>,
}

/// What identifies a version of a resource.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: Id,
    /// `date_last_updated`, as the API writes it.
    pub(super) date: Option<String>,
}

impl Version {
    /// Reads a resource or a row; `None` if it has no id.
    pub(super) fn read(json: &RawJson) -> Option<Self> {
        #[derive(Deserialize)]
        struct Fields {
            id: Id,
            #[serde(default)]
            date_last_updated: Value,
        }
        let fields: Fields = json.decode().ok()?;
        Some(Self {
            id: fields.id,
            date: fields.date_last_updated.as_str().map(str::to_owned),
        })
    }
}

impl OutputFile {
    /// Opens and locks the file, which is created if it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        check_is_a_file(path)?;
        let failed = |error| file_error("cannot open", path, error);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::CheckFailed(format!(
                    "another `comicvine sync` writes {}; wait for its end, or name another file with --out",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(file_error("cannot lock", path, error)
                    .with_help("name a file on a local disk with --out"));
            }
        }
        sync_folder(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            dates: HashMap::new(),
        })
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of resources.
    pub(super) fn resources(&self) -> usize {
        self.dates.len()
    }

    /// Reads what is in the file, and removes a last line that was cut off.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        let failed = |error| file_error("cannot read", &self.path, error);
        let mut lines = BufReader::new(&self.file);
        let (mut line, mut whole) = (Vec::new(), 0);
        for number in 1_u64.. {
            line.clear();
            let length = lines.read_until(b'\n', &mut line).map_err(failed)?;
            if line.pop_if(|last| *last == b'\n').is_none() {
                break;
            }
            let json = str::from_utf8(&line).ok().map(RawJson::parse);
            let version = json.and_then(|json| Version::read(&json.ok()?));
            let Some(version) = version else {
                return Err(Error::CheckFailed(format!(
                    "line {number} of {} is no resource; remove the line, or name another file with --out",
                    self.path.display()
                )));
            };
            self.dates.insert(version.id, version.date);
            whole += u64::try_from(length).unwrap_or(u64::MAX);
        }
        if whole < self.bytes {
            let cut = self.file.set_len(whole);
            cut.and_then(|()| self.file.sync_all())
                .map_err(|error| file_error("cannot cut", &self.path, error))?;
            self.bytes = whole;
        }
        Ok(())
    }

    pub(super) fn contains(&self, id: Id) -> bool {
        self.dates.contains_key(&id)
    }

    /// Whether the file has this version or a newer one. A version without a date is as old as any.
    pub(super) fn has(&self, version: &Version) -> bool {
        match (self.dates.get(&version.id), &version.date) {
            (None, _) => false,
            (Some(_), None) => true,
            // The API writes dates so that they sort as text.
            (Some(known), date) => known >= date,
        }
    }

    /// Appends a version, unless its date is that of the last one; returns whether it did.
    pub(super) fn append(&mut self, version: Version, json: &str) -> Result<bool, Error> {
        if self.dates.get(&version.id) == Some(&version.date) {
            return Ok(false);
        }
        let line = format!("{json}\n");
        let written = self.file.write_all(line.as_bytes());
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|error| file_error("cannot write", &self.path, error))?;
        self.bytes += u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.dates.insert(version.id, version.date);
        Ok(true)
    }
}

/// Refuses what cannot be read again from its beginning: folders, devices and pipes.
fn check_is_a_file(path: &Path) -> Result<(), Error> {
    let is_something_else = match std::fs::metadata(path) {
        Ok(found) => !found.is_file(),
        Err(_) => path.as_os_str() == "-",
    };
    if is_something_else {
        return Err(Error::usage(format!(
            "{} is no file; name one with --out, which is read again by the next run",
            path.display()
        )));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Error::usage(format!(
            "there is no folder for {}; create it, or name another file with --out",
            path.display()
        )));
    }
    Ok(())
}

/// Makes the name of a new file last.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened.
    if cfg!(unix) {
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// The failure of an operation on a file.
pub(super) fn file_error(operation: &'static str, path: &Path, source: io::Error) -> Error {
    Error::failed(FileError {
        operation,
        path: path.to_owned(),
        source,
    })
}

#[derive(Debug)]
struct FileError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation, self.path.display())
    }
}

impl StdError for FileError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
