//! What a command makes of a resource's state: a conditional write and an outcome. No I/O; time is an argument.
//!
//! What must stay true: whatever the table holds when a write takes place, it takes place only if it keeps every
//! window. The past cannot have changed, because its version would have; the counters may have, within the bounds
//! that the write names.

mod admission;
mod edit;
mod snapshot;

use std::num::NonZeroU32;
use std::time::Duration;

use store_core::backend::Activity;
use store_core::{AdaptiveConfig, Limit, Policy, Resource, ResourceConfig, Timestamp};

pub(super) use self::admission::{Deny, Request, Step, decide, record, tell};
pub(super) use self::edit::{
    Forget, configure, extend_cooldown, forget, give_back, move_cooldown, sweep,
};
pub(super) use self::snapshot::Snapshot;
use super::record::{Past, State, Ungranted, millis};

/// With fewer permits left than this a process that is not alone looks before it writes.
const FEW: u32 = 8;

/// What a command makes of the state that was seen.
#[derive(Debug)]
pub(super) enum Transition<T> {
    /// Once this is written, this is the outcome.
    Write(Change, T),
    /// The outcome, if the state is fresh; a write that it leaves is made before.
    IfFresh(Option<Change>, T),
    /// The outcome, whatever the table holds.
    Done(T),
}

/// The configuration that applies to a request: stored, else the claim's, else the default.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffectiveConfig<'a> {
    pub(super) resource: &'a Resource,
    pub(super) config: &'a ResourceConfig,
    pub(super) buckets: NonZeroU32,
    pub(super) skew: Duration,
}

impl EffectiveConfig<'_> {
    /// A bucket's length in milliseconds.
    fn width(&self) -> i64 {
        let spans = self.config.limits().iter().map(Limit::span);
        (millis(spans.min().unwrap_or_default()) / i64::from(self.buckets.get())).max(1)
    }

    pub(super) fn adaptive(&self) -> Option<&AdaptiveConfig> {
        if let Policy::Adaptive(config) = self.config.policy() {
            Some(config)
        } else {
            None
        }
    }

    /// The demand to store: none if the limit is not shared.
    fn stored(&self, demand: Activity) -> Activity {
        self.adaptive().map_or_else(Activity::default, |_| demand)
    }
}

/// One conditional write: its condition and its effects.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// The version that was seen; `None` if there was none.
    pub(super) version: Option<u64>,
    pub(super) count: Range,
    pub(super) background: Range,
    /// The demand must be what was seen: a share is calculated from it.
    pub(super) asked: Option<Activity>,
    /// The permits of batches must be those that were seen.
    pub(super) ungranted: Option<Ungranted>,
    /// The current bucket must still be exact.
    pub(super) needs_exact: bool,
    /// No cooldown may be in force at this moment.
    pub(super) no_cooldown_at: Option<Timestamp>,

    /// Whether the item is removed.
    pub(super) removes: bool,
    /// Whether it gives back permits that this process holds unspent.
    pub(super) gives_back: bool,
    /// A new past, and its version.
    pub(super) past: Option<(u64, Past)>,
    pub(super) add_count: i64,
    pub(super) add_background: i64,
    pub(super) add_users_asked: i64,
    pub(super) add_background_asked: i64,
    pub(super) batch: BatchChange,
    pub(super) exact: Exact,
    pub(super) cooldown: Cooldown,
    /// The configuration to store, as JSON.
    pub(super) config: Option<String>,
}

/// Inclusive bounds of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: Option<u32>,
    pub(super) most: Option<u32>,
}

impl Range {
    /// This number only.
    pub(super) const fn exactly(count: u32) -> Self {
        Self {
            least: Some(count),
            most: Some(count),
        }
    }
}

/// Effect on the count of ungranted permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BatchChange {
    #[default]
    Keep,
    Add(i64, i64),
    Set(Ungranted),
}

/// Effect on the mark that all admissions were made at the bucket's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Exact {
    #[default]
    Keep,
    Set,
    Clear,
}

/// What becomes of the cooldown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cooldown {
    #[default]
    Keep,
    Forget,
    /// It ends at this moment, if it would end before.
    Extend(Timestamp),
    /// It ends then and not when it was seen to, or is removed.
    Replace {
        seen: Timestamp,
        until: Option<Timestamp>,
    },
}

impl Change {
    /// A write on the state that was seen, if its past is the same.
    fn of(state: &State) -> Self {
        Self {
            version: state.version,
            ..Self::default()
        }
    }

    /// A write that is made only if the counters are as they were seen, too.
    fn of_unchanged(state: &State) -> Self {
        Self {
            count: Range::exactly(state.count),
            background: Range::exactly(state.background),
            ungranted: Some(state.ungranted),
            ..Self::of(state)
        }
    }

    /// Whether it is likely to fail if others write as well.
    pub(super) fn is_hard(&self, seen: &State) -> bool {
        let room = self.count.most.map(|most| most.saturating_sub(seen.count));
        let takes_batch = matches!(self.batch, BatchChange::Add(count, _) if count > 0);
        self.past.is_some() || takes_batch || room.is_some_and(|room| room < FEW)
    }
}

/// The version of a new past: unlike that of any that was here before, if there was none.
const fn next_version(state: &State, random: u64) -> u64 {
    match state.version {
        Some(version) => version.wrapping_add(1),
        None => random >> 12,
    }
}

/// Twenty-eight bits, which take four bytes.
const fn fresh_epoch(random: u64) -> u32 {
    (random & 0x0fff_ffff) as u32
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
