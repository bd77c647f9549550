//! A state at one moment: buckets that are over are closed, the share is in force.

use store_core::backend::Activity;
use store_core::backend::window::Rules;
use store_core::{AdaptiveConfig, Allocation, Limit, Timestamp};

use super::{
    BatchChange, Change, EffectiveConfig, Exact, Range, fresh_epoch, next_version, signed,
};
use crate::rate_limit::record::{
    Basis, Bucket, Demand, Entry, Grain, Log, Past, State, Ungranted, millis,
};

/// The state at one moment, with expired buckets removed.
pub(crate) struct Snapshot<'a> {
    state: &'a State,
    config: EffectiveConfig<'a>,
    pub(crate) now: Timestamp,
    pub(super) past: Past,
    current: Entry,
    /// Whether the bucket that was seen is over, so that a new one begins now.
    pub(super) closes: bool,
    gives_back: bool,
}

impl<'a> Snapshot<'a> {
    /// The state as it is when the process's clock shows `clock`. `unspent` are permits of a bucket that this
    /// process holds.
    pub(crate) fn at(
        state: &'a State,
        config: EffectiveConfig<'a>,
        clock: Timestamp,
        unspent: Option<(Bucket, Ungranted)>,
    ) -> Self {
        let time = state.time(clock, config.skew);
        let now = time.unwrap_or(clock);
        let mut snapshot = Self {
            state,
            config,
            now,
            past: state.past.clone(),
            current: state.current(),
            closes: false,
            gives_back: false,
        };
        let past = &mut snapshot.past;
        past.keep = past.keep.max(millis(config.config.longest_span()));
        let width = config.width().min(past.width);
        let is_over = now.as_millis() >= past.start.as_millis().saturating_add(width);
        if state.version.is_none() || is_over || time.is_none() {
            snapshot.close(unspent, time.is_none());
        }
        snapshot
    }

    /// Moves the bucket that was seen into the past and begins a new one. `is_restamped` tells that the clock
    /// was set back.
    fn close(&mut self, unspent: Option<(Bucket, Ungranted)>, is_restamped: bool) {
        let (now, skew, state) = (self.now, self.config.skew, self.state);
        let mut closed = self.current;
        if !state.is_exact && state.ungranted == Ungranted::default() {
            // Nobody whose clock is right has added to it later than this.
            closed.to = closed.to.min(now + skew);
        }
        if let Some((_, ungranted)) = unspent.filter(|(of, _)| *of == state.past.bucket()) {
            closed.count = closed.count.saturating_sub(ungranted.count);
            closed.background = closed.background.saturating_sub(ungranted.background);
            self.gives_back = true;
        }
        self.past.history.push(closed);
        if is_restamped {
            self.past.history.restamp(now);
            self.past.demand.restamp(now);
            self.past.basis = None;
            self.past.era = self.past.era.wrapping_add(1) & 0xfff;
        }
        let keep = self.past.keep();
        self.past.history.forget(keep + skew, u64::MAX, now);
        let spans = self.config.config.limits().iter().map(Limit::span);
        let grain = Grain {
            spans: spans.chain([keep]).collect(),
            buckets: self.config.buckets.get(),
            skew,
        };
        self.past.history.coarsen(&grain, now);
        self.past.start = now;
        self.past.width = self.config.width();
        self.current = Entry {
            from: now,
            to: now,
            ..Entry::default()
        };
        self.closes = true;
    }

    /// The admissions that count.
    pub(crate) fn log(&self) -> Log<'_> {
        Log::new(&self.past.history, self.current, self.config.skew)
    }

    /// Demand up to now, with what is not in the past yet.
    pub(crate) fn demand(&self, config: &AdaptiveConfig, own: Activity) -> Demand {
        let mut demand = self.past.demand.clone();
        let Activity { user, background } = self.state.asked;
        // Not after now, to which a clock that was set back moves everything.
        let asked_since = self.state.past.touched.min(self.now);
        demand.count(config, user, background, asked_since);
        demand.count(config, own.user, own.background, self.now);
        demand
    }

    /// The share in force and until when, recalculated if it is due: from what the table knows, and
    /// from demand that it does not know yet.
    pub(crate) fn share(&mut self, earlier: Activity) -> Option<(Allocation, Timestamp)> {
        let effective = self.config;
        let config = effective.adaptive()?;
        let limit = effective.config.shared_limit().count();
        let before = self.past.basis.as_ref();
        if let Some(basis) = before.filter(|basis| basis.holds(config, self.now)) {
            return Some((basis.allocation(limit, config), basis.until(config)));
        }
        let was_priority =
            before.is_some_and(|basis| basis.allocation(limit, config).is_priority_mode());
        let basis = Basis::new(&self.demand(config, earlier), config, self.now);
        let fresh = (basis.allocation(limit, config), basis.until(config));
        self.past.activations += u64::from(fresh.0.is_priority_mode() && !was_priority);
        self.past.basis = Some(basis);
        Some(fresh)
    }

    /// The rules under this share.
    pub(crate) fn rules<'b>(&'b self, share: Option<&'b (Allocation, Timestamp)>) -> Rules<'b> {
        Rules {
            resource: self.config.resource,
            config: self.config.config,
            allocation: share.map(|(allocation, until)| (allocation, *until)),
            cooldown_until: self.state.cooldown_until,
        }
    }

    /// Whether stamps were moved or the share was recalculated: others must see it before they are told.
    pub(super) fn is_news(&self) -> bool {
        self.past.era != self.state.past.era || self.past.basis != self.state.past.basis
    }

    /// A write that leaves the counters as they are, but for the demand.
    pub(super) fn change(&self, own: Activity, random: u64) -> Change {
        let state = self.state;
        let mut change = Change {
            gives_back: self.gives_back,
            add_users_asked: signed(own.user),
            add_background_asked: signed(own.background),
            ..Change::of(state)
        };
        if !self.closes && self.past == state.past {
            return change;
        }
        // Demand that was seen moves into the past; what came since stays.
        let mut past = self.past.clone();
        if let Some(config) = self.config.adaptive() {
            past.demand = self.demand(config, Activity::default());
            past.demand.forget(config, self.now);
        }
        past.touched = self.now;
        change.add_users_asked -= signed(state.asked.user);
        change.add_background_asked -= signed(state.asked.background);
        change.asked = (past.basis != state.past.basis).then_some(state.asked);
        change.ungranted = Some(state.ungranted);
        if self.closes {
            // What was added since it was seen would seem to have been made in the new bucket, and count
            // for too long.
            change.count = Range::exactly(state.count);
            change.background = Range::exactly(state.background);
            change.add_count = -i64::from(state.count);
            change.add_background = -i64::from(state.background);
            change.needs_exact = state.is_exact && state.count > 0;
            change.batch = BatchChange::Set(Ungranted::default());
            change.exact = Exact::Set;
        }
        if state.version.is_none() {
            past.epoch = fresh_epoch(random);
        }
        change.past = Some((next_version(state, random), past));
        change
    }
}
