//! Detects network file systems by their type in the kernel's mount table.

use std::path::Path;

/// File systems whose locks or shared memory do not work across hosts.
const NETWORK: [&str; 14] = [
    "afs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "glusterfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// The type of the network file system that holds `directory`.
///
/// `None` if it is local, or if the platform does not list its mounts.
pub(crate) fn network_filesystem(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let name = filesystem_of(&mounts, &directory)?;
    NETWORK.contains(&name).then(|| name.to_owned())
}

/// The file system type of the innermost mount that holds `path`.
fn filesystem_of<'m>(mounts: &'m str, path: &Path) -> Option<&'m str> {
    // proc_pid_mountinfo(5): id parent major:minor root mount-point options optional* - type …
    mounts
        .lines()
        .filter_map(|line| {
            let (mount, rest) = line.split_once(" - ")?;
            let point = unescape(mount.split(' ').nth(4)?);
            let depth = Path::new(&point).components().count();
            path.starts_with(&point)
                .then_some((depth, rest.split(' ').next()?))
        })
        // Of several mounts on one point the last hides the others; `max_by_key` keeps the last.
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, name)| name)
}

/// Undoes the kernel's octal escapes for space, tab, newline and backslash.
fn unescape(point: &str) -> String {
    point
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/comics\\040shared rw - nfs4 nas:/comics rw
31 22 0:41 / /mnt/comics\\040shared/local rw - xfs /dev/vdb rw
32 22 0:42 / /srv/a rw master:2 - ext4 /dev/vdc rw
33 22 0:43 / /srv/a rw - fuse.sshfs host: rw
";

    #[test]
    fn the_innermost_and_latest_mount_decides() {
        for (path, name, is_network) in [
            ("/var/lib", "ext4", false),
            ("/mnt/comics shared/x", "nfs4", true),
            ("/mnt/comics shared/local/x", "xfs", false),
            ("/srv/a/b", "fuse.sshfs", true),
            ("/srv/ab", "ext4", false),
        ] {
            assert_eq!(filesystem_of(MOUNTS, Path::new(path)), Some(name), "{path}");
            assert_eq!(NETWORK.contains(&name), is_network, "{path}");
        }
    }

    #[test]
    fn a_temporary_directory_is_local() {
        assert_eq!(network_filesystem(&std::env::temp_dir()), None);
    }
}
