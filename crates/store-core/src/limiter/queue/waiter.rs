//! One waiter of the queue.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::lane::{LaneId, TimedDenial};
use crate::priority::Priority;

/// Waiters are numbered in order of arrival.
pub(crate) type WaiterId = u64;

/// A place in a lane: users, and who ranks as one, before the background, each in order of arrival.
pub(super) type Place = (Rank, WaiterId);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    User,
    Background,
}

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) lanes: Arc<[LaneId]>,
    pub(super) permits: NonZeroU32,
    pub(super) priority: Priority,
    /// From this monotonic time on a background waiter ranks as a user.
    pub(super) promoted_at: Duration,
    pub(super) is_promoted: bool,
    pub(super) deadline: Duration,
    pub(super) listing: Listing,
    /// Its own last denial.
    pub(super) denial: Option<TimedDenial>,
    /// When it will look at the queue by itself, if it keeps the time for a lane.
    pub(super) looks_at: Option<Duration>,
    pub(super) is_woken: bool,
    pub(super) waker: Option<Waker>,
}

/// Where a waiter is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// Nowhere: it has just come.
    None,
    /// In all its lanes.
    All,
    /// In the one lane whose denial it waits for; it holds nobody up in the others.
    Parked(LaneId),
    /// Nowhere: it asks the store.
    Asking,
}

impl Waiter {
    pub(super) const fn rank(&self) -> Rank {
        match self.priority {
            Priority::Background if !self.is_promoted => Rank::Background,
            Priority::User | Priority::Background => Rank::User,
        }
    }

    pub(super) const fn needs_several(&self) -> bool {
        self.permits.get() > 1
    }
}
