//! Transitions that admit nothing: refunds, resets, configurations, cooldowns, cleanup.

use std::time::Duration;

use store_core::{DAY, Priority, ResourceConfig, Result, Timestamp};

use super::{
    BatchChange, Change, Cooldown, Exact, Range, Transition, fresh_epoch, next_version, signed,
};
use crate::rate_limit::record::{Bucket, Demand, Entry, State, Ungranted, millis};

/// Gives back permits that were counted in `bucket`; nothing if they do not count any more. `ungranted` tells how
/// many of them nobody was given.
pub(crate) fn give_back(
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
    let mut change = Change::of(state);
    if state.past.start == bucket.start && state.past.era == bucket.era {
        let taken = Ungranted::of(class, permits);
        change.count.least = Some(taken.count);
        change.background.least = (taken.background > 0).then_some(taken.background);
        change.add_count = -i64::from(taken.count);
        change.add_background = -i64::from(taken.background);
        if ungranted > 0 {
            let rest = Ungranted::of(class, ungranted);
            change.batch = BatchChange::Add(-i64::from(rest.count), -i64::from(rest.background));
        }
        return Some(change);
    }
    let mut past = state.past.clone();
    let is_moved = past.era != bucket.era;
    // Where stamps were moved, the oldest will do: theirs cannot be older.
    let is_theirs =
        |entry: &Entry| is_moved || entry.from <= bucket.start && bucket.start <= entry.to;
    let is_found = past.history.take_back(permits, class, is_theirs);
    change.past = Some((version.wrapping_add(1), past));
    is_found.then_some(change)
}

/// How much is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forget {
    Admissions,
    /// Activity and cooldown as well, and the item if it holds no configuration.
    Everything,
}

/// Forgets the admissions of a resource. Those that processes hold ungranted stay counted: they may be handed out
/// yet.
pub(crate) fn forget(
    state: &State,
    clock: Timestamp,
    skew: Duration,
    what: Forget,
    random: u64,
) -> Transition<()> {
    let mut change = Change::of_unchanged(state);
    let now = state.time(clock, skew).unwrap_or(clock);
    let is_held = state.ungranted != Ungranted::default() && now < state.past.until() + skew;
    if state.version.is_none() && (what == Forget::Admissions || state.cooldown_until.is_none()) {
        return Transition::IfFresh(None, ());
    }
    if what == Forget::Everything && state.config.is_none() && !is_held {
        change.removes = true;
        return Transition::Write(change, ());
    }
    let mut past = state.past.clone();
    past.history.clear();
    past.epoch = fresh_epoch(random);
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
        change.add_users_asked = -signed(state.asked.user);
        change.add_background_asked = -signed(state.asked.background);
    }
    change.past = Some((next_version(state, random), past));
    Transition::Write(change, ())
}

/// Stores a configuration; how the limit is shared is recalculated.
pub(crate) fn configure(
    state: &State,
    config: &ResourceConfig,
    clock: Timestamp,
    random: u64,
) -> Result<Transition<()>> {
    let mut past = state.past.clone();
    past.keep = past.keep.max(millis(config.longest_span()));
    past.basis = None;
    let mut change = Change::of(state);
    if state.version.is_none() {
        (past.start, past.touched) = (clock, clock);
        past.epoch = fresh_epoch(random);
        change.exact = Exact::Set;
    }
    change.config = Some(config.to_stored()?);
    change.past = Some((next_version(state, random), past));
    Ok(Transition::Write(change, ()))
}

/// Lets a cooldown last until at least `until`; its end.
pub(crate) fn extend_cooldown(state: &State, until: Timestamp) -> Transition<Timestamp> {
    match state.cooldown_until {
        Some(longer) if longer >= until => Transition::IfFresh(None, longer),
        _ => Transition::Write(cooldown(state, Cooldown::Extend(until)), until),
    }
}

/// Moves the end of a cooldown from `seen` to `until`, or removes it; whether that was its end.
pub(crate) fn move_cooldown(
    state: &State,
    seen: Timestamp,
    until: Option<Timestamp>,
) -> Transition<bool> {
    if state.cooldown_until != Some(seen) {
        return Transition::IfFresh(None, false);
    }
    let change = cooldown(state, Cooldown::Replace { seen, until });
    Transition::Write(change, true)
}

fn cooldown(state: &State, cooldown: Cooldown) -> Change {
    Change {
        cooldown,
        ..Change::of(state)
    }
}

/// Drops at most `most` admissions that no window holds, and how many those are; the whole item if it has held
/// nothing for a day.
pub(crate) fn sweep(state: &State, clock: Timestamp, skew: Duration, most: u64) -> Transition<u64> {
    let nothing = Transition::IfFresh(None, 0);
    let (Some(version), Some(now)) = (state.version, state.time(clock, skew)) else {
        return nothing;
    };
    let mut past = state.past.clone();
    let mut change = Change::of(state);
    let keep = past.keep() + skew;
    let current = state.current();
    if current.count > 0 && current.to + keep <= now {
        past.history.push(current);
        past.start = now;
        change = Change {
            add_count: -i64::from(state.count),
            add_background: -i64::from(state.background),
            needs_exact: state.is_exact,
            exact: Exact::Set,
            batch: BatchChange::Set(Ungranted::default()),
            ..Change::of_unchanged(state)
        };
    }
    let freed = past.history.forget(keep, most, now);
    if freed > 0 {
        change.past = Some((version.wrapping_add(1), past));
        return Transition::Write(change, freed);
    }
    let is_idle = state.count == 0
        && past.history.is_empty()
        && state.config.is_none()
        && state.cooldown_until.is_none()
        && now.since(past.touched.max(past.until())) > DAY;
    if !is_idle {
        return nothing;
    }
    change.removes = true;
    change.count = Range::exactly(0);
    change.no_cooldown_at = Some(now);
    Transition::Write(change, 0)
}
