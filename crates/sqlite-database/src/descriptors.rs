//! Exhausted file descriptors, which SQLite reports as a file that cannot be opened.

use std::fs::File;
use std::io;

use crate::error::{Error, ErrorKind};
use crate::location::Location;

pub(crate) const REMEDY: &str = "no file descriptors are left; raise the limit (`ulimit -n`), or open fewer files and connections";

/// Names the cause of a failed opening, if it is this one.
pub(crate) fn explain(error: Error, location: &Location) -> Error {
    let directory = location.path().and_then(|path| path.parent());
    if error.kind() != ErrorKind::Unavailable {
        return error;
    }
    // The directory: closing the database file itself would release the locks that this process has on it.
    match directory.map(File::open) {
        Some(Err(cause)) if are_exhausted_by(&cause) => error.with_detail(REMEDY),
        Some(_) | None => error,
    }
}

/// Whether the limit of this process or of the system is reached.
#[cfg(unix)]
pub(crate) fn are_exhausted_by(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let exhausted = [Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|errno| exhausted.contains(&errno))
}

#[cfg(not(unix))]
pub(crate) fn are_exhausted_by(_error: &io::Error) -> bool {
    false
}
