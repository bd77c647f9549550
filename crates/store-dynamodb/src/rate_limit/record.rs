//! The stored record of one resource: counters that every admission adds to, and a past that only changes with
//! the version.

mod demand;
mod history;
mod item;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use store_core::backend::Activity;
use store_core::{Error, Priority, ResourceConfig, Timestamp};

pub(super) use self::demand::{Basis, Demand};
pub(super) use self::history::{Entry, Grain, History, Log};
pub(super) use self::item::{RESOURCES, claim_of, decode, key, listing, listing_update, write};
use crate::error::corrupt;

/// The first byte of a stored past: which form it has.
const FORM: u8 = 2;

/// A duration in milliseconds.
pub(super) fn millis(duration: Duration) -> i64 {
    (Timestamp::default() + duration).as_millis()
}

fn unreadable() -> Error {
    let detail = "the stored past of a limit cannot be decoded; delete its item";
    corrupt("read", detail)
}

/// One resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    /// Names the past; no two pasts of a resource have the same. Absent before the first admission.
    pub(super) version: Option<u64>,
    /// Admissions in the current bucket.
    pub(super) count: u32,
    /// Those of them that were of the background.
    pub(super) background: u32,
    /// Whether all of them were made at the bucket's start.
    pub(super) is_exact: bool,
    /// Those of them that a process took before it was asked for them.
    pub(super) ungranted: Ungranted,
    /// Requests since the past was last written.
    pub(super) asked: Activity,
    pub(super) cooldown_until: Option<Timestamp>,
    /// The stored configuration.
    pub(super) config: Option<ResourceConfig>,
    /// The marks of the last writes, newest first.
    pub(super) marks: [u64; 4],
    pub(super) past: Past,
}

/// Permits, as of batches: counted already, not granted to a caller yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ungranted {
    pub(super) count: u32,
    pub(super) background: u32,
}

/// The closed buckets, which do not change within a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Past {
    /// When the current bucket began.
    pub(super) start: Timestamp,
    /// The longest time, in milliseconds, that admissions are added to it.
    pub(super) width: i64,
    /// When demand was last moved in here, by the resource's time; what was asked since is not in here.
    pub(super) touched: Timestamp,
    /// Changes when admissions are forgotten, so that permits of before give nothing back.
    pub(super) epoch: u32,
    /// Changes when stamps are moved.
    pub(super) era: u32,
    /// The longest window that the resource ever had, in milliseconds.
    pub(super) keep: i64,
    pub(super) history: History,
    pub(super) demand: Demand,
    pub(super) basis: Option<Basis>,
    /// How often a share put users first.
    pub(super) activations: u64,
}

/// Identifies the bucket that a permit was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) start: Timestamp,
    pub(super) until: Timestamp,
    pub(super) epoch: u32,
    pub(super) era: u32,
}

impl Ungranted {
    /// Permits of one class.
    pub(super) const fn of(class: Priority, count: u32) -> Self {
        let background = match class {
            Priority::User => 0,
            Priority::Background => count,
        };
        Self { count, background }
    }
}

impl State {
    /// The current bucket's admissions.
    pub(super) fn current(&self) -> Entry {
        Entry {
            from: self.past.start,
            to: if self.is_exact {
                self.past.start
            } else {
                self.past.until()
            },
            count: self.count,
            background: self.background,
        }
    }

    /// The resource's time: the local one, unless another host's clock is a little ahead. `None` if
    /// the stamps are so far ahead that the clock must have been set back.
    pub(super) fn time(&self, local: Timestamp, skew: Duration) -> Option<Timestamp> {
        if self.version.is_none() {
            return Some(local);
        }
        let newest = self.past.start.max(self.past.touched);
        (newest <= local + skew).then_some(local.max(newest))
    }
}

impl Past {
    /// When the current bucket is over.
    pub(super) fn until(&self) -> Timestamp {
        Timestamp::from_millis(self.start.as_millis().saturating_add(self.width))
    }

    pub(super) fn keep(&self) -> Duration {
        Duration::from_millis(self.keep.unsigned_abs())
    }

    /// The current bucket.
    pub(super) fn bucket(&self) -> Bucket {
        Bucket {
            start: self.start,
            until: self.until(),
            epoch: self.epoch,
            era: self.era,
        }
    }

    /// The bytes to store. Encoding fails only for sequences of unknown length, of which there are none.
    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(&(FORM, self)).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &Bytes) -> Result<Self, Error> {
        match postcard::from_bytes(bytes) {
            Ok((FORM, past)) => Ok(past),
            Ok(_) => Err(unreadable()),
            Err(source) => Err(unreadable().with_source(source)),
        }
    }
}
