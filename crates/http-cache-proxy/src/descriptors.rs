//! The file descriptors that this process may have open: one a connection.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the number that the system allows at first to the most that it allows. Shells and service managers start
/// programs with some 1,000, because of older ones that use `select`.
pub(crate) fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Fewer clients can be served then, which a failed `accept` shows.
        let _unchanged = setrlimit(Resource::Nofile, limit);
    }
}
