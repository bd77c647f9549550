//! The decision on a request, as a conditional write that is correct for every state it may find.
//!
//! What must stay true: whatever the table holds when the write takes place, it takes place only if
//! the admission keeps every window. The past cannot have changed, because its version would have;
//! the counters may have, within the bounds that the write names.

use std::num::NonZeroU32;
use std::time::Duration;

use store_core::backend::Activity;
use store_core::backend::window::{Denial, Rules};
use store_core::{
    AdaptiveConfig, Allocation, Limit, Policy, Priority, Resource, ResourceConfig, Result,
    Timestamp,
};

use super::change::{BatchChange, Change, Exact, Range};
use super::history::{Entry, Grain, Log};
use super::state::{Bucket, Past, State, Ungranted};

/// The configuration that applies to a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffectiveConfig<'a> {
    pub(super) resource: &'a Resource,
    pub(super) config: &'a ResourceConfig,
    pub(super) buckets: NonZeroU32,
    pub(super) skew: Duration,
}

/// The request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) permits: NonZeroU32,
    pub(super) priority: Priority,
    /// Requests to count, this one included.
    pub(super) demand: Activity,
    /// Those of them that came before this one: they decide how the limit is shared.
    pub(super) earlier: Activity,
    /// The most permits to take at once.
    pub(super) batch: u32,
    /// Permits of the current bucket that this process holds and can give back when it is over.
    pub(super) unspent: Option<(Bucket, Ungranted)>,
    /// Sixty-four fresh bits.
    pub(super) random: u64,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Step {
    /// Write this; if it takes place, the permits are taken.
    Take(Box<Take>),
    /// Refuse.
    Refuse(Box<Refuse>),
}

#[derive(Debug)]
pub(super) struct Take {
    pub(super) change: Change,
    /// How many are taken, those that were asked for included.
    pub(super) taken: u32,
    pub(super) bucket: Bucket,
    pub(super) at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Refuse {
    pub(super) denial: Denial,
    /// What the refusal leaves to write.
    pub(super) settle: Option<Settle>,
}

#[derive(Debug)]
pub(super) struct Settle {
    pub(super) change: Change,
    /// Whether it has to be written before the refusal is told; else it only counts demand.
    pub(super) is_urgent: bool,
}

/// The state at one moment, with expired buckets removed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells what another write has to do"
)]
pub(super) struct Snapshot<'a> {
    state: &'a State,
    terms: EffectiveConfig<'a>,
    pub(super) now: Timestamp,
    pub(super) past: Past,
    current: Entry,
    /// Whether the bucket that was seen is over, so that a new one begins now.
    closes: bool,
    /// Whether the clock was set back.
    pub(super) is_restamped: bool,
    /// Whether the past has to be written before anything else is.
    pub(super) is_changed: bool,
    gives_back: bool,
    /// Since when demand that is not in the past yet was counted.
    asked_since: Timestamp,
}

pub(super) fn millis(duration: Duration) -> i64 {
    (Timestamp::default() + duration).as_millis()
}

impl EffectiveConfig<'_> {
    /// A bucket's length in milliseconds.
    fn width(&self) -> i64 {
        let spans = self.config.limits().iter().map(Limit::span);
        let smallest = spans.min().unwrap_or_default();
        (millis(smallest) / i64::from(self.buckets.get())).max(1)
    }

    pub(super) fn adaptive(&self) -> Option<&AdaptiveConfig> {
        if let Policy::Adaptive(config) = self.config.policy() {
            Some(config)
        } else {
            None
        }
    }

    fn grain(&self, past: &Past) -> Grain {
        let spans = self.config.limits().iter().map(Limit::span);
        Grain {
            spans: spans.chain([past.keep()]).collect(),
            buckets: self.buckets.get(),
            skew: self.skew,
        }
    }
}

impl<'a> Snapshot<'a> {
    /// The state as it is when the local clock shows `local`.
    pub(super) fn at(
        state: &'a State,
        terms: EffectiveConfig<'a>,
        local: Timestamp,
        unspent: Option<(Bucket, Ungranted)>,
    ) -> Self {
        let time = state.time(local, terms.skew);
        let now = time.unwrap_or(local);
        let mut view = Self {
            state,
            terms,
            now,
            past: state.past.clone(),
            current: state.current(),
            closes: false,
            is_restamped: time.is_none(),
            is_changed: false,
            gives_back: false,
            asked_since: state.past.touched,
        };
        let longest = millis(terms.config.longest_span());
        if view.past.keep < longest {
            view.past.keep = longest;
            view.is_changed = true;
        }
        let width = terms.width().min(view.past.width);
        let is_over = now.as_millis() >= view.past.start.as_millis().saturating_add(width);
        if state.version.is_none() || is_over || view.is_restamped {
            view.close(unspent);
        }
        view
    }

    /// Moves the bucket that was seen into the past and begins a new one.
    fn close(&mut self, unspent: Option<(Bucket, Ungranted)>) {
        let (now, skew) = (self.now, self.terms.skew);
        let state = self.state;
        let mut closed = self.current;
        if !state.is_exact && state.ungranted == Ungranted::default() {
            // Nobody whose clock is right has added to it later than this.
            closed.to = closed.to.min(now + skew);
        }
        if let Some((_, ungranted)) = unspent.filter(|(bucket, _)| *bucket == state.bucket()) {
            closed.count = closed.count.saturating_sub(ungranted.count);
            closed.background = closed.background.saturating_sub(ungranted.background);
            self.gives_back = true;
        }
        self.past.history.push(closed);
        if self.is_restamped {
            self.past.history.restamp(now);
            self.past.demand.restamp(now);
            self.past.basis = None;
            self.past.era = self.past.era.wrapping_add(1) & 0xfff;
            self.asked_since = self.asked_since.min(now);
        }
        let keep = self.past.keep() + skew;
        self.past.history.forget(keep, u64::MAX, now);
        let grain = self.terms.grain(&self.past);
        self.past.history.coarsen(&grain, now);
        self.past.start = now;
        self.past.width = self.terms.width();
        self.current = Entry {
            from: now,
            to: now,
            count: 0,
            background: 0,
        };
        self.closes = true;
        self.is_changed = true;
    }

    /// The admissions that count.
    pub(super) fn log(&self) -> Log<'_> {
        Log::new(&self.past.history, self.current, self.terms.skew)
    }

    /// Demand up to now, with what is not in the past yet.
    pub(super) fn demand(&self, config: &AdaptiveConfig, own: Activity) -> super::demand::Demand {
        let mut demand = self.past.demand.clone();
        let Activity { user, background } = self.state.asked;
        demand.count(config, user, background, self.asked_since);
        demand.count(config, own.user, own.background, self.now);
        demand
    }

    /// The share in force and until when, recalculated if it is due: from what the table knows, and
    /// from demand that it does not know yet.
    pub(super) fn share(&mut self, earlier: Activity) -> Option<(Allocation, Timestamp)> {
        let terms = self.terms;
        let config = terms.adaptive()?;
        let limit = terms.config.shared_limit().count();
        let before = self.past.basis.as_ref();
        if let Some(basis) = before.filter(|basis| basis.holds(config, self.now)) {
            return Some((basis.allocation(limit, config), basis.until(config)));
        }
        let was_priority =
            before.is_some_and(|basis| basis.allocation(limit, config).is_priority_mode());
        let demand = self.demand(config, earlier);
        let basis = super::demand::Basis::new(&demand, config, self.now);
        let fresh = (basis.allocation(limit, config), basis.until(config));
        self.past.activations += u64::from(fresh.0.is_priority_mode() && !was_priority);
        self.past.basis = Some(basis);
        self.is_changed = true;
        Some(fresh)
    }

    /// The rules under this share.
    pub(super) fn rules<'b>(&'b self, share: Option<&'b (Allocation, Timestamp)>) -> Rules<'b> {
        Rules {
            resource: self.terms.resource,
            config: self.terms.config,
            allocation: share.map(|(allocation, until)| (allocation, *until)),
            cooldown_until: self.state.cooldown_until,
        }
    }

    /// A write that leaves the counters as they are, but for the demand.
    pub(super) fn change(&self, own: Activity, random: u64) -> Change {
        let state = self.state;
        let mut change = Change {
            version: state.version,
            gives_back: self.gives_back,
            add_users_asked: added(own.user),
            add_background_asked: added(own.background),
            ..Change::default()
        };
        if !self.is_changed {
            return change;
        }
        // Demand that was seen moves into the past; what came since stays.
        let mut past = self.past.clone();
        if let Some(config) = self.terms.adaptive() {
            let Activity { user, background } = state.asked;
            past.demand
                .count(config, user, background, self.asked_since);
            past.demand.forget(config, self.now);
        }
        past.touched = self.now;
        change.add_users_asked -= added(state.asked.user);
        change.add_background_asked -= added(state.asked.background);
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
        let version = match state.version {
            Some(version) => version.wrapping_add(1),
            // Unlike that of any item that was here before.
            None => random >> 12,
        };
        if state.version.is_none() {
            past.epoch = fresh_epoch(random);
        }
        change.past = Some((version, past));
        change
    }

    /// The bucket that admissions of now are counted in.
    fn bucket(&self, change: &Change) -> Bucket {
        let past = change.past.as_ref().map_or(&self.past, |(_, past)| past);
        Bucket {
            start: past.start,
            until: past.until(),
            epoch: past.epoch,
            era: past.era,
        }
    }

    /// Adds admissions to a write.
    fn take(&self, mut change: Change, ask: &Ask, taken: u32) -> Take {
        let extra = taken - ask.permits.get();
        let is_background = ask.priority == Priority::Background;
        let background = |count: u32| if is_background { count } else { 0 };
        change.add_count += i64::from(taken);
        change.add_background += i64::from(background(taken));
        let ungranted = Ungranted {
            count: extra,
            background: background(extra),
        };
        if self.closes {
            change.batch = BatchChange::Set(ungranted);
        } else if extra > 0 {
            change.batch = BatchChange::Add(ungranted.count.into(), ungranted.background.into());
        }
        if extra > 0 || !self.closes && self.now > self.past.start {
            change.exact = Exact::Clear;
        }
        Take {
            taken,
            bucket: self.bucket(&change),
            at: self.now,
            change,
        }
    }
}

/// Twenty-eight bits, which take four bytes.
pub(super) const fn fresh_epoch(random: u64) -> u32 {
    (random & 0x0fff_ffff) as u32
}

fn added(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// How many more a class may have of the state that was seen.
pub(super) fn remaining(view: &Snapshot<'_>, rules: &Rules<'_>, class: Priority) -> Result<u32> {
    rules.remaining(&mut view.log(), class, view.now)
}

/// Decides a request on the state that was seen.
pub(super) fn decide(
    state: &State,
    terms: EffectiveConfig<'_>,
    ask: &Ask,
    local: Timestamp,
) -> Result<Step> {
    let mut view = Snapshot::at(state, terms, local, ask.unspent);
    let is_shared = terms.adaptive().is_some();
    let demand = if is_shared {
        ask.demand
    } else {
        Activity::default()
    };
    let share = view.share(ask.earlier);
    let is_recalculated = view.past.basis != state.past.basis;
    let rules = view.rules(share.as_ref());
    let now = view.now;
    let refusal = rules.denial(&mut view.log(), ask.permits, ask.priority, now)?;
    if let Some(denial) = refusal {
        let is_urgent = view.is_restamped || is_recalculated;
        let settle = (is_urgent || !demand.is_empty()).then(|| Settle {
            change: view.change(demand, ask.random),
            is_urgent,
        });
        return Ok(Step::Refuse(Box::new(Refuse { denial, settle })));
    }
    let everyone = Rules {
        allocation: None,
        ..rules
    };
    let total = everyone.remaining(&mut view.log(), Priority::User, now)?;
    let own = rules.remaining(&mut view.log(), ask.priority, now)?;
    let permits = ask.permits.get();
    let taken = permits.max(ask.batch.min(own / 2));
    let mut change = view.change(demand, ask.random);
    change.no_cooldown_at = Some(now);
    if !view.closes {
        let most = |seen: u32, room: u32| Some(seen.saturating_add(room - taken));
        if is_shared && ask.priority == Priority::Background {
            change.count.most = most(state.count, total);
            change.background.most = most(state.background, own);
        } else {
            change.count.most = most(state.count, own);
            if own < total {
                // The users' part of the count: it is known as long as the background's is no less.
                change.background.least = Some(state.background);
            }
        }
    }
    Ok(Step::Take(Box::new(view.take(change, ask, taken))))
}

/// What counts a request that was sent without asking.
pub(super) fn record(
    state: &State,
    terms: EffectiveConfig<'_>,
    ask: &Ask,
    local: Timestamp,
) -> Change {
    let mut view = Snapshot::at(state, terms, local, None);
    let demand = match terms.adaptive() {
        Some(_) => ask.demand,
        None => Activity::default(),
    };
    view.share(ask.earlier);
    let change = view.change(demand, ask.random);
    view.take(change, ask, ask.permits.get()).change
}
