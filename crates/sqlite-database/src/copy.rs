//! Atomic copies of a whole database: complete under their final name, or absent.
//!
//! SQLite writes a copy page by page, so a crash may leave half of one. It is written to a `.partial`
//! file, synced, and only then renamed.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::descriptors;
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;

/// The path at which a copy to `target` is written; a crash may leave it behind.
pub(crate) fn partial_path(target: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(target);
    match number {
        0 => name.push(".partial"),
        _ => name.push(format!(".{number}.partial")),
    }
    name.into()
}

/// Creates an empty file at the first free partial path.
pub(crate) fn create_partial(target: &Path, original: Option<&Path>) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let name = partial_path(target, number);
        match create(&name, original) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            created => return created.map(|()| name),
        }
    }
}

/// Creates an empty file with the permissions of `original`.
fn create(path: &Path, original: Option<&Path>) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    match original {
        Some(original) => file.set_permissions(writable(&fs::metadata(original)?.permissions())),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn writable(permissions: &Permissions) -> Permissions {
    use std::os::unix::fs::PermissionsExt as _;

    const OWNER_READS_AND_WRITES: u32 = 0o600;
    Permissions::from_mode(permissions.mode() & 0o777 | OWNER_READS_AND_WRITES)
}

#[cfg(not(unix))]
fn writable(permissions: &Permissions) -> Permissions {
    let mut permissions = permissions.clone();
    permissions.set_readonly(false);
    permissions
}

/// Writes `database` to the empty file at `partial` and syncs it; `source` is a connection to it.
pub(crate) fn write(database: &Location, source: &Connection, partial: &Path) -> Result<()> {
    let Some(name) = partial.to_str() else {
        let detail = "the copy's path is not UTF-8; name another";
        return Err(Error::new(ErrorKind::InvalidInput, "backup", detail));
    };
    match database {
        Location::File(_) => source.execute("VACUUM INTO ?1", [name])?,
        // `source` would write the copy to memory, too.
        Location::Memory(_) => database
            .open_attached("original")?
            .execute("VACUUM original INTO ?1", [name])?,
    };
    // SQLite does not sync the copy.
    File::open(partial)
        .and_then(|copy| copy.sync_all())
        .map_err(|error| io_error(error, partial))
}

/// Renames a complete copy to `target`; fails if `target` exists.
pub(crate) fn publish(partial: &Path, target: &Path) -> io::Result<()> {
    match rename_new(partial, target) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Not every file system can.
        Err(_) => match fs::hard_link(partial, target) {
            Ok(()) => fs::remove_file(partial)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) if !target.try_exists()? => fs::rename(partial, target)?,
            Err(error) => return Err(error),
        },
    }
    sync_directory(target)
}

/// Renames, and fails if `target` exists. Unlike with a hard link, there are never two names.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_new(partial: &Path, target: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    Ok(renameat_with(
        CWD,
        partial,
        CWD,
        target,
        RenameFlags::NOREPLACE,
    )?)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_new(_partial: &Path, _target: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Syncs the directory of `file`, so that a power loss does not undo a rename in it.
#[cfg(unix)]
pub(crate) fn sync_directory(file: &Path) -> io::Result<()> {
    match file.parent() {
        // A bare file name is in the current directory.
        Some(directory) if directory.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) fn sync_directory(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// Maps an I/O error of a copy or a rename.
pub(crate) fn io_error(error: io::Error, path: &Path) -> Error {
    let path = path.display();
    let is = |kinds: &[io::ErrorKind]| kinds.contains(&error.kind());
    let (kind, detail) = if is(&[io::ErrorKind::AlreadyExists]) {
        let detail = format!("`{path}` exists and is kept; name another file or move it away");
        (ErrorKind::AlreadyExists, detail)
    } else if is(&[io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]) {
        let detail = format!("no space left for `{path}`; free some and retry");
        (ErrorKind::StorageFull, detail)
    } else if is(&[
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem,
    ]) {
        let detail =
            format!("`{path}` cannot be written; fix its permissions or name another file");
        (ErrorKind::ReadOnly, detail)
    } else if descriptors::are_exhausted_by(&error) {
        (ErrorKind::Unavailable, descriptors::REMEDY.to_owned())
    } else {
        let detail = format!("`{path}` cannot be written; check the path and the disk");
        (ErrorKind::Unavailable, detail)
    };
    Error::new(kind, "backup", detail).with_source(error)
}
