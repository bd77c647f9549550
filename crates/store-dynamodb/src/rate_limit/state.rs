//! What the table holds of one resource: counters that every admission adds to, and a past that only
//! changes with the version.

use std::time::Duration;

use bytes::Bytes;
use store_core::backend::Activity;
use store_core::{Error, ResourceConfig, Timestamp};

use super::demand::{Basis, Demand};
use super::history::{Entry, History};
use super::varint::{Reader, put, put_moment, unreadable};

/// The first byte of an encoded past.
const FORM: u64 = 1;

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

/// Permits of batches: counted already, not granted to a caller yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ungranted {
    pub(super) count: u32,
    pub(super) background: u32,
}

/// The closed buckets, which do not change within a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

impl State {
    /// The current bucket.
    pub(super) fn bucket(&self) -> Bucket {
        Bucket {
            start: self.past.start,
            until: self.past.until(),
            epoch: self.past.epoch,
            era: self.past.era,
        }
    }

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

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        put(&mut out, FORM);
        put_moment(&mut out, Timestamp::default(), self.start);
        put(&mut out, self.width.unsigned_abs());
        put_moment(&mut out, self.start, self.touched);
        put(&mut out, u64::from(self.epoch));
        put(&mut out, u64::from(self.era));
        put(&mut out, self.keep.unsigned_abs());
        put(&mut out, self.activations);
        self.history.encode(&mut out, self.until());
        self.demand.encode(&mut out, self.start);
        put(&mut out, u64::from(self.basis.is_some()));
        if let Some(basis) = &self.basis {
            basis.encode(&mut out, self.start);
        }
        out
    }

    pub(super) fn decode(bytes: &Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        if reader.number()? != FORM {
            return Err(unreadable());
        }
        let mut past = Self {
            start: reader.moment(Timestamp::default())?,
            width: reader.millis()?,
            ..Self::default()
        };
        past.touched = reader.moment(past.start)?;
        past.epoch = reader.small()?;
        past.era = reader.small()?;
        past.keep = reader.millis()?;
        past.activations = reader.number()?;
        past.history = History::decode(&mut reader, past.until())?;
        past.demand = Demand::decode(&mut reader, past.start)?;
        if reader.number()? == 1 {
            past.basis = Some(Basis::decode(&mut reader, past.start)?);
        }
        Ok(past)
    }
}
