//! The times that the store is configured with.

use std::time::Duration;

/// How long a job survives its owner's silence; short, so that many lapse.
pub(crate) const LEASE: Duration = Duration::from_millis(500);

/// How long an ended job is kept for those who joined it.
pub(crate) const RETENTION: Duration = Duration::from_secs(5);
