//! What a process did and found.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{Error, ErrorChain, ErrorKind};

use super::histogram::Histogram;

/// How many complaints of one process are kept.
const MOST_COMPLAINTS: usize = 10;

/// What one process did and found, or all of them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Tally {
    pub(super) operations: BTreeMap<String, Histogram>,
    pub(super) hits: u64,
    pub(super) misses: u64,
    /// Bodies that went before they were read.
    pub(super) gone: u64,
    pub(super) stored: u64,
    /// Fills that came too late, or with too many others.
    pub(super) refused: u64,
    pub(super) busy: u64,
    pub(super) errors: u64,
    pub(super) torn: u64,
    pub(super) stale: u64,
    pub(super) complaints: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        for (operation, histogram) in &other.operations {
            let mine = self.operations.entry(operation.clone()).or_default();
            mine.add(histogram);
        }
        self.hits += other.hits;
        self.misses += other.misses;
        self.gone += other.gone;
        self.stored += other.stored;
        self.refused += other.refused;
        self.busy += other.busy;
        self.errors += other.errors;
        self.torn += other.torn;
        self.stale += other.stale;
        self.complaints.extend(other.complaints);
    }

    pub(super) fn took(&mut self, operation: &str, duration: Duration) {
        let histogram = self.operations.entry(operation.to_owned()).or_default();
        histogram.count(duration);
    }

    pub(super) fn failed(&mut self, error: &Error) {
        if error.kind() == ErrorKind::Busy {
            self.busy += 1;
        } else {
            self.errors += 1;
        }
        self.complain(ErrorChain(error).to_string());
    }

    pub(super) fn torn(&mut self, what: String) {
        self.torn += 1;
        self.complain(what);
    }

    pub(super) fn stale(&mut self, what: String) {
        self.stale += 1;
        self.complain(what);
    }

    fn complain(&mut self, what: String) {
        if self.complaints.len() < MOST_COMPLAINTS {
            self.complaints.push(what);
        }
    }
}
