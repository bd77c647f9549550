//! Counts of the requests to a fake server.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::key_fingerprint::KeyFingerprint;

/// The requests to the API so far, by path and key.
///
/// `issue` and `issues` are two paths. Requests to paths that the API does not have are counted as
/// `unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Requests without an API key, or with one that is not accepted.
    pub without_key: u64,
    /// Requests with an accepted key.
    pub paths: BTreeMap<String, BTreeMap<KeyFingerprint, KeyCounts>>,
    /// Requests with a full response, by path and sorted parameters without key and format.
    pub answered: BTreeMap<String, u64>,
}

/// Requests to one path with one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyCounts {
    /// Requests within the limits, whatever the response.
    pub accepted: u64,
    /// Requests refused because the window was full.
    pub refused_window: u64,
    /// Requests refused because they came too soon after the key's last accepted one.
    pub refused_spacing: u64,
    /// Accepted requests that met an injected fault.
    pub injected: u64,
    /// The highest number of requests accepted within one window.
    pub worst_window: u64,
}

impl KeyCounts {
    /// All requests, accepted or refused.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.accepted + self.refused()
    }

    /// Requests refused by any limit.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused_window + self.refused_spacing
    }
}

impl Counts {
    /// The sum over all keys of one path; the maximum of `worst_window`.
    ///
    /// ```
    /// # let counts = comicvine_fake::Counts::default();
    /// assert_eq!(counts.path("issues").accepted, 0);
    /// ```
    #[must_use]
    pub fn path(&self, path: &str) -> KeyCounts {
        sum(self.paths.get(path).into_iter().flat_map(BTreeMap::values))
    }

    /// The sum over all paths and keys; the maximum of `worst_window`.
    #[must_use]
    pub fn total(&self) -> KeyCounts {
        sum(self.paths.values().flat_map(BTreeMap::values))
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a KeyCounts>) -> KeyCounts {
    counts.fold(KeyCounts::default(), |sum, more| KeyCounts {
        accepted: sum.accepted + more.accepted,
        refused_window: sum.refused_window + more.refused_window,
        refused_spacing: sum.refused_spacing + more.refused_spacing,
        injected: sum.injected + more.injected,
        worst_window: sum.worst_window.max(more.worst_window),
    })
}
