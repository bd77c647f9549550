//! One item, changed as the table would change it.

use store_core::Timestamp;

use crate::rate_limit::record::{Past, State, Ungranted};
use crate::rate_limit::transition::{BatchChange, Change, Cooldown, Exact, Range};

/// Makes the change if its conditions hold; whether they did.
pub(super) fn apply(state: &mut State, change: &Change) -> bool {
    if !holds(state, change) {
        return false;
    }
    let add = |count: u32, more: i64| {
        u32::try_from(i64::from(count) + more).expect("no counter is negative")
    };
    let count = |count: u64, more: i64| count.checked_add_signed(more).expect("nor is demand");
    state.count = add(state.count, change.add_count);
    state.background = add(state.background, change.add_background);
    state.asked.user = count(state.asked.user, change.add_users_asked);
    state.asked.background = count(state.asked.background, change.add_background_asked);
    if let Some((version, past)) = &change.past {
        state.version = Some(*version);
        // As it is read back from the item.
        state.past = Past::decode(&past.encode().into()).expect("it was just written");
        assert_eq!(state.past, *past);
    }
    state.ungranted = match change.batch {
        BatchChange::Keep => state.ungranted,
        BatchChange::Set(ungranted) => ungranted,
        BatchChange::Add(more, background) => Ungranted {
            count: add(state.ungranted.count, more),
            background: add(state.ungranted.background, background),
        },
    };
    state.is_exact = match change.exact {
        Exact::Keep => state.is_exact,
        Exact::Set => true,
        Exact::Clear => false,
    };
    if change.cooldown == Cooldown::Forget {
        state.cooldown_until = None;
    }
    true
}

fn holds(state: &State, change: &Change) -> bool {
    let within = |count: u32, range: Range| {
        range.least.is_none_or(|least| count >= least)
            && range.most.is_none_or(|most| count <= most)
    };
    let is_cool = |at: Timestamp| state.cooldown_until.is_none_or(|until| until <= at);
    if state.version != change.version || !change.no_cooldown_at.is_none_or(is_cool) {
        return false;
    }
    state.version.is_none()
        || within(state.count, change.count)
            && within(state.background, change.background)
            && change.asked.is_none_or(|asked| asked == state.asked)
            && change
                .ungranted
                .is_none_or(|ungranted| ungranted == state.ungranted)
            && (!change.needs_exact || state.is_exact)
}
