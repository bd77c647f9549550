//! State updates that need no admission: refund, reset, configure.

use std::time::Duration;

use store_core::{Priority, ResourceConfig, Result, Timestamp};

use super::change::{BatchChange, Change, Cooldown, Exact, Range};
use super::decide::{fresh_epoch, millis};
use super::demand::Demand;
use super::history::Entry;
use super::state::{Bucket, State, Ungranted};

/// What gives back permits that were counted in `bucket`; nothing if they do not count any more.
/// `ungranted` tells how many of them nobody was given.
pub(super) fn give_back(
    state: &State,
    bucket: Bucket,
    permits: u32,
    class: Priority,
    ungranted: u32,
) -> Option<Change> {
    let version = state.version?;
    if state.past.epoch != bucket.epoch {
        return None;
    }
    let is_background = class == Priority::Background;
    let background = |count: u32| if is_background { i64::from(count) } else { 0 };
    let mut change = Change {
        version: Some(version),
        ..Change::default()
    };
    if state.past.start == bucket.start && state.past.era == bucket.era {
        change.count = Range {
            least: Some(permits),
            most: None,
        };
        if is_background {
            change.background.least = Some(permits);
        }
        change.add_count = -i64::from(permits);
        change.add_background = -background(permits);
        if ungranted > 0 {
            change.batch = BatchChange::Add(-i64::from(ungranted), -background(ungranted));
        }
        return Some(change);
    }
    let mut past = state.past.clone();
    let is_moved = past.era != bucket.era;
    // Where stamps were moved, the oldest will do: theirs cannot be older.
    let is_theirs =
        |entry: &Entry| is_moved || entry.from <= bucket.start && bucket.start <= entry.to;
    if !past.history.take_back(permits, class, is_theirs) {
        return None;
    }
    change.past = Some((version.wrapping_add(1), past));
    Some(change)
}

/// How much is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forget {
    Admissions,
    /// Activity and cooldown as well.
    Everything,
}

/// What forgets the admissions of a resource. Those that processes hold ungranted stay counted: they may
/// be handed out yet.
pub(super) fn forget(
    state: &State,
    local: Timestamp,
    skew: Duration,
    what: Forget,
    random: u64,
) -> Option<Change> {
    let version = state.version?;
    let now = state.time(local, skew).unwrap_or(local);
    let mut past = state.past.clone();
    past.history.clear();
    past.epoch = fresh_epoch(random);
    let mut change = Change {
        version: Some(version),
        ..unchanged(state)
    };
    let is_held = state.ungranted != Ungranted::default() && now < past.until() + skew;
    let kept = if is_held {
        change.exact = Exact::Clear;
        state.ungranted
    } else {
        past.start = now;
        change.exact = Exact::Set;
        change.batch = BatchChange::Set(Ungranted::default());
        Ungranted::default()
    };
    change.add_count = i64::from(kept.count) - i64::from(state.count);
    change.add_background = i64::from(kept.background) - i64::from(state.background);
    if what == Forget::Everything {
        past.demand = Demand::default();
        past.basis = None;
        past.activations = 0;
        change.cooldown = Cooldown::Forget;
        change.asked = Some(state.asked);
        change.add_users_asked = -i64::try_from(state.asked.user).unwrap_or(i64::MAX);
        change.add_background_asked = -i64::try_from(state.asked.background).unwrap_or(i64::MAX);
    }
    change.past = Some((version.wrapping_add(1), past));
    Some(change)
}

/// A change that takes place only if the counters are as they were seen.
fn unchanged(state: &State) -> Change {
    Change {
        count: Range::exactly(state.count),
        background: Range::exactly(state.background),
        ungranted: Some(state.ungranted),
        ..Change::default()
    }
}

/// What states a configuration; how the limit is shared is recalculated.
pub(super) fn state_config(
    state: &State,
    config: &ResourceConfig,
    local: Timestamp,
    random: u64,
) -> Result<Change> {
    let mut past = state.past.clone();
    past.keep = past.keep.max(millis(config.longest_span()));
    past.basis = None;
    let version = if let Some(version) = state.version {
        version.wrapping_add(1)
    } else {
        past.start = local;
        past.touched = local;
        past.epoch = fresh_epoch(random);
        random >> 12
    };
    Ok(Change {
        version: state.version,
        past: Some((version, past)),
        exact: if state.version.is_none() {
            Exact::Set
        } else {
            Exact::Keep
        },
        config: Some(config.to_stored()?),
        ..Change::default()
    })
}

/// What drops at most `most` admissions that no window holds, and how many those are.
pub(super) fn sweep(
    state: &State,
    local: Timestamp,
    skew: Duration,
    most: u64,
) -> Option<(u64, Change)> {
    let version = state.version?;
    let now = state.time(local, skew)?;
    let mut past = state.past.clone();
    let mut change = Change {
        version: Some(version),
        ..Change::default()
    };
    let keep = past.keep() + skew;
    let current = state.current();
    if current.count > 0 && current.to + keep <= now {
        past.history.push(current);
        past.start = now;
        change = Change {
            version: Some(version),
            add_count: -i64::from(state.count),
            add_background: -i64::from(state.background),
            needs_exact: state.is_exact,
            exact: Exact::Set,
            batch: BatchChange::Set(Ungranted::default()),
            ..unchanged(state)
        };
    }
    let freed = past.history.forget(keep, most, now);
    change.past = Some((version.wrapping_add(1), past));
    (freed > 0).then_some((freed, change))
}
